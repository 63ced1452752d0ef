"""Undoes unreleased alterations by the code that was deployed, and deploys their files as they are now."""

from collections.abc import Iterable
from dataclasses import replace

from sartor.domain.alteration import Catalogue
from sartor.domain.destination import Destination, Limits
from sartor.domain.ledger import State
from sartor.domain.plan import Deploy, Direction, Rollback, make_plan
from sartor.domain.redo import Redone, rows_to_redo
from sartor.domain.release import NEXT
from sartor.domain.report import Observer, Report
from sartor.execution.run import run, run_session
from sartor.execution.units import require_units
from sartor.postgres.ledger import read_downs, read_ledger

ALL = Deploy(target=NEXT)


async def run_redo(
    destination: Destination, catalogue: Catalogue, names: Iterable[str], *, limits: Limits, observer: Observer
) -> Redone:
    """Rolls back what `rows_to_redo` chooses, then deploys all that is pending; returns both reports.

    Nothing is undone before every script that is to be deployed then is loaded. Each is its own run: where the second
    one fails, what was undone is pending. Raises as a deploy, and RefusedError.
    """
    undone = Report(direction=Direction.ROLLBACK, target=None)
    async with run_session(destination, "redo") as session:
        ledger = await read_ledger(session, founds=True)
        if begun := [entry for entry in ledger.entries if entry.state is not State.DEPLOYED]:
            ledger = replace(ledger, downs=await read_downs(session, begun))
        rows = rows_to_redo(catalogue, ledger, names)
        if rows:
            left = replace(ledger, entries=tuple(e for e in ledger.entries if e.identity not in rows))
            require_units(make_plan(catalogue, left, ALL), session)
            undone = await run(session, catalogue, Rollback(redone=rows), limits=limits, observer=observer)
    async with run_session(destination, "redo") as session:
        return Redone(undone, await run(session, catalogue, ALL, limits=limits, observer=observer))
