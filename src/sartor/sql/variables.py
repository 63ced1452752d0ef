"""psql's variables in SQL: `:name`, `:'name'`, `:"name"` and `:{?name}`, found where psql's `psqlscan.l` finds them."""

import re
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from sartor.sql import lexer

_NAME = r"[A-Za-z0-9_\u0080-\U0010ffff]+"
_REFERENCE = rf""":(?:(?P<plain>{_NAME})|'(?P<literal>{_NAME})'|"(?P<identifier>{_NAME})"|\{{\?(?P<test>{_NAME})\}})"""
"""Matches at a colon that is neither quoted nor in a comment, and no part of `::` or `:=`."""


class Reference(NamedTuple):
    """A place in SQL that names a variable: as SQL (`plain`), a `literal`, an `identifier`, or a `test` for it."""

    kind: str
    name: str
    start: int
    end: int


def references(sql: str) -> Iterator[Reference]:
    """Yields the references to variables, in order. A text without a colon is not read."""
    position = 0 if ":" in sql else len(sql)
    pattern = re.compile(_REFERENCE)
    while position < len(sql):
        colon = next((token for token in lexer.tokens(sql, position) if token.text == ":"), None)
        if colon is None:
            return
        position = colon.end
        if sql[position : position + 1] in {":", "="}:
            position += 1
        elif match := pattern.match(sql, colon.start):
            yield Reference(match.lastgroup or "", match[match.lastgroup or 0], *match.span())
            position = match.end()


def is_open(sql: str) -> bool:
    """Returns whether a text leaves a string, a quoted name or a comment open, so that it reads on in what follows."""
    last = deque(lexer.tokens(sql), maxlen=1)
    return any(token.kind in {"open", "open_comment", "line_comment"} for token in last)


class Substituted(NamedTuple):
    """SQL whose references are replaced: the text, and each replacement's place before it, and its text."""

    text: str
    replaced: tuple[tuple[Reference, str], ...]


def substitute(sql: str, value: Callable[[Reference], str | None]) -> Substituted:
    """Returns `sql` with the texts that `value` gives in place of the references; None leaves one as it is."""
    parts: list[str] = []
    replaced: list[tuple[Reference, str]] = []
    end = 0
    for reference in references(sql):
        if (text := value(reference)) is not None:
            parts += [sql[end : reference.start], text]
            replaced.append((reference, text))
            end = reference.end
    return Substituted("".join([*parts, sql[end:]]), tuple(replaced))
