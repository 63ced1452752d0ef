"""Ledgers read without the rows of what is deployed as it is shipped: all that is decided stays as it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from sartor.domain.alteration import Catalogue, make_lineage
from sartor.domain.ledger import Entry, Ledger, State
from sartor.domain.notes import plan_notes
from sartor.domain.plan import Deploy, Plan, make_plan
from sartor.domain.release import Release
from sartor.domain.status import compare_with_ledger
from sartor.errors import PlanError
from support.ledgers import alteration, brief, catalogue, entry, ledger, releases, situations

CHANGES: tuple[Callable[[Entry], Entry | None], ...] = (
    lambda e: e,
    lambda e: e._replace(checksum="sha256:old"),
    lambda e: e._replace(state=State.STARTED),
    lambda e: e._replace(release=Release.parse("next"), name=f"next-{e.id}.py"),
    lambda e: e._replace(id=f"9{e.id}"[:10] + "-gone", release=Release.parse("3.0.0")),
    lambda e: e._replace(lineage="other"),
    lambda _: None,
)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Catalogue, Ledger]:
    """A catalogue, and a ledger in which one row or another isn't as it was."""
    shipped, held = draw(situations())
    changed = [draw(st.sampled_from(CHANGES[:1] * 9 + CHANGES))(e) for e in held.entries]
    kept = {e.identity: e for e in changed if e is not None}
    return shipped, Ledger(head=held.head, entries=tuple(kept.values()))


def outcome(shipped: Catalogue, held: Ledger, request: Deploy) -> tuple[object, ...]:
    """What comes of a request: the plan but for the rows, or the error."""
    try:
        plan: Plan = make_plan(shipped, held, request)
    except PlanError as error:
        return type(error), str(error), error.hint
    status = plan.status._replace(deployed=())
    return plan._replace(status=status), plan.status.number, plan_notes(plan)


@given(histories(), st.builds(Deploy, target=releases, strict_order=st.booleans()))
def test_a_plan_needs_no_row_of_what_is_as_shipped(history: tuple[Catalogue, Ledger], wanted: Deploy) -> None:
    """The plan, its notes and its errors are those of the whole ledger."""
    shipped, held = history
    accepted = frozenset(e.id for e in held.entries[:1])
    request = dataclasses.replace(wanted, accepted=accepted)
    assert outcome(shipped, brief(held, shipped), request) == outcome(shipped, held, request)


@given(situations())
def test_a_release_is_left_out_as_a_whole(situation: tuple[Catalogue, Ledger]) -> None:
    """What isn't read row by row is all that a release has, on disk and in the ledger."""
    shipped, whole = situation
    held = brief(whole, shipped)
    for release in {a.release for a in held.as_shipped}:
        expected = {a.id for a in shipped if a.release == release}
        assert {a.id for a in held.as_shipped if a.release == release} == expected
        assert not any(e.release == release for e in held.entries)


def test_two_labels_of_one_release() -> None:
    """Files of `1.0` and `1.0.0` are one release; what is pending of it stays pending."""
    shipped = catalogue("1.0-1-a.py", "1.0.0-2-b.py", "1.0-3-c.py")
    held = ledger([alteration("1.0-1-a.py")])
    assert [a.id for a in compare_with_ledger(shipped, brief(held, shipped)).pending] == ["2-b", "3-c"]


def test_a_name_in_two_lineages() -> None:
    """An alteration that is deployed as shipped is no misnamed one of a lineage that wasn't given."""
    mine = alteration("1.0.0-1-a.py")
    shipped = Catalogue((make_lineage("main", "/main", [mine]),))
    held = Ledger(head=2, entries=(entry(mine._replace(lineage="own"), 1), entry(mine, 2)))
    assert brief(held, shipped).as_shipped == (mine,)
    assert compare_with_ledger(shipped, brief(held, shipped)).elsewhere == ("own",)
