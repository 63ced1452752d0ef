"""`sartor db alteration status`."""

from __future__ import annotations

import typer

import sartor
from sartor import DestinationStatus
from sartor.cli import options
from sartor.cli.command import on_each, run, settled
from sartor.cli.declaration import command
from sartor.cli.results.status import status_json, status_lines
from sartor.domain.destination import Destination


@command("db alteration status --json", options.where, codes=(0, 2, 6, 130))
def status(context: typer.Context) -> None:
    """Compare the alterations on disk with those deployed.

    Shows which are pending, out of order, edited, missing or ahead. Writes nothing.
    """
    with settled(context) as settings:

        def action(destination: Destination) -> DestinationStatus:
            return run(sartor.status(destination, settings.sources))

        on_each(settings, action, lines=status_lines, as_json=status_json)
