"""What is told about a plan, beside its steps."""

from __future__ import annotations

import pytest

from sartor.domain.ledger import Ledger, State
from sartor.domain.plan import Deploy, Rollback, make_plan
from sartor.domain.plan_notes import plan_notes
from sartor.domain.release import Release
from support.ledgers import alteration, catalogue, entry, ledger

A, B = "1.0.0-1-a.py", "1.1.0-2-b.py"
AHEAD = (
    "the database is ahead: it has 2 alterations of 2.0.0, 2.1.0 that this package doesn't contain; use the package of"
    " that release, or `rollback`, which undoes them by what the ledger keeps of them"
)


def notes(shipped: list[str], deployed: list[str], request: Deploy | Rollback) -> list[str]:
    return plan_notes(make_plan(catalogue(*shipped), ledger(map(alteration, deployed)), request))


@pytest.mark.parametrize(
    ("shipped", "deployed", "target", "told"),
    [
        ([A, B], [], "1.1.0", []),
        ([A, B], [], "next", []),
        ([A, B], [A, B], "1.0.0", ["the database is at 1.1.0, above 1.0.0; to go down, use `rollback 1.0.0`"]),
        ([A, B], [A, B], "1.1.0", []),
        ([A, B], [B], "1.0.0", [f"{A} is late, and is deployed now"]),
        ([A, B], [A], "1.0.5", ["no alteration belongs to release 1.0.5; 1.0.5 has the schema of 1.0.0"]),
        ([A, B], [A], "9.0.0", ["no alteration belongs to release 9.0.0; 9.0.0 has the schema of 1.1.0"]),
        ([A, B], [], "0.1.0", ["no alteration belongs to release 0.1.0; there is no earlier release either"]),
    ],
)
def test_a_target(shipped: list[str], deployed: list[str], target: str, told: list[str]) -> None:
    """A deploy that may not be what was meant says what its target is to this database."""
    assert notes(shipped, deployed, Deploy(target=Release.parse(target))) == told


def test_a_rollback_is_told_nothing_of_targets() -> None:
    """What a target means to a deploy isn't said of a rollback."""
    assert notes([A, B], [A, B], Rollback(target=Release.parse("1.0.5"))) == []


def test_what_was_accepted() -> None:
    """An accepted edit and an accepted absence are told, each by its file's name."""
    shipped, held = catalogue(A), ledger([alteration(A, checksum="sha256:old"), alteration("1.0.0-2-gone.py")])
    plan = make_plan(shipped, held, Deploy(accepted=frozenset({"1-a", "2-gone"})))
    assert plan_notes(plan) == [
        f"{A}: the edited file is accepted",
        "1.0.0-2-gone.py is removed from the ledger; the objects that it created stay",
    ]


def test_what_disk_and_ledger_differ_in() -> None:
    """Labels, rows ahead, an interrupted script and other lineages are told to whoever runs a command."""
    shipped = catalogue("1.3.0-1-a.py", "next-2-b.py", "1.0.0-3-c.py", "1.3.0-5-e.py")
    rows = (
        entry(alteration("next-1-a.py"), 1),
        entry(alteration("1.2.0-2-b.py"), 2),
        entry(alteration("1.0.0-3-c.py"), 3, State.STARTED),
        entry(alteration("2.0.0-8-x.py"), 4),
        entry(alteration("2.1.0-9-y.py"), 5),
        entry(alteration("1.0.0-7-z.py", lineage="own"), 6),
        entry(alteration("1.3.0-5-other_name.py")._replace(id="5-e"), 7),
    )
    assert plan_notes(make_plan(shipped, Ledger(head=9, entries=rows), Deploy())) == [
        "1-a: deployed as next, now part of 1.3.0",
        (
            "2-b: release 1.2.0 here, next in this package;"
            " the ledger keeps 1.2.0, because a released alteration stays released"
        ),
        AHEAD,
        (
            "1.0.0-3-c.py was interrupted outside a transaction; a deploy or rollback resumes it; if its work was"
            " finished or undone by hand, `repair --mark-deployed 3-c` or `repair --mark-not-deployed 3-c`"
        ),
        "the database also has alterations of lineage 'own', which wasn't given",
        "1.0.0-3-c.py is late, and is deployed now",
    ]
