"""A run on a fleet that this process shares with others: its part of the destinations, and the control database."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

import sartor
from sartor import FleetStanding, FleetWork, Observer, RunState, Settings
from sartor.cli import output
from sartor.cli.command import run
from sartor.cli.fleet_part import find_shard, part_of
from sartor.cli.fleet_progress import View, What
from sartor.cli.results.fleet_run import standing_line
from sartor.domain.destination import Destination
from sartor.errors import FleetStopped

if TYPE_CHECKING:
    from sartor import FleetOrder
    from sartor.domain.fleet_summary import Summary

LEFT = "each destination is at a whole alteration, and those not done are free for others"
"""The state in which a signal leaves this process's part."""


def whoami() -> str:
    return f"{getpass.getuser()}@{socket.gethostname()}"


def work_on_part(
    settings: Settings,
    call: Callable[[Destination, Observer], Awaitable[Any]],
    what: What,
    order: FleetOrder,
    options: Mapping[str, Any],
    work: FleetWork,
) -> Summary:
    """Works on a part of a shared run until the whole run is over, and shows it. Raises FleetStopped, ControlLost."""
    shard, control = find_shard(options), settings.control
    assert control is not None  # noqa: S101 - for the type checker
    view = View(part_of(settings.destinations, shard), what)
    with view.shown():
        shared = run(
            sartor.join_fleet(
                control,
                settings.destinations,
                call,
                order,
                work=work,
                who=whoami(),
                run=options["run"],
                shard=shard,
                approved=options["approve"],
                keep_results=False,
                observer=view.take,
            ),
            left=LEFT,
        )
    summary = view.end(shared.report)
    known = {outcome.destination.label for outcome in shared.report.outcomes}
    if others := [each.label for each in part_of(settings.destinations, shard) if each.label not in known]:
        named = f"{len(others)} of these destinations, which run {shared.standing.run.id} doesn't have"
        output.tell(f"{named}: {'; '.join(others[:3])}; another run does them", head="warning: untouched:")
    output.tell(standing_line(shared.standing))
    require_done(shared.standing)
    return summary


def require_done(standing: FleetStanding) -> None:
    """Raises FleetStopped where a run that is over isn't done."""
    run = standing.run
    if run.state is RunState.STOPPED:
        raise FleetStopped(f"run {run.id} was stopped, as more than {run.budget} failed")
    if run.state is RunState.CANCELLED:
        raise FleetStopped(f"run {run.id} was cancelled")
