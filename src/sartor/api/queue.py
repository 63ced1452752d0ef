"""Workers of a fleet that a queue carries: what the command line needs to run one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from sartor.api.requests import NO_LIMITS, Sources, secrets
from sartor.api.runs import deploy, rollback
from sartor.conninfo.redaction import redact
from sartor.domain.destination import Destination, Limits
from sartor.domain.fleet_queue import Attempt, AttemptEnd, Pace, Told
from sartor.domain.fleet_run import FleetRun, FleetStanding, FleetWork, Turn
from sartor.domain.release import LATEST
from sartor.domain.report import Report
from sartor.errors import Interrupted, RunHeld, SartorError, Unreachable

if TYPE_CHECKING:
    from sartor.fleet.hands import Hands


class Task(NamedTuple):
    """The task of a hand: a destination, and what is to be done there."""

    destination: Destination
    work: FleetWork


def require_queue_library() -> None:
    """Raises UsageError where the extra `queue` isn't installed."""
    from sartor.fleet.carrier import require_library

    require_library()


async def upgrade_queue(control: Destination, *, limits: Limits = NO_LIMITS) -> int:
    """Makes the tables of fleets' runs and of their queue, or brings older ones up to date.

    Returns the number of statements that the queue needed. Raises UsageError where the extra `queue` isn't installed,
    and as a deployment does.
    """
    from sartor.fleet.carrier import queries_of, require_library, upgrade_queue
    from sartor.fleet.control_tables import prepare

    require_library()
    from sartor.fleet.queue_driver import QueueDriver

    await prepare(control, limits=limits)
    async with QueueDriver(control, application="sartor fleet upgrade") as driver:
        return await upgrade_queue(queries_of(driver))


def make_hands(do: Callable[[Task], Attempt]) -> Hands:
    """Returns the processes in which a worker's scripts run. It forks, so it comes before the event loop."""
    from sartor.alterations.shared import sharing_scripts
    from sartor.fleet.hands import Hands

    with sharing_scripts():  # the processes have this context
        return Hands(do)


async def work_on_queue(
    control: Destination,
    hands: Hands,
    find: Callable[[Turn], Destination],
    tell: Callable[[Told], None],
    *,
    name: str,
    pace: Pace,
    stays: bool,
) -> list[FleetStanding]:
    """Works on what the queue has, until the runs are over; returns them as they are then. `find` knows passwords.

    Raises QueueMissing, ControlLost. Where it is cancelled, what was at work is rolled back and given back at once.
    """
    from sartor.fleet.queue_worker import QueueWorker

    def task(turn: Turn, run: FleetRun) -> Any:
        return Task(find(turn), run.work)

    worker = QueueWorker(control, hands, task, tell, name=name, pace=pace, stays=stays)
    return await worker.run()


async def attempt(task: Task, sources: Sources, *, limits: Limits) -> Attempt:
    """Does a task; returns what became of it. Raises CancelledError only."""
    began, work, place = time.monotonic(), task.work, task.destination
    try:
        if work.verb == "rollback":
            report = await rollback(place, sources, work.target, limits=limits, **work.options)
        else:
            report = await deploy(place, sources, work.target or LATEST, limits=limits, **work.options)
    except SartorError as error:
        return without_secrets(failed(error), place)._replace(seconds=time.monotonic() - began)
    return _done(report)._replace(seconds=time.monotonic() - began)


def _done(report: Report) -> Attempt:
    names = tuple(done.alteration.name for done in report.done)
    reached = report.target or (report.done[-1].alteration.release if report.done else report.before)
    return Attempt(AttemptEnd.DONE, names, None if reached is None else reached.label)


def failed(error: SartorError) -> Attempt:
    """Returns the attempt that an error ended; it says whether the next one may go well."""
    end = AttemptEnd.FAILED
    if isinstance(error, Interrupted):
        end = AttemptEnd.INTERRUPTED
    elif isinstance(error, RunHeld) or (isinstance(error, Unreachable) and error.may_pass):
        end = AttemptEnd.MAY_PASS
    done = tuple(each.alteration.name for each in error.report.done) if error.report else ()
    return Attempt(end, done, None, str(error), error.hint, error.code, error.exit_code)


def without_secrets(found: Attempt, destination: Destination) -> Attempt:
    """Returns an attempt whose texts, which the control database keeps, hold no password of the destination."""
    hidden = secrets(destination)
    return found._replace(error=found.error and redact(found.error, hidden), hint=redact(found.hint, hidden))
