"""`sartor fleet status`, `approve` and `cancel`: runs over a fleet that several processes share."""

from typing import Annotated

import typer

import sartor
from sartor import FleetStanding
from sartor.cli import options, output
from sartor.cli.command import control, run
from sartor.cli.declaration import Text, argument, command
from sartor.cli.results.fleet_run import standing_json, standing_lines

Run = Annotated[
    Text, argument("[RUN]", "The number of the run, or a name that it was given. [default: the newest one]")
]

_CODES = (0, 2, 6, 130)


@command("fleet status --control postgresql://ops@db.example.com/ops", options.controlled, codes=_CODES)
def status(context: typer.Context, of_run: Run = None) -> None:
    """Show how far a run over many destinations is, and what failed.

    Counts the destinations of each wave by their state. Writes nothing.
    """
    _show(run(sartor.fleet_status(control(context), of_run)))


@command("fleet approve 7", options.controlled, codes=_CODES)
def approve(context: typer.Context, of_run: Run = None) -> None:
    """Let a run go on that waits behind its canaries."""
    import getpass
    import socket

    who = f"{getpass.getuser()}@{socket.gethostname()}"
    _show(run(sartor.approve_fleet(control(context), of_run, who=who)))


@command("fleet cancel 7", options.controlled, codes=_CODES)
def cancel(context: typer.Context, of_run: Run = None) -> None:
    """End a run: nothing new begins, and what is at work ends."""
    _show(run(sartor.cancel_fleet(control(context), of_run)))


def _show(standing: FleetStanding) -> None:
    if output.wants("--json"):
        output.json_object(standing_json(standing))
    else:
        output.results(standing_lines(standing))
