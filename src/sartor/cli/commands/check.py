"""`sartor db alteration check`."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Annotated, Any

import typer

import sartor
from sartor.cli import options
from sartor.cli.command import settled
from sartor.cli.declaration import command
from sartor.cli.dry_run import show_check
from sartor.domain.check import Check
from sartor.domain.destination import Destination
from sartor.domain.plan import Direction

Target = Annotated[str, typer.Argument(metavar="[TARGET]", help="A version, `latest` or `next`, as for deploy.")]
PlanOnly = Annotated[
    bool, typer.Option("--plan-only", help="Show the alterations without their SQL; no clone is made.")
]


@command(
    "db alteration check 1.2.0 --sql plan.sql",
    options.where,
    options.script_timeouts,
    codes=(0, 1, 2, 3, 4, 6, 130),
    said={0: "nothing is pending", 1: "an alteration can't be loaded"},
)
def check(
    context: typer.Context,
    target: Target = sartor.LATEST,
    sql: options.Sql = None,
    plan_only: PlanOnly = False,
    steps: options.Steps = None,
    strict_order: options.StrictOrder = False,
    accept_edited: options.AcceptEdited = None,
    accept_missing: options.AcceptMissing = None,
) -> int:
    """Show what a deploy would do, and change nothing.

    Prints the SQL as a script for psql with the ledger's rows; to run the script is to deploy. Writes nothing to the
    database, and needs only the right to read the ledger. Python whose SQL has to be computed is run, with all
    alterations before it, on a temporary clone beside the database; --plan-only runs nothing.
    """
    with settled(context, strict_order=strict_order) as settings:

        def look(destination: Destination, writes: bool) -> Coroutine[Any, Any, Check]:
            return sartor.check(
                destination,
                settings.sources,
                target,
                steps=steps,
                strict_order=settings.strict_order,
                accepted=[*(accept_edited or ()), *(accept_missing or ())],
                limits=settings.limits,
                script=writes,
                rehearse=not plan_only,
            )

        return show_check(settings, look, Direction.DEPLOY, sql=sql, plan_only=plan_only)
