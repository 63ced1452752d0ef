"""What a deploy is decided to do, for any catalogue and any ledger."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.domain.alteration import Catalogue
from sartor.domain.ledger import Ledger, State
from sartor.domain.plan import Deploy, Direction, make_plan
from sartor.domain.plan_notes import plan_notes
from sartor.domain.release import NEXT, Release
from sartor.domain.status import compare_with_ledger
from sartor.errors import LineageMismatch, OutOfOrder, TargetError
from support.ledgers import alteration, carry_out, catalogue, entry, ids, ledger, lineage, releases, situations

Situation = tuple[Catalogue, Ledger]


@given(situations(), releases)
def test_pending_is_shipped_less_ledger_up_to_the_target(situation: Situation, target: Release) -> None:
    """What is deployed is all that is shipped, not in the ledger, and of a release up to the target, in order."""
    shipped, before = situation
    plan = make_plan(shipped, before, Deploy(target=target))
    deployed = set(ids(before.entries))
    assert ids(s.alteration for s in plan.steps) == [
        a.id for a in shipped if a.id not in deployed and a.release <= target
    ]
    assert [s.alteration.key for s in plan.steps] == sorted(s.alteration.key for s in plan.steps)


@given(situations(), releases, st.none() | st.integers(1, 4))
def test_the_way_ends_where_the_next_plan_begins(situation: Situation, target: Release, count: int | None) -> None:
    """How far a plan says that the database will be is how far it is once the plan is carried out."""
    shipped, before = situation
    plan = make_plan(shipped, before, Deploy(target=target, steps=count))
    assert plan.way[0].release == plan.status.release
    assert plan.way[1] == make_plan(shipped, carry_out(plan, before), Deploy()).way[0]


def test_the_way_in_words() -> None:
    """A database has reached a release, a part of one, or both; or nothing."""
    names = ["1.0.0-1-a.py", "1.1.0-2-b.py", "1.1.0-3-c.py", "next-4-d.py"]
    made = [alteration(name) for name in names]
    held = [str(make_plan(catalogue(*names), ledger(made[:number]), Deploy()).way[0]) for number in range(5)]
    assert held == ["nothing", "1.0.0", "1.0.0 and part of 1.1.0", "1.1.0", "1.1.0 and next"]
    assert str(make_plan(catalogue(*names), ledger(made[1:2]), Deploy()).way[0]) == "part of 1.1.0"


@given(situations())
def test_there_is_no_high_water_mark(situation: Situation) -> None:
    """Whatever else is deployed, an alteration that isn't is deployed: a late one too, which is called so."""
    shipped, _ = situation
    for left_out in shipped:
        others = [a for a in shipped if a is not left_out]
        plan = make_plan(shipped, ledger(others), Deploy())
        assert ids(s.alteration for s in plan.steps) == [left_out.id]
        is_late = any(left_out.key < other.key for other in others)
        assert (plan.steps[0].late, bool(plan.status.out_of_order)) == (is_late, is_late)


@given(situations(), releases)
def test_a_second_plan_is_empty(situation: Situation, target: Release) -> None:
    """After a plan is carried out, the same request has nothing left to do."""
    shipped, before = situation
    request = Deploy(target=target)
    plan = make_plan(shipped, carry_out(make_plan(shipped, before, request), before), request)
    assert (plan.steps, plan.relabel, plan.accept, plan.forget) == ((), (), (), ())


@given(situations(), releases, st.integers(1, 4))
def test_steps_are_the_same_deploy_in_parts(situation: Situation, target: Release, count: int) -> None:
    """`--steps N`, again and again, does what one deploy does, in the same order, no more than N at a time."""
    shipped, before = situation
    whole = ids(s.alteration for s in make_plan(shipped, before, Deploy(target=target)).steps)
    parts: list[str] = []
    while len(parts) < len(whole):
        plan = make_plan(shipped, before, Deploy(target=target, steps=count))
        assert 0 < len(plan.steps) <= count
        parts += ids(s.alteration for s in plan.steps)
        before = carry_out(plan, before)
    assert parts == whole


@given(situations(), releases)
def test_strict_order_refuses_exactly_the_late(situation: Situation, target: Release) -> None:
    """`--strict-order` refuses a plan that holds a late arrival, naming it, and no other plan."""
    shipped, before = situation
    free = make_plan(shipped, before, Deploy(target=target))
    late = [s.alteration.name for s in free.steps if s.late]
    if not late:
        assert make_plan(shipped, before, Deploy(target=target, strict_order=True)).steps == free.steps
        return
    with pytest.raises(OutOfOrder, match="older than the newest") as caught:
        make_plan(shipped, before, Deploy(target=target, strict_order=True))
    assert all(name in str(caught.value) for name in late[:5])


