"""`sartor db seed`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated

import typer

import sartor
from sartor.api.runs import protect
from sartor.cli import options, output, prompts
from sartor.cli.command import execute, on_each, settled
from sartor.cli.declaration import command
from sartor.cli.results.run import seed_json, seed_lines
from sartor.domain.destination import Destination

Reset = Annotated[bool, typer.Option("--reset", help="Delete the seeded data first.")]


@command("db seed --embedded --reset --yes", options.where, options.patience, codes=(0, 1, 2, 5, 6, 130))
def seed(
    context: typer.Context,
    reset: Reset = False,
    yes: options.Yes = False,
) -> None:
    """Insert the example data of the product.

    Runs seeds/*.py beside the alterations, in one transaction; to run it twice changes nothing. Refused in production
    (SARTOR_ENVIRONMENT or the settings).
    """
    with settled(context) as settings:
        protect(settings.environment, "seed")
        call = partial(sartor.seed, reset=reset, environment=settings.environment)

        def action(destination: Destination) -> Sequence[str]:
            if reset and not yes:
                _confirm_reset(destination)
            output.tell(f"seeding {destination.label}")
            return execute(call, destination, settings)

        as_json = partial(seed_json, reset=reset)
        on_each(settings, action, lines=seed_lines, as_json=as_json, no_run=as_json([]))


def _confirm_reset(destination: Destination) -> None:
    """Asks whether to delete seeded data. Raises RefusedError where the answer is no, or there is no terminal."""
    prompts.require_yes("`seed --reset` deletes data")
    prompts.confirm(f"Delete the seeded data of {destination.label} first?")
