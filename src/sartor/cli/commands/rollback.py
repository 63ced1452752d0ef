"""`sartor db alteration rollback`."""

from collections.abc import Coroutine
from functools import partial
from typing import Annotated, Any, NamedTuple

import typer

import sartor
from sartor import Settings
from sartor.cli import options, output, prompts
from sartor.cli.command import alone, execute, on_each_run, run, settled
from sartor.cli.command_line import Resume
from sartor.cli.commands.check import show_check
from sartor.cli.declaration import CODES, Text, argument, command, option
from sartor.cli.fleet_part import is_fleet, make_work, of_part, require_usable
from sartor.cli.results.run import loss_lines
from sartor.cli.results.status import standing_line
from sartor.cli.results.units import count
from sartor.domain.check import Check
from sartor.domain.destination import Destination
from sartor.domain.plan import Direction
from sartor.domain.report import Report
from sartor.errors import SettingsError, TargetError

Target = Annotated[Text, argument("[TARGET]", "The release to go back to; all alterations above it are rolled back.")]
Steps = Annotated[int | None, option("--steps N", "Roll back the last N deployed alterations.", least=1)]
ToTimestamp = Annotated[
    Text, option("--to-timestamp T", "Roll back all alterations with timestamps after T (Unix seconds).")
]
CheckOnly = Annotated[bool, option("--check", "Show what would be rolled back, with its SQL, and change nothing.")]


@command("db alteration rollback 1.0.0 --embedded", options.where, options.patience, options.fleet, codes=CODES)
def rollback(
    context: typer.Context,
    target: Target = None,
    steps: Steps = None,
    to_timestamp: ToTimestamp = None,
    check: CheckOnly = False,
    sql: options.Sql = None,
    accept_edited: options.AcceptEdited = None,
    backup: options.Backup = None,
    tables: options.Tables = None,
    no_batch: options.NoBatch = False,
    yes: options.Yes = False,
) -> int:
    """Roll back deployed alterations, newest deployment first.

    Drops the objects that the alterations created, with their data; on a terminal, shows them and asks.
    """
    affected = options.only_affected(tables, backup)
    wanted = _Wanted(target, steps, to_timestamp, accept_edited or [])
    require_usable(context.obj)
    _refuse_unclear(wanted, sql=sql, check=check)
    with settled(context) as found:
        if check:
            return show_check(context, found, partial(_check, found, wanted), Direction.ROLLBACK, sql=sql)
        if not yes:
            prompts.require_terminal(found, "a rollback destroys data")
        settings = of_part(found, context.obj)
        if is_fleet(settings, context.obj):
            back = partial(sartor.rollback, backup=backup, affected=affected)
            return _roll_back_fleet(context, settings, back, wanted, batch=not no_batch, yes=yes)

        def action(destination: Destination) -> Report:
            what = wanted.at(destination, settings)
            if output.is_terminal() and not yes:
                _confirm(destination, settings, what)
            resume = Resume(what["target"] if wanted.asks else None, steps=steps)
            call = partial(sartor.rollback, backup=backup, affected=affected, **what)
            return execute(call, destination, settings, resume=resume, batch=not no_batch)

        on_each_run(settings, action, Direction.ROLLBACK)
        return 0


def _roll_back_fleet(
    context: typer.Context,
    settings: Settings,
    rollback: partial[Coroutine[Any, Any, Report]],
    wanted: "_Wanted",
    *,
    batch: bool,
    yes: bool,
) -> int:
    """Rolls back at each of several destinations, after one question for all; returns the exit code."""
    from sartor.cli import fleet_run
    from sartor.cli.fleet_progress import What

    how = wanted._asdict() | ({"target": fleet_run.ask_way_back(settings)} if wanted.asks else {})
    if output.is_terminal() and not yes:
        fleet_run.confirm_rollback(settings, how, context.obj)
    limits = settings.limits._replace(batch=batch)
    call = fleet_run.with_sources(rollback, settings, limits=limits, **how)
    what = What(
        Direction.ROLLBACK, Resume(how["target"] if wanted.asks else None, steps=wanted.steps), partial(alone, settings)
    )
    work = partial(make_work, "rollback", how.pop("target"), settings, **how, **rollback.keywords)
    return fleet_run.work_through(settings, call, what, context.obj, work).exit_code


class _Wanted(NamedTuple):
    """The alterations to undo, as the command line names them."""

    target: str | None
    steps: int | None
    to_timestamp: str | None
    accepted: list[str]

    @property
    def asks(self) -> bool:
        """True where a terminal is to be asked."""
        return (self.target, self.steps, self.to_timestamp) == (None, None, None)

    def at(self, destination: Destination, settings: Settings) -> dict[str, Any]:
        """Returns these fields as arguments of the API's functions; asks for the target where none is given."""
        return self._asdict() | ({"target": _ask_target(destination, settings)} if self.asks else {})


def _refuse_unclear(wanted: _Wanted, *, sql: str | None, check: bool) -> None:
    if sql is not None and not check:
        raise SettingsError("--sql needs --check", hint="add --check")
    if wanted.asks and not output.is_terminal():
        raise TargetError(
            "no target is given, and there is no terminal to ask on", hint=f"`{Resume('1.0.0').line()}`, or --steps 1"
        )


def _check(settings: Settings, wanted: _Wanted, destination: Destination, writes: bool) -> Coroutine[Any, Any, Check]:
    what, limits = wanted.at(destination, settings), settings.limits
    return sartor.check_rollback(destination, settings.sources, limits=limits, script=writes, **what)


def _ask_target(destination: Destination, settings: Settings) -> str:
    """Asks for the release to go back to, and returns it. Raises TargetError where nothing is deployed."""
    found = run(sartor.status(destination, settings.sources))
    deployed = found.status.releases
    releases = sorted(deployed, reverse=True)
    if not releases:
        raise TargetError("nothing is deployed here, so there is nothing to roll back")
    output.tell(standing_line(found))
    undone = [(release.label, sum(n for each, n in deployed.items() if each > release)) for release in releases[1:]]
    return prompts.choose_rollback(
        [*undone, ("0", found.status.number)],
        question=f"Choose the release to go back to{prompts.environment(settings)} (0 rolls everything back)",
    )


def _confirm(destination: Destination, settings: Settings, what: dict[str, Any]) -> None:
    """Shows what a rollback will lose, and asks. Raises RefusedError where the answer is no."""
    limits = settings.limits._replace(fingerprint=False)  # drift isn't asked about
    check = partial(sartor.check_rollback, script=False, rehearse=False, limits=limits)
    found = run(check(destination, settings.sources, **what))
    if steps := found.plan.steps:
        for line in loss_lines(found):
            output.tell(line)
        prompts.confirm(f"Roll back {count(len(steps))} in {destination.label}{prompts.environment(settings)}?")
