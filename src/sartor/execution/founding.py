"""Creates the ledger where there is none, and checks that an existing one is Sartor's own."""

from __future__ import annotations

import asyncio
import itertools
import time

import sartor.postgres.errors as driver
from sartor.domain.report import Note
from sartor.errors import RunHeld
from sartor.execution.attempt import backoff, describe
from sartor.execution.turn import Turn
from sartor.postgres.connect.connect import DRIVER_ERRORS, session_error
from sartor.postgres.ledger import create_ledger
from sartor.postgres.own_tables import read_writers, require_sound_tables
from sartor.postgres.session import Session

TAKEN = frozenset({"42P06", "42P07", "42710", "23505"})
"""SQLSTATEs: a schema, table or type of that name exists, or another session has just created it."""


async def found_ledger(turn: Turn) -> None:
    """Creates the schema and the ledger where they are missing; checks that an existing ledger is Sartor's own.

    Two runs may do this at once. Raises LedgerUnsound; RunHeld where another session's work on these names went on for
    longer than the run may wait.
    """
    session, deadline = turn.session, time.monotonic() + turn.limits.wait
    await session.learn()
    if not session.facts.schema_exists:
        turn.observer(Note(text=f"there is no schema {session.schema} yet: it is made"))
    for attempt in itertools.count():
        if session.facts.ledger_exists:
            await require_sound(session)
            return
        turn.attend("the ledger")
        try:
            await create_ledger(session)
        except DRIVER_ERRORS as error:
            await _stand_aside(turn, error, backoff(attempt), deadline)


async def _stand_aside(turn: Turn, error: Exception, pause: float, deadline: float) -> None:
    """Pauses `pause` seconds for the blocking session, then reads the session's facts again.

    Raises `error` where waiting doesn't help; after `deadline` RunHeld, or what `error` means where a name is taken.
    """
    state, blockers = driver.sqlstate(error), turn.lookout.blockers
    if state not in driver.RETRIED | TAKEN:
        raise error
    if time.monotonic() + pause > deadline:
        if state in TAKEN:
            raise session_error(error, turn.session.destination) from error
        pid = blockers[0].pid if blockers else "PID"
        raise RunHeld(
            f"the ledger of schema {turn.session.schema} can't be made, as another session is in the way:"
            f" {describe(blockers)}",
            hint=f"wait for it, give it longer with --wait, or end that session: select pg_terminate_backend({pid});",
        ) from error
    turn.lookout.waiting("another session that makes the ledger", blockers, deadline)
    await asyncio.sleep(pause)
    await turn.session.learn()


async def require_sound(session: Session) -> None:
    """Raises LedgerUnsound where the ledger isn't as Sartor creates it."""
    session.require_read()
    session.require_write()
    await require_sound_tables(session.connection, session.schema, session.facts.role)


async def tell_writers(turn: Turn) -> None:
    """Reports the other roles that may write to the ledger, as notes."""
    for writer in await read_writers(turn.session.connection, turn.session.schema):
        turn.observer(Note(text=str(writer)))
