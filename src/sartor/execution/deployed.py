"""Reads what is deployed, as far as the plan of a request needs it."""

from dataclasses import replace

from sartor.domain.alteration import Catalogue
from sartor.domain.ledger import Ledger
from sartor.domain.plan import Deploy, Plan, Rollback
from sartor.domain.way_back import rows_to_look_up
from sartor.errors import LedgerUnsound
from sartor.postgres.ledger import read_downs, read_ledger
from sartor.postgres.own_tables import read_writers, require_sound_tables
from sartor.postgres.session import Session


async def require_trusted_downs(session: Session, plan: Plan) -> None:
    """Checks the ledger where a plan uses downs that it keeps: before any of them is loaded, as one may be Python.

    Raises LedgerUnsound where others may write Sartor's tables, or the tables aren't as Sartor makes them. Python does
    more than any right in the database allows: a role that is trusted with those isn't trusted with that.
    """
    kept = [step for step in plan.steps if step.kept is not None]
    if not kept:
        return
    owner = next((t.owner for t in session.facts.own if t.owner not in {session.facts.role, session.facts.user}), None)
    python = [step.alteration.name for step in kept if step.kept and step.kept.python is not None]
    if python and owner is not None:
        raise LedgerUnsound(
            f"the down of {python[0]} that the ledger keeps is Python, and isn't run, as it might be another's: the"
            f" ledger belongs to role {owner}",
            hint=f"connect as {owner}; or, on a database for development, start over: `fresh`",
        )
    await require_sound_tables(session.connection, session.tables, session.facts.role)
    if writers := await read_writers(session.connection, session.tables):
        raise LedgerUnsound(
            f"the downs that the ledger keeps aren't run, as they might be another's: {str(writers[0]).rstrip(';')}",
            hint="roll back with the package that contains the files; or, if nobody has used that right to change"
            " them, revoke the right and run the command again",
        )


async def read_deployed(session: Session, catalogue: Catalogue, request: Deploy | Rollback) -> Ledger:
    """Reads the ledger; for a rollback with the kept downs of what isn't here as it was deployed.

    Reads again where another run has changed those rows between the two queries. Raises as `read_ledger`.
    """
    while True:
        ledger = await read_ledger(session, founds=isinstance(request, Deploy))
        wanted = list(rows_to_look_up(catalogue, ledger)) if isinstance(request, Rollback) else []
        downs = await read_downs(session, wanted) if wanted else {}
        if len(downs) == len(wanted):
            return replace(ledger, downs=downs) if wanted else ledger
