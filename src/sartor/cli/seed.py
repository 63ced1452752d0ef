"""`sartor db seed`."""

from __future__ import annotations

from typing import Annotated

from sartor import api
from sartor.cli import asking, options, output, shapes
from sartor.cli.declare import Command, Option, command_in
from sartor.cli.telling import telling_run
from sartor.cli.work import on_each, run, settled
from sartor.domain.destination import Destination

commands: dict[str, Command] = {}


@command_in(commands, "seed", epilog=options.epilog("db seed --embedded --reset --yes", 0, 1, 2, 5, 6, 130))
def seed(
    *,
    reset: Annotated[bool, Option("--reset", help="Take the seeded data out first.")] = False,
    yes: options.Yes = False,
    where: options.Compare,
    patience: options.Patience,
    common: options.Common,
) -> None:
    """Put the maker's example data in.

    It runs seeds/*.py beside the alterations, in one transaction. Doing so twice changes nothing. It refuses in
    production (SARTOR_ENVIRONMENT or the settings say so).
    """
    flags = options.make_flags(where, patience)
    with settled(flags, where.embedded) as settings:
        api.protect(settings.environment, "seed")

        def action(destination: Destination) -> shapes.Shape:
            if reset and not yes:
                asking.confirm_reset(destination)
            with telling_run() as observer:
                files = run(
                    api.seed(
                        destination,
                        settings.sources,
                        reset=reset,
                        environment=settings.environment,
                        limits=api.make_limits(settings),
                        observer=observer,
                    )
                )
            if not common.json:
                output.result(f"Seeded from {', '.join(files)}")
            return shapes.seed_shape(files, reset=reset)

        on_each(settings, action, on_error=shapes.seed_shape([], reset=reset))
