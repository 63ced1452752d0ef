"""A run: read, decide, and carry out where there is something to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sartor.domain.alteration import Catalogue
from sartor.domain.destination import Destination
from sartor.domain.limits import Limits
from sartor.domain.own_tables import require_complete
from sartor.domain.plan import Deploy, Rollback, make_plan
from sartor.domain.report import Observer, Planned, Report
from sartor.postgres.connection import Connection
from sartor.postgres.ledger import read_ledger
from sartor.postgres.session import Session, application_name

if TYPE_CHECKING:
    from sartor.runner.backup import BackupOrder


async def run(
    destination: Destination,
    catalogue: Catalogue,
    request: Deploy | Rollback,
    *,
    limits: Limits,
    backup: BackupOrder | None = None,
    observer: Observer,
) -> Report:
    """Do what `request` asks on one destination, and report it; `backup` orders a backup that is taken before.

    Raises SartorError, as `progress.carry_out`.
    """
    verb = "deploy" if isinstance(request, Deploy) else "rollback"
    async with Session(destination, application=application_name(verb), kind=_kind(destination)) as session:
        if session.facts.ledger_exists and not (session.facts.can_use and session.facts.ledger_readable):
            require_complete(session.facts.own, session.schema)
            session.require_write()  # it names all that a run lacks, where not even reading is allowed
        # What is undone is undone in the order of its rows; of what is deployed a plan needs none.
        deploys = isinstance(request, Deploy)
        ledger = await read_ledger(session, catalogue if deploys else (), founds=deploys)
        plan = make_plan(catalogue, ledger, request)
        observer(Planned(plan=plan))
        if plan.is_empty:
            return Report(direction=plan.direction, target=plan.target, plan=plan)
        # What only a run with work to do needs is loaded by it: most deploys find nothing to do.
        from sartor.runner.progress import carry_out

        return await carry_out(
            session, ledger, catalogue, request, plan, limits=limits, backup=backup, observer=observer
        )


def _kind(destination: Destination) -> type[Connection]:
    """The connection for a run: in a scratch database one that is looked after."""
    if not destination.scratch:
        return Connection
    from sartor.postgres.observed import ObservedConnection

    return ObservedConnection
