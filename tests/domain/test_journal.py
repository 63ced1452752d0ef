"""A ledger held against the events that should have made it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sartor.domain.ledger import Entry, Event, EventKind, Ledger, State, compare_with_journal
from sartor.domain.release import Release

AT = datetime(2026, 1, 1, tzinfo=UTC)
K = EventKind


def journal(*kinds: EventKind, release: str = "1.0.0", name: str = "a.py", checksum: str = "x") -> list[Event]:
    """Returns events about one alteration; all but the first of them have the release, name and checksum given."""
    rest = (1.0, "u", "h", "s")
    detail: dict[str, Any] = {}
    first = Event(1, kinds[0], AT, "app", "1-a", Release.parse("1.0.0"), "a.py", "x", *rest, detail)
    later = (Release.parse(release), name, checksum, *rest, detail)
    return [first, *(Event(n, kind, AT, "app", "1-a", *later) for n, kind in enumerate(kinds[1:], 2))]


def ledger(state: State | None, release: str = "1.0.0", name: str = "a.py", checksum: str = "x") -> Ledger:
    """Returns a ledger with one row, or with none."""
    row = Entry(
        "app", "1-a", Release.parse(release), name, checksum, state or State.DEPLOYED, AT, 1.0, "u", "h", "s", 1
    )
    return Ledger(head=9, entries=(row,) if state else ())


@pytest.mark.parametrize(
    ("kinds", "state"),
    [
        ((K.DEPLOYED,), State.DEPLOYED),
        ((K.STARTED,), State.STARTED),
        ((K.STARTED, K.FAILED), State.STARTED),
        ((K.STARTED, K.DEPLOYED), State.DEPLOYED),
        ((K.DEPLOYED, K.UNDOING), State.STARTED),
        ((K.DEPLOYED, K.UNDOING, K.ROLLED_BACK), None),
        ((K.DEPLOYED, K.ROLLED_BACK, K.DEPLOYED), State.DEPLOYED),
        ((K.DEPLOYED, K.FORGOTTEN), None),
        ((K.MARKED_DEPLOYED,), State.DEPLOYED),
        ((K.BASELINE,), State.DEPLOYED),
        ((K.DEPLOYED, K.MARKED_NOT_DEPLOYED), None),
        ((K.DEPLOYED, K.WARNED, K.BACKUP, K.FAILED), State.DEPLOYED),
        ((K.FAILED,), None),
    ],
)
def test_what_the_events_make(kinds: tuple[EventKind, ...], state: State | None) -> None:
    """A row is what the last event that counts has made of it; any other row, or none, is told."""
    events = journal(*kinds)
    assert compare_with_journal(ledger(state), events) == ()
    for other in {None, *State} - {state}:
        (found,) = compare_with_journal(ledger(other), events)
        assert found[:2] == ("app", "1-a")
        assert [text.partition(" ")[0] for text in found[2:]] == [s.value if s else "" for s in (other, state)]


def test_corrections() -> None:
    """A relabelled row has the new release and name; an accepted one the new checksum as well."""
    new = {"release": "1.1.0", "name": "b.py"}
    events = journal(K.DEPLOYED, K.RELABELLED, **new, checksum="y")
    assert compare_with_journal(ledger(State.DEPLOYED, **new), events) == ()
    events = journal(K.DEPLOYED, K.ACCEPTED, **new, checksum="y")
    assert compare_with_journal(ledger(State.DEPLOYED, **new, checksum="y"), events) == ()
    (found,) = compare_with_journal(ledger(State.DEPLOYED), events)
    assert found.ledger == "deployed in 1.0.0 as a.py, x"
    assert found.journal == "deployed in 1.1.0 as b.py, y"


def test_a_renamed_file() -> None:
    """An event that says what the identity was before moves the row; without such a row, it makes none."""
    relabelled = journal(K.DEPLOYED, K.RELABELLED, name="b.py")[1]._replace(id="2-b", detail={"was_id": "1-a"})
    row = ledger(State.DEPLOYED, name="b.py").entries[0]._replace(id="2-b")
    assert compare_with_journal(Ledger(head=9, entries=(row,)), [*journal(K.DEPLOYED), relabelled]) == ()
    assert compare_with_journal(Ledger(head=9), [relabelled]) == ()


def test_events_about_nothing_here() -> None:
    """Events of the whole database, and a removal of what has no row, change no row."""
    created = Event(0, K.CREATED, AT, None, None, None, None, None, None, "u", "h", "s", {})
    assert compare_with_journal(ledger(State.DEPLOYED), [created, *journal(K.ROLLED_BACK, K.DEPLOYED)]) == ()


def test_what_comes_after_the_ledger_was_read() -> None:
    """An event behind the ledger's head is of a run in progress, and doesn't count."""
    events = journal(K.DEPLOYED, K.ROLLED_BACK)
    assert compare_with_journal(Ledger(head=1, entries=ledger(State.DEPLOYED).entries), events) == ()