def test_a_late_arrival_is_late_for_the_newest() -> None:
    """What is late is told by the newest release deployed, not by what was deployed last."""
    shipped = catalogue("1.0.0-1-a.py", "1.5.0-3-c.py", "2.0.0-2-b.py")
    plan = make_plan(shipped, ledger(map(alteration, ["2.0.0-2-b.py", "1.0.0-1-a.py"])), Deploy())
    assert [(step.alteration.id, step.late) for step in plan.steps] == [("3-c", True)]
    assert (plan.direction, plan.head) == (Direction.DEPLOY, 2)


def test_latest_is_the_highest_release_shipped() -> None:
    """No target stands for the highest release that is shipped; `next` isn't one."""
    shipped = catalogue("1.0.0-1-a.py", "1.1.0-2-b.py", "next-3-c.py")
    plan = make_plan(shipped, Ledger(), Deploy(target=None))
    assert (plan.target, ids(s.alteration for s in plan.steps)) == (Release.parse("1.1.0"), ["1-a", "2-b"])
    with pytest.raises(TargetError, match="nothing is released") as caught:
        make_plan(catalogue("next-3-c.py"), Ledger(), Deploy(target=None))
    assert "next" in caught.value.hint


def test_an_interrupted_alteration_is_pending_with_its_row() -> None:
    """What began outside a transaction and never ended is deployed again, knowing of its beginning."""
    shipped = catalogue("1.0.0-1-a.py")
    begun = entry(alteration("1.0.0-1-a.py"), state=State.STARTED)
    plan = make_plan(shipped, Ledger(head=1, entries=(begun,)), Deploy())
    assert [(s.alteration.id, s.entry) for s in plan.steps] == [("1-a", begun)]
    assert plan.status.interrupted == (begun,)
    assert plan.status.deployed == ()


def test_lineages_are_deployed_in_the_order_given() -> None:
    """Several lineages follow each other in the order given, each in its own order, and are late only in their own."""
    own, main = lineage("1.0.0-1-z.py", name="own"), lineage("1.0.0-5-b.py", "1.0.0-9-a.py")
    plan = make_plan(Catalogue((main, own)), Ledger(), Deploy())
    assert ids(s.alteration for s in plan.steps) == ["5-b", "9-a", "1-z"]
    plan = make_plan(Catalogue((own, main)), ledger(main.alterations), Deploy())
    assert [(s.alteration.id, s.late) for s in plan.steps] == [("1-z", False)]


def test_a_lineage_under_another_name_is_refused() -> None:
    """An alteration that the database knows under another lineage's name isn't deployed twice: the hint names both."""
    with pytest.raises(LineageMismatch, match=r"'main'.*'other'") as caught:
        compare_with_ledger(Catalogue((lineage("1.0.0-1-a.py", name="other"),)), ledger([alteration("1.0.0-1-a.py")]))
    assert "`sources` main=/other" in caught.value.hint
    assert caught.value.about == ("1-a",)


def test_a_lineage_that_was_not_given_is_left_alone() -> None:
    """Rows of a lineage that isn't given are neither missing nor ahead; the status names it."""
    status = compare_with_ledger(
        Catalogue((lineage("1.0.0-2-b.py", name="own"),)), ledger([alteration("1.0.0-1-a.py")])
    )
    assert (status.elsewhere, status.missing, status.ahead) == (("main",), (), ())


@pytest.mark.parametrize(
    ("target", "note"),
    [
        ("1.5.0", "no alteration belongs to release 1.5.0; 1.5.0 has the schema of 1.0.0"),
        ("0.9.0", "the database is at 1.0.0, above 0.9.0; to go down, use `rollback 0.9.0`"),
        ("1.0.0", None),
        ("next", None),
    ],
)
def test_a_target_without_alterations_is_explained(target: str, note: str | None) -> None:
    """A version needs no alterations of its own, and below what is deployed there is nothing to do: notes say so."""
    shipped = catalogue("1.0.0-1-a.py", "2.0.0-2-b.py")
    plan = make_plan(shipped, ledger([alteration("1.0.0-1-a.py")]), Deploy(target=Release.parse(target)))
    assert ids(s.alteration for s in plan.steps) == (["2-b"] if target == "next" else [])
    assert plan_notes(plan) == ([note] if note else [])


@given(situations())
def test_the_release_is_the_highest_that_is_complete(situation: Situation) -> None:
    """The database's release is the highest version deployed of which nothing is pending."""
    shipped, before = situation
    deployed = {a.release for a in shipped if a.id in ids(before.entries)}
    lacking = {a.release for a in shipped if a.id not in ids(before.entries)}
    assert compare_with_ledger(shipped, before).release == max(deployed - lacking - {NEXT}, default=None)
