"""A small grammar of statements: just enough of `gram.y` to find what one is about and what it changes."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sartor.sql.lexer import Token

Name = tuple[str, ...]
"""The parts of a name, such as a schema and a table, as the catalogue has them."""

_TYPES = frozenset(
    {
        *("access method", "default privileges", "event trigger", "foreign data wrapper", "foreign table"),
        *("large object", "materialized view", "operator class", "operator family", "text search configuration"),
        *("text search dictionary", "text search parser", "text search template", "user mapping"),
    }
)
"""The types of objects that have more than one word."""
_MODIFIERS = frozenset(
    {"or", "replace", "global", "local", "temp", "temporary", "unlogged"}
    | {"unique", "recursive", "constraint", "trusted", "procedural", "default"}
)
"""Words between CREATE and the type of the object."""
_RESERVED = frozenset(["as", "authorization", "for", "from", "in", "on", "to", "using", "where"])
"""Words that are no names unless they are quoted, of those that may stand in a name's place."""
_KEYS = ("check", "foreign key", "primary key", "unique", "exclude", "not null")
"""The beginnings of a table's constraints."""


class Cursor:
    """A place among tokens that mean something, which moves on as they are taken."""

    def __init__(self, tokens: Sequence[Token], at: int = 0) -> None:
        self.tokens = tokens
        self.at = at

    def word(self, ahead: int = 0) -> str:
        """Returns the word, mark or literal there, "" behind the end; a quoted name keeps its quotes."""
        at = self.at + ahead
        return self.tokens[at].word if at < len(self.tokens) else ""

    def take(self, words: str) -> bool:
        """Moves behind these words where they are next, and returns whether they were."""
        wanted = words.split()
        found = all(self.word(ahead) == word for ahead, word in enumerate(wanted))
        self.at += len(wanted) if found else 0
        return found

    def name(self) -> Name:
        """Takes a name with its schema; returns its parts, none where there is no name."""
        parts: list[str] = []
        while self.word() not in _RESERVED and (part := self._name()) is not None:
            parts.append(part)
            self.at += 1
            if not self.take("."):
                break
        return tuple(parts)

    def _name(self) -> str | None:
        return self.tokens[self.at].name if self.at < len(self.tokens) else None

    def names(self) -> Iterator[Name]:
        """Takes and yields names with commas between, each with its arguments, its `*` and a word `only` before it."""
        while True:
            self.take("table")
            self.take("only")
            yield self.name()
            self.take("*")
            self.parentheses()
            if not self.take(","):
                return

    def parentheses(self) -> Sequence[Token]:
        """Takes what is in parentheses, where some open here, and returns it with them."""
        start, depth = self.at, 0
        while self.at < len(self.tokens) and (depth or self.word() == "("):
            text = self.tokens[self.at].text
            depth += (text == "(") - (text == ")")
            self.at += 1
            if depth == 0:
                break
        return self.tokens[start : self.at]

    def clause(self) -> list[Token | None]:
        """Takes tokens up to a semicolon, a closing parenthesis or the end; None stands for a pair of parentheses."""
        found: list[Token | None] = []
        while self.word() not in {"", ";", ")"}:
            if self.parentheses():
                found.append(None)
            else:
                found.append(self.tokens[self.at])
                self.at += 1
        return found


class Head(NamedTuple):
    """The beginning of CREATE, ALTER, DROP or another statement about objects of a type.

    `modifiers` are words such as `temp` and `unique`; `guarded` says that there is an IF EXISTS or IF NOT EXISTS.
    """

    type: str = ""
    names: tuple[Name, ...] = ()
    modifiers: frozenset[str] = frozenset()
    concurrently: bool = False
    guarded: bool = False


def read_head(cursor: Cursor) -> Head:
    """Reads what follows a statement's first word, up to its objects' names."""
    modifiers = set()
    while cursor.word() in _MODIFIERS and cursor.word(1) != "privileges":
        modifiers.add(cursor.word())
        cursor.at += 1
    cursor.take("on")
    options = [token.word for token in cursor.parentheses()]
    type_ = _type(cursor)
    concurrently = cursor.take("concurrently") or _is_on("concurrently", options)
    guarded = cursor.take("if exists") or cursor.take("if not exists")
    return Head(type_, tuple(cursor.names()), frozenset(modifiers), concurrently, guarded)


def _type(cursor: Cursor) -> str:
    for count in (3, 2):
        words = " ".join(cursor.word(ahead) for ahead in range(count))
        if words in _TYPES:
            cursor.at += count
            return words
    found = cursor.word()
    cursor.at += 1
    return found


def _is_on(option: str, words: Sequence[str]) -> bool:
    """Returns whether an option in parentheses is set: it has no value, or one that doesn't say no."""
    if option not in words:
        return False
    value = words[words.index(option) + 1].strip("'").lower()
    return value not in {"0", "false", "off"}


class Action(NamedTuple):
    """One action of an ALTER: its first words in the grammar's own form, such as `drop column`, and its column.

    `rest` are its further words in no parentheses.
    """

    what: str
    column: str | None = None
    guarded: bool = False
    rest: tuple[str, ...] = ()


def read_actions(cursor: Cursor) -> Iterator[Action]:
    while cursor.word() not in {"", ";", ")"}:
        what, column, guarded = _action(cursor)
        rest = []
        while cursor.word() not in {"", ",", ";", ")"}:
            if not cursor.parentheses():
                rest.append(cursor.word())
                cursor.at += 1
        yield Action(what, column, guarded, tuple(rest))
        if not cursor.take(","):
            return


def _action(cursor: Cursor) -> tuple[str, str | None, bool]:
    verb = cursor.word()
    cursor.at += 1
    if verb == "add" and (key := _key(cursor)):
        return f"add {key}", None, False
    if verb in {"add", "drop", "alter"} and cursor.word() != "constraint":
        return _of_column(verb, cursor)
    if verb == "rename":
        what = next((word for word in ("constraint", "to") if cursor.take(word)), "column")
        return f"rename {what}", None, False
    second = cursor.word()
    cursor.at += 1
    return f"{verb} {second}", None, False


def _key(cursor: Cursor) -> str | None:
    """Takes the beginning of a table's constraint, with its name; returns its kind, None where it is a column."""
    if cursor.take("constraint"):
        cursor.name()
    return next((key for key in _KEYS if cursor.take(key)), None)


def _of_column(verb: str, cursor: Cursor) -> tuple[str, str | None, bool]:
    cursor.take("column")
    guarded = cursor.take("if exists") or cursor.take("if not exists")
    column = ".".join(cursor.name()) or None
    if verb != "alter":
        return f"{verb} column", column, guarded
    if cursor.take("type") or cursor.take("set data type"):
        return "alter type", column, guarded
    return "set not null" if cursor.take("set not null") else "alter column", column, guarded
