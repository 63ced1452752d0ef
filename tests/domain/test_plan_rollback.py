"""What a rollback is decided to undo, for any catalogue and any ledger."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.domain.alteration import Catalogue
from sartor.domain.ledger import Ledger, State
from sartor.domain.plan import Deploy, Direction, Rollback, make_plan
from sartor.domain.release import Release
from sartor.errors import AlterationMissing
from support.ledgers import alteration, carry_out, catalogue, entry, ids, ledger, lineage, releases, situations

Situation = tuple[Catalogue, Ledger]


@given(situations(), releases)
def test_all_above_the_target_newest_deployment_first(situation: Situation, target: Release) -> None:
    """`rollback VERSION` undoes all that is deployed above it, in the reverse of the order of deployment."""
    shipped, before = situation
    plan = make_plan(shipped, before, Rollback(target=target))
    above = [e for e in before.entries if e.release > target]
    assert ids(s.alteration for s in plan.steps) == ids(reversed(above))
    assert plan.target is target
    assert ids(carry_out(plan, before).entries) == [e.id for e in before.entries if e.release <= target]
    assert plan.way[1] == make_plan(shipped, carry_out(plan, before), Deploy()).way[0]


@given(situations(), releases)
def test_a_second_rollback_is_empty(situation: Situation, target: Release) -> None:
    """After a rollback, the same one has nothing left to do."""
    shipped, before = situation
    request = Rollback(target=target)
    assert not make_plan(shipped, carry_out(make_plan(shipped, before, request), before), request).steps


@given(situations(), releases)
def test_a_deploy_leaves_nothing_for_a_rollback_to_its_target(situation: Situation, target: Release) -> None:
    """Deploying up to a release and rolling back to it are at peace with each other."""
    shipped, _ = situation
    after = carry_out(make_plan(shipped, Ledger(), Deploy(target=target)), Ledger())
    assert not make_plan(shipped, after, Rollback(target=target)).steps


@given(situations(), st.integers(1, 10))
def test_steps_are_the_last_deployments(situation: Situation, count: int) -> None:
    """`rollback --steps N` undoes the last N deployments, whatever their releases."""
    shipped, before = situation
    plan = make_plan(shipped, before, Rollback(steps=count))
    assert ids(s.alteration for s in plan.steps) == list(reversed(ids(before.entries)))[:count]


def test_a_timestamp_stays_itself() -> None:
    """What was written at the timestamp itself isn't after it."""
    names = ["1.0.0-2-a.py", "1.0.0-2.5-b.py", "1.0.0-3-c.py"]
    plan = make_plan(catalogue(*names), ledger(map(alteration, names)), Rollback(to_timestamp=(2, "5")))
    assert ids(step.alteration for step in plan.steps) == ["3-c"]
    assert (plan.direction, plan.head) == (Direction.ROLLBACK, 3)


@given(situations(), st.sampled_from(["0", "1", "2", "2.05", "2.5", "9", "2000000000"]))
def test_everything_after_a_timestamp(situation: Situation, limit: str) -> None:
    """`rollback --to-timestamp T` undoes what has a later timestamp, fractions compared as numbers."""
    shipped, before = situation
    seconds, _, fraction = limit.partition(".")
    plan = make_plan(shipped, before, Rollback(to_timestamp=(int(seconds), fraction)))
    after = [e.id for e in before.entries if Decimal(e.id.partition("-")[0]) > Decimal(limit)]
    assert ids(s.alteration for s in plan.steps) == after[::-1]


def test_the_label_on_disk_decides() -> None:
    """What was deployed as `next` and is part of a release by now belongs to that release."""
    shipped = catalogue("1.0.0-1-a.py", "1.1.0-2-b.py")
    before = ledger([alteration("1.0.0-1-a.py"), alteration("next-2-b.py")])
    assert not make_plan(shipped, before, Rollback(target=Release.parse("1.1.0"))).steps
    assert ids(s.alteration for s in make_plan(shipped, before, Rollback(target=Release.parse("1.0.0"))).steps) == [
        "2-b"
    ]


def test_what_has_no_file_can_not_be_undone() -> None:
    """A rollback that reaches an alteration without a file is refused, naming it; one that doesn't reach it isn't."""
    before = ledger(map(alteration, ["1.0.0-1-a.py", "1.1.0-2-gone.py", "1.2.0-3-c.py"]))
    shipped = catalogue("1.0.0-1-a.py", "1.2.0-3-c.py")
    with pytest.raises(AlterationMissing, match=r"1\.1\.0-2-gone\.py"):
        make_plan(shipped, before, Rollback(steps=2))
    assert ids(s.alteration for s in make_plan(shipped, before, Rollback(steps=1)).steps) == ["3-c"]


def test_an_interrupted_alteration_is_undone_too() -> None:
    """What began outside a transaction is undone like what was deployed: it may have left something."""
    begun = entry(alteration("1.0.0-1-a.py"), state=State.STARTED)
    plan = make_plan(catalogue("1.0.0-1-a.py"), Ledger(head=1, entries=(begun,)), Rollback(steps=1))
    assert [(s.alteration.id, s.entry) for s in plan.steps] == [("1-a", begun)]


def test_only_the_lineages_given_are_undone() -> None:
    """Rows of a lineage that wasn't given stay."""
    own = lineage("1.0.0-2-b.py", name="own")
    before = ledger([*own.alterations, alteration("1.0.0-1-a.py")])
    assert ids(s.alteration for s in make_plan(Catalogue((own,)), before, Rollback(steps=5)).steps) == ["2-b"]
