"""Says which statements only define objects: they leave the session as it was, and most of them take no time."""

import itertools
from collections.abc import Iterable

from sartor.sql.definitions import Key, definitions
from sartor.sql.grammar import Action
from sartor.sql.statements import Kind, Statement

_DEFINING = frozenset({Kind.COMMENT, Kind.CREATE, Kind.DROP})
_FILLED = frozenset({"extension", "materialized view"})
_FORGETTING = frozenset({"drop column", "drop constraint", "rename column", "rename constraint", "rename to"})
_OF_COLUMN = frozenset({"set default", "drop default", "drop not"})
_PLAIN = frozenset(
    {
        *("bigint", "boolean", "bytea", "date", "decimal", "int", "integer", "json", "jsonb", "numeric", "real"),
        *("smallint", "text", "time", "timestamp", "timestamptz", "uuid", "varchar"),
    }
)
"""Types of Postgres: their names mean nothing else, as `pg_catalog` is searched first."""
_CALM = frozenset(["not", "null", "with", "without", "time", "zone"])
_LITERALS = frozenset(["false", "now", "true"])


def is_quiet(statement: Statement) -> bool:
    """Returns whether a statement only defines objects. In doubt, it doesn't.

    What fills a table, or runs an extension's script, may leave anything; so may an ALTER that reads or writes rows, as
    that calls functions that no text shows: a domain's default, an index's expression.
    """
    if statement.leaves_trace:
        return False
    if statement.kind is Kind.ALTER:
        return statement.head.type == "table" and all(map(_leaves_rows, statement.actions))
    if (
        statement.kind is Kind.CREATE
        and statement.head.type == "table"
        and (statement.runs_query or _computes(statement))
    ):
        return False
    return statement.kind in _DEFINING and statement.head.type not in _FILLED


def _computes(table: Statement) -> bool:
    """Returns whether the server may call functions as it makes a table: it computes what it can of some expressions.

    They are a partition's bounds, a partition key and a generated column; not a default, nor a check.
    """
    words = [token.word for token in table.tokens]
    generated = ("always", "as", "(") in zip(words, words[1:], words[2:], strict=False)
    return generated or "partition" in table.words


def _leaves_rows(action: Action) -> bool:
    """Returns whether an action of ALTER TABLE changes only the catalogue: a new column's default is a literal."""
    type_, *rest = action.rest or ("",)
    if action.what == "alter column":
        return " ".join(action.rest[:2]) in _OF_COLUMN
    if action.what != "add column":
        return action.what in _FORGETTING
    # What is in parentheses isn't among the words: a default in them has a word behind it that is no literal, or none.
    values = [each for before, each in itertools.pairwise([*rest, "default"]) if before == "default"]
    words = [each for each in rest if each != "default" and each not in values]
    return (
        type_ in _PLAIN
        and all(each in _CALM for each in words)
        and all(each[0] in "'0123456789" or each in _LITERALS for each in values)
    )


_AT_ONCE = frozenset(
    {"domain", "function", "index", "policy", "procedure", "schema", "sequence", "table", "trigger", "type", "view"}
)
"""Types of objects whose creation takes no time, where no rows are read for it."""


def is_brief(statements: Iterable[Statement]) -> bool:
    """Returns whether a script's quiet statements take no time once they have their locks. In doubt, they do.

    An index is built at once where its table is the script's own: nothing quiet fills that.
    """
    made = set[str]()
    for each in statements:
        if each.kind is not Kind.CREATE:
            continue
        if each.head.type not in _AT_ONCE or ("partition", "of") in itertools.pairwise(each.words):
            return False
        if each.head.type == "index" and not {key.table for key in definitions(each) if isinstance(key, Key)} & made:
            return False
        if each.head.type == "table" and not each.head.guarded:
            made |= {name[-1] for name in each.head.names if name}
    return True
