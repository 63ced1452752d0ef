"""`sartor db alteration history`."""

from __future__ import annotations

import typer

import sartor
from sartor.cli import options
from sartor.cli.command import on_each, run, settled
from sartor.cli.declaration import command
from sartor.cli.results.status import history_json, history_lines


@command("db alteration history --json", options.database, codes=(0, 2, 6, 130))
def history(context: typer.Context) -> None:
    """Show the journal, oldest event first.

    Lists every deployment, rollback, failure and repair, with the user and the time. Writes nothing.
    """
    with settled(context, ships=False) as settings:
        on_each(settings, lambda place: run(sartor.history(place)), lines=history_lines, as_json=history_json)
