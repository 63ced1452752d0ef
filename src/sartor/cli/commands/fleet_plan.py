"""`sartor fleet plan`: makes a run over many destinations, for other processes to work on."""

from typing import Annotated

import typer

import sartor
from sartor.cli import options, output
from sartor.cli.command import run, settled
from sartor.cli.declaration import Text, argument, command, option
from sartor.cli.fleet_part import make_work, require_usable
from sartor.cli.results.fleet_run import standing_json, standing_lines
from sartor.errors import SettingsError, UsageError

Target = Annotated[Text, argument("TARGET", "A version, `latest` or `next`.")]
Queue = Annotated[
    bool, option("--queue", "Hand the destinations to `fleet worker`s; otherwise `deploy --control` takes them.")
]
_ELSEWHERE = {"jobs": "--jobs", "shard": "--shard"}


@command(
    "fleet plan 1.2.0 --canary 2 --wave 10% --control postgresql://ops@db.example.com/ops",
    options.where,
    options.fleet,
    codes=(0, 2, 5, 6, 130),
)
def plan(context: typer.Context, target: Target, queue: Queue = False) -> None:
    """Make a run that deploys to many destinations, for other processes to work on.

    Or find the one under way that does the same with them. Its waves, its canaries and the failures that it may have
    hold for all processes.
    """
    from sartor.cli.fleet_run import with_canaries
    from sartor.cli.fleet_shared import whoami

    require_usable(context.obj)
    for name, words in _ELSEWHERE.items():
        if context.obj[name] is not None:
            raise UsageError(f"{words} is for the processes that work on the run", hint=f"give them {words}")
    with settled(context) as settings:
        if settings.control is None:
            raise SettingsError("no control database is given", hint="give --control URL, or set SARTOR_CONTROL")
        ordered, order = with_canaries(settings, context.obj)
        standing = run(
            sartor.plan_fleet(
                settings.control,
                ordered.destinations,
                order,
                work=make_work("deploy", target, settings, strict_order=settings.strict_order),
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
