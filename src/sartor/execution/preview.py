"""Previews a rollback: what it would undo, and what would be lost by it."""

from __future__ import annotations

from sartor.alterations.loader import load_script
from sartor.alterations.python_source import dropped
from sartor.domain.alteration import Catalogue
from sartor.domain.check import Loss, RollbackPreview
from sartor.domain.destination import DEFAULT_SCHEMA, Destination
from sartor.domain.plan import Plan, Rollback, make_plan
from sartor.postgres.ledger import read_ledger
from sartor.postgres.schema_contents import find_table
from sartor.postgres.session import Session, application_name
from sartor.sql.changes import Drop


async def preview(destination: Destination, catalogue: Catalogue, request: Rollback) -> RollbackPreview:
    """Returns what `request` would do. Writes nothing. Raises SartorError as the rollback itself would."""
    async with Session(destination, application=application_name("preview")) as session:
        plan = make_plan(catalogue, await read_ledger(session), request)
        return RollbackPreview(plan=plan, losses=await find_losses(session, plan))


async def find_losses(session: Session, plan: Plan) -> tuple[Loss, ...]:
    """Returns the tables and columns that the scripts of a rollback drop, with an estimate of their rows."""
    drops = dict.fromkeys(drop for step in plan.steps for drop in dropped(load_script(step.alteration)))
    losses = [await _loss(session, drop) for drop in drops]
    return tuple(dict.fromkeys(loss for loss in losses if loss is not None))


async def _loss(session: Session, drop: Drop) -> Loss | None:
    """Returns what a DROP loses; None where it only drops what exists, and nothing does."""
    schema, table = (drop.table[-2] if len(drop.table) > 1 else None), drop.table[-1]
    found = await find_table(session.connection, schema, table, path=(session.schema, DEFAULT_SCHEMA))
    if drop.guarded and (found is None or (drop.column is not None and drop.column not in found.columns)):
        return None
    place = found.schema if found else schema or session.schema
    shown = table if place == session.schema else f"{place}.{table}"
    return Loss(table=shown, column=drop.column, rows=found.rows if found else None)
