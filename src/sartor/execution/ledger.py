"""The ledger of a run: created where there is none, checked, and read again where another run wrote to it first."""

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import sartor.postgres.errors as driver
from sartor.domain.report import Note
from sartor.errors import LedgerUnsound, RunHeld, SartorError
from sartor.execution.monitor import describe_blockers
from sartor.execution.outcome import Stale
from sartor.execution.retry import Retries
from sartor.execution.run_context import RunContext
from sartor.postgres.connect.connect import DRIVER_ERRORS, session_error
from sartor.postgres.ledger import create_ledger, read_ledger, require_format
from sartor.postgres.own_tables import read_writers, require_sound_tables
from sartor.postgres.session import Session

T = TypeVar("T")

TIMES = 100
"""The number of times in a row that a run lets others go first, however short a time it may wait for them."""
TAKEN = frozenset({"42P06", "42P07", "42710", "23505"})
"""SQLSTATEs: a schema, table or type of that name exists, or another session has just created it."""


async def prepare_ledger(run: RunContext) -> None:
    """Creates the schema and the ledger where they are missing; checks that an existing ledger is Sartor's own.

    Two runs may do this at once. Raises LedgerUnsound; RunHeld where another session's work on these names went on for
    longer than the run may wait.
    """
    session, retries = run.session, Retries(run.monitor, "the ledger")
    # In a scratch database nobody else writes. Where somebody else has just made what is missing, making it fails.
    if not session.destination.scratch and (run.waited or session.facts.ledger_exists):
        await session.learn()
    if not session.facts.schema_exists:
        run.observer(Note(text=f"schema {session.schema} doesn't exist and is created"))
    while not session.facts.ledger_exists:
        run.follow("the ledger")
        try:
            await create_ledger(session)
            run.created_ledger, run.head = True, 0  # the event `created`
        except DRIVER_ERRORS as error:
            if driver.sqlstate(error) not in driver.RETRIED | TAKEN:
                raise
            if not await retries.pause(run.limits.wait, "another session that creates the ledger"):
                raise _creation_failed(run, error) from error
            await session.learn()
    if run.created_ledger and not session.facts.event_triggers:
        require_usable(session)  # nothing but `ledger.sql` has made it
    else:
        await require_sound(session)


def _creation_failed(run: RunContext, error: Exception) -> SartorError:
    """Returns why the ledger couldn't be created in time: a name of its is taken, or another session is in the way."""
    if driver.sqlstate(error) in TAKEN:
        return session_error(error, run.session.destination)
    blockers = run.monitor.blockers
    pid = blockers[0].pid if blockers else "PID"
    return RunHeld(
        f"the ledger of schema {run.session.schema} can't be created, because another session blocks"
        f" it: {describe_blockers(blockers)}",
        hint=f"wait for that session, increase `limits.wait`, or end the session: select pg_terminate_backend({pid});",
        blockers=blockers,
    )


async def require_sound(session: Session) -> None:
    """Raises LedgerUnsound where the ledger isn't as Sartor creates it."""
    require_usable(session)
    await require_sound_tables(session.connection, session.tables, session.facts.role)


def require_usable(session: Session) -> None:
    """Raises PrivilegeMissing, LedgerUnsound and the like where this role can't read and write the ledger."""
    session.require_read()
    session.require_write()


async def report_writers(run: RunContext) -> None:
    """Reports who may write the ledger besides this role; not where nobody can have been given a right on it yet."""
    facts = run.session.facts
    if run.session.destination.scratch or (run.created_ledger and facts.creates_plainly and not facts.others_write):
        return
    for writer in await read_writers(run.session.connection, run.session.tables):
        run.observer(Note(text=str(writer)))


async def read_head(run: RunContext) -> None:
    """Sets the run's head to the number of the journal's last event. Raises LedgerTooNew."""
    ledger = await read_ledger(run.session)
    require_format(ledger)
    run.head = ledger.head


async def repeat_while_stale(
    run: RunContext,
    attempt: Callable[[], Awaitable[T]],
    *,
    refresh: Callable[[RunContext], Awaitable[None]] = read_head,
    done: Callable[[], int] = lambda: 0,
) -> T:
    """Awaits `attempt` from the run's head on, again after each `refresh`, until it isn't Stale; returns its result.

    `refresh` sets the run's head; `done` returns how many alterations this run has done: where that has changed, the
    count of attempts starts from zero.

    Raises LedgerUnsound where the journal has no new event, so that the next attempt would end in the same way; RunHeld
    where others were first more than `TIMES` times in a row and for longer than the run may wait.
    """
    times, before, since = 0, done(), time.monotonic()
    while True:
        try:
            return await attempt()
        except Stale as stale:
            head = run.head
            await refresh(run)
            if run.head == head:
                raise _unsound(run, stale) from stale
            if done() != before:
                times, before, since = 0, done(), time.monotonic()
            times += 1
            if times > TIMES and time.monotonic() - since > run.limits.wait:
                raise RunHeld(
                    f"other runs in schema {run.session.schema} came first {times} times in a row",
                    hint="wait for the other runs, or increase `limits.wait`",
                ) from stale


def _unsound(run: RunContext, stale: Stale) -> LedgerUnsound:
    schema = run.session.schema
    return LedgerUnsound(
        f"the journal of schema {schema} doesn't accept event {run.head + 1}, although {run.head} is its last:"
        f" {stale.__cause__ or 'another writer uses it'}",
        hint=f"inspect the journal: table {run.session.tables.journal} order by seq desc limit 5;",
    )
