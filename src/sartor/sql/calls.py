"""The functions that a statement calls, as its text shows: on tables without rows, functions for each row don't run."""

from __future__ import annotations

import itertools
import re
from collections.abc import Container, Iterator

from sartor.sql.lexer import Statement, Token, tokens

_RUNS_CODE = frozenset({"do", "call"})
_DEFINES = re.compile(
    r"(create (or replace )?((constraint )?trigger|function|procedure)|drop|comment|grant|revoke"
    r"|alter (function|procedure|routine|trigger))\b"
)
"""Statements that name functions and call none."""
_MAKES_TABLE = re.compile(r"create (\w+ ){0,2}table\b")
_MAKES_FUNCTION = re.compile(r"create (or replace )?(function|procedure)\b")
_REACTS = re.compile(r"(create (or replace )?(constraint )?|drop )(trigger|rule)\b")
_COMMANDS = re.compile(
    r"alter|call|copy|create|delete|do|drop|execute|import|insert|merge|open|perform|refresh|select|table|truncate"
    r"|update|values|with"
)
"""Words that occur in a PL/pgSQL body that does more than compute."""
_HARMLESS = frozenset({"immutable", "stable"})


def runs_code(sql: str) -> bool:
    """Returns whether a statement is a program (DO or CALL), whose path depends on the data that it finds."""
    return Statement(sql, 0).words.partition(" ")[0] in _RUNS_CODE


def computes_only(body: str, functions: Container[str]) -> bool:
    """Returns whether a PL/pgSQL body queries nothing, changes nothing, and calls none of these functions."""
    found = _meaning(body)
    commands = any(_COMMANDS.fullmatch(name) for token in found if (name := _name(token)) is not None)
    return not commands and not any(name in functions for name in _opened(found))


def about_reaction(sql: str) -> str | None:
    """Returns `create` or `drop` where a statement does that to a trigger or a rule; else None."""
    words = Statement(sql, 0).words
    return words.partition(" ")[0] if _REACTS.match(words) else None


def calls(sql: str) -> frozenset[str]:
    """Returns the names of functions that a statement may call, without schemas; some of them are no functions.

    A new table's defaults don't count: the statements that fill it call them.
    """
    words, found = Statement(sql, 0).words, _meaning(sql)
    if _DEFINES.match(words) or (_MAKES_TABLE.match(words) and "as" not in map(_name, found)):
        return frozenset()
    return frozenset(_opened(found))


def makes_function(sql: str) -> str | None:
    """Returns the name of the function that a statement creates, where that may change something; else None."""
    found = _meaning(sql)
    if not _MAKES_FUNCTION.match(Statement(sql, 0).words) or _HARMLESS & set(map(_name, _outside(found))):
        return None
    return next(_opened(found), None)


def _meaning(sql: str) -> list[Token]:
    return [token for token in tokens(sql) if not token.is_blank]


def _opened(found: list[Token]) -> Iterator[str]:
    """Yields the names that a parenthesis follows."""
    for before, after in itertools.pairwise(found):
        if after.text == "(" and (name := _name(before)) is not None:
            yield name


def _outside(found: list[Token]) -> Iterator[Token]:
    """Yields the tokens that are in no parentheses."""
    depth = 0
    for token in found:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0:
            yield token


def _name(token: Token) -> str | None:
    """Returns a name as the catalogue has it; None where a token isn't one."""
    if token.kind == "word":
        return token.text.lower()
    if token.kind == "string" and token.text.startswith('"'):
        return token.text[1:-1].replace('""', '"')
    return None
