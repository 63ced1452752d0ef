"""What a database says of its alterations, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cached_property
from typing import Any, NamedTuple

from sartor.domain.alteration import Alteration
from sartor.domain.release import Release

FORMAT = 1
"""The ledger's format that this Sartor reads and writes."""


class State(Enum):
    """How far an alteration has come in this database."""

    DEPLOYED = "deployed"
    STARTED = "started"
    """Its steps outside a transaction began, and no end of them is recorded."""
    UNDOING = "undoing"
    """Likewise for its rollback."""


class Entry(NamedTuple):
    """A row of the ledger: an alteration that this database has, or has begun.

    The first five fields are what its Alteration on disk says too.
    """

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
        """What makes it one and the same on disk: (lineage, id)."""
        return self.lineage, self.id


@dataclass(frozen=True)
class Ledger:
    """All that a destination's ledger says, at one moment.

    `head` is the number of the journal's last event, -1 where there is no ledger yet; `entries` are in order of `seq`.
    `as_shipped` are alterations of whose rows it is known, without reading them, that they are complete and say what
    the files say: `entries` lacks these. It is empty where all rows were asked for.
    """

    head: int = -1
    format: int = FORMAT
    entries: tuple[Entry, ...] = ()
    as_shipped: tuple[Alteration, ...] = ()

    @property
    def exists(self) -> bool:
        """Whether a first deploy has made it."""
        return self.head >= 0

    @cached_property
    def by_identity(self) -> dict[tuple[str, str], Entry]:
        """Entries by (lineage, id)."""
        return {entry.identity: entry for entry in self.entries}


class EventKind(Enum):
    """What the journal records."""

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


class Event(NamedTuple):
    """One line of the journal. `lineage` to `checksum` are None for events of the whole database."""

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
