"""Runs one script by itself, inside its transaction and outside it; collects the facts where it fails."""

from __future__ import annotations

import asyncio
import dataclasses
from contextlib import suppress

from sartor.alterations.script import Script
from sartor.conninfo.redaction import redact
from sartor.domain.ledger import EventKind, State
from sartor.domain.plan import Direction, Step
from sartor.domain.report import Failure, Note
from sartor.errors import SartorError
from sartor.execution.executors.non_transactional import NonTransactional
from sartor.execution.outcome import Outcome, Stale, classify
from sartor.execution.retry import PARTING, connection_lost
from sartor.execution.run_context import RunContext
from sartor.execution.script_call import contained
from sartor.postgres.connect.connect import DRIVER_ERRORS
from sartor.postgres.driver.connection import Connection
from sartor.postgres.journal import Phase
from sartor.postgres.ledger import is_in_effect


async def run_script(run: RunContext, step: Step, script: Script, direction: Direction) -> None:
    """Runs a script and writes its event. Raises as `retry.run_in_transaction`, and what the script raises."""
    try:
        await _run(run, step, script, direction)
    except Exception as error:
        # The connection may also be lost before or after its transaction, which is no failure of the script.
        if classify(error, Phase.SCRIPT, connection_lost=run.session.connection_lost) is Outcome.LOST:
            left = f"what {script.alteration.name} did outside a transaction stays, and it isn't complete"
            raise connection_lost(run.session, error, left=left) from error
        raise


async def _run(run: RunContext, step: Step, script: Script, direction: Direction) -> None:
    alteration, before = script.alteration, script.before.get(direction)
    before, body = before and contained(before, alteration.file), script.body(direction)
    if script.sql(direction) is None:
        body = contained(body, alteration.file)
    context, since = run.context(alteration.name), None
    due = script.transactional and await _is_due(run, step, direction)
    if script.needs_session(direction):
        bodies = [b for b in (before, None if script.transactional else body) if b is not None]
        outside = NonTransactional(run=run, step=step, script=script, direction=direction)
        await outside.execute(bodies, context, lambda kind, **detail: run.record(kind, alteration, **detail))
        since = run.head

    async def work(connection: Connection) -> None:
        if due:
            await body(connection, context)

    kind = EventKind.DEPLOYED if direction is Direction.DEPLOY else EventKind.ROLLED_BACK
    await run.run_in_transaction(kind, alteration, alteration.name, work, since=since)
    if run.session.connection_lost or run.session.connection.worn:
        await run.session.renew()


async def _is_due(run: RunContext, step: Step, direction: Direction) -> bool:
    """Returns whether `up`, or `down`, is to run in its transaction.

    Where the steps before it were interrupted, it never ran: what it would undo isn't there, or what it would make is.
    """
    if step.entry is None or step.entry.state is State.DEPLOYED:
        return True
    undoes = direction is Direction.ROLLBACK
    due = undoes is await is_in_effect(run.session, step.alteration)
    if not due:
        reason = (
            "its `up` has never ended, so `down` isn't run" if undoes else "its `up` still holds, and isn't run again"
        )
        run.observer(Note(text=f"{step.alteration.name}: {reason}"))
    return due


async def record_interruption(run: RunContext, script: Script, direction: Direction) -> None:
    """Writes to the journal that a signal or the caller ended a script; gives up after `PARTING` seconds."""
    facts = {"direction": direction.value, "message": "interrupted", "sqlstate": None, "line": None}
    with suppress(Stale, SartorError, OSError, *DRIVER_ERRORS):
        async with asyncio.timeout(PARTING):
            if run.session.connection_lost:
                await run.session.renew()
            await run.record(EventKind.FAILED, script.alteration, **facts)


async def record_failure(run: RunContext, error: BaseException, script: Script, direction: Direction) -> Failure:
    """Returns the facts of a failure, and writes them to the journal where the database allows it."""
    about = script.alteration
    failure = run.failure(error, name=about.name, alteration_id=about.id, file=about.file, locate=script.locate)
    if script.needs_session(direction):
        failure = dataclasses.replace(failure, rolled_back=False)
    message = redact(failure.message, run.session.secrets)
    facts = {"direction": direction.value, "message": message, "sqlstate": failure.sqlstate, "line": failure.line}
    try:
        if run.session.connection_lost:
            await run.session.renew()
        await run.record(EventKind.FAILED, about, **facts)
    except (Stale, SartorError, OSError, *DRIVER_ERRORS):
        run.observer(Note(text="the failure couldn't be written to the journal"))
    return failure
