"""The state of a fleet's run, counted from its events: what a display shows at any moment, and the end tells.

It keeps a few words on each destination and none of their results: a fleet may have a hundred thousand.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from sartor.domain.destination import Destination
from sartor.domain.fleet import Begun, End, Ended, FleetEvent, Happened, Joined, Outcome, StandsBy, WaveBegun
from sartor.domain.fleet_reasons import Reason, reason_of
from sartor.domain.report import Blocker, Report, Started, Waiting
from sartor.errors import Interrupted

WINDOW = 200
"""The last destinations that ended: of these is the rate."""
ENOUGH = 3
"""The destinations that must have ended before a rate says something."""


PASSED = 8.0
"""Seconds after which a wait that isn't reported again is over: a run reports one every 5 s."""


class AtWork(NamedTuple):
    """A destination at work: since when, in which script, and for what it waited at the time `told`."""

    since: float
    script: str = ""
    waiting: Waiting | None = None
    told: float = 0.0
    attempt: int = 1

    def wait(self, now: float) -> Waiting | None:
        """Returns what it waits for; None where it doesn't."""
        return self.waiting if now - self.told < PASSED else None


class Ending(NamedTuple):
    """How a destination ended: `changes` are the alterations done there, None where another thing is done."""

    label: str
    wave: int
    end: End
    seconds: float
    attempts: int
    changes: int | None
    reason: Reason | None
    exit_code: int
    """That of its error, where it failed."""


class Wave(NamedTuple):
    """A wave that began: the number of its destinations, and the times of its begin and of its last ending."""

    number: int
    destinations: int
    begun: float
    ended: float


class Blocked(NamedTuple):
    """The sessions for which a destination waited last, and the script that did."""

    label: str
    script: str
    blockers: tuple[Blocker, ...]


class Progress:
    """Counts the events of a fleet's run on `total` destinations; `now` is in seconds of a clock that isn't set."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.waves_in_all = 1
        self.waves: list[Wave] = []
        self.endings: list[Ending] = []
        self.at_work: dict[Destination, AtWork] = {}
        self.blocked: dict[Destination, Blocked] = {}
        self.done = self.failed = 0
        self._recent: deque[float] = deque(maxlen=WINDOW)

    def take(self, event: FleetEvent, now: float) -> None:
        match event:
            case WaveBegun():
                self.waves_in_all = event.waves
                self.waves.append(Wave(event.number, event.destinations, now, now))
                self._recent.clear()
                self._recent.append(now)
            case Begun():
                self.at_work[event.destination] = AtWork(now, attempt=event.attempt)
            case Happened():
                self._happened(event, now)
            case Ended():
                self._ended(event.outcome, now)
            case Joined() | StandsBy():
                pass

    def rate(self, now: float) -> float | None:
        """Returns the destinations that end in a second; None where too few have ended in this wave."""
        lasted = now - self._recent[0] if self._recent else 0.0
        return (len(self._recent) - 1) / lasted if len(self._recent) > ENOUGH and lasted > 0 else None

    def left(self, now: float) -> float | None:
        """Returns the seconds that the run takes from now on at its rate, None where this isn't known."""
        rate = self.rate(now)
        return None if rate is None else self.remaining / rate

    @property
    def ended(self) -> int:
        return self.done + self.failed

    @property
    def remaining(self) -> int:
        """The number of destinations that haven't ended."""
        return self.total - self.ended

    def _happened(self, event: Happened, now: float) -> None:
        work = self.at_work.get(event.destination, AtWork(now))
        match event.event:
            case Started(alteration=alteration):
                work = work._replace(script=alteration.name, waiting=None)
            case Waiting() as waiting:
                work = work._replace(waiting=waiting, told=now)
                if waiting.blockers:
                    label, script = event.destination.label, waiting.script or ""
                    self.blocked[event.destination] = Blocked(label, script, waiting.blockers)
            case _:
                work = work._replace(waiting=None)
        self.at_work[event.destination] = work

    def _ended(self, outcome: Outcome, now: float) -> None:
        self.at_work.pop(outcome.destination, None)
        if outcome.end is End.UNTOUCHED:
            return
        self.done += outcome.end is End.DONE
        self.failed += outcome.end is End.FAILED
        self._recent.append(now)
        if self.waves:
            self.waves[-1] = self.waves[-1]._replace(ended=now)
        self.endings.append(ending(outcome))


def ending(outcome: Outcome) -> Ending:
    """Returns what is kept of a destination's end."""
    report = report_of(outcome)
    return Ending(
        label=outcome.destination.label,
        wave=outcome.wave,
        end=outcome.end,
        seconds=outcome.seconds,
        attempts=outcome.attempts,
        changes=None if report is None else len(report.done),
        reason=reason_of(outcome) if outcome.end is End.FAILED else None,
        exit_code=Interrupted.exit_code if outcome.error is None else outcome.error.exit_code,
    )


def report_of(outcome: Outcome) -> Report | None:
    """Returns the report of the run at a destination, which may have failed; None where there is none."""
    found = outcome.error.report if outcome.error is not None else outcome.result
    return found if isinstance(found, Report) else None
