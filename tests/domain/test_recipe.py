"""What to write instead of a statement that stops others."""

from __future__ import annotations

from pathlib import Path

import pytest

from sartor.domain.hazards import remediation
from sartor.domain.hazards.hazard import Build, Lock, RehearsedStatement
from sartor.domain.hazards.remediation import PAGE, Recipe, recipe
from support.markdown import anchors

ROOT = Path(__file__).parents[2]
TABLE = (Lock("t", "AccessExclusiveLock"),)


@pytest.mark.parametrize(
    ("sql", "anchor"),
    [
        ("create index on t (a)", "build-an-index"),
        ("CREATE  UNIQUE\nINDEX i ON t (a)", "build-an-index"),
        ("-- why\nalter table t add check (a > 0)", "add-a-constraint"),
        ("alter table t add constraint c foreign key (a) references p", "add-a-constraint"),
        ("alter table t add constraint c unique (a)", "add-a-key"),
        ("alter table t add primary key (a)", "add-a-key"),
        ("alter table t alter column a set not null", "set-not-null"),
        ("alter table t alter a type bigint", "change-a-type"),
        ("alter table t add column a float default random()", "add-a-column"),
        ("refresh materialized view t", "refresh-a-view"),
        ("reindex table t", "rebuild-an-index"),
        ("alter table t attach partition u for values in (1)", "attach-a-partition"),
        ("vacuum full t", "rewrite-a-table"),
        ("alter table t set unlogged", "rewrite-a-table"),
    ],
)
def test_each_has_its_recipe(sql: str, anchor: str) -> None:
    """A statement that rewrites a table gets the advice for its kind, however it is spelled."""
    found = recipe(RehearsedStatement(sql=sql, line=1, locks=TABLE, rewrites=("t",), scans=("t",)))
    assert found is not None
    assert found.anchor == anchor


def test_what_others_locks_stop() -> None:
    """A statement that is harmless by itself is told to keep apart from the locks of the ones before it."""
    update = RehearsedStatement(sql="update t set a = 1", line=2, locks=(Lock("t", "RowExclusiveLock"),), scans=("t",))
    assert recipe(update) is None
    held = RehearsedStatement(sql=update.sql, line=2, locks=update.locks, scans=update.scans, held=TABLE)
    found = recipe(held)
    assert found is not None
    assert found.anchor == "keep-locks-short"


@pytest.mark.parametrize(
    ("sql", "anchor"),
    [
        ("alter table t add b int references p", "add-a-constraint"),
        ("alter table t add b int, drop column a", "add-a-column"),
        ("alter table t add b int, add check (references > 0)", "add-a-constraint"),
        ("alter table t drop a, alter b set default references", None),
        ("select f(a) from t", None),
    ],
)
def test_a_statement_under_its_own_lock(sql: str, anchor: str | None) -> None:
    """A column with a reference checks rows as a foreign key does; where nothing better is known, nothing is told."""
    found = recipe(RehearsedStatement(sql=sql, line=1, locks=TABLE, scans=("t",)))
    assert (found.anchor if found else None) == anchor


@pytest.mark.parametrize(
    ("sql", "takes_away"),
    [
        ("alter table t rename column a to b", True),
        ("alter table t rename a to b", True),
        ("alter table t rename to u", True),
        ("alter view v rename to w", True),
        ("ALTER TABLE t\nDROP COLUMN a", True),
        ("alter table if exists only t drop a", True),
        ("alter table t add b int, drop column a", True),
        ("drop table t", True),
        ("alter table t rename constraint a to b", False),
        ("alter table t drop constraint c", False),
        ("alter table t alter a drop not null", False),
        ("alter table t alter column a drop default", False),
        ("drop index i", False),
    ],
)
def test_what_takes_a_name_away(sql: str, takes_away: bool) -> None:
    """Nobody waits for it, and whoever uses the name breaks: that is told, unless this run has made it."""
    found = recipe(RehearsedStatement(sql=sql, line=1, locks=TABLE))
    assert (found is not None and found.anchor == "rename-or-drop") == takes_away
    assert recipe(RehearsedStatement(sql=sql, line=1)) is None


def test_what_is_safe_needs_none() -> None:
    """A lock for a moment, and an index that is built beside the traffic, get no advice."""
    assert recipe(RehearsedStatement(sql="alter table t add column a int", line=1, locks=TABLE)) is None
    beside = (Lock("t", "ShareUpdateExclusiveLock"),)
    build = (Build("i", "t"),)
    assert (
        recipe(RehearsedStatement(sql="create index concurrently i on t (a)", line=1, locks=beside, builds=build))
        is None
    )


def test_each_recipe_is_a_section() -> None:
    """Every recipe's section is on the page that it names."""
    recipes = {found.anchor for found in vars(remediation).values() if isinstance(found, Recipe)}
    assert recipes <= anchors(ROOT / PAGE)
