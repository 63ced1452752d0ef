"""The ledger and the journal of a database, as values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import cached_property
from typing import Any, NamedTuple

from sartor.domain.alteration import Alteration
from sartor.domain.kept_down import KeptDown
from sartor.domain.release import Release

FORMAT = 1
"""The number of the ledger format that this Sartor reads and writes."""


class State(Enum):
    """The state of an alteration in this database."""

    DEPLOYED = "deployed"
    STARTED = "started"
    """Its deployment or rollback outside a transaction began, and the end of that isn't recorded."""


AGAIN = "again"
"""The state of a repeatable script that is to run again; the others are deployed."""


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
    def is_repeatable(self) -> bool:
        """False: the rows of repeatable scripts are a RepeatableEntry each."""
        return False

    @property
    def identity(self) -> tuple[str, str]:
        """The key that identifies it on disk: (lineage, id)."""
        return self.lineage, self.id


class RepeatableEntry(NamedTuple):
    """A row of the ledger that has no release: a repeatable script, as it was when it last ran in this database.

    It is to run `again`, changed or not, where an alteration was rolled back since then.
    """

    lineage: str
    id: str
    name: str
    checksum: str
    deployed_at: datetime
    duration_ms: float
    deployed_by: str
    host: str
    sartor: str
    seq: int
    again: bool = False

    @property
    def is_repeatable(self) -> bool:
        """True."""
        return True

    @property
    def identity(self) -> tuple[str, str]:
        """The key that identifies it on disk: (lineage, id)."""
        return self.lineage, self.id


Subject = Alteration | Entry | RepeatableEntry
"""The script that an event is about: its file, or its row."""


@dataclass(frozen=True)
class Ledger:
    """The content of a destination's ledger, at one moment.

    `head` is the number of the journal's last event, -1 where there is no ledger yet; `entries` are in order of `seq`,
    and so are `repeatables`. `strays` are the objects of a schema that has no ledger: alterations may have made them.
    `tool` is the title of another tool that has a table of its own there, "" where none is known.
    """

    head: int = -1
    format: int = FORMAT
    entries: tuple[Entry, ...] = ()
    strays: tuple[str, ...] = ()
    tool: str = ""
    downs: Mapping[tuple[str, str], KeptDown | None] = field(default_factory=dict)
    repeatables: tuple[RepeatableEntry, ...] = ()

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
    SNAPSHOT = "snapshot"
    BASELINE = "baseline"
    UNDOING = "undoing"
    ROLLED_BACK = "rolled-back"
    REPEATED = "repeated"
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


WAS_ID = "was_id"
"""The part of a `relabelled` event's detail that is the identity before it, where a file was renamed."""


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


class _Row(NamedTuple):
    """The part of a row that the journal determines."""

    state: State
    release: Release | None
    name: str | None
    checksum: str | None

    def __str__(self) -> str:
        place = "" if self.release is None else f" in {self.release}"
        return f"{self.state.value}{place} as {self.name}, {self.checksum}"


def compare_with_journal(ledger: Ledger, events: Iterable[Event]) -> tuple[Mismatch, ...]:
    """Returns where a ledger differs from the events up to its head, which must be complete."""
    made = _rows(event for event in events if event.seq <= ledger.head)
    held = {entry.identity: _Row(entry.state, entry.release, entry.name, entry.checksum) for entry in ledger.entries}
    held |= {each.identity: _Row(State.DEPLOYED, None, each.name, each.checksum) for each in ledger.repeatables}
    return tuple(
        Mismatch(*key, str(held.get(key, "")), str(made.get(key, "")))
        for key in sorted(held.keys() | made.keys())
        if held.get(key) != made.get(key)
    )


def _rows(events: Iterable[Event]) -> dict[tuple[str, str], _Row]:
    """Returns the rows that events make, by identity."""
    rows: dict[tuple[str, str], _Row] = {}
    for event in events:
        if event.lineage is None or event.id is None:
            continue
        key = event.lineage, event.id
        if event.kind is EventKind.RELABELLED and (was := event.detail.get(WAS_ID)):
            rows |= {key: row} if (row := rows.pop((event.lineage, was), None)) else {}
        match event.kind, rows.get(key):
            case ((EventKind.ROLLED_BACK | EventKind.FORGOTTEN | EventKind.MARKED_NOT_DEPLOYED), _):
                rows.pop(key, None)
            case ((EventKind.DEPLOYED | EventKind.REPEATED | EventKind.MARKED_DEPLOYED | EventKind.BASELINE), _):
                rows[key] = _Row(State.DEPLOYED, event.release, event.name, event.checksum)
            case EventKind.STARTED, _:
                rows[key] = _Row(State.STARTED, event.release, event.name, event.checksum)
            case EventKind.UNDOING, _Row() as row:
                rows[key] = row._replace(state=State.STARTED)
            case EventKind.RELABELLED, _Row() as row:
                rows[key] = row._replace(release=event.release, name=event.name)
            case EventKind.ACCEPTED, _Row(state=state, checksum=checksum):
                rows[key] = _Row(state, event.release, event.name, event.checksum or checksum)
            case _:
                pass
    return rows
