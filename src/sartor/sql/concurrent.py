"""Statements that by their nature wait for other transactions, such as `create index concurrently`.

A lock_timeout would interrupt such a wait, and leave an invalid index. The wait itself keeps no other session waiting.
"""

from __future__ import annotations

import re

from sartor.sql import lexer

_KIND = "(?:index|table|schema|database|system)"
_CONCURRENT = re.compile(
    r"(?:create (?:unique )?index|drop index) concurrently\b"
    rf"|reindex (?:\w+ )*?{_KIND} concurrently\b|reindex (?:\w+ )*?concurrently (?:\w+ )*?{_KIND}\b"
    r"|alter table .* detach partition .*\bconcurrently$"
)


def plain_words(statement: str) -> str:
    """Returns all words of a statement, in lower case, with a blank between.

    A quoted name is one word, whatever is in it.
    """
    return " ".join(word for token in lexer.tokens(statement) if (word := _word(token)))


def _word(token: lexer.Token) -> str:
    if token.kind == "word":
        return token.text.lower()
    return '""' if token.text.startswith('"') else ""


def is_concurrent(words: str) -> bool:
    """Returns whether a statement of these words is one that waits."""
    return _CONCURRENT.match(words) is not None


def waits_for_others(text: str) -> bool:
    """Returns whether a text has such a statement: by its words, not by a comment, a string or a name that has one."""
    if "concurrently" not in text.lower():
        return False
    return any(is_concurrent(plain_words(each.text)) for each in lexer.split(text))
