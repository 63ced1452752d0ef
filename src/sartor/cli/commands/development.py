"""`sartor db alteration fresh` and `sartor db seed`."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated

import typer

import sartor
from sartor import Settings
from sartor.api.runs import protect
from sartor.cli import options, output, prompts
from sartor.cli.command import execute, on_each, on_each_run, run, settled
from sartor.cli.command_line import Resume
from sartor.cli.declaration import Text, argument, command, option
from sartor.cli.results.run import seed_json, seed_lines
from sartor.domain.destination import Destination
from sartor.domain.plan import Direction
from sartor.domain.report import Report
from sartor.errors import RefusedError

Target = Annotated[
    Text, argument("[TARGET]", "The release to deploy afterwards: a version, `latest` or `next`. [default: next]")
]


@command("db alteration fresh next --embedded --yes", options.where, options.patience)
def fresh(
    context: typer.Context,
    target: Target = None,
    no_batch: options.NoBatch = False,
    yes: options.Yes = False,
) -> None:
    """Drop all objects of the schema, and deploy again. For development.

    Refused in production (SARTOR_ENVIRONMENT or the settings). On a terminal, asks for the name of the database.
    """
    resume = Resume(verb="deploy", target="next" if target is None else None)
    with settled(context) as settings:
        protect(settings.environment, "fresh")
        call = partial(sartor.fresh, target=target or "next", environment=settings.environment)

        def action(destination: Destination) -> Report:
            if not yes:
                _confirm(destination, settings)
            return execute(call, destination, settings, resume=resume, batch=not no_batch)

        on_each_run(settings, action, Direction.DEPLOY)


def _confirm(destination: Destination, settings: Settings) -> None:
    """Asks for the database's name to be typed. Raises RefusedError where it isn't, or there is no terminal."""
    prompts.require_yes("`fresh` drops all objects of the schema")
    found = run(sartor.status(destination, settings.sources))
    output.tell(f"This drops all objects in {destination.label}, with their data.")
    typed = prompts.type_name(f"To continue, type the name of the database, {found.database}:")
    if typed != found.database:
        raise RefusedError(f"the name of the database is {found.database}, not {typed!r}; nothing was done")


Reset = Annotated[bool, option("--reset", "Delete the seeded data first.")]


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
            if len(settings.destinations) == 1:
                output.tell(f"seeding {destination.label}")
            return execute(call, destination, settings)

        as_json = partial(seed_json, reset=reset)
        on_each(settings, action, lines=seed_lines, as_json=as_json, no_run=as_json([]))


def _confirm_reset(destination: Destination) -> None:
    """Asks whether to delete seeded data. Raises RefusedError where the answer is no, or there is no terminal."""
    prompts.require_yes("`seed --reset` deletes data")
    prompts.confirm(f"Delete the seeded data of {destination.label} first?")
