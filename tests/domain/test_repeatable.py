"""Which repeatable scripts are due, and behind which plans they run."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from sartor import Alteration, Catalogue, Direction, Ledger, Release
from sartor.domain.alteration import make_lineage
from sartor.domain.ledger import RepeatableEntry
from sartor.domain.plan import Deploy, Rollback, make_plan
from sartor.domain.plan_notes import plan_notes
from sartor.domain.status import compare_with_ledger
from support.ledgers import WHEN, alteration, alterations, catalogue, ledger, releases

NAMES = ("repeatable-b.sql", "repeatable-a.py", "repeatable-10-x.sql")


def row(of: Alteration, checksum: str | None = None) -> RepeatableEntry:
    """The row that a run of a script leaves."""
    return RepeatableEntry(of.lineage, of.id, of.name, checksum or of.checksum, WHEN, 1.0, "tester", "here", "0", 9)


def with_rows(held: Ledger, rows: Sequence[RepeatableEntry]) -> Ledger:
    """The ledger, with these rows of repeatable scripts."""
    return Ledger(head=held.head, entries=held.entries, repeatables=tuple(rows))


def test_the_order() -> None:
    """They stand apart from the alterations, in the order of their names."""
    found = catalogue("next-2-b.py", *NAMES, "1.0.0-1-a.py")
    assert [a.id for a in found] == ["1-a", "2-b"]
    assert [a.id for a in found.repeatables] == ["repeatable-10-x", "repeatable-a", "repeatable-b"]
    assert found.first(9).repeatables == ()


def test_what_is_due() -> None:
    """One that never ran, or ran with another content; what ran and isn't among the files is missing."""
    shipped = catalogue(*NAMES)
    x, a, b = shipped.repeatables
    gone = alteration("repeatable-gone.sql")
    found = compare_with_ledger(shipped, with_rows(Ledger(), [row(x), row(a, "sha256:1"), row(gone)])).repeatables
    assert (found.due, found.current) == ((a, b), (x,))
    assert ([e.id for e in found.changed], [e.id for e in found.missing]) == (["repeatable-a"], ["repeatable-gone"])


@given(alterations(), st.data(), releases, st.none() | st.integers(0, 3))
def test_when_they_run(shipped: Sequence[Alteration], data: st.DataObject, target: Release, steps: int | None) -> None:
    """Last, and only where no released alteration stays pending; never in a rollback; each once."""
    found = Catalogue((make_lineage("main", "/main", [*shipped, alteration("repeatable-a.sql")]),))
    done = data.draw(st.lists(st.sampled_from(shipped), unique_by=lambda a: a.id)) if shipped else []
    plan = make_plan(found, ledger(done), Deploy(target=target, steps=steps))
    wanted = {step.alteration.id for step in plan.alterations}
    left = [a for a in plan.status.pending if a.id not in wanted and not a.release.unreleased]
    assert [step.alteration.id for step in plan.steps[len(plan.alterations) :]] == ([] if left else ["repeatable-a"])
    assert any(" waits: repeatable scripts" in note for note in plan_notes(plan)) is bool(left)
    assert (
        plan.way
        == make_plan(found, ledger(done), Deploy(target=target, steps=steps))._replace(steps=plan.alterations).way
    )
    again = make_plan(found, with_rows(ledger(done), [row(found.repeatables[0])]), Deploy(target=target, steps=steps))
    assert again.steps == plan.alterations
    back = make_plan(found, ledger(done), Rollback(target=target))
    assert back.direction is Direction.ROLLBACK
    assert not any(step.alteration.is_repeatable for step in back.steps)
