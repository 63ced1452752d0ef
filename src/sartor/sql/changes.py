"""Finds what SQL takes away or may do by its words, in blocks, routines and their strings too.

Nothing here parses PL/pgSQL.
"""

from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from sartor.sql.grammar import Action, Cursor, Head, Name, read_actions, read_head
from sartor.sql.lexer import Token, has_phrase, layers, meaning
from sartor.sql.splitting import split
from sartor.sql.statements import Statement, called

_NO_STATEMENT = frozenset({"on", "for", "before", "after", "or", "of", "grant", "revoke", ","})
"""Words before `update` and `truncate` where they are no statement's beginning."""


class RowChange(NamedTuple):
    """A part of a statement that changes rows of `target`; None where the target isn't known.

    `columns` are those that an update sets, None where they aren't known. `whole` says that all rows are meant, and
    `fills` that it sets what was null.
    """

    verb: str
    target: Name | None
    columns: frozenset[str] | None = None
    whole: bool = False
    fills: bool = False


class Drop(NamedTuple):
    """A table that is dropped, or one of its columns; `guarded` says that there is an IF EXISTS."""

    table: Name
    column: str | None = None
    guarded: bool = False


def row_changes(sql: str, routines: Iterable[str] = ()) -> tuple[RowChange, ...]:
    """Returns what a statement, its block, and the bodies of the `routines` that it calls take away or put in."""
    statement = Statement(sql)
    if statement.block is None:
        found = list(_row_changes(statement.tokens))
    else:
        found, routines = [], (statement.block, *routines)
    inner = (each for text in routines for layer in layers(text) for each in _row_changes(layer))
    return (*found, *(each._replace(whole=False) for each in inner))


def removals(sql: str) -> Iterator[tuple[str, Head, tuple[Action, ...]]]:
    """Yields the verb, the objects and the actions of each DROP and ALTER; in blocks and their strings too."""
    for statement in split(sql):
        for layer in _said(statement):
            # In a block it may be anywhere; elsewhere the same words are a name, or part of a definition.
            for at in range(1 if statement.block is None else len(layer)):
                cursor, verb = Cursor(layer, at + 1), layer[at].word
                if verb in {"drop", "alter"}:
                    yield verb, read_head(cursor), tuple(read_actions(cursor)) if verb == "alter" else ()


def drops(sql: str) -> tuple[Drop, ...]:
    found: list[Drop] = []
    for verb, head, actions in removals(sql):
        names = [name for name in head.names if name and head.type == "table"]
        if verb == "drop":
            found += (Drop(name, guarded=head.guarded) for name in names)
        gone = [each for each in actions if each.what == "drop column" and each.column]
        found += (Drop(name, each.column, head.guarded or each.guarded) for name in names for each in gone)
    return tuple(dict.fromkeys(found))


def _said(statement: Statement) -> Iterable[list[Token]]:
    """Returns the tokens of a statement; of a block, those in it and in its strings."""
    return [statement.tokens] if statement.block is None else layers(statement.block)


def recasts(sql: str) -> dict[str, bool]:
    """Returns, by the column whose type is changed with USING, whether that is no more than a cast of it."""
    found: dict[str, bool] = {}
    for layer in _said(Statement(sql)):
        for at in range(len(layer)):
            cursor = Cursor(layer, at)
            if not cursor.take("alter"):
                continue
            cursor.take("column")
            name = ".".join(cursor.name())
            if (cursor.take("type") or cursor.take("set data type")) and (expression := _expression(cursor)):
                found[name] = found.get(name, True) and _is_cast(expression, name)
    return found


def _expression(cursor: Cursor) -> Sequence[Token]:
    """Takes the rest of an ALTER TABLE's action; returns what follows USING in it, nothing where there is no USING."""
    start = None
    while cursor.word() not in {"", ";", ",", ")"}:
        if cursor.take("using"):
            start = cursor.at
        elif not cursor.parentheses():
            cursor.at += 1
    return [] if start is None else cursor.tokens[start : cursor.at]


def _is_cast(expression: Sequence[Token], column: str) -> bool:
    """Returns whether an expression is a mere cast of the column; parentheses don't count."""
    words = [token for token in expression if token.text not in {"(", ")"}]
    of_type = all(token.name is not None or token.kind == "number" or token.text in ",.[]" for token in words[3:])
    return [token.text for token in words[1:3]] == [":", ":"] and words[0].name == column and of_type


def _row_changes(found: Sequence[Token]) -> Iterator[RowChange]:
    words = [token.word for token in found]
    into: Name | None = None
    for at, word in enumerate(words):
        before, after = (words[at - 1] if at else ""), words[at + 1 : at + 2]
        if word in ("insert", "merge") and after == ["into"]:
            into = _name(found, at + 2)
            if word == "insert":
                yield RowChange("insert", into)
        elif word == "delete" and after == ["from"]:
            whole = all(token is None or token.word != "where" for token in Cursor(found, at).clause())
            yield RowChange("delete", _name(found, at + 2), whole=whole)
        elif word == "delete" and before == "then":
            yield RowChange("delete", into)
        elif word == "truncate" and after not in (["on"], [","], []) and before not in _NO_STATEMENT - {","}:
            yield from (RowChange("truncate", name or None, whole=True) for name in Cursor(found, at + 1).names())
        elif word == "update" and before not in _NO_STATEMENT:
            yield from _updating(found, at, into if before in ("do", "then") else None)


def _name(found: Sequence[Token], at: int) -> Name | None:
    return next(Cursor(found, at).names()) or None


def _updating(found: Sequence[Token], at: int, into: Name | None) -> Iterator[RowChange]:
    clause = Cursor(found, at).clause()
    words = [token.word if token else "" for token in clause]
    if "set" not in words[:9]:
        return
    columns = _columns(clause, words)
    where = words[words.index("where") :] if "where" in words else []
    names = [token.name if token else None for token in clause[len(words) - len(where) :]]
    nulls = {name for name, *null in zip(names, where[1:], where[2:], strict=False) if null == ["is", "null"]}
    denied = any(word == "not" and before != "is" for before, word in pairwise(where))
    fills = bool(columns) and "or" not in where and not denied and all(name in nulls for name in columns or ())
    target = into if words[1] == "set" else _name(found, at + 1)
    yield RowChange("update", target, columns, whole=not where and words[1] != "set", fills=fills)


def _columns(clause: Sequence[Token | None], words: Sequence[str]) -> frozenset[str] | None:
    """Returns the columns after SET, left of the equals signs; None where several are set at once."""
    start = words.index("set") + 1
    ends = [at for at, word in enumerate(words) if at > start and word in ("from", "where", "returning", "when")]
    names, expected = [], True
    for token in clause[start : min(ends, default=len(clause))]:
        if expected:
            names.append(token.name if token else None)
        expected = token is not None and token.text == ","
    return frozenset(name for name in names if name is not None) if None not in names else None


_CHANGING = "alter call cluster create delete drop execute insert lock merge perform refresh reindex truncate update"
_ACTS = frozenset(_CHANGING.split())
_COMMANDS = _ACTS | set("copy do import open select table values with".split())  # noqa: SIM905
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
