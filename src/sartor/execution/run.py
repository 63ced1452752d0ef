"""Runs a deploy or a rollback: reads the ledger, makes the plan, and carries it out where there is something to do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sartor.domain.alteration import Catalogue
from sartor.domain.destination import Destination, Limits
from sartor.domain.ledger import Ledger
from sartor.domain.own_tables import require_complete
from sartor.domain.plan import Deploy, Plan, Rollback, make_plan
from sartor.domain.report import Observer, Planned, Report, RunEvent, Said
from sartor.errors import AlterationFailed, SartorError
from sartor.execution.deployed import read_deployed, require_trusted_downs
from sartor.execution.existing import counted, require_empty
from sartor.postgres.connect.connect import DRIVER_ERRORS, session_error
from sartor.postgres.driver.connection import Connection
from sartor.postgres.session import Session, application_name

if TYPE_CHECKING:
    from sartor.execution.backup import BackupOrder
    from sartor.execution.hooks import HookCaller
    from sartor.execution.run_loop import RunLoop
    from sartor.execution.units import Load


def run_session(destination: Destination, verb: str) -> Session:
    """Returns a session of the kind that a run needs, to be opened; in a scratch database it can be observed."""
    kind = Connection
    if destination.scratch:
        from sartor.footprint.recorded_connection import RecordedConnection

        kind = RecordedConnection
    return Session(destination, application=application_name(verb), kind=kind)


async def run(
    session: Session,
    catalogue: Catalogue,
    request: Deploy | Rollback,
    *,
    limits: Limits,
    backup: BackupOrder | None = None,
    observer: Observer,
    load: Load | None = None,
) -> Report:
    """Does what `request` asks in an open session whose facts are those of now; returns a report.

    `backup` orders a backup to be taken before; `load` loads a script in another way. Raises SartorError, as
    `execute_plan`.
    """
    if session.facts.ledger_exists and not (session.facts.can_use and session.facts.ledger_readable):
        require_complete(session.facts.own, session.tables)
        session.require_write()  # it names all the rights that a run lacks, where not even reading is allowed
    ledger = await read_deployed(session, catalogue, request)
    request = await begin_with_snapshot(session, catalogue, ledger, request)
    plan = make_plan(catalogue, counted(ledger, session.destination, limits), request)
    require_empty(plan, request, limits)
    await require_trusted_downs(session, plan)
    observer(Planned(plan=plan))
    if plan.is_empty:
        return Report(direction=plan.direction, target=plan.target, plan=plan, before=plan.status.release)
    return await execute_plan(
        session, ledger, catalogue, request, plan, limits=limits, backup=backup, observer=observer, load=load
    )


async def begin_with_snapshot(
    session: Session, catalogue: Catalogue, ledger: Ledger, request: Deploy | Rollback
) -> Deploy | Rollback:
    """Returns the request with the snapshot from which it builds an empty schema, where one can be used."""
    if ledger.entries or isinstance(request, Rollback):
        return request
    from sartor.execution.snapshot import with_snapshot  # a deploy to a schema that isn't empty needs nothing of it

    return await with_snapshot(session, catalogue, ledger, request)


async def execute_plan(  # noqa: PLR0913 - one plan, and all that it needs
    session: Session,
    ledger: Ledger,
    catalogue: Catalogue,
    request: Deploy | Rollback,
    plan: Plan,
    *,
    limits: Limits,
    observer: Observer,
    backup: BackupOrder | None = None,
    load: Load | None = None,
) -> Report:
    """Carries out a plan that was made from this ledger, on an open session; returns what was done.

    Nothing is done before every script of the plan is loaded and the database is found fit for the run. `load` loads a
    script in another way. Raises SartorError; where the run had begun, its `report` says what was done, and so does a
    CancelledError's.
    """
    # Only a run with work to do loads what that needs: most deploys find nothing to do.
    from sartor.alterations.kept_down import load_step
    from sartor.execution.expected_schema import updating_expected_schema
    from sartor.execution.ledger import prepare_ledger, report_writers
    from sartor.execution.run_context import locked_run
    from sartor.execution.run_loop import RunLoop
    from sartor.execution.units import prerequisites

    load = load or load_step
    for require in prerequisites(plan, session, ledger, load):
        require()
    hooks = _load_hooks(session, catalogue)
    limits = limits._replace(batch=limits.batch and not (hooks and hooks.each))
    loop = RunLoop(catalogue, request, plan, load, backup, hooks)

    def observing(event: RunEvent) -> None:
        if isinstance(event, Said):
            loop.said.append(event)
        observer(event)

    with _reporting(loop, session):
        async with locked_run(session, plan.direction.value, limits=limits, observer=observing) as run:
            run.head, run.target = plan.head, plan.target
            await loop.back_up(run)
            await prepare_ledger(run)
            await report_writers(run)
            if run.waited or not (ledger.exists or run.created_ledger):
                await loop.plan_again(run)
            async with updating_expected_schema(run):
                await loop.execute(run)
    return loop.report()


def _load_hooks(session: Session, catalogue: Catalogue) -> HookCaller | None:
    """Loads the hooks, where there are any. They act on the world, so none is called in a scratch database."""
    from sartor.alterations.hooks import load_hooks

    found = () if session.destination.scratch else load_hooks(catalogue.lineages)
    if not found:
        return None
    from sartor.execution.hooks import HookCaller

    return HookCaller(found)


@contextmanager
def _reporting(loop: RunLoop, session: Session) -> Iterator[None]:
    """Gives an error of the block the report of what was done; makes a driver's error one of Sartor's."""
    try:
        yield
    except (OSError, *DRIVER_ERRORS) as error:
        found = session_error(error, session.destination)
        found.report = loop.report()
        raise found from error
    except (SartorError, asyncio.CancelledError) as error:
        if isinstance(error, AlterationFailed) and loop.catalogue.repeatables:
            from sartor.execution.repeatable import advise_on_repeatables  # only on the way to an error

            error.failure = advise_on_repeatables(error.failure, loop.catalogue)
        report = loop.report(error.failure if isinstance(error, AlterationFailed) else None)
        error.report = report  # type: ignore[union-attr]  # the caller that cancels a run learns what was done, too
        raise
