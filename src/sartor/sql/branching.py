"""Blocks and routines whose path may depend on rows, found by their words, as nothing here parses PL/pgSQL."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sartor.sql.calls import calls
from sartor.sql.lexer import Statement, tokens

_CATCHES = r"\bexception\s+when\b"
_FORKS = rf"\bend\s+(if|loop|case)\b|{_CATCHES}"
_ACTS = r"\b(alter|call|cluster|create|delete|drop|execute|insert|lock|merge|perform|refresh|reindex|truncate|update)\b"
_FROM_ROWS = r"\b(from|update)\b"


def may_fork(sql: str, routines: Iterable[str], *, queried: bool) -> bool:
    """Returns whether a statement might do something else to tables where there are other rows.

    `routines` are the bodies of the routines that it calls: a plain query calls them once for each row, or not at all.
    A block or a body counts where it can branch and does more than read. Where no table was `queried`, and rows were
    only compared with a constraint or put into an index, the only other outcome is an error.
    """
    forks = _FORKS if queried else _CATCHES
    if block(sql) is not None and _has(forks, sql) and _has(_ACTS, sql):
        return True
    by_row = queried and _has(_FROM_ROWS, sql)
    return any(_has(_ACTS, body) and (by_row or _has(forks, body)) for body in routines)


def called(sql: str) -> frozenset[str]:
    """Returns the names, without schema, of what may be routines that a statement, or a block's statements, call."""
    return calls(block(sql) or sql)


def block(sql: str) -> str | None:
    """Returns what a DO statement runs, with or without its quotes; None for any other statement."""
    if Statement(sql, 0).words.partition(" ")[0] != "do":
        return None
    return next((token.text.strip("$'") for token in tokens(sql) if token.kind == "string"), None)


def _has(pattern: str, text: str) -> bool:
    return bool(re.search(pattern, text, re.IGNORECASE))
