"""Rehearses the plan of a deploy: on a clone of the destination, or on the destination itself, rolled back."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from sartor.archive.exported_snapshot import exported_snapshot
from sartor.domain.alteration import Catalogue
from sartor.domain.destination import Destination, Limits
from sartor.domain.hazards.circumstances import in_view_of, in_view_of_rows
from sartor.domain.hazards.hazard import Size, with_losses
from sartor.domain.plan import Deploy, Plan, Rollback, make_plan
from sartor.domain.rehearsal import Rehearsal, Rehearsed
from sartor.domain.report import Failure, Note, Observer, RunEvent, Waiting
from sartor.errors import AlterationFailed, PoolerRefused
from sartor.execution.run_loop import execute_plan
from sartor.footprint.footprint import Relations, read_relations, read_sizes
from sartor.footprint.recorded_connection import RecordedConnection
from sartor.footprint.table_forms import Forms, read_forms
from sartor.postgres.ledger import read_ledger
from sartor.postgres.own_tables import require_sound_tables
from sartor.postgres.session import Session, application_name
from sartor.rehearsal.on_destination import rehearse_live
from sartor.rehearsal.recorded_scripts import ScriptRecorder
from sartor.rehearsal.scratch_server import scratch_server
from sartor.rehearsal.squawk import find_squawk, with_opinions
from sartor.scratch.clone import Made, clone
from sartor.scratch.gaps import filled

COST = (
    "rehearsed on the live database, each script rolled back: sequences have advanced, and"
    " changed rows have left dead rows"
)

WANTING_ROWS = ("22", "23502", "23503", "P0")
"""SQLSTATEs of errors that missing rows may cause: of a value, a null, a missing key, or raised by PL/pgSQL."""


class RehearsalOrder(NamedTuple):
    """The rehearsal that is wanted: `live` on the destination itself, else on a clone, with its `data` or without.

    `scratch` names another server for the clone. `embedded` is the folder of the embedded server, used where the clone
    can't be created elsewhere; where it is None, the rehearsal fails then.
    """

    embedded: Path | None = None
    live: bool = False
    data: bool = False
    scratch: Destination | None = None


async def rehearse(
    destination: Destination,
    catalogue: Catalogue,
    request: Deploy,
    order: RehearsalOrder,
    *,
    limits: Limits,
    observer: Observer,
) -> Rehearsal:
    """Rehearses what `request` would deploy. Raises SartorError where no rehearsal is possible.

    A script that fails is reported in the result; it raises nothing.
    """
    limits = limits._replace(fingerprint=False)  # a clone is soon dropped, and its statements are observed
    async with Session(destination, application=application_name("rehearse"), kind=RecordedConnection) as session:
        ledger = await read_ledger(session, founds=isinstance(request, Deploy))
        if ledger.exists:
            # A clone's tables have the triggers that they have here, and they would run there.
            await require_sound_tables(session.connection, session.schema, session.facts.role)
        plan = make_plan(catalogue, ledger, request)
        sizes = await read_sizes(session.connection, session.schema)
        if not plan.steps:
            return Rehearsal(target=plan.target, place="nothing", sizes=sizes)
        if order.live:
            found = await _on_itself(session, plan, sizes, limits, observer)
        else:
            found = await on_a_clone(session, catalogue, request, order, sizes, limits, observer)
        return await _with_opinions(found, session.facts.server_version)


async def _with_opinions(found: Rehearsal, server_version: int) -> Rehearsal:
    if (program := find_squawk()) is None:
        return found
    told = [
        dataclasses.replace(each, statements=await with_opinions(program, each.statements, server_version))
        for each in found.alterations
    ]
    return dataclasses.replace(found, alterations=tuple(told))


async def _on_itself(
    session: Session, plan: Plan, sizes: Mapping[str, Size], limits: Limits, observer: Observer
) -> Rehearsal:
    session.require_write()
    known = await read_relations(session.connection, session.schema)
    forms = Forms(await read_forms(session.connection, known))
    holding = await filled(session.connection, session.schema)
    script_recorder = ScriptRecorder(known, session.schema, forms, counts=True)
    done, failed = await rehearse_live(session, plan, script_recorder, limits, observer)
    return Rehearsal(
        target=plan.target,
        place="the destination itself",
        alterations=tuple(_with_losses(each, holding, sizes) for each in done),
        failed=failed,
        sizes=sizes,
        notes=(COST,),
    )


async def on_a_clone(
    session: Session,
    catalogue: Catalogue,
    request: Deploy | Rollback,
    order: RehearsalOrder,
    sizes: Mapping[str, Size],
    limits: Limits,
    observer: Observer,
) -> Rehearsal:
    """Rehearses on a clone of the session's database, whose tables have these `sizes`. Raises as `rehearse`."""
    async with cloned(session, order, limits) as copy:
        scratch = copy.session
        forms = Forms(await read_forms(scratch.connection, copy.known))
        script_recorder = ScriptRecorder(copy.known, session.schema, forms, counts=order.data)
        plan, failed = await deploy_there(scratch, catalogue, request, script_recorder, limits, observer)
        return Rehearsal(
            target=plan.target,
            place="a clone with data" if order.data else "a clone without data",
            alterations=tuple(
                _with_losses(each, copy.made.filled, sizes)
                for each in _collect(plan, script_recorder, failed, copy.made, data=order.data)
            ),
            failed=None if failed is None or failed.beyond else failed,
            sizes=sizes,
            notes=copy.notes,
        )


