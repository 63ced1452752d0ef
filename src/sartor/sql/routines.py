"""Blocks and routines: what they may do, found by their words, as nothing here parses PL/pgSQL."""

from __future__ import annotations

from collections.abc import Container, Iterable

from sartor.sql.lexer import has_phrase, meaning
from sartor.sql.statements import Statement, called

_CHANGING = """
    alter call cluster create delete drop execute insert lock merge perform refresh reindex truncate update
"""
_QUERYING = "copy do import open select table values with"
_ACTS = frozenset(_CHANGING.split())
_COMMANDS = _ACTS | set(_QUERYING.split())
"""Words that occur in a PL/pgSQL body that does more than compute."""
_CATCHES = ("exception when",)
_FORKS = ("end if", "end loop", "end case", *_CATCHES)


def called_in(sql: str) -> frozenset[str]:
    """Returns the names, without schema, of what may be routines that a statement, or a block's statements, call."""
    statement = Statement(sql)
    return statement.calls if statement.block is None else Statement(statement.block).calls


def computes_only(body: str, functions: Container[str]) -> bool:
    """Returns whether a PL/pgSQL body queries nothing, changes nothing, and calls none of these functions."""
    found = meaning(body)
    return not any(token.name in _COMMANDS for token in found) and not any(name in functions for name in called(found))


def may_fork(sql: str, routines: Iterable[str], *, queried: bool) -> bool:
    """Returns whether a statement might do something else to tables where there are other rows.

    `routines` are the bodies of the routines that it calls: a plain query calls them once for each row, or not at all.
    A block or a body counts where it can branch and does more than read. Where no table was `queried`, and rows were
    only compared with a constraint or put into an index, the only other outcome is an error.
    """
    forks = _FORKS if queried else _CATCHES
    statement = Statement(sql)
    if statement.block is not None and has_phrase(statement.block, forks) and has_phrase(statement.block, _ACTS):
        return True
    by_row = queried and not {"from", "update"}.isdisjoint(statement.words)
    return any(has_phrase(body, _ACTS) and (by_row or has_phrase(body, forks)) for body in routines)
