"""Which snapshot a deploy begins with."""

from __future__ import annotations

from typing import Any

import pytest

from sartor.domain.ledger import Ledger
from sartor.domain.plan import Deploy, make_plan
from sartor.domain.plan_notes import plan_notes
from sartor.domain.release import NEXT, Release
from sartor.domain.snapshot import ReleaseSnapshot, basis_of, choose_snapshot
from support.ledgers import alteration, catalogue, ids, ledger

NAMES = ("1.0.0-1700000000-a.py", "1.1.0-1700000001-b.py", "2.0.0-1700000002-c.py", "next-1700000003-d.py")
SHIPPED = catalogue(*NAMES)
LINEAGE = SHIPPED.lineages[0]


def snapshot(release: str, **more: Any) -> ReleaseSnapshot:
    """The snapshot of a release of `SHIPPED`, with other facts where they are given."""
    wanted = Release.parse(release)
    basis = basis_of(a for a in SHIPPED if a.release <= wanted)
    found = ReleaseSnapshot("main", wanted, f"/main/snapshots/{release}.sql", "sha256:1", basis, (14,))
    return found._replace(**more)


@pytest.mark.parametrize(
    ("target", "shipped", "chosen", "why"),
    [
        ("2.0.0", [snapshot("1.0.0"), snapshot("1.1.0")], "1.1.0", ""),
        ("next", [snapshot("2.0.0"), snapshot("1.1.0")], "2.0.0", ""),
        ("1.0.0", [snapshot("1.1.0")], None, ""),
        ("1.1.0", [snapshot("1.0.0"), snapshot("1.1.0", fault="its file has changed")], "1.0.0", "has changed"),
        ("1.1.0", [snapshot("1.1.0", basis="sha256:2")], None, "aren't those that it was made of"),
        ("1.1.0", [snapshot("1.1.0", servers=(18, 17))], None, "proved on Postgres 17, and this server is Postgres 16"),
        ("1.1.0", [snapshot("1.1.0", servers=(15, 18))], "1.1.0", ""),
        ("1.1.0", [snapshot("1.1.0", schema="public")], None, "made for schema public"),
        ("1.1.0", [snapshot("1.1.0", schema="tenant")], "1.1.0", ""),
    ],
)
def test_the_newest_that_can_be_used(target: str, shipped: list[ReleaseSnapshot], chosen: str | None, why: str) -> None:
    """It is the newest up to the target that stands for what is shipped, here; of later ones, the reason is told."""
    found = choose_snapshot(LINEAGE, shipped, Release.parse(target), server=16, schema="tenant")
    assert (found.snapshot and found.snapshot.release.label) == chosen
    assert why in "".join(found.passed_over)
    assert len(found.passed_over) == bool(why)


@pytest.mark.parametrize(("steps", "covered"), [(None, 2), (3, 2), (2, 2), (1, 0)])
def test_a_plan_that_begins_with_one(steps: int | None, covered: int) -> None:
    """A snapshot stands for the first steps, in the plan as without it; not where fewer are asked for."""
    request = Deploy(target=NEXT, steps=steps)
    plan = make_plan(SHIPPED, Ledger(), request._replace(snapshot=snapshot("1.1.0")))
    assert plan.steps == make_plan(SHIPPED, Ledger(), request).steps
    assert ids(step.alteration for step in plan.by_snapshot) == ids(list(SHIPPED)[:covered])
    assert plan.by_snapshot + plan.one_by_one == plan.steps
    assert any("1.1.0 is built from its snapshot (2 alterations)" in note for note in plan_notes(plan)) == (covered > 0)


def test_a_schema_that_isnt_empty() -> None:
    """Where anything is deployed, no snapshot is used."""
    held = ledger([alteration(NAMES[0])])
    assert make_plan(SHIPPED, held, Deploy(snapshot=snapshot("1.1.0"))).snapshot is None
