"""Recipes: what to write instead of a statement that stops or breaks others. Each is a section of docs/rehearse.md."""

from __future__ import annotations

import re
from typing import NamedTuple

from sartor.domain.hazards.hazard import RehearsedStatement, Verdict


class Recipe(NamedTuple):
    """A safe way: its section of the page, and its advice in a sentence."""

    anchor: str
    advice: str


PAGE = "docs/rehearse.md"

_CONCURRENTLY = Recipe(
    "build-an-index", "build it with `create index concurrently`, in an alteration outside a transaction"
)
_NOT_VALID = Recipe("add-a-constraint", "add it `not valid`, and validate it in a later alteration")
_NOT_NULL = Recipe("set-not-null", "add a check `is not null` as `not valid`, validate it, then set not null")
_UNIQUE = Recipe("add-a-key", "build a unique index concurrently, then add the constraint `using index`")
_TYPE = Recipe("change-a-type", "add a column of the new type, keep both in step, fill it in batches, then switch")
_COLUMN = Recipe("add-a-column", "add it without the computed value, set the default, then fill it in batches")
_REFRESH = Recipe("refresh-a-view", "refresh it `concurrently`; it needs a unique index")
_REINDEX = Recipe("rebuild-an-index", "rebuild it with `reindex concurrently`, in an alteration outside a transaction")
_ATTACH = Recipe("attach-a-partition", "give the table a valid check of the partition's bounds first")
_VACUUM = Recipe("rewrite-a-table", "plain `vacuum` stops nobody; to give space back, move the rows in batches")
_REWRITE = Recipe("rewrite-a-table", "do it at a time without traffic, or move the rows to a new table in batches")
_APART = Recipe("keep-locks-short", "put it in an alteration of its own: locks last until the script's end")
_EXPAND = Recipe(
    "rename-or-drop", "expand, then contract: versions of the application that use the old name break at once"
)

_TAKES_AWAY = re.compile(
    r"alter (table|view|materialized view) .*\brename (?!constraint\b)|alter table .*\bdrop column\b"
    r"|alter table (if exists )?(only )?\S+ drop (?!constraint\b)|drop (table|view|materialized view)\b"
)
"""Statements that remove or rename something that existed, so that its old name is gone."""

_BY_WORDS = (
    (r"create (unique )?index\b", _CONCURRENTLY),
    (r"reindex\b", _REINDEX),
    (r"refresh materialized view\b", _REFRESH),
    (r"(vacuum|cluster)\b", _VACUUM),
    (r"alter table .*\battach partition\b", _ATTACH),
    (r"alter table .*\bset not null\b", _NOT_NULL),
    (r"alter table .*\badd (constraint \S+ )?(primary key|unique|exclude)\b", _UNIQUE),
    (r"alter table .*\badd (constraint \S+ )?(check|foreign key)\b", _NOT_VALID),
    (r"alter table .*\balter (column )?\S+ (set data )?type\b", _TYPE),
    (r"alter table .*\badd (column )?.*\breferences\b", _NOT_VALID),
    (r"alter table .*\badd (column )?", _COLUMN),
)


def recipe(statement: RehearsedStatement) -> Recipe | None:
    """Returns what to write instead of a statement; None where it is safe, or no better way is known."""
    words = " ".join(re.sub(r"--[^\n]*|/\*.*?\*/", " ", statement.sql, flags=re.DOTALL).lower().split())
    if statement.stops is Verdict.SAFE:
        return _EXPAND if statement.locks and _TAKES_AWAY.match(words) else None
    if not statement.tables:
        return _APART  # it isn't slow itself: what is done under its lock is
    known = next((recipe for pattern, recipe in _BY_WORDS if re.match(pattern, words)), None)
    if known is not None:
        return known
    if statement.rewrites:
        return _REWRITE
    # Where its own locks stop nobody, those do that the script holds from earlier statements.
    return None if statement.blocking in statement.locks else _APART
