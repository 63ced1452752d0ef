"""Runs a script and its journal record in one transaction. Retries on lock timeout; resolves a lost COMMIT."""

import asyncio
import functools
import itertools
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import NoReturn

import sartor.postgres.errors as driver
from sartor.domain.ledger import EventKind, Subject
from sartor.domain.own_tables import GONE
from sartor.domain.report import Blocker
from sartor.errors import DestinationError, RunHeld, Unreachable
from sartor.execution.monitor import Monitor, describe_blockers
from sartor.execution.outcome import Committed, Outcome, Stale, classify, find_disconnect
from sartor.execution.run_context import RunContext
from sartor.log import LOG
from sartor.postgres.connect.connect import DRIVER_ERRORS
from sartor.postgres.driver.connection import Connection
from sartor.postgres.journal import NewEvent, Phase, claim_sql, probe_sql, record_sql
from sartor.postgres.ledger import read_token
from sartor.postgres.session import Session
from sartor.postgres.session_settings import SessionSettings, settings_for

RESOLVE = 60.0
"""Seconds in which a lost COMMIT's outcome must be found out."""
PARTING = 0.7
"""Seconds in which it must be found out where the run was told to end."""
MOST = 2.0
"""Seconds between two attempts at most, before jitter."""


Work = Callable[[Connection], Awaitable[None]]
NO_DETAIL: Mapping[str, object] = MappingProxyType({})


def delay(attempts: int) -> float:
    """Returns the seconds before the next attempt, without jitter: twice those before the last one, up to `MOST`."""
    return min(MOST, 0.1 * float(2 ** min(attempts, 10)))


class Retries:
    """Counts the attempts at one thing, and pauses between them, for longer each time."""

    def __init__(self, monitor: Monitor, what: str) -> None:
        self._monitor = monitor
        self._what = what
        self._began = time.monotonic()
        self._count = 0

    async def pause(self, within: float, reason: str = "") -> bool:
        """Pauses before another attempt, and reports the wait where there is a `reason`.

        Returns False, without a pause, where it would begin later than `within` seconds after the first.
        """
        pause = delay(self._count) * random.uniform(0.5, 1.5)  # noqa: S311 - jitter
        self._count += 1
        deadline = self._began + within
        if time.monotonic() + pause > deadline:
            return False
        LOG.debug("%s: attempt %d got no lock; the next one in %.2f s", self._what, self._count, pause)
        if reason:
            self._monitor.waiting(reason, self._monitor.blockers, deadline)
        await asyncio.sleep(pause)
        return True


async def run_in_transaction(  # noqa: PLR0913 - one event, and all that its record needs
    run: RunContext,
    kind: EventKind,
    about: Subject | None,
    work: Work | None,
    *,
    since: int | None = None,
    took: float | None = None,
    detail: Mapping[str, object] = NO_DETAIL,
    lock_timeout: float | None = None,
    down: str | None = None,
) -> None:
    """Runs `work` and writes the journal's next event with it, in one transaction; advances the run's head.

    `since` is the number of the event at which the work began, where that is another one; `took` its milliseconds,
    where it is over; `lock_timeout` the script's own, in seconds; `down` what the ledger keeps of its way back.
    Raises Stale where the journal has new events, RunHeld where another run's claim stood for longer than the run may
    wait, Unreachable where the connection was lost (nothing has changed then), DestinationError where the ledger can't
    be written, Committed where a cancel came after the COMMIT, and what `work` raised.
    """
    seq, session, script = run.head + 1, run.session, about.name if about else kind.value
    settings = settings_for(session, run.limits, run.mark(script, seq), lock_timeout=lock_timeout)
    retries, followed, noted = Retries(run.monitor, f"event {seq}"), None, len(run.notes(script))
    while True:
        event = NewEvent(seq=seq, kind=kind, about=about, since=since, took=took, detail=detail, down=down)
        connection, phase = session.connection, Phase.CLAIM
        if connection is not followed:
            run.follow(script)
            followed = connection
        try:
            with connection.informing(functools.partial(run.hear, script)):
                claim, limit = claim_sql(event, settings), settings.lock_timeout

                def record(event: NewEvent = event) -> str:
                    return record_sql(event, settings, notes=run.notes(script))

                async with connection.script_transaction(claim, record, longest_lock=limit):
                    phase = Phase.SCRIPT
                    if work is not None:
                        await work(connection)
                    phase = Phase.COMMIT
            break
        except BaseException as error:  # noqa: BLE001 - a cancelled run must know what was committed too
            outcome = await _outcome(run, connection, event, settings, phase, error)
            if outcome is Outcome.COMMITTED:
                break
            if not await _pause(run, outcome, retries):
                raise_outcome(outcome, error, session, run.monitor.blockers)
            run.forget(script, keep=noted)
    run.head = seq


