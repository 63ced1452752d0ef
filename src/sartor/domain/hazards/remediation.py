"""Recipes: what to write instead of a statement that stops or breaks others. Each is a section of docs/rehearse.md."""

from collections.abc import Iterable
from typing import NamedTuple

from sartor.domain.hazards.hazard import RehearsedStatement, Verdict
from sartor.sql.grammar import Action
from sartor.sql.statements import Kind, Statement


class Recipe(NamedTuple):
    """A safe way: its section of the page, and its advice in a sentence."""

    anchor: str
    advice: str


PAGE = "docs/rehearse.md"

_OUTSIDE = "in an alteration outside a transaction"
_LATER = "as `not valid`, and validate it in a later alteration"
_UNIQUE_INDEX = "build a unique index concurrently, then add the constraint with `using index`"

_CONCURRENTLY = Recipe("build-an-index", f"use `create index concurrently`, {_OUTSIDE}")
_INDEX_OF_PARTS = Recipe(
    "build-an-index",
    "create it with `on only` the partitioned table, build the index of each partition concurrently, and attach those",
)
_NOT_VALID = Recipe("add-a-constraint", f"add the constraint {_LATER}")
_COLUMN_CHECK = Recipe("add-a-constraint", f"add the column by itself, then the constraint {_LATER}")
_REFERENCE_OF_PARTS = Recipe(
    "add-a-constraint",
    "add the key to each partition as `not valid`, validate it there, and then add it to the partitioned table",
)
_EXCLUDE = Recipe(
    "add-an-exclusion",
    "it can't be added while others write: do it at a quiet hour, or move the rows to a new table that has it",
)
_NOT_NULL = Recipe(
    "set-not-null",
    "add a check `is not null` as `not valid`, validate it, then set not null; on Postgres 18 the constraint `not null`"
    " can be `not valid` itself",
)
_NULLABLE = Recipe("set-not-null", "set the key's columns not null first, each by a validated check `is not null`")
_UNIQUE = Recipe("add-a-key", _UNIQUE_INDEX)
_PRIMARY = Recipe("add-a-key", f"set the key's columns not null, {_UNIQUE_INDEX}")
_COLUMN_KEY = Recipe("add-a-key", f"add the column by itself, {_UNIQUE_INDEX}")
_KEY_OF_PARTS = Recipe(
    "add-a-key",
    "add the constraint with `alter table only`, build the index of each partition concurrently, make it that"
    " partition's key, and attach that",
)
_TYPE = Recipe(
    "change-a-type",
    "add a column of the new type, keep both columns in step, fill the new one in batches, then switch to it",
)
_COLUMN = Recipe(
    "add-a-column", "add the column without the computed value, set the default, then fill the column in batches"
)
_STORED = Recipe(
    "add-a-column",
    "add a plain column, compute it in a trigger, and fill the old rows in batches; on Postgres 18 a virtual column"
    " rewrites nothing",
)
_REFRESH = Recipe("refresh-a-view", "use `refresh materialized view concurrently`, which needs a unique index")
_REFRESHING = Recipe("refresh-a-view", "others read meanwhile, and only another refresh waits: run it at a quiet hour")
_REINDEX = Recipe("rebuild-an-index", f"use `reindex concurrently`, {_OUTSIDE}")
_ATTACH = Recipe(
    "attach-a-partition",
    "first give the table the parent's keys and indexes, and a valid check that implies the partition's bounds; give a"
    " default partition a valid check that excludes them",
)
_DETACH = Recipe(
    "detach-a-partition", f"use `detach partition ... concurrently`, {_OUTSIDE}; a default partition rules it out"
)
_DROP_INDEX = Recipe("drop-an-index", f"use `drop index concurrently`, {_OUTSIDE}")
_VACUUM = Recipe(
    "rewrite-a-table", "use plain `vacuum`, which blocks nobody; to reduce the table's size, move the rows in batches"
)
_REWRITE = Recipe("rewrite-a-table", "run it at a time without traffic, or move the rows to a new table in batches")
_APART = Recipe(
    "keep-locks-short", "put the statement into its own alteration: locks are held until the end of the script"
)
_EXPAND = Recipe(
    "rename-or-drop", "expand, then contract: a version of the application that uses the old name fails immediately"
)

