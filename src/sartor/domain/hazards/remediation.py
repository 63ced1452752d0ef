"""Recipes: what to write instead of a statement that stops or breaks others. Each is a section of docs/rehearse.md."""

from __future__ import annotations

from typing import NamedTuple

from sartor.domain.hazards.hazard import RehearsedStatement, Verdict
from sartor.sql.statements import Kind, Statement


class Recipe(NamedTuple):
    """A safe way: its section of the page, and its advice in a sentence."""

    anchor: str
    advice: str


PAGE = "docs/rehearse.md"

_CONCURRENTLY = Recipe("build-an-index", "use `create index concurrently`, in an alteration outside a transaction")
_NOT_VALID = Recipe("add-a-constraint", "add the constraint as `not valid`, and validate it in a later alteration")
_NOT_NULL = Recipe("set-not-null", "add a check `is not null` as `not valid`, validate it, then set not null")
_UNIQUE = Recipe("add-a-key", "build a unique index concurrently, then add the constraint with `using index`")
_TYPE = Recipe(
    "change-a-type",
    "add a column of the new type, keep both columns in step, fill the new one in batches, then switch to it",
)
_COLUMN = Recipe(
    "add-a-column", "add the column without the computed value, set the default, then fill the column in batches"
)
_REFRESH = Recipe("refresh-a-view", "use `refresh materialized view concurrently`, which needs a unique index")
_REINDEX = Recipe("rebuild-an-index", "use `reindex concurrently`, in an alteration outside a transaction")
_ATTACH = Recipe(
    "attach-a-partition", "first give the table a valid check constraint that implies the partition's bounds"
)
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
    (Kind.CREATE, "index"): _CONCURRENTLY,
    (Kind.REFRESH, "materialized view"): _REFRESH,
    **{(Kind.REINDEX, type_): _REINDEX for type_ in ("index", "table", "schema", "database", "system")},
    **{(kind, ""): _VACUUM for kind in (Kind.VACUUM, Kind.CLUSTER)},
}
_BY_ACTION = {
    "attach partition": _ATTACH,
    "set not null": _NOT_NULL,
    "add not null": _NOT_NULL,
    "add primary key": _UNIQUE,
    "add unique": _UNIQUE,
    "add exclude": _UNIQUE,
    "add check": _NOT_VALID,
    "add foreign key": _NOT_VALID,
    "alter type": _TYPE,
    "add reference": _NOT_VALID,
    "add column": _COLUMN,
}
"""The recipes for actions of ALTER TABLE; of several, the first of these is given."""
_VIEWS = frozenset({"view", "materialized view"})


def recipe(statement: RehearsedStatement) -> Recipe | None:
    """Returns what to write instead of a statement; None where it is safe, or no better way is known."""
    said = Statement(statement.sql)
    if statement.stops is Verdict.SAFE:
        return _EXPAND if statement.locks and _takes_away(said) else None
    if not statement.tables:
        return _APART  # it isn't slow itself: what is done under its lock is
    known = _BY_KIND.get((said.kind, said.head.type)) or _by_action(said)
    if known is not None:
        return known
    if statement.rewrites:
        return _REWRITE
    # Where its own locks stop nobody, those do that the script holds from earlier statements.
    return None if statement.blocking in statement.locks else _APART


def _takes_away(statement: Statement) -> bool:
    """Returns whether a statement removes or renames something that existed, so that its old name is gone."""
    if statement.kind is Kind.DROP:
        return statement.head.type in _VIEWS | {"table"}
    gone = {"rename to", "rename column", *(["drop column"] if statement.head.type == "table" else [])}
    return statement.head.type in _VIEWS | {"table"} and any(each.what in gone for each in statement.actions)


def _by_action(statement: Statement) -> Recipe | None:
    if statement.head.type != "table":
        return None
    found = {each.what for each in statement.actions}
    if any(each.what == "add column" and "references" in each.rest for each in statement.actions):
        found.add("add reference")
    return next((recipe for what, recipe in _BY_ACTION.items() if what in found), None)
