"""Reads what is deployed, as far as the plan of a request needs it."""

from dataclasses import replace

from sartor.domain.alteration import Catalogue
from sartor.domain.ledger import Ledger
from sartor.domain.plan import Deploy, Rollback
from sartor.domain.way_back import rows_to_look_up
from sartor.postgres.ledger import read_downs, read_ledger
from sartor.postgres.session import Session


async def read_deployed(session: Session, catalogue: Catalogue, request: Deploy | Rollback) -> Ledger:
    """Reads the ledger; for a rollback with the kept downs of what isn't here as it was deployed.

    Raises as `read_ledger`.
    """
    ledger = await read_ledger(session, founds=isinstance(request, Deploy))
    if isinstance(request, Rollback) and (wanted := list(rows_to_look_up(catalogue, ledger))):
        return replace(ledger, downs=await read_downs(session, wanted))
    return ledger
