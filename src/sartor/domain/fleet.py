"""A fleet: the order in which a run works through many destinations, and what became of each.

A fleet is worked through in waves: a wave begins when the one before it has ended. The first may be canaries, behind
which the run stops to be looked at. Within a wave, a number of destinations are at work at once, of one server and in
all; a failed one doesn't stop the others, until there are more failures than the run may have.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

from sartor.domain.destination import Destination
from sartor.errors import SettingsError

if TYPE_CHECKING:
    from sartor.domain.report import RunEvent
    from sartor.errors import SartorError


class Share(NamedTuple):
    """A number of destinations, or a percentage of all: `5` or `10%`."""

    number: float
    is_percentage: bool = False

    def __str__(self) -> str:
        return f"{self.number:g}%" if self.is_percentage else f"{self.number:g}"

    @classmethod
    def parse(cls, text: str, *, origin: str) -> Self:
        """Returns the share that a text names. Raises SettingsError, which names `origin`."""
        digits, percent, rest = text.strip().partition("%")
        whole, point, fraction = digits.partition(".")
        is_number = all(part.isascii() and part.isdigit() for part in (whole, *([fraction] if point else [])))
        if not is_number or rest or len(digits) > 9 or (point and not percent):
            raise SettingsError(
                f"{origin}: {text!r} is neither a number nor a percentage", hint="write a number such as 5, or 10%"
            )
        if percent and float(digits) > 100:
            raise SettingsError(f"{origin}: {text!r} is more than all", hint="write 100% or less")
        return cls(float(digits), is_percentage=bool(percent))

    def of(self, total: int) -> int:
        """Returns the number that this is of so many destinations, rounded down."""
        return int(total * self.number // 100) if self.is_percentage else int(self.number)


class FleetOrder(NamedTuple):
    """How a fleet is worked through.

    `canary`: the number of destinations of the first wave, behind which the run stops until it is approved (0: none);
    `wave`: how many destinations each further wave has (None: all that are left); `jobs`: how many are at work at once
    in all, `jobs_per_server` of one server; `max_failures`: the failures past which nothing new starts (None: any
    number).
    """

    canary: int = 0
    wave: Share | None = None
    jobs: int = 8
    jobs_per_server: int = 4
    max_failures: Share | None = None


def waves(destinations: Sequence[Destination], order: FleetOrder) -> list[list[Destination]]:
    """Returns the destinations wave by wave; each wave has one at least, and the canaries are the first."""
    canaries, rest = list(destinations[: order.canary]), list(destinations[order.canary :])
    size = len(rest) if order.wave is None else max(1, order.wave.of(len(destinations)))
    return [wave for wave in [canaries, *(rest[at : at + size] for at in range(0, len(rest), size or 1))] if wave]


class End(Enum):
    """The end of a destination's turn: all that was asked is done there; or it failed; or nothing was begun."""

    DONE = "done"
    FAILED = "failed"
    UNTOUCHED = "untouched"


class Outcome(NamedTuple):
    """The outcome at a destination: the result of the call for it, or the error that the call raised.

    `wave` counts from 0; `seconds` is the time of the last attempt, of which there were `attempts`.
    """

    destination: Destination
    end: End
    wave: int = 0
    seconds: float = 0.0
    attempts: int = 0
    result: Any = None
    error: SartorError | None = None


class Stopped(Enum):
    """Why a run stopped before all was begun."""

    CANARY = "canary"
    FAILURES = "failures"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"


class FleetReport(NamedTuple):
    """The report on a fleet: an outcome for each destination, in the order in which they ended."""

    outcomes: tuple[Outcome, ...]
    waves: int = 1
    stopped: Stopped | None = None
    seconds: float = 0.0

    def of(self, end: End) -> tuple[Outcome, ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.end is end)


class WaveBegun(NamedTuple):
    """A wave begins: `number` counts from 0, `waves` is the number of all."""

    number: int
    waves: int
    destinations: int


class Begun(NamedTuple):
    """The work at a destination begins, or begins again behind an error that may pass."""

    destination: Destination
    attempt: int = 1


class Happened(NamedTuple):
    """An event of the run at a destination."""

    destination: Destination
    event: RunEvent


class Ended(NamedTuple):
    """The work at a destination has ended."""

    outcome: Outcome


class Joined(NamedTuple):
    """A run of a control database is joined, which this process has made itself (`is_new`) or found under way."""

    run: int
    is_new: bool


class StandsBy(NamedTuple):
    """Nothing is to be done here until other processes of the run end, or somebody approves it (`approval`)."""

    run: int
    approval: bool


FleetEvent = WaveBegun | Begun | Happened | Ended | Joined | StandsBy


class FleetObserver(Protocol):
    """A function that is called with each event of a fleet's run, on the thread of the event loop."""

    def __call__(self, event: FleetEvent, /) -> None: ...
