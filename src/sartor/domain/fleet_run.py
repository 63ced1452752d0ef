"""A run over a fleet that many processes share: what is done, how far it is, and whose turn it is."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import Any, NamedTuple, Self
from zlib import crc32

from sartor.errors import UsageError


class RunState(Enum):
    """The state of a run: `PAUSED` waits behind its canaries; `STOPPED` had more failures than it may have."""

    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    STOPPED = "stopped"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        return self not in {RunState.RUNNING, RunState.PAUSED}


class Carrier(Enum):
    """The way in which processes get a run's destinations: each takes its share of them, or a queue has them."""

    SHARDS = "shards"
    QUEUE = "queue"


class FleetWork(NamedTuple):
    """The work at each destination: `deploy` or `rollback`, and to which target.

    `options` are the further arguments of the function of that name, as JSON has them.
    """

    verb: str
    target: str | None
    options: Mapping[str, Any] = MappingProxyType({})

    def __str__(self) -> str:
        words = [self.verb, self.target or "", *(f"{key}={value}" for key, value in self.options.items() if value)]
        return " ".join(filter(None, words))


class FleetRun(NamedTuple):
    """A run as the control database has it.

    `wave` is the one at work, from 0, of `waves`; `total` the number of destinations; `budget` the failures that it
    may have (None: any number); `canary` says that it pauses behind wave 0 until somebody approves;
    `jobs_per_server` how many destinations of a server are at work at once.
    """

    id: int
    names: tuple[str, ...]
    carrier: Carrier
    work: FleetWork
    state: RunState
    wave: int
    waves: int
    total: int
    budget: int | None
    canary: bool
    jobs_per_server: int
    approved_by: str | None
    who: str
    version: str
    began: datetime
    ended: datetime | None


class Turn(NamedTuple):
    """A destination whose turn it is: its label, its URL without a password, and its schema."""

    destination: str
    url: str
    schema: str
    server: str
    wave: int
    attempts: int = 0


class RunDestination(NamedTuple):
    """A destination as the control database has it, in a state as in `Tally`; `error` is why it failed."""

    destination: str
    wave: int
    state: str
    attempts: int
    error: str


class FailedDestination(NamedTuple):
    """A destination that failed, or was set aside, and why."""

    destination: str
    wave: int
    attempts: int
    error: str
    aside: bool = False


class Tally(NamedTuple):
    """The number of destinations of a wave that are in a state: waiting, queued, running, done, failed or aside."""

    wave: int
    state: str
    destinations: int


class FleetStanding(NamedTuple):
    """A run and how far it is: `lately` is the number of destinations that ended within the last minute."""

    run: FleetRun
    tallies: tuple[Tally, ...]
    failures: tuple[FailedDestination, ...]
    lately: int = 0

    def count(self, *states: str) -> int:
        """Returns the number of destinations in these states."""
        return sum(tally.destinations for tally in self.tallies if tally.state in states)


def lane(server: str) -> int:
    """Returns a number that is the same for a server in each process and on each computer."""
    return crc32(server.encode())


class Shard(NamedTuple):
    """One of several parts of a fleet, by the servers: `part` counts from 0."""

    part: int = 0
    of: int = 1

    def __str__(self) -> str:
        return f"{self.part}/{self.of}"

    @classmethod
    def parse(cls, text: str, *, index: str | None, origin: str) -> Self:
        """Returns the shard that `I/N` names, or `N` where `index` has the I. Raises UsageError, naming `origin`."""
        first, slash, last = text.strip().partition("/")
        given, number = (first, last) if slash else (index or "", first)
        if not given:
            raise UsageError(
                f"{origin} {text!r} doesn't say which part it is, and JOB_COMPLETION_INDEX isn't set",
                hint=f"write I/{number}, with I from 0",
            )
        if not all(part.isascii() and part.isdigit() and len(part) < 7 for part in (given, number)):
            raise UsageError(f"{origin}: {text!r} isn't a part of several", hint="write I/N, such as 0/8")
        if int(given) >= int(number):
            raise UsageError(f"{origin}: there is no part {given} of {number}", hint="count from 0: 0/8 to 7/8")
        return cls(int(given), int(number))

    def has(self, server: str) -> bool:
        """Returns whether this part has the destinations of a server."""
        return lane(server) % self.of == self.part
