"""Runs over a fleet that processes share: looked at, approved and cancelled in the control database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sartor.domain.destination import Destination

if TYPE_CHECKING:
    from sartor.domain.fleet_run import FleetStanding


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
