"""Runs of a fleet that never happened: their events, for what shows and counts them."""

from __future__ import annotations

from collections.abc import Sequence

from sartor.domain.alteration import Alteration
from sartor.domain.destination import Destination
from sartor.domain.fleet import Begun, End, Ended, FleetEvent, Happened, Outcome, WaveBegun
from sartor.domain.plan import Direction
from sartor.domain.release import parse_target
from sartor.domain.report import Blocker, Done, Failure, Finished, Report, Started, Waiting
from sartor.errors import SartorError, Unreachable, alteration_failed

SCRIPT = Alteration("main", "1700000000-a", parse_target("1.0.0"), "1.0.0-1700000000-a.sql", "sha256:0", "/srv")
HOLDER = Blocker(4711, "bob", "psql", "10.0.0.7", "idle in transaction", 73.0, "select 1", "AccessShareLock on users")


def tenants(number: int) -> list[Destination]:
    """Schemas of a database on three servers."""
    return [Destination(f"postgresql://app@db{at % 3}.example.com/app", f"tenant_{at}") for at in range(number)]


def done(destination: Destination, number: int = 1, *, wave: int = 0, attempts: int = 1) -> Outcome:
    """A destination at which this many alterations were deployed."""
    report = Report(Direction.DEPLOY, None, (Done(SCRIPT, 3.0),) * number)
    return Outcome(destination, End.DONE, wave, 0.4, attempts, report)


def failed(destination: Destination, message: str = "no", *, wave: int = 0, name: str = SCRIPT.name) -> Outcome:
    """A destination at which a script failed."""
    failure = Failure(name, SCRIPT.id, message, sqlstate="42P07", file=f"/srv/{name}", line=3)
    error: SartorError = alteration_failed(failure)
    error.report = Report(Direction.DEPLOY, None)
    return Outcome(destination, End.FAILED, wave, 0.2, 1, None, error)


def unreachable(destination: Destination, wave: int = 0) -> Outcome:
    """A destination that nothing could connect to."""
    error = Unreachable(f"{destination.label}: connection refused", hint="is the server running?")
    return Outcome(destination, End.FAILED, wave, 0.1, 1, None, error)


def happening(outcome: Outcome, *, waits: bool = False) -> list[FleetEvent]:
    """The events of a destination that ends like this."""
    place = outcome.destination
    events: list[FleetEvent] = [Begun(place), Happened(place, Started(SCRIPT, Direction.DEPLOY))]
    if waits:
        events.append(Happened(place, Waiting("a lock", (HOLDER,), 40.0, SCRIPT.name)))
    if outcome.end is End.DONE:
        events.append(Happened(place, Finished(SCRIPT, Direction.DEPLOY, 3.0)))
    return [*events, Ended(outcome)]


def wave(number: int, waves: int, outcomes: Sequence[Outcome]) -> list[FleetEvent]:
    """The events of a wave whose destinations come one after the other."""
    return [WaveBegun(number, waves, len(outcomes)), *(event for each in outcomes for event in happening(each))]
