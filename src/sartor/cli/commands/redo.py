"""`sartor db alteration redo`."""

from functools import partial
from typing import Annotated

import typer

import sartor
from sartor.api.runs import protect
from sartor.cli import options
from sartor.cli.command import execute, on_each, settled
from sartor.cli.declaration import Text, argument, command
from sartor.cli.results.run import redo_json, redo_lines
from sartor.domain.destination import Destination
from sartor.domain.redo import Redone

Alteration = Annotated[
    Text,
    argument("[ALTERATION]", "The identity or file name. [default: what has changed, else the newest]"),
]


@command("db alteration redo 1700000000-add-users --embedded", options.where, options.patience)
def redo(context: typer.Context, alteration: Alteration = None, no_batch: options.NoBatch = False) -> None:
    """Roll back an unreleased alteration, and deploy its file as it is now. For development.

    What is undone is what was deployed: its `down` is kept in the ledger, whatever the file says by now. All that was
    deployed after it is done again, too. Refused in production (SARTOR_ENVIRONMENT or the settings).
    """
    with settled(context) as settings:
        protect(settings.environment, "redo")
        names = [] if alteration is None else [alteration]
        call = partial(sartor.redo, names=names, environment=settings.environment)

        def action(destination: Destination) -> Redone:
            return execute(call, destination, settings, batch=not no_batch)

        on_each(settings, action, lines=redo_lines, as_json=redo_json, no_run=redo_json(None))
