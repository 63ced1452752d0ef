"""Creates the ledger where there is none, and checks that an existing one is Sartor's own."""

from __future__ import annotations

import sartor.postgres.errors as driver
from sartor.domain.report import Note
from sartor.errors import RunHeld, SartorError
from sartor.execution.blockers import describe_blockers
from sartor.execution.retry import Retries
from sartor.execution.run_context import RunContext
from sartor.postgres.connect.connect import DRIVER_ERRORS, session_error
from sartor.postgres.ledger import create_ledger
from sartor.postgres.own_tables import read_writers, require_sound_tables
from sartor.postgres.session import Session

TAKEN = frozenset({"42P06", "42P07", "42710", "23505"})
"""SQLSTATEs: a schema, table or type of that name exists, or another session has just created it."""


async def prepare_ledger(run: RunContext) -> None:
    """Creates the schema and the ledger where they are missing; checks that an existing ledger is Sartor's own.

    Two runs may do this at once. Raises LedgerUnsound; RunHeld where another session's work on these names went on for
    longer than the run may wait.
    """
    session, retries = run.session, Retries(run.monitor, "the ledger")
    await session.learn()
    if not session.facts.schema_exists:
        run.observer(Note(text=f"schema {session.schema} doesn't exist and is created"))
    while not session.facts.ledger_exists:
        run.follow("the ledger")
        try:
            await create_ledger(session)
        except DRIVER_ERRORS as error:
            if driver.sqlstate(error) not in driver.RETRIED | TAKEN:
                raise
            if not await retries.pause(run.limits.wait, "another session that creates the ledger"):
                raise _creation_failed(run, error) from error
            await session.learn()
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
    session.require_read()
    session.require_write()
    await require_sound_tables(session.connection, session.schema, session.facts.role)


async def report_writers(run: RunContext) -> None:
    """Reports the other roles that may write to the ledger, as notes."""
    for writer in await read_writers(run.session.connection, run.session.schema):
        run.observer(Note(text=str(writer)))
