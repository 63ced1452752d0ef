"""`sartor fleet plan`: makes a run over many destinations, for other processes to work on."""

from typing import Annotated

import typer

import sartor
from sartor import Settings
from sartor.cli import options, output, prompts
from sartor.cli.command import run, settled
from sartor.cli.declaration import argument, command, option
from sartor.cli.fleet_part import make_work, require_usable
from sartor.cli.results.fleet_run import standing_json, standing_lines
from sartor.domain.release import LATEST, parse_target
from sartor.errors import SettingsError, UsageError

Target = Annotated[
    str, argument("TARGET", "A version, `latest` or `next`; with --rollback, the release to go back to.")
]
Rollback = Annotated[bool, option("--rollback", "Roll back all alterations above the target.")]
Queue = Annotated[
    bool,
    option(
        "--queue",
        "Hand the destinations to `fleet worker`s; otherwise `deploy` or `rollback` with --control takes them.",
    ),
]
_ELSEWHERE = {"jobs": "--jobs", "shard": "--shard"}


@command(
    "fleet plan 1.2.0 --canary 2 --wave 10% --control postgresql://ops@db.example.com/ops",
    options.where,
    options.fleet,
    codes=(0, 2, 5, 6, 130),
)
def plan(
    context: typer.Context,
    target: Target,
    rollback: Rollback = False,
    queue: Queue = False,
    yes: options.Yes = False,
) -> None:
    """Make a run that deploys to many destinations, or rolls back there, for other processes to work on.

    Or find the one under way that does the same with them. Its waves, its canaries and the failures that it may have
    hold for all processes. On a terminal, shows what a rollback loses, and asks.
    """
    from sartor.cli.fleet_run import with_canaries
    from sartor.cli.fleet_shared import whoami

    is_unreleased = target != LATEST and parse_target(target).unreleased
    require_usable(context.obj)
    for name, words in _ELSEWHERE.items():
        if context.obj[name] is not None:
            raise UsageError(f"{words} is for the processes that work on the run", hint=f"give them {words}")
    with settled(context) as settings:
        if settings.control is None:
            raise SettingsError("no control database is given", hint="give --control URL, or set SARTOR_CONTROL")
        if not yes and (rollback or is_unreleased):
            _confirm(settings, target, context, rollback=rollback)
        strict = {} if rollback else {"strict_order": settings.strict_order}
        ordered, order = with_canaries(settings, context.obj)
        standing = run(
            sartor.plan_fleet(
                settings.control,
                ordered.destinations,
                order,
                work=make_work("rollback" if rollback else "deploy", target, settings, **strict),
                who=whoami(),
                run=context.obj["run"],
                approved=context.obj["approve"],
                queue=queue,
            )
        )
    if output.wants("--json"):
        output.json_object(standing_json(standing))
    else:
        output.results(standing_lines(standing))


def _confirm(settings: Settings, target: str, context: typer.Context, *, rollback: bool) -> None:
    """Asks as the commands `rollback` and `deploy next` do. Raises RefusedError."""
    from sartor.cli import fleet_run

    prompts.require_terminal(settings, "a rollback destroys data" if rollback else "`next` is unreleased")
    if not output.is_terminal():
        return
    if rollback:
        fleet_run.confirm_rollback(settings, {"target": target}, context.obj)
    else:
        fleet_run.confirm_next(settings)
