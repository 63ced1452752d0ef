"""Reads the columns, keys and indexes that a statement defines for a table."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sartor.sql.grammar import Cursor
from sartor.sql.lexer import Token
from sartor.sql.statements import Kind, Statement

_NO_COLUMN = frozenset({"check", "exclude", "like", "not"})
_KEYS = ("primary key", "unique", "foreign key")


class Column(NamedTuple):
    """A column that is defined: its table and its type, each without a schema."""

    table: str
    name: str
    type: str


class Key(NamedTuple):
    """A `primary key`, `unique` constraint, `foreign key` or `index` of a table, and its first plain columns."""

    kind: str
    table: str
    columns: tuple[str, ...]
    method: str = "btree"


def definitions(statement: Statement) -> Iterator[Column | Key]:
    """Yields what CREATE TABLE, ALTER TABLE and CREATE INDEX define."""
    name = statement.head.names[0] if statement.head.names else ()
    match statement.kind, statement.head.type:
        case Kind.CREATE, "index":
            yield from _index(statement)
        case Kind.CREATE, "table" if name and not statement.runs_query:
            for element in _elements(_first_parentheses(statement.tokens)):
                yield from _defined(name[-1], element)
        case Kind.ALTER, "table" if name:
            for action in _elements(statement.tokens):
                at = next((n for n, token in enumerate(action) if token.word == "add"), len(action))
                yield from _defined(name[-1], action[at + 1 :])


def _first_parentheses(tokens: Sequence[Token]) -> Sequence[Token]:
    start = next((at for at, token in enumerate(tokens) if token.text == "("), len(tokens))
    return Cursor(tokens, start).parentheses()[1:-1]


def _elements(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """Yields what is between the commas that are in no parentheses."""
    start = depth = 0
    for at, token in enumerate(tokens):
        depth += (token.text == "(") - (token.text == ")")
        if token.text == "," and depth == 0:
            yield tokens[start:at]
            start = at + 1
    yield tokens[start:]


def _defined(table: str, element: Sequence[Token]) -> Iterator[Column | Key]:
    cursor = Cursor(element)
    cursor.take("column")
    cursor.take("if not exists")
    if cursor.take("constraint"):
        cursor.name()
    if key := next((key for key in _KEYS if cursor.take(key)), None):
        yield Key(key, table, _names(cursor.parentheses()))
        return
    if cursor.word() in _NO_COLUMN or not (name := cursor.name()):
        return
    yield Column(table, name[0], (cursor.name() or ("",))[-1])
    words = {token.word for token in element[cursor.at :] if token.kind == "word"}
    for kind, word in (("primary key", "primary"), ("unique", "unique"), ("foreign key", "references")):
        if word in words:
            yield Key(kind, table, name)


def _index(statement: Statement) -> Iterator[Key]:
    start = next((at for at, token in enumerate(statement.tokens) if token.word == "on"), len(statement.tokens))
    cursor = Cursor(statement.tokens, start)
    cursor.take("on")
    cursor.take("only")
    table, method = cursor.name(), "btree"
    if cursor.take("using"):
        method = (cursor.name() or (method,))[-1]
    if table:
        yield Key("index", table[-1], _names(cursor.parentheses()), method)


def _names(parentheses: Sequence[Token]) -> tuple[str, ...]:
    """Returns the columns in parentheses, up to the first expression."""
    found = []
    for element in _elements(parentheses[1:-1]):
        cursor = Cursor(element)
        name = cursor.name()
        if len(name) != 1 or cursor.word() == "(":
            break
        found.append(name[0])
    return tuple(found)
