"""Runs one unit by itself, inside its transaction and outside it; collects the facts where it fails."""

from __future__ import annotations

import asyncio
import dataclasses
from contextlib import suppress

from sartor.alterations.script import Locate
from sartor.conninfo.redaction import redact
from sartor.domain.ledger import EventKind
from sartor.domain.plan import Direction
from sartor.domain.report import Failure, Note
from sartor.errors import SartorError
from sartor.execution.executors.non_transactional import NonTransactional
from sartor.execution.outcome import Outcome, Stale, classify
from sartor.execution.retry import PARTING, connection_lost
from sartor.execution.run_context import RunContext
from sartor.execution.script_call import contained
from sartor.execution.units import Unit
from sartor.postgres.connect.connect import DRIVER_ERRORS
from sartor.postgres.driver.connection import Connection
from sartor.postgres.journal import Phase
from sartor.postgres.ledger import is_in_effect
from sartor.postgres.session_settings import set_in_session


async def run_unit(run: RunContext, unit: Unit) -> None:
    """Runs a script and writes its event. Raises as `retry.run_in_transaction`, and what the script raises."""
    try:
        await _run(run, unit)
    except Exception as error:
        # The connection may also be lost before or after its transaction, which is no failure of the script.
        if classify(error, Phase.SCRIPT, connection_lost=run.session.connection_lost) is Outcome.LOST:
            left = f"the changes of {unit.about.name} outside a transaction are incomplete and stay"
            raise connection_lost(run.session, error, left=left) from error
        raise


async def _run(run: RunContext, unit: Unit) -> None:
    about, script = unit.about, unit.script
    body = unit.body if unit.statements is not None else contained(unit.body, about.file)
    context, since = run.context(about.name), None
    due = script.transactional and await _is_due(run, unit)
    if not unit.transactional:
        before = contained(unit.before, about.file) if unit.before else None
        bodies = [b for b in (before, None if script.transactional else body) if b is not None]
        await NonTransactional(run=run, unit=unit).execute(bodies, context)
        since = run.head

    async def work(connection: Connection) -> None:
        if due:
            await body(connection, context)

    await run.run_in_transaction(unit.kind, about, about.name, work, since=since)
    await run.session.renew_where_worn()


async def run_and_undo(run: RunContext, unit: Unit) -> None:
    """Runs a transactional script, and rolls it back. Raises what the script raises."""
    connection, name = run.session.connection, unit.about.name
    try:
        async with connection.script_transaction(set_in_session(run.settings(f"sartor rehearse {name}")), ""):
            await contained(unit.body, unit.about.file)(connection, run.context(name))
            raise _Undo  # noqa: TRY301 - ends a transaction that must not be committed
    except _Undo:
        pass


class _Undo(Exception):
    """Raised to roll back a transaction that must leave nothing."""


async def _is_due(run: RunContext, unit: Unit) -> bool:
    """Returns whether `up`, or `down`, is to run in its transaction.

    Where the steps before it were interrupted, it never ran: what it would undo isn't there, or what it would make is.
    """
    if not unit.resumes:
        return True
    undoes = unit.direction is Direction.ROLLBACK
    due = undoes is await is_in_effect(run.session, unit.about)
    if not due:
        reason = (
            "`up` did not complete, so `down` isn't run" if undoes else "`up` is still in effect and isn't run again"
        )
        run.observer(Note(text=f"{unit.about.name}: {reason}"))
    return due


async def record_interruption(run: RunContext, unit: Unit) -> None:
    """Writes to the journal that a signal or the caller ended a script; gives up after `PARTING` seconds."""
    facts = {"direction": unit.direction.value, "message": "interrupted", "sqlstate": None, "line": None}
    with suppress(Stale, SartorError, OSError, *DRIVER_ERRORS):
        async with asyncio.timeout(PARTING):
            if run.session.connection_lost:
                await run.session.renew()
            await run.record(EventKind.FAILED, unit.about, **facts)


async def record_failure(run: RunContext, error: BaseException, unit: Unit, locate: Locate | None = None) -> Failure:
    """Returns the facts of a failure, and writes them to the journal where the database allows it.

    `locate` finds its place in the file, where the script itself can't.
    """
    about = unit.about
    locate = locate or unit.script.locate
    failure = run.failure(error, name=about.name, alteration_id=about.id, file=about.file, locate=locate)
    if not unit.transactional:
        failure = dataclasses.replace(failure, rolled_back=False)
    message = redact(failure.message, run.session.secrets)
    facts = {"direction": unit.direction.value, "message": message, "sqlstate": failure.sqlstate, "line": failure.line}
    try:
        if run.session.connection_lost:
            await run.session.renew()
        await run.record(EventKind.FAILED, about, **facts)
    except (Stale, SartorError, OSError, *DRIVER_ERRORS):
        run.observer(Note(text="the failure couldn't be written to the journal"))
    return failure
