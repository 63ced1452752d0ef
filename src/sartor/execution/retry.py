"""Runs a script and its journal record in one transaction. Retries on lock timeout; resolves a lost COMMIT."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import sartor.postgres.errors as driver
from sartor.domain.report import Blocker
from sartor.errors import DestinationError, RunHeld, SartorError, Unreachable, causes
from sartor.execution.blockers import describe_blockers
from sartor.execution.monitor import Monitor
from sartor.log import LOG
from sartor.postgres.connect.connect import DRIVER_ERRORS
from sartor.postgres.driver.connection import Connection
from sartor.postgres.journal import NewEvent, Phase, claim_sql, probe_sql, record_sql
from sartor.postgres.ledger import has_token
from sartor.postgres.session import Session
from sartor.postgres.session_settings import SessionSettings

RESOLVE = 60.0
"""Seconds in which a lost COMMIT's outcome must be found out."""
PARTING = 0.7
"""Seconds in which it must be found out where the run was told to end."""


class Stale(Exception):
    """Raised where another run was first, so that the plan is no longer valid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """The limits of waiting, in seconds.

    `lock_budget` is for the locks that a script needs, `wait` for another run's claim.
    """

    lock_budget: float
    wait: float


Work = Callable[[Connection], Awaitable[None]]


async def run_in_transaction(
    session: Session,
    monitor: Monitor,
    make_event: Callable[[], NewEvent],
    settings: SessionSettings,
    work: Work,
    patience: Patience,
    *,
    follow: Callable[[], None],
) -> None:
    """Runs `work` and writes an event in one transaction; `follow` points the monitor at the connection.

    Raises Stale where the journal has new events, RunHeld where another run's claim stood for longer than
    `patience.wait`, Unreachable where the connection was lost (nothing has changed then), DestinationError where the
    ledger can't be written, Committed where a cancel came after the COMMIT, and what `work` raised.
    """
    began = time.monotonic()
    follow()
    for attempt in itertools.count():
        event = make_event()
        phase = Phase.CLAIM
        connection = session.connection
        try:
            async with connection.script_transaction(claim_sql(event, settings), record_sql(event, settings)):
                phase = Phase.SCRIPT
                await work(connection)
                phase = Phase.COMMIT
        except BaseException as error:
            if connection.is_closed():
                # The server may not have noticed: our own orphan would keep its claim, and its locks.
                await monitor.terminate()
            if connection.committing and await _outcome_is_commit(session, event, settings, error):
                if isinstance(error, asyncio.CancelledError):
                    raise Committed from error
                return
            limit = began + (patience.wait if phase is Phase.CLAIM else patience.lock_budget)
            pause = backoff(attempt)
            if session.connection is not connection and isinstance(error, Exception) and time.monotonic() < limit:
                # Lost at COMMIT; the new connection has shown that nothing was committed.
                follow()
                continue
            _raise_unless_retried(error, phase, session, monitor.blockers, over=time.monotonic() + pause > limit)
        else:
            return
        LOG.debug("event %d: attempt %d got no lock; the next one in %.2f s", event.seq, attempt + 1, pause)
        monitor.waiting("a lock", monitor.blockers)
        await asyncio.sleep(pause)


def backoff(attempt: int) -> float:
    """Returns the pause in seconds after the attempt of this number, from 0: it doubles up to 2, with jitter."""
    return min(2.0, 0.1 * float(2 ** min(attempt, 10))) * random.uniform(0.5, 1.5)  # noqa: S311 - jitter


def is_the_scripts(error: Exception) -> bool:
    """Returns whether an error that ended a script is the script's own failure, not the run's."""
    return not isinstance(error, Stale | SartorError)


class Committed(asyncio.CancelledError):
    """Raised where the run was cancelled but the attempt under way was committed."""


def _raise_unless_retried(
    error: BaseException, phase: Phase, session: Session, blockers: tuple[Blocker, ...], *, over: bool
) -> None:
    """Raises what an attempt's error means; returns where another attempt is to be made."""
    state = driver.sqlstate(error)
    if phase is Phase.CLAIM and state in driver.STALE:
        raise Stale from error
    if state in driver.RETRIED and not over:
        return
    if phase is Phase.CLAIM and state in driver.RETRIED:
        raise RunHeld(
            f"another run is at work in schema {session.schema}: {describe_blockers(blockers)}",
            hint="wait for it, give it longer with --wait, or end that session",
        ) from error
    # A script may meet an OSError of its own: only a connection that is gone was lost.
    if session.connection_lost and (lost := find_loss(session, error)):
        raise lost from error
    if phase is Phase.CLAIM and state is not None:
        raise DestinationError(f"the ledger of schema {session.schema} can't be written: {error}") from error
    raise error


def find_loss(
    session: Session, error: BaseException, *, left: str = "what was under way was rolled back"
) -> Unreachable | None:
    """Returns Unreachable where an error or one of its causes is a lost connection, else None.

    `left` says in the message what became of the work under way.
    """
    lost = next((e for e in causes(error) if driver.is_disconnect(e)), None)
    if lost is None:
        return None
    return Unreachable(
        f"{session.destination.label}: the connection was lost ({lost}); {left}",
        hint="run the command again once the server answers: it goes on where this one stopped",
    )


async def _outcome_is_commit(
    session: Session, event: NewEvent, settings: SessionSettings, error: BaseException
) -> bool:
    """Returns whether a transaction whose COMMIT wasn't answered was committed."""
    if driver.sqlstate(error) is not None and not driver.is_disconnect(error):
        return False
    # A user who pressed Ctrl-C isn't kept waiting for a server that doesn't answer.
    return await find_outcome(session, event, settings, within=RESOLVE if isinstance(error, Exception) else PARTING)


async def find_outcome(
    session: Session, event: NewEvent, settings: SessionSettings, *, within: float, lost: str = "lost at COMMIT"
) -> bool:
    """Returns whether an event that this run had begun was committed; asks the server for up to `within` seconds.

    Raises Unreachable where that isn't known by then; `lost` says in its message when the connection was lost.

    The same number is claimed again: that waits until the old server process is done with it, dead or alive.
    """
    try:
        async with asyncio.timeout(within):
            return await _resolve(session, event, settings)
    except TimeoutError as error:
        raise Unreachable(
            f"{session.destination.label}: the connection was {lost} and the server doesn't answer, so"
            " whether the last alteration was committed isn't known here; the database knows",
            hint="run the command again once the server answers: it asks the database and goes on from there",
        ) from error


async def _resolve(session: Session, event: NewEvent, settings: SessionSettings) -> bool:
    for attempt in itertools.count():
        # The new connection may break too, at any of these calls.
        with suppress(Unreachable, OSError, *DRIVER_ERRORS):
            if session.connection_lost:
                await session.renew()
            if not await _is_taken(session.connection, event, settings):
                return False
            return await has_token(session.connection, session.schema, event.seq, event.token)
        await asyncio.sleep(min(1.0, 0.05 * 2**attempt))
    raise AssertionError


async def _is_taken(connection: Connection, event: NewEvent, settings: SessionSettings) -> bool:
    """Returns whether the event's number is in the journal."""
    try:
        await connection.execute(probe_sql(event, settings))
    except DRIVER_ERRORS as answer:
        if driver.sqlstate(answer) is None:
            raise
        await connection.execute("rollback")
        if driver.sqlstate(answer) not in driver.STALE:
            raise
        return True
    return False
