"""Blocks and routines whose way may depend on rows: told from their words, as nothing here understands PL/pgSQL."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sartor.domain.calls import calls
from sartor.domain.sql import Statement, tokens

_CATCHES = r"\bexception\s+when\b"
_FORKS = rf"\bend\s+(if|loop|case)\b|{_CATCHES}"
_ACTS = r"\b(alter|call|cluster|create|delete|drop|execute|insert|lock|merge|perform|refresh|reindex|truncate|update)\b"
_FROM_ROWS = r"\b(from|update)\b"


def may_fork(sql: str, routines: Iterable[str], *, queried: bool) -> bool:
    """Whether other rows might have a statement do something else to tables than it did.

    `routines` are the bodies of those that it calls: a plain query does so for each row, or for none. A block or a body
    counts where it can go several ways and does more than to read. Where no table was `queried`, and rows were only
    held against a constraint or put into an index, all that they can do is to fail.
    """
    forks = _FORKS if queried else _CATCHES
    if block(sql) is not None and _has(forks, sql) and _has(_ACTS, sql):
        return True
    by_row = queried and _has(_FROM_ROWS, sql)
    return any(_has(_ACTS, body) and (by_row or _has(forks, body)) for body in routines)


def called(sql: str) -> frozenset[str]:
    """The names, with no schema, of what might be routines that a statement calls, or a block's statements do."""
    return calls(block(sql) or sql)


def block(sql: str) -> str | None:
    """What a DO statement runs, with its quotes or without; None of another statement."""
    if Statement(sql, 0).words.partition(" ")[0] != "do":
        return None
    return next((token.text.strip("$'") for token in tokens(sql) if token.kind == "string"), None)


def _has(pattern: str, text: str) -> bool:
    return bool(re.search(pattern, text, re.IGNORECASE))
