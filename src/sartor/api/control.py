"""Runs over a fleet that processes share: looked at, approved and cancelled in the control database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sartor.api.fleet import ONE_BY_ONE, ignore_events
from sartor.api.requests import NO_LIMITS
from sartor.domain.destination import Destination
from sartor.domain.fleet import FleetObserver, FleetOrder, FleetReport, Joined, waves
from sartor.domain.fleet_run import Carrier, FleetStanding, FleetWork, Shard
from sartor.errors import UsageError

if TYPE_CHECKING:
    from sartor.domain.report import Observer
    from sartor.fleet.control import Opened
    from sartor.fleet.control_rows import NewRun

WHOLE = Shard()
"""The only part of a run that one process does alone."""


class SharedReport(NamedTuple):
    """A shared run, as one of its processes leaves it: `standing` is of the whole run, `report` of its own part."""

    standing: FleetStanding
    report: FleetReport


async def fleet_status(control: Destination, run: str | None = None) -> FleetStanding:
    """Returns a run over a fleet and how far it is: counts by wave and state, and the failures. Writes nothing.

        standing = await sartor.fleet_status(sartor.load_control())
        print(standing.run.state, standing.count("done"), standing.failures)

    - `control`: the control database, as `load_control` finds it.
    - `run`: the number of the run or a name that it was given; by default the newest one.

    Raises TargetError where there is no such run, and DestinationError.
    """
    from sartor.fleet.control import Control
    from sartor.fleet.control_tables import require_prepared

    await require_prepared(control)
    async with Control(control) as rows:
        return await rows.standing((await rows.find(run)).id)


async def plan_fleet(
    control: Destination,
    destinations: Sequence[Destination],
    order: FleetOrder = ONE_BY_ONE,
    *,
    work: FleetWork,
    who: str,
    run: str | None = None,
    approved: bool = False,
    queue: bool = False,
) -> FleetStanding:
    """Makes a run over a fleet for other processes to work on, or finds the one under way; returns how far it is.

        work = sartor.FleetWork("deploy", "1.2.0")
        standing = await sartor.plan_fleet(control, destinations, work=work, who="ana", run="tonight")

    - `control`, `destinations`, `order`, `work`, `who`, `run`, `approved`: as in `join_fleet`.
    - `queue`: hand the destinations to the workers of a queue; otherwise `join_fleet` takes them, a part each.

    Raises RunHeld where a run that does something else has some of these destinations; QueueMissing where the control
    database has no queue; DestinationError, LedgerTooNew.
    """
    from sartor.fleet.control import Control
    from sartor.fleet.control_tables import prepare

    opened = await _queue_of(control) if queue else None
    await prepare(control, limits=NO_LIMITS)
    new = _new(destinations, order, work, who, run)._replace(approve=approved)
    async with Control(control, opened=opened) as rows:
        found, _ = await rows.plan(new._replace(carrier=Carrier.QUEUE if queue else Carrier.SHARDS))
        return await rows.standing(found.id)


async def _queue_of(control: Destination) -> Opened:
    """Returns what puts destinations into the queue, whose log is trimmed.

    Raises QueueMissing, and UsageError without the extra `queue`.
    """
    from sartor.fleet.carrier import enqueuing, queries_of, require_library, require_queue, trim_log

    require_library()
    from sartor.fleet.queue_driver import QueueDriver

    async with QueueDriver(control, application="sartor fleet plan") as driver:
        await require_queue(queries_of(driver))
        await trim_log(queries_of(driver))
    return enqueuing(control.schema)


def _new(destinations: Sequence[Destination], order: FleetOrder, work: FleetWork, who: str, name: str | None) -> NewRun:
    from sartor.fleet.control_rows import NewRun

    budget = None if order.max_failures is None else order.max_failures.of(len(destinations))
    return NewRun(
        work,
        waves(destinations, order),
        who,
        name=name,
        budget=budget,
        canary=order.canary > 0,
        jobs_per_server=order.jobs_per_server,
    )


async def join_fleet(
    control: Destination,
    destinations: Sequence[Destination],
    call: Callable[[Destination, Observer], Awaitable[Any]],
    order: FleetOrder = ONE_BY_ONE,
    *,
    work: FleetWork,
    who: str,
    run: str | None = None,
    shard: Shard = WHOLE,
    approved: bool = False,
    keep_results: bool = True,
    observer: FleetObserver = ignore_events,
) -> SharedReport:
    """Does a part of a run over a fleet that processes share, until the whole run is over; returns what became of it.

        work = sartor.FleetWork("deploy", "1.2.0")
        done = await sartor.join_fleet(control, destinations, deploy, work=work, who="ci", shard=sartor.Shard(3, 8))

    The run is the one under way that does the same with these destinations, else a new one, for all of them: waves and
    failures count across processes. Behind its canaries it waits until `approve_fleet` lets it go on.

    - `control`: as in `fleet_status`; the tables are made there where they are missing.
    - `destinations`, `call`, `order`, `keep_results`: as in `run_fleet`; all destinations, not only the shard's.
    - `work`: what `call` does at each of them.
    - `who`: who begins the run, for the control database.
    - `run`: a name for the run: who starts again under this name joins it, even when it is over. Several parts need it.
    - `shard`: the part that this process does.
    - `approved`: go on behind the canaries where none of them failed.

    Raises UsageError where several parts have no name; RunHeld where a run that does something else has some of these
    destinations; ControlLost where the control database goes away and doesn't come back within a minute;
    DestinationError, LedgerTooNew. Where it is cancelled, other processes can have what wasn't done.
    """
    from sartor.fleet.control import Control
    from sartor.fleet.control_tables import prepare
    from sartor.fleet.shared_run import Part, SharedRun

    if shard.of > 1 and run is None:
        raise UsageError(
            f"part {shard} of a run needs the run's name: one that starts when the others are done would begin another",
            hint="give all parts the same `run`, and each run another one",
        )
    await prepare(control, limits=NO_LIMITS)
    async with Control(control, worker=f"shard {shard}") as rows:
        found, is_new = await rows.plan(_new(destinations, order, work, who, run)._replace(approve=approved))
        observer(Joined(found.id, is_new))
        part = Part(shard, call, order, approver=who if approved else None, keep_results=keep_results)
        report = await SharedRun(rows, found, destinations, part, observer).work()
        return SharedReport(await rows.standing(found.id), report)


async def approve_fleet(control: Destination, run: str | None = None, *, who: str) -> FleetStanding:
    """Lets a run over a fleet go on that waits behind its canaries; returns how far it is.

        await sartor.approve_fleet(sartor.load_control(), who="ana@example.com")

    - `control`, `run`: as in `fleet_status`.
    - `who`: who approves, for the control database.

    Raises TargetError where there is no such run, or it doesn't wait; and DestinationError.
    """
    from sartor.fleet.control import Control
    from sartor.fleet.control_tables import require_prepared

    await require_prepared(control)
    async with Control(control) as rows:
        found = await rows.find(run)
        await rows.approve(found.id, who)
        return await rows.standing(found.id)


async def cancel_fleet(control: Destination, run: str | None = None) -> FleetStanding:
    """Ends a run over a fleet: nothing new begins, and what is at work ends; returns how far it is.

        await sartor.cancel_fleet(sartor.load_control())

    - `control`, `run`: as in `fleet_status`.

    Raises TargetError where there is no such run, or it is over; and DestinationError.
    """
    from sartor.fleet.control import Control
    from sartor.fleet.control_tables import require_prepared

    await require_prepared(control)
    async with Control(control) as rows:
        found = await rows.find(run)
        await rows.cancel(found.id)
        return await rows.standing(found.id)