_BY_KIND = {
    **{(Kind.REINDEX, type_): _REINDEX for type_ in ("index", "table", "schema", "database")},
    **{(kind, ""): _VACUUM for kind in (Kind.VACUUM, Kind.CLUSTER)},
}
_BY_ACTION = {
    "attach partition": (_ATTACH, _ATTACH),
    "add exclude": (_EXCLUDE, _EXCLUDE),
    "add primary key": (_PRIMARY, _KEY_OF_PARTS),
    "add unique": (_UNIQUE, _KEY_OF_PARTS),
    "set not null": (_NOT_NULL, _NOT_NULL),
    "add not null": (_NOT_VALID, _NOT_VALID),
    "add check": (_NOT_VALID, _NOT_VALID),
    "add foreign key": (_NOT_VALID, _REFERENCE_OF_PARTS),
}
"""The recipes for actions of ALTER TABLE that read a table, and for those of a partitioned table."""
_RELATIONS = frozenset({"table", "view", "materialized view", "foreign table", "sequence"})
_NAMED = _RELATIONS | {"function", "procedure", "routine", "aggregate", "type", "domain", "schema"}
"""The types of objects that applications call by name."""
_GONE = frozenset({"rename to", "rename column", "set schema"})


def recipe(statement: RehearsedStatement) -> Recipe | None:
    """Returns what to write instead of a statement; None where it is safe, or no better way is known."""
    said = Statement(statement.sql)
    if statement.stops is Verdict.SAFE:
        return _for_safe(said, known=bool(statement.locks), parts=bool(statement.partitioned))
    if not statement.tables:
        return _APART  # it isn't slow itself: what is done under its lock is
    known = _by_kind(statement, said) or _by_action(statement, said)
    if known is not None:
        return known
    if statement.rewrites:
        return _REWRITE
    # Where its own locks stop nobody, those do that the script holds from earlier statements.
    return None if statement.blocking in statement.locks else _APART


def _for_safe(said: Statement, *, known: bool, parts: bool) -> Recipe | None:
    """Returns advice on a statement that stops nobody for long; `known` says that it locks what existed before."""
    if not known and said.head.type in _RELATIONS | {"index"}:
        return None
    if said.kind is Kind.DROP and said.head.type == "index":
        return None if said.head.concurrently or parts else _DROP_INDEX
    actions = {each.what for each in said.actions}
    if "detach partition" in actions:
        return None if said.waits_for_others else _DETACH
    gone = _GONE | ({"drop column"} if said.head.type == "table" else set())
    breaks = said.kind is Kind.DROP or not actions.isdisjoint(gone)
    return _EXPAND if breaks and said.head.type in _NAMED else None


def _by_kind(statement: RehearsedStatement, said: Statement) -> Recipe | None:
    if said.kind is Kind.CREATE and said.head.type == "index":
        return _INDEX_OF_PARTS if statement.partitioned else _CONCURRENTLY
    if said.kind is Kind.REFRESH:
        return _REFRESHING if said.head.concurrently else _REFRESH
    return _BY_KIND.get((said.kind, said.head.type))


def _by_action(statement: RehearsedStatement, said: Statement) -> Recipe | None:
    if said.head.type != "table":
        return None
    actions = {each.what: each for each in said.actions}
    columns = [each for each in said.actions if each.what == "add column"]
    if statement.rewrites and "alter type" in actions:
        return _TYPE
    if statement.rewrites and columns:
        return _STORED if any("stored" in each.rest for each in columns) else _COLUMN
    for what, (plain, of_parts) in _BY_ACTION.items():
        if what in actions:
            if what == "add primary key" and "using" in actions[what].rest:
                return _NULLABLE
            return of_parts if said.head.names[0][-1] in statement.partitioned else plain
    return _TYPE if "alter type" in actions else _for_columns(columns)


def _for_columns(added: Iterable[Action]) -> Recipe | None:
    words = {word for each in added for word in each.rest}
    if not words.isdisjoint({"unique", "primary"}):
        return _COLUMN_KEY
    if not words.isdisjoint({"check", "references"}):
        return _COLUMN_CHECK
    return _COLUMN if words else None
