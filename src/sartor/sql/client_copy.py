"""COPY from and to the client, the statement for which client and server exchange messages of their own.

See the manual's page on COPY, and gram.y, CopyStmt: STDIN and STDOUT mean the same, what counts is FROM or TO.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from sartor.sql import lexer

_COPY = re.compile(r"\bcopy\b", re.IGNORECASE)
_CLIENT = frozenset({"stdin", "stdout"})


class ClientCopy(NamedTuple):
    """A COPY that has the client send rows (`from_client`) or receive them, and whether in binary."""

    statement: str
    from_client: bool
    binary: bool


def find_client_copy(text: str) -> ClientCopy | None:
    """Returns the first statement of a text that copies from or to the client, None where there is none."""
    if not _COPY.search(text):
        return None
    return next((found for each in lexer.split(text) if (found := client_copy(each.text))), None)


def client_copy(statement: str) -> ClientCopy | None:
    """Returns what one statement copies from or to the client; None for any other statement."""
    if not _COPY.match(statement):
        return None
    words = list(_outer_words(statement))
    end = next((i for i, word in enumerate(words) if word in {"from", "to"}), None)
    if end is None or words[end + 1 : end + 2] == [] or words[end + 1] not in _CLIENT:
        return None
    return ClientCopy(statement, words[end] == "from", binary="binary" in words or _has_binary_format(statement))


def _outer_words(statement: str) -> Iterator[str]:
    """Yields the words and marks that are in no parentheses."""
    depth = 0
    for token in lexer.tokens(statement):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0 and not token.is_blank:
            yield token.text.lower()


def _has_binary_format(statement: str) -> bool:
    words = [token.text.lower().strip("'\"") for token in lexer.tokens(statement) if not token.is_blank]
    return any(words[i : i + 2] == ["format", "binary"] for i in range(len(words)))
