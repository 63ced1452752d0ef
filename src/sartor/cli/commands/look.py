"""`sartor db alteration list`, `status` and `history`."""

import typer

import sartor
from sartor import DestinationStatus
from sartor.cli import options, output
from sartor.cli.command import on_each, run, settled, sources
from sartor.cli.options import command
from sartor.cli.results.status import history_json, history_lines, list_json, list_lines, status_json, status_lines
from sartor.domain.destination import Destination


@command("db alteration list --alterations acme.alterations", options.alterations, codes=(0, 2))
def list_(context: typer.Context) -> None:
    """List the alterations, by release. Needs no database."""
    catalogue = sartor.list_alterations(sources(context))
    if output.wants("--json"):
        output.json_object(list_json(catalogue))
    else:
        output.results(list_lines(catalogue))


@command("db alteration status --json", options.where, codes=(0, 2, 6, 130))
def status(context: typer.Context) -> None:
    """Compare the alterations on disk with those deployed.

    Shows which are pending, out of order, edited, missing or ahead. Writes nothing.
    """
    with settled(context) as settings:

        def action(destination: Destination) -> DestinationStatus:
            return run(sartor.status(destination, settings.sources))

        on_each(settings, action, lines=status_lines, as_json=status_json, headed=False)


@command("db alteration history --json", options.database, codes=(0, 2, 6, 130))
def history(context: typer.Context) -> None:
    """Show the journal, oldest event first.

    Lists every deployment, rollback, failure and repair, with the user and the time. Writes nothing.
    """
    with settled(context, ships=False) as settings:
        on_each(settings, lambda place: run(sartor.history(place)), lines=history_lines, as_json=history_json)
