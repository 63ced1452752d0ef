"""What a repair does, decided from disk and ledger."""

from __future__ import annotations

import pytest

from sartor.domain.ledger import EventKind, Ledger, State
from sartor.domain.repair import Correction, Repair, make_repair
from sartor.errors import DestinationError, PlanError
from support.ledgers import alteration, catalogue, entry, ledger

A, B, C = (alteration(name) for name in ("1.0.0-1-a.py", "1.0.0-2-b.py", "next-3-c.py"))
SHIPPED = catalogue(A.name, B.name, C.name)
OLD = "sha256:old"


def repair(request: Repair, held: Ledger, *, drifted: bool = False) -> list[tuple[EventKind, str, str | None]]:
    """What is done: the events, with what each is about and the checksum before it."""
    found = make_repair(SHIPPED, held, request, invalid=("i", "j"), drifted=drifted)
    assert all(correction.id == (correction.about.id if correction.about else None) for correction in found)
    return [(correction.kind, correction.name, correction.was) for correction in found]


@pytest.mark.parametrize("named", ["1-a", "1.0.0-1-a.py"])
def test_an_edit_is_accepted(named: str) -> None:
    """An edited file, released or not, is accepted under its identity or its name; the event keeps the old checksum."""
    held = ledger([A._replace(checksum=OLD), B, C._replace(checksum="sha256:next")])
    asked = Repair(reason="r", accept_edited=frozenset({named, "3-c"}))
    assert repair(asked, held) == [
        (EventKind.ACCEPTED, A.name, OLD),
        (EventKind.ACCEPTED, C.name, "sha256:next"),
    ]
    assert [correction.id for correction in make_repair(SHIPPED, held, asked, invalid=(), drifted=False)] == [
        "1-a",
        "3-c",
    ]
    assert repair(Repair(reason="r", accept_edited=frozenset({named})), ledger([A])) == []


def test_a_mark_is_made_where_it_says_something_new() -> None:
    """What is deployed isn't marked as deployed again, an unfinished one is; and the other way round."""
    held = Ledger(head=9, entries=(entry(A, 1), entry(B, 2, State.STARTED)))
    marks = frozenset({"1-a", B.name, "3-c"})
    assert repair(Repair(reason="r", mark_deployed=marks), held) == [
        (EventKind.MARKED_DEPLOYED, B.name, None),
        (EventKind.MARKED_DEPLOYED, C.name, None),
    ]
    assert repair(Repair(reason="r", mark_not_deployed=marks), held) == [
        (EventKind.MARKED_NOT_DEPLOYED, A.name, None),
        (EventKind.MARKED_NOT_DEPLOYED, B.name, None),
    ]


def test_a_row_without_a_file_can_be_taken_off() -> None:
    """An alteration whose file is gone is marked as not deployed by its row's name."""
    gone = alteration("1.0.0-9-gone.py")
    asked = Repair(reason="r", mark_not_deployed=frozenset({gone.name}))
    assert make_repair(SHIPPED, ledger([gone]), asked, invalid=(), drifted=False) == (
        Correction(EventKind.MARKED_NOT_DEPLOYED, gone.name, entry(gone)),
    )


def test_a_mark_is_about_its_file() -> None:
    """The event of a mark has the alteration, by which the ledger gets its row."""
    (mark,) = make_repair(
        SHIPPED, ledger([]), Repair(reason="r", mark_deployed=frozenset({A.id})), invalid=(), drifted=False
    )
    assert mark.about == A


def test_a_first_ledger_can_be_marked() -> None:
    """A database that was never deployed to has nothing to repair, but may be told what it holds."""
    assert repair(Repair(reason="r", mark_deployed=frozenset({"1-a"})), Ledger()) == [
        (EventKind.MARKED_DEPLOYED, A.name, None)
    ]
    with pytest.raises(DestinationError, match="nothing is deployed here, so there is nothing to repair"):
        repair(Repair(reason="r", accept_drift=True), Ledger())


def test_invalid_indexes_are_dropped() -> None:
    """Only an index that is invalid is dropped; any other is refused by name."""
    assert repair(Repair(reason="r", drop_indexes=frozenset({"j", "i"})), ledger([A])) == [
        (EventKind.INDEX_DROPPED, "i", None),
        (EventKind.INDEX_DROPPED, "j", None),
    ]
    with pytest.raises(PlanError, match="there is no invalid index k in this schema") as caught:
        repair(Repair(reason="r", drop_indexes=frozenset({"i", "k"})), ledger([A]))
    assert "verify" in caught.value.hint


@pytest.mark.parametrize("drifted", [True, False])
def test_drift_is_accepted_where_there_is_any(drifted: bool) -> None:
    """A schema that is as recorded needs no event."""
    events = [(EventKind.DRIFT_ACCEPTED, "the schema", None)] if drifted else []
    assert repair(Repair(reason="r", accept_drift=True), ledger([A]), drifted=drifted) == events
    assert repair(Repair(reason="r"), ledger([A]), drifted=drifted) == []


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (Repair(reason="r", accept_edited=frozenset({"2-b"})), "2-b isn't deployed here, or has no file"),
        (Repair(reason="r", accept_edited=frozenset({"9-gone"})), "9-gone isn't deployed here, or has no file"),
        (Repair(reason="r", mark_deployed=frozenset({"9-gone"})), "9-gone isn't among the given alterations"),
        (
            Repair(reason="r", mark_not_deployed=frozenset({"8-x"})),
            "8-x is neither deployed here nor among the given alterations",
        ),
    ],
)
def test_what_is_not_there_is_refused(request_: Repair, told: str) -> None:
    """A repair of what doesn't exist here is a mistake in the command, and named."""
    with pytest.raises(PlanError, match=f"^{told}$") as caught:
        repair(request_, ledger([A, alteration("1.0.0-9-gone.py")]))
    assert "status" in caught.value.hint


def test_both_marks_at_once_are_refused() -> None:
    """An alteration can't be deployed and not be deployed."""
    asked = Repair(reason="r", mark_deployed=frozenset({"1-a", "2-b"}), mark_not_deployed=frozenset({"2-b", A.name}))
    with pytest.raises(PlanError, match=r"^1-a can't be marked both as deployed and as not deployed$"):
        repair(asked, ledger([A]))