async def _outcome(
    run: RunContext,
    connection: Connection,
    event: NewEvent,
    settings: SessionSettings,
    phase: Phase,
    error: BaseException,
) -> Outcome:
    """Returns how a try ended that raised `error`; asks the server where only that knows."""
    if connection.is_closed():
        # The server may not have noticed: our own orphan would keep its claim, and its locks.
        await run.monitor.terminate()
    lost = run.session.connection_lost
    outcome = classify(error, phase, committing=connection.committing, connection_lost=lost)
    if outcome is Outcome.RESOLVE:
        return await _resolve(run.session, event, settings, error)
    return outcome


async def record(
    run: RunContext,
    kind: EventKind,
    about: Subject | None,
    detail: Mapping[str, object] = NO_DETAIL,
    *,
    took: float | None = None,
) -> None:
    """Writes an event that is only a record; `took` is as for `run_in_transaction`."""
    await run_in_transaction(run, kind, about, None, took=took, detail=detail)


async def _pause(run: RunContext, outcome: Outcome, retries: Retries) -> bool:
    """Pauses before another attempt; returns False where there is to be none."""
    if outcome not in {Outcome.BUSY, Outcome.RETRY, Outcome.UNDONE}:
        return False
    within = run.limits.wait if outcome is Outcome.BUSY else run.limits.lock_budget
    return await retries.pause(within, "" if outcome is Outcome.UNDONE else "a lock")


def raise_outcome(
    outcome: Outcome, error: BaseException, session: Session, blockers: tuple[Blocker, ...] = ()
) -> NoReturn:
    """Raises what an outcome means to the caller: an error of Sartor's own, or `error` itself."""
    match outcome:
        case Outcome.STALE:
            raise Stale from error
        case Outcome.BUSY:
            raise RunHeld(
                f"another run is in progress in schema {session.schema}: {describe_blockers(blockers)}",
                hint="wait for that run, increase `limits.wait`, or end its session",
                blockers=blockers,
            ) from error
        case Outcome.LOST | Outcome.UNDONE:
            raise connection_lost(session, error) from error
        case Outcome.UNWRITABLE:
            raise DestinationError(
                f"the ledger of schema {session.schema} can't be written: {error}",
                hint=GONE if driver.sqlstate(error) in driver.UNDEFINED else None,
            ) from error
        case _:
            raise error


def connection_lost(
    session: Session, error: BaseException, *, left: str = "the current transaction was rolled back"
) -> Unreachable:
    """Returns the error of a lost connection; `left` says what became of the work under way."""
    return Unreachable(
        f"{session.destination.label}: the connection was lost ({find_disconnect(error) or error}); {left}",
        hint="run the command again when the server can be reached; it resumes where this run stopped",
    )


async def _resolve(session: Session, event: NewEvent, settings: SessionSettings, error: BaseException) -> Outcome:
    """Finds out how a transaction ended whose COMMIT wasn't answered. Raises Committed where the run was cancelled."""
    # A user who pressed Ctrl-C isn't kept waiting for a server that doesn't answer.
    within = RESOLVE if isinstance(error, Exception) else PARTING
    if not await is_committed(session, event, settings, within=within):
        return Outcome.UNDONE if isinstance(error, Exception) else Outcome.INTERRUPTED
    if isinstance(error, asyncio.CancelledError):
        raise Committed from error
    return Outcome.COMMITTED


async def is_committed(
    session: Session, event: NewEvent, settings: SessionSettings, *, within: float, lost: str = "lost at COMMIT"
) -> bool:
    """Returns whether an event that this run had begun was committed; asks the server for up to `within` seconds.

    Raises Unreachable where that isn't known by then; `lost` says in its message when the connection was lost.

    The same number is claimed again: that waits until the old server process is done with it, dead or alive.
    """
    try:
        async with asyncio.timeout(within):
            return await _ask(session, event, settings)
    except TimeoutError as error:
        raise Unreachable(
            f"{session.destination.label}: the connection was {lost} and the server doesn't answer, so it isn't known"
            " whether the last alteration was committed",
            hint="run the command again when the server can be reached; it finds out from the database and resumes",
        ) from error


async def _ask(session: Session, event: NewEvent, settings: SessionSettings) -> bool:
    for attempt in itertools.count():
        # The new connection may break too, at any of these calls.
        with suppress(Unreachable, OSError, *DRIVER_ERRORS):
            if session.connection_lost:
                await session.renew()
            if not await _is_taken(session.connection, event, settings):
                return False
            return await read_token(session, event.seq) == event.token
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
