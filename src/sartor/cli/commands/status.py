"""`sartor db alteration status`."""

from __future__ import annotations

import typer

import sartor
from sartor.cli import options, output
from sartor.cli.command import on_each, run, settled
from sartor.cli.declaration import command
from sartor.cli.results.status import status_json, status_lines


@command("db alteration status --json", options.where, codes=(0, 2, 6, 130))
def status(context: typer.Context) -> None:
    """Compare the alterations on disk with those deployed.

    Shows which are pending, out of order, edited, missing or ahead. Writes nothing.
    """
    with settled(context) as settings:
        on_each(
            settings,
            lambda destination: run(sartor.status(destination, settings.sources)),
            show=lambda found: output.results(status_lines(found)),
            as_json=status_json,
        )
