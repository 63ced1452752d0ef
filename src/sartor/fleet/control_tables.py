"""The tables of the control database: alterations of Sartor's own, which Sartor deploys."""

from pathlib import Path

from sartor.alterations.files import read_lineage
from sartor.domain.alteration import Catalogue
from sartor.domain.destination import Destination, Limits
from sartor.domain.ledger import Ledger
from sartor.domain.plan import Deploy
from sartor.domain.report import RunEvent
from sartor.domain.status import compare_with_ledger
from sartor.errors import LedgerTooNew, TargetError
from sartor.execution.run import run, run_session
from sartor.postgres.ledger import read_ledger
from sartor.postgres.session import Session

LINEAGE = "fleet"
_FOLDER = Path(__file__).with_name("alterations")


async def prepare(control: Destination, *, limits: Limits) -> None:
    """Deploys the tables to a control database, or brings older ones up to date; several processes may do so at once.

    Raises LedgerTooNew where a later Sartor made them, and as a deployment does.
    """
    async with run_session(control, "fleet") as session:
        catalogue = _catalogue()
        await _require_known(session, catalogue)
        await run(session, catalogue, Deploy(), limits=limits._replace(fingerprint=False), observer=_ignore)


async def require_prepared(control: Destination) -> None:
    """Raises TargetError where a control database lacks the tables of this Sartor; LedgerTooNew. Writes nothing."""
    async with run_session(control, "fleet") as session:
        catalogue = _catalogue()
        ledger = await _require_known(session, catalogue)
        if compare_with_ledger(catalogue, ledger).pending:
            what = "the tables are those of an earlier Sartor" if ledger.entries else "no run was ever begun here"
            raise TargetError(f"{control.label}: {what}", hint="begin a run over a fleet, which makes what is missing")


async def _require_known(session: Session, catalogue: Catalogue) -> Ledger:
    ledger = await read_ledger(session, founds=True)
    if compare_with_ledger(catalogue, ledger).ahead:
        raise LedgerTooNew(f"{session.destination.label}: the tables of the fleet's runs were made by a later Sartor")
    return ledger


def _catalogue() -> Catalogue:
    return Catalogue((read_lineage(LINEAGE, str(_FOLDER)),))


def _ignore(_event: RunEvent) -> None:
    pass
