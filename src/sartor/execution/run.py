"""Runs a deploy or a rollback: reads the ledger, makes the plan, and carries it out where there is something to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sartor.domain.alteration import Catalogue
from sartor.domain.destination import Destination, Limits
from sartor.domain.own_tables import require_complete
from sartor.domain.plan import Deploy, Rollback, make_plan
from sartor.domain.report import Observer, Planned, Report
from sartor.postgres.driver.connection import Connection
from sartor.postgres.ledger import read_ledger
from sartor.postgres.session import Session, application_name

if TYPE_CHECKING:
    from sartor.execution.backup import BackupOrder


async def run(
    destination: Destination,
    catalogue: Catalogue,
    request: Deploy | Rollback,
    *,
    limits: Limits,
    backup: BackupOrder | None = None,
    observer: Observer,
) -> Report:
    """Does what `request` asks on one destination, and returns a report; `backup` orders a backup to be taken before.

    Raises SartorError, as `run_loop.execute_plan`.
    """
    async with run_session(destination, "deploy" if isinstance(request, Deploy) else "rollback") as session:
        return await run_in(session, catalogue, request, limits=limits, backup=backup, observer=observer)


def run_session(destination: Destination, verb: str) -> Session:
    """Returns a session of the kind that a run needs, to be opened; in a scratch database it can be observed."""
    kind = Connection
    if destination.scratch:
        from sartor.footprint.recorded_connection import RecordedConnection

        kind = RecordedConnection
    return Session(destination, application=application_name(verb), kind=kind)


async def run_in(
    session: Session,
    catalogue: Catalogue,
    request: Deploy | Rollback,
    *,
    limits: Limits,
    backup: BackupOrder | None = None,
    observer: Observer,
) -> Report:
    """Does what `run` does, in an open session whose facts are those of now."""
    if session.facts.ledger_exists and not (session.facts.can_use and session.facts.ledger_readable):
        require_complete(session.facts.own, session.schema)
        session.require_write()  # it names all the rights that a run lacks, where not even reading is allowed
    ledger = await read_ledger(session, founds=isinstance(request, Deploy))
    plan = make_plan(catalogue, ledger, request)
    observer(Planned(plan=plan))
    if plan.is_empty:
        return Report(direction=plan.direction, target=plan.target, plan=plan, before=plan.status.release)
    # Only a run with work to do loads what that needs: most deploys find nothing to do.
    from sartor.execution.run_loop import execute_plan

    return await execute_plan(
        session, ledger, catalogue, request, plan, limits=limits, backup=backup, observer=observer
    )
