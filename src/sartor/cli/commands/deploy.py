"""`sartor db alteration deploy`."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Annotated, Any

import typer

import sartor
from sartor import Existing, SchemaNotEmpty, Settings
from sartor.cli import options, output, prompts
from sartor.cli.command import alone, execute, on_each_run, run, settled
from sartor.cli.command_line import Resume
from sartor.cli.declaration import CODES, Text, argument, command
from sartor.cli.fleet_part import is_fleet, make_work, of_part, require_usable
from sartor.cli.results.status import standing_line
from sartor.domain.destination import Destination
from sartor.domain.plan import Direction
from sartor.domain.release import parse_target
from sartor.domain.repeatable import names
from sartor.domain.report import Report
from sartor.domain.status import status_notes
from sartor.errors import RefusedError, TargetError

Target = Annotated[Text, argument("[TARGET]", "A version, `latest` or `next`. [default: asks on a terminal]")]


@command(
    "db alteration deploy 1.2.0 --db-url postgresql://app@db.example.com/app",
    options.where,
    options.patience,
    options.fleet,
    codes=CODES,
)
def deploy(
    context: typer.Context,
    target: Target = None,
    steps: options.Steps = None,
    strict_order: options.StrictOrder = False,
    accept_edited: options.AcceptEdited = None,
    accept_missing: options.AcceptMissing = None,
    replay: options.Replay = False,
    backup: options.Backup = None,
    tables: options.Tables = None,
    no_batch: options.NoBatch = False,
    yes: options.Yes = False,
) -> int:
    """Deploy the pending alterations, up to a release.

    Each script runs exactly once, in its own transaction. If one fails, it is rolled back, earlier ones stay
    deployed, and the same command resumes. Of several destinations, one that fails doesn't stop the others.
    """
    accepted = [*(accept_edited or ()), *(accept_missing or ())]
    affected = options.only_affected(tables, backup)
    call = partial(sartor.deploy, steps=steps, accepted=accepted, replay=replay, backup=backup, affected=affected)
    require_usable(context.obj)
    must_ask = _is_unreleased(target, steps) and not yes
    with settled(context, strict_order=strict_order) as found:
        if must_ask:
            prompts.require_terminal(found, "`deploy next` deploys unreleased alterations")
        settings = of_part(found, context.obj)
        if is_fleet(settings, context.obj):
            to_each = partial(call, strict_order=settings.strict_order)
            return _deploy_fleet(context, settings, to_each, target, steps, batch=not no_batch, asks=must_ask)

        def action(destination: Destination) -> Report:
            chosen = target or (sartor.LATEST if steps is not None else _ask_target(destination, settings))
            if chosen is None:
                return Report(direction=Direction.DEPLOY, target=None)
            if must_ask:
                _confirm_next(destination, settings)
            resume = Resume(target=None if target else chosen, steps=steps)
            to_target = partial(call, target=chosen, strict_order=settings.strict_order)
            run_it = partial(execute, to_target, destination, resume=resume, batch=not no_batch)
            return _beside_others(run_it, destination, settings, asks=output.is_terminal() and not yes)

        on_each_run(settings, action, Direction.DEPLOY)
        return 0


def _deploy_fleet(
    context: typer.Context,
    settings: Settings,
    deploy: partial[Coroutine[Any, Any, Report]],
    target: str | None,
    steps: int | None,
    *,
    batch: bool,
    asks: bool,
) -> int:
    """Deploys to each of several destinations, after one question for all; returns the exit code."""
    from sartor.cli import fleet_run
    from sartor.cli.fleet_progress import What

    chosen = target or (sartor.LATEST if steps is not None else fleet_run.ask_target(settings))
    if chosen is None:
        output.result("Found 0 alteration to deploy")
        return 0
    if asks:
        fleet_run.confirm_next(settings)
    limits = settings.limits._replace(batch=batch)
    call = fleet_run.with_sources(deploy, settings, target=chosen, limits=limits)
    what = What(Direction.DEPLOY, Resume(target=None if target else chosen, steps=steps), partial(alone, settings))
    work = partial(make_work, "deploy", chosen, settings, **deploy.keywords)
    return fleet_run.work_through(settings, call, what, context.obj, work).exit_code


def _beside_others(
    deploy: Callable[..., Report], destination: Destination, settings: Settings, *, asks: bool
) -> Report:
    """Deploys; where a schema without a ledger isn't empty, `asks` first what is to become of that.

    Raises RefusedError where the answer is to stop.
    """
    if not asks or settings.limits.existing is Existing.REFUSE:
        return deploy(settings=settings)
    asking = settings.limits._replace(existing=Existing.REFUSE)
    try:
        return deploy(settings=settings._replace(limits=asking))
    except SchemaNotEmpty as error:
        output.tell(str(error), head="warning:")
    match prompts.choose_for_existing(f"What is to be done in {destination.label}?"):
        case prompts.Answer.STOP:
            raise RefusedError("stopped; nothing was done")
        case prompts.Answer.BASELINE:
            from sartor.cli.commands.baseline import adopt, ask_release

            adopt(destination, settings, ask_release(destination, settings))
        case prompts.Answer.DEPLOY:
            pass
    return deploy(settings=settings)


def _is_unreleased(target: str | None, steps: int | None) -> bool:
    """Returns whether the target is `next`. Raises TargetError where there is none, and no terminal to ask for one."""
    if target is None and steps is None and not output.is_terminal():
        raise TargetError(
            "no target is given, and there is no terminal to ask on", hint=f"`{Resume('1.2.0').line()}`, or `latest`"
        )
    return target is not None and target != sartor.LATEST and parse_target(target).unreleased


def _ask_target(destination: Destination, settings: Settings) -> str | None:
    """Asks for the release to deploy, and returns it; None where nothing is pending.

    Where only repeatable scripts are, asks whether to run them. Raises RefusedError where nothing is chosen.
    """
    found = run(sartor.status(destination, settings.sources))
    for note in status_notes(found.status):
        output.tell(f"note: {note}")
    due = found.status.repeatables.due
    if not (found.status.pending or due):
        return None
    output.tell(standing_line(found))
    if not found.status.pending:
        prompts.confirm(f"Run {names(due)}{prompts.environment(settings)}?")
        return sartor.LATEST if found.catalogue.latest else "next"
    release = prompts.choose_target(
        [found.status.pending],
        found.catalogue.bare_releases,
        question=f"Choose the release to deploy{prompts.environment(settings)}",
        may_leave=sartor.is_production(settings.environment),
    )
    if release is None:
        raise RefusedError("no release was chosen; nothing was done")
    return release.label


def _confirm_next(destination: Destination, settings: Settings) -> None:
    """Asks in production whether to deploy unreleased alterations. Raises RefusedError where the answer is no."""
    if sartor.is_production(settings.environment):
        prompts.confirm(f"Deploy unreleased alterations to {destination.label}{prompts.environment(settings)}?")
