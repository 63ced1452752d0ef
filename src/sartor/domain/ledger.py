"""The ledger and the journal of a database, as values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cached_property
from typing import Any, NamedTuple

from sartor.domain.release import Release

FORMAT = 1
"""The number of the ledger format that this Sartor reads and writes."""


class State(Enum):
    """The state of an alteration in this database."""

    DEPLOYED = "deployed"
    STARTED = "started"
    """Its deployment or rollback outside a transaction began, and the end of that isn't recorded."""


class Entry(NamedTuple):
    """A row of the ledger: an alteration that is deployed in this database, or was begun."""

    lineage: str
    id: str
    release: Release
    name: str
    checksum: str
    state: State
    deployed_at: datetime
    duration_ms: float
    deployed_by: str
    host: str
    sartor: str
    seq: int
    """The number of the journal's event that deployed it."""

    @property
    def identity(self) -> tuple[str, str]:
        """The key that identifies it on disk: (lineage, id)."""
        return self.lineage, self.id


@dataclass(frozen=True)
class Ledger:
    """The content of a destination's ledger, at one moment.

    `head` is the number of the journal's last event, -1 where there is no ledger yet; `entries` are in order of `seq`.
    """

    head: int = -1
    format: int = FORMAT
    entries: tuple[Entry, ...] = ()

    @property
    def exists(self) -> bool:
        """True where a first deploy has created it."""
        return self.head >= 0

    @cached_property
    def by_identity(self) -> dict[tuple[str, str], Entry]:
        """Entries by (lineage, id)."""
        return {entry.identity: entry for entry in self.entries}


class EventKind(Enum):
    """The kinds of event in the journal."""

    CREATED = "created"
    STARTED = "started"
    DEPLOYED = "deployed"
    UNDOING = "undoing"
    ROLLED_BACK = "rolled-back"
    FAILED = "failed"
    RELABELLED = "relabelled"
    ACCEPTED = "accepted"
    FORGOTTEN = "forgotten"
    SEEDED = "seeded"
    MARKED_DEPLOYED = "marked-deployed"
    MARKED_NOT_DEPLOYED = "marked-not-deployed"
    INDEX_DROPPED = "index-dropped"
    DRIFT_ACCEPTED = "drift-accepted"
    BACKUP = "backup"
    WARNED = "warned"


class Event(NamedTuple):
    """One row of the journal. `lineage` to `checksum` are None for events of the whole database."""

    seq: int
    kind: EventKind
    at: datetime
    lineage: str | None
    id: str | None
    release: Release | None
    name: str | None
    checksum: str | None
    duration_ms: float | None
    user: str
    host: str
    sartor: str
    detail: Mapping[str, Any]


class Mismatch(NamedTuple):
    """An alteration of which the ledger's row isn't what the journal's events make; "" stands for no row."""

    lineage: str
    id: str
    ledger: str
    journal: str


def compare_with_journal(ledger: Ledger, events: Iterable[Event]) -> tuple[Mismatch, ...]:
    """Returns where a ledger differs from the events up to its head, which must be complete."""
    made: dict[tuple[str, str], tuple[State, Release, str, str]] = {}
    for event in events:
        if event.seq > ledger.head or event.lineage is None or event.id is None:
            continue
        key = event.lineage, event.id
        if event.kind in _REMOVING:
            made.pop(key, None)
        elif event.kind in _MAKING and event.release and event.name is not None and event.checksum is not None:
            made[key] = _MAKING[event.kind], event.release, event.name, event.checksum
        elif key in made and event.kind is EventKind.UNDOING:
            made[key] = State.STARTED, *made[key][1:]
        elif key in made and event.release and event.name is not None:
            state, release, name, checksum = made[key]
            if event.kind is EventKind.RELABELLED:
                release, name = event.release, event.name
            elif event.kind is EventKind.ACCEPTED:
                release, name, checksum = event.release, event.name, event.checksum or checksum
            made[key] = state, release, name, checksum
    held = {entry.identity: (entry.state, entry.release, entry.name, entry.checksum) for entry in ledger.entries}
    return tuple(
        Mismatch(*key, _row(held.get(key)), _row(made.get(key)))
        for key in sorted(held.keys() | made.keys())
        if held.get(key) != made.get(key)
    )


_REMOVING = frozenset({EventKind.ROLLED_BACK, EventKind.FORGOTTEN, EventKind.MARKED_NOT_DEPLOYED})
_MAKING = {
    EventKind.STARTED: State.STARTED,
    EventKind.DEPLOYED: State.DEPLOYED,
    EventKind.MARKED_DEPLOYED: State.DEPLOYED,
}


def _row(found: tuple[State, Release, str, str] | None) -> str:
    if found is None:
        return ""
    state, release, name, checksum = found
    return f"{state.value} in {release.label} as {name}, {checksum}"
