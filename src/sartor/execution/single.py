"""Runs one script by itself, inside its transaction and outside it; collects the facts where it fails."""

from __future__ import annotations

import asyncio
import dataclasses
from contextlib import suppress

from sartor.alterations.script import Script
from sartor.domain.destination import redact
from sartor.domain.ledger import EventKind, State
from sartor.domain.plan import Direction, Step
from sartor.domain.report import Failure, Note
from sartor.errors import SartorError
from sartor.execution.attempt import PARTING, Stale, find_loss, is_the_scripts
from sartor.execution.guest import guest
from sartor.execution.outside import Outside
from sartor.execution.turn import Turn
from sartor.postgres.connect.connect import DRIVER_ERRORS
from sartor.postgres.driver.connection import Connection
from sartor.postgres.ledger import is_in_effect


async def run_script(turn: Turn, step: Step, script: Script, direction: Direction) -> None:
    """Runs a script and writes its event. Raises as `attempt.happen`, and what the script raises."""
    try:
        await _run(turn, step, script, direction)
    except Exception as error:
        # The connection may also be lost before or after its transaction, which is no failure of the script.
        if is_the_scripts(error) and turn.session.connection_lost:
            left = f"what {script.alteration.name} did outside a transaction stays, and it isn't complete"
            if lost := find_loss(turn.session, error, left=left):
                raise lost from error
        raise


async def _run(turn: Turn, step: Step, script: Script, direction: Direction) -> None:
    alteration, before = script.alteration, script.before.get(direction)
    before, body = before and guest(before, alteration.file), script.body(direction)
    if script.sql(direction) is None:
        body = guest(body, alteration.file)
    context, since = turn.context(alteration.name), None
    due = script.transactional and await _is_due(turn, step, direction)
    if script.needs_session(direction):
        bodies = [b for b in (before, None if script.transactional else body) if b is not None]
        outside = Outside(turn=turn, step=step, script=script, direction=direction)
        await outside.run(bodies, context, lambda kind, **detail: turn.record(kind, alteration, **detail))
        since = turn.head

    async def work(connection: Connection) -> None:
        if due:
            await body(connection, context)

    kind = EventKind.DEPLOYED if direction is Direction.DEPLOY else EventKind.ROLLED_BACK
    await turn.happen(kind, alteration, alteration.name, work, since=since)
    if turn.session.connection_lost or turn.session.connection.worn:
        await turn.session.renew()


async def _is_due(turn: Turn, step: Step, direction: Direction) -> bool:
    """Returns whether `up`, or `down`, is to run in its transaction.

    Where the steps before it were interrupted, it never ran: what it would undo isn't there, or what it would make is.
    """
    if step.entry is None or step.entry.state is State.DEPLOYED:
        return True
    undoes = direction is Direction.ROLLBACK
    due = undoes is await is_in_effect(turn.session, step.alteration)
    if not due:
        reason = (
            "its `up` has never ended, so `down` isn't run" if undoes else "its `up` still holds, and isn't run again"
        )
        turn.observer(Note(text=f"{step.alteration.name}: {reason}"))
    return due


async def record_interruption(turn: Turn, script: Script, direction: Direction) -> None:
    """Writes to the journal that a signal or the caller ended a script; gives up after `PARTING` seconds."""
    facts = {"direction": direction.value, "message": "interrupted", "sqlstate": None, "line": None}
    with suppress(Stale, SartorError, OSError, *DRIVER_ERRORS):
        async with asyncio.timeout(PARTING):
            if turn.session.connection_lost:
                await turn.session.renew()
            await turn.record(EventKind.FAILED, script.alteration, **facts)


async def record_failure(turn: Turn, error: BaseException, script: Script, direction: Direction) -> Failure:
    """Returns the facts of a failure, and writes them to the journal where the database allows it."""
    about = script.alteration
    failure = turn.failure(error, name=about.name, alteration_id=about.id, file=about.file, locate=script.locate)
    if script.needs_session(direction):
        failure = dataclasses.replace(failure, rolled_back=False)
    message = redact(failure.message, turn.session.secrets)
    facts = {"direction": direction.value, "message": message, "sqlstate": failure.sqlstate, "line": failure.line}
    try:
        if turn.session.connection_lost:
            await turn.session.renew()
        await turn.record(EventKind.FAILED, about, **facts)
    except (Stale, SartorError, OSError, *DRIVER_ERRORS):
        turn.observer(Note(text="the failure couldn't be written to the journal"))
    return failure