class Clone(NamedTuple):
    """A clone: a session on it, its relations, the result of making it, and notes for the user."""

    session: Session
    known: Relations
    made: Made
    notes: tuple[str, ...]


@asynccontextmanager
async def cloned(session: Session, order: RehearsalOrder, limits: Limits) -> AsyncIterator[Clone]:
    """Creates a clone of the session's database for as long as the block lasts. Raises as `rehearse`."""
    if session.facts.pooled:
        raise PoolerRefused(f"{session.destination.label} is a connection pooler; a clone needs a server session")
    async with (
        scratch_server(session, order.scratch, order.embedded) as place,
        Session(place.destination, application=application_name("rehearse"), kind=RecordedConnection) as scratch,
    ):
        async with exported_snapshot(session) as snapshot:
            made = await clone(session, scratch, snapshot, data=order.data, lock_wait=limits.lock_budget)
        notes = (*place.notes, *_versions(session, scratch), *made.notes)
        yield Clone(scratch, await read_relations(scratch.connection, scratch.schema), made, notes)


async def deploy_there(
    scratch: Session,
    catalogue: Catalogue,
    request: Deploy | Rollback,
    script_recorder: ScriptRecorder,
    limits: Limits,
    observer: Observer,
) -> tuple[Plan, Failure | None]:
    """Deploys to a clone, or rolls back there, as on any destination.

    Returns the plan, and the failure that ended it early; None where nothing failed.
    """

    def told(event: RunEvent) -> None:
        # Starts and ends on a clone say nothing about the destination.
        if isinstance(event, Note | Waiting):
            observer(event)

    ledger = await read_ledger(scratch, founds=True)
    plan = make_plan(catalogue, ledger, request)
    limits = limits._replace(batch=False)
    try:
        await execute_plan(
            scratch,
            ledger,
            catalogue,
            request,
            plan,
            limits=limits,
            backup=None,
            observer=told,
            load=script_recorder.load,
        )
    except AlterationFailed as error:
        return plan, error.failure
    return plan, None


def _collect(
    plan: Plan, script_recorder: ScriptRecorder, failed: Failure | None, made: Made, *, data: bool
) -> list[Rehearsed]:
    found, reason = [], None
    for alteration in (step.alteration for step in plan.steps):
        if failed is not None and alteration.id == failed.id:
            reason = _reason(failed, data=data)
        holding = frozenset[str]() if data else made.filled
        statements = tuple(
            in_view_of_rows(in_view_of(each, made.lacks), holding) for each in script_recorder.statements(alteration)
        )
        found.append(
            Rehearsed(
                alteration=alteration,
                statements=statements,
                sent=script_recorder.sent(alteration),
                reason=reason,
                depends_on_rows=script_recorder.depends_on_rows(alteration),
            )
        )
        if reason is not None:
            reason = "an earlier alteration couldn't be rehearsed"
    return found


def _with_losses(found: Rehearsed, holding: Collection[str], sizes: Mapping[str, Size]) -> Rehearsed:
    return dataclasses.replace(
        found, statements=tuple(with_losses(statement, holding, sizes) for statement in found.statements)
    )


def _reason(failed: Failure, *, data: bool) -> str:
    """Returns the reason why an alteration couldn't be rehearsed."""
    if failed.beyond:
        return failed.message
    advice = "; the clone has no rows, and `data` gives it those of the destination"
    return f"the alteration failed: {failed.message}" + (advice if not data and _may_want_rows(failed) else "")


def _may_want_rows(failed: Failure) -> bool:
    """Returns whether missing rows may have caused an error: one of Python's, of values or keys, or a script's own."""
    return failed.advice is None and (failed.sqlstate is None or failed.sqlstate.startswith(WANTING_ROWS))


def _versions(live: Session, scratch: Session) -> list[str]:
    there, here = live.facts.server_version // 10000, scratch.facts.server_version // 10000
    return [] if there == here else [f"the clone is on Postgres {here}, but the destination is on Postgres {there}"]
