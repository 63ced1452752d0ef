"""`sartor db alteration deploy`, `rollback`, `fresh`: options, one API call, text for the result."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Annotated, Any

from sartor import api
from sartor.cli import again, asking, options, output, shapes
from sartor.cli.again import Resume
from sartor.cli.declare import Argument, Command, Option, command_in
from sartor.cli.telling import show_report, telling_run
from sartor.cli.work import alone, on_each, run, settled
from sartor.domain.destination import Destination
from sartor.domain.plan import Direction
from sartor.domain.release import parse_target
from sartor.errors import SettingsError, TargetError

if TYPE_CHECKING:
    from sartor.domain.check import Check

commands: dict[str, Command] = {}


@command_in(
    commands, "deploy", epilog=options.epilog("db alteration deploy 1.2.0 --db-url postgresql://app@db.example.com/app")
)
def deploy(
    *,
    target: Annotated[
        str | None,
        Argument(metavar="[TARGET]", help="A version, `latest`, or `next`; a terminal is asked where it's left out."),
    ] = None,
    steps: options.Steps = None,
    strict_order: Annotated[
        bool, Option("--strict-order", help="Refuse late arrivals instead of deploying them.")
    ] = False,
    accept_edited: options.AcceptEdited = None,
    accept_missing: options.AcceptMissing = None,
    backup: options.Backup = None,
    tables: options.Tables = None,
    no_fuse: options.NoFuse = False,
    yes: options.Yes = False,
    where: options.Compare,
    patience: options.Patience,
    common: options.Common,
) -> None:
    """Deploy what is pending, up to a release.

    Each script runs in a transaction of its own, exactly once. Where one fails, the earlier ones stay, it has changed
    nothing, and the same command goes on from there.
    """
    flags = options.make_flags(where, patience, strict_order=strict_order)
    affected = options.only_affected(tables, backup)
    if target is None and steps is None and not output.is_terminal():
        raise TargetError("no target, and no terminal to ask", hint=f"`{again.command(target='1.2.0')}`, or `latest`")
    unreleased = target is not None and target != api.LATEST and parse_target(target).unreleased
    with settled(flags, where.embedded) as settings:
        if unreleased and not yes:
            asking.require_terminal(settings, "`deploy next` deploys what isn't released")

        def action(destination: Destination) -> shapes.Shape:
            chosen = target or (api.LATEST if steps is not None else asking.ask_target(destination, settings))
            if chosen is None:
                output.result("Found 0 alteration to deploy")
                return {}
            if unreleased and not yes:
                asking.confirm_next(destination, settings)
            resume = Resume(target=None if target else chosen, steps=steps, alone=alone(settings, destination))
            with telling_run(resume, destination) as observer:
                report = run(
                    api.deploy(
                        destination,
                        settings.sources,
                        chosen,
                        steps=steps,
                        strict_order=settings.strict_order,
                        accepted=[*(accept_edited or ()), *(accept_missing or ())],
                        limits=api.make_limits(settings, fuse=not no_fuse),
                        backup=backup,
                        affected=affected,
                        observer=observer,
                    )
                )
            return show_report(report)

        on_each(settings, action, on_error=shapes.report_shape(shapes.empty_report(Direction.DEPLOY)))


@command_in(
    commands, "rollback", epilog=options.epilog("db alteration rollback 1.0.0 --embedded", 0, 1, 2, 3, 4, 5, 6, 130)
)
def rollback(
    *,
    target: Annotated[
        str | None, Argument(metavar="[TARGET]", help="The release to go back to; all above it is undone.")
    ] = None,
    steps: Annotated[
        int | None, Option("--steps", metavar="N", min=1, help="Undo the last N deployed alterations.")
    ] = None,
    to_timestamp: Annotated[
        str | None,
        Option("--to-timestamp", metavar="T", help="Undo all alterations with timestamps after T (Unix seconds)."),
    ] = None,
    check: Annotated[
        bool, Option("--check", help="Show what would be undone, with its SQL, and undo nothing.")
    ] = False,
    sql: options.Sql = None,
    accept_edited: options.AcceptEdited = None,
    backup: options.Backup = None,
    tables: options.Tables = None,
    no_fuse: options.NoFuse = False,
    yes: options.Yes = False,
    where: options.Compare,
    patience: options.Patience,
    common: options.Common,
) -> int:
    """Undo what is deployed, newest deployment first.

    What the alterations made is dropped, with the data in it; a terminal is told and asked.
    """
    flags = options.make_flags(where, patience)
    affected = options.only_affected(tables, backup)
    asks = (target, steps, to_timestamp) == (None, None, None)
    if sql is not None and not check:
        raise SettingsError("--sql writes what --check finds, and nothing is undone then", hint="add --check")
    if asks and not output.is_terminal():
        raise TargetError("no target, and no terminal to ask", hint=f"`{again.command(target='1.0.0')}`, or --steps 1")
    with settled(flags, where.embedded) as settings:

        def look(destination: Destination, writes: bool) -> Coroutine[Any, Any, Check]:
            return api.check_rollback(
                destination,
                settings.sources,
                asking.ask_rollback(destination, settings) if asks else target,
                steps=steps,
                to_timestamp=to_timestamp,
                accepted=accept_edited or (),
                limits=api.make_limits(settings),
                writes=writes,
            )

        if check:
            from sartor.cli import checking

            return checking.show(settings, look, Direction.ROLLBACK, sql=sql, plan_only=False)

        if not yes:
            asking.require_terminal(settings, "a rollback destroys data")

        def action(destination: Destination) -> shapes.Shape:
            chosen = asking.ask_rollback(destination, settings) if asks else target
            if output.is_terminal() and not yes:
                asking.confirm_rollback(
                    destination,
                    settings,
                    chosen,
                    steps=steps,
                    to_timestamp=to_timestamp,
                    accepted=accept_edited or (),
                )
            resume = Resume(target=chosen if asks else None, steps=steps, alone=alone(settings, destination))
            with telling_run(resume, destination) as observer:
                report = run(
                    api.rollback(
                        destination,
                        settings.sources,
                        chosen,
                        steps=steps,
                        to_timestamp=to_timestamp,
                        accepted=accept_edited or (),
                        limits=api.make_limits(settings, fuse=not no_fuse),
                        backup=backup,
                        affected=affected,
                        observer=observer,
                    )
                )
            return show_report(report)

        on_each(settings, action, on_error=shapes.report_shape(shapes.empty_report(Direction.ROLLBACK)))
        return 0


@command_in(commands, "fresh", epilog=options.epilog("db alteration fresh next --embedded --yes"))
def fresh(
    *,
    target: Annotated[
        str, Argument(metavar="[TARGET]", help="What to deploy afterwards: a version, `latest` or `next`.")
    ] = "next",
    no_fuse: options.NoFuse = False,
    yes: options.Yes = False,
    where: options.Compare,
    patience: options.Patience,
    common: options.Common,
) -> None:
    """Drop everything that the schema holds, and deploy again. For development.

    Refuses in production (SARTOR_ENVIRONMENT or the settings say so). A terminal is asked for the database's name.
    """
    flags = options.make_flags(where, patience)
    with settled(flags, where.embedded) as settings:
        api.protect(settings.environment, "fresh")

        def action(destination: Destination) -> shapes.Shape:
            if not yes:
                asking.confirm_fresh(destination, settings)
            resume = Resume(verb="deploy", target=None if output.wants(target) else target)
            with telling_run(resume) as observer:
                report = run(
                    api.fresh(
                        destination,
                        settings.sources,
                        target,
                        environment=settings.environment,
                        limits=api.make_limits(settings, fuse=not no_fuse),
                        observer=observer,
                    )
                )
            return show_report(report)

        on_each(settings, action, on_error=shapes.report_shape(shapes.empty_report(Direction.DEPLOY)))
