"""`sartor db seed`."""

from __future__ import annotations

from typing import Annotated

import typer

from sartor import api
from sartor.cli import asking, options, output, shapes, signals
from sartor.cli.telling import telling_run
from sartor.cli.work import on_each, settled
from sartor.domain.destination import Destination

EXAMPLE = "Example: sartor db seed --embedded --reset. Exit codes: 0 done, 1 a module failed, 2 refused, 6 no database."


def seed(
    *,
    reset: Annotated[bool, typer.Option("--reset", help="Take the seeded data out first.")] = False,
    db_url: options.DbUrl = None,
    schema: options.Schema = None,
    alterations: options.Alterations = None,
    embedded: options.Embedded = None,
    lock_timeout: options.LockTimeout = None,
    lock_budget: options.LockBudget = None,
    wait: options.Wait = None,
    yes: options.Yes = False,
    json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Put the maker's example data in: seeds/*.py of the alterations, in one transaction.

    Never in production. Running it twice changes nothing.
    """
    flags = options.make_flags(
        db_url=db_url,
        schema=schema,
        alterations=alterations,
        lock_timeout=lock_timeout,
        lock_budget=lock_budget,
        wait=wait,
    )
    with settled(flags, embedded) as settings:
        api.protect(settings.environment, "seed")

        def action(destination: Destination) -> shapes.Shape:
            if reset and not yes:
                asking.confirm_reset(destination)
            with telling_run() as observer:
                files = signals.run(
                    api.seed(
                        destination,
                        settings.sources,
                        reset=reset,
                        environment=settings.environment,
                        limits=api.make_limits(settings),
                        observer=observer,
                    )
                )
            if not json:
                output.result(f"Seeded from {', '.join(files)}")
            return shapes.seed_shape(files, reset=reset)

        on_each(settings, action)
