"""Restores an archive: all of it in one transaction, or by several connections at once.

In one transaction, `pg_restore` writes SQL and `psql` runs it. `psql` gets BEGIN first, and COMMIT only after
`pg_restore` has succeeded: with psql's --single-transaction it would commit at the end of its input, which also comes
when Sartor is killed.
"""

import asyncio
import re
from asyncio.subprocess import PIPE
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from sartor.archive.dump import BARE
from sartor.archive.programs import VERBOSE, Program, ProgramFailed, failed
from sartor.archive.temporary import temporary_folder
from sartor.archive.tools import Tools
from sartor.errors import DestinationError, SartorError
from sartor.postgres.connect.connect import DRIVER_ERRORS
from sartor.postgres.session import Session

CHUNK = 1 << 16
"""Bytes that are passed from `pg_restore` to `psql` at a time."""
TAIL = 1 << 12
"""Bytes at the end that are held back: more than what `pg_restore` writes from its COMMIT on."""
PREAMBLE_ENDS = b"SELECT pg_catalog.set_config('search_path'"
BEGIN = b"BEGIN;\n"
NEW_SETTING = b"SET transaction_timeout = 0;\n"
"""A setting that `pg_restore` writes since version 17, whatever the server; older servers don't know it."""
KNOWS_NEW_SETTING = 170000
OPENING = VERBOSE + b"begin read write;\nselect pg_catalog.pg_current_xact_id();\n\\o /dev/null\n"
"""The first input of `psql`: the transaction reports its number, by which its state can be queried later."""
GONE = (BrokenPipeError, ConnectionResetError)
"""The errors of writing to a program that has ended; the program itself says why it ended."""
_END = """
select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity
where backend_xid::pg_catalog.text = ({number}::pg_catalog.int8 & 4294967295)::pg_catalog.text
"""
"""Ends the session of a transaction. A COMMIT that is waiting for a standby is committed all the same."""
_EVENT_TRIGGER = re.compile(rb"^\d+; \d+ \d+ (?:COMMENT - )?EVENT TRIGGER .*\n", re.MULTILINE)
_STATE = "select pg_catalog.pg_xact_status($1::pg_catalog.text::pg_catalog.xid8)"
UNDER_WAY = "in progress"
ENDING = 30.0
"""Seconds to wait for the end of a transaction whose session was lost at COMMIT."""


@contextmanager
def too_late(done: Collection[object]) -> Iterator[None]:
    """Passes over a cancel in the block where there is something `done`, as it can't be taken back."""
    try:
        yield
    except asyncio.CancelledError:
        if not done:
            raise


def may_share(tools: Tools, server_version: int) -> bool:
    """Returns whether several connections of `pg_restore` can share a restore: what they send can't be changed."""
    return tools.major < KNOWS_NEW_SETTING // 10000 or server_version >= KNOWS_NEW_SETTING


async def restore(
    tools: Tools, session: Session, file: Path, *, bare: bool, jobs: int = 1, event_triggers: bool = True
) -> None:
    """Restores all that an archive holds into the session's database; `bare` leaves owners and grants out.

    Without `event_triggers`, which only a superuser may create, those are left out too. The restore is one transaction,
    unless several `jobs` share it. A cancel after the COMMIT is too late. Raises BackupFailed, and
    DestinationError where the result of a COMMIT can't be found out.
    """
    options = list(BARE) if bare else []
    try:
        with NamedTemporaryFile(dir=temporary_folder()) as chosen:
            if not event_triggers:
                contents = await tools.output("pg_restore", "--list", str(file))
                chosen.write(_EVENT_TRIGGER.sub(b"", contents))
                chosen.flush()
                options.append(f"--use-list={chosen.name}")
            if jobs == 1:
                await _restore_whole(tools, session, file, options)
            else:
                options += ["--exit-on-error", f"--jobs={jobs}", str(file)]
                await tools.output("pg_restore", *options, session=session)
    except ProgramFailed as error:
        raise await failed("the backup can't be restored", error, session) from error


async def _restore_whole(tools: Tools, session: Session, file: Path, options: list[str]) -> None:
    """Has `pg_restore` write SQL and `psql` run it; what the server is too old for is left out in between."""
    settings = ("--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", "--echo-errors")
    # Without it, a COMMIT follows each large object.
    options = ["--single-transaction", *options, "--file=-", str(file)]
    done: list[str] = []
    with too_late(done):
        async with tools.started("psql", *settings, session=session, stdin=PIPE, stdout=PIPE) as into:
            ended = asyncio.create_task(into.end())
            try:
                into.stdin.write(OPENING)
                number = (await into.stdout.readline()).decode().strip()
                async with tools.started("pg_restore", *options, stdout=PIPE) as out:
                    last = await _read(out, into, ended, session)
                into.stdin.write(last)
                into.stdin.close()
                await _see_out(into, ended, session, number)
                done.append(number)
            finally:
                ended.cancel()


async def _read(out: Program, into: Program, ended: asyncio.Task[None], session: Session) -> bytes:
    """Passes what `pg_restore` writes to `psql`; returns its end, with the COMMIT, once `pg_restore` has succeeded."""

    async def read() -> bytes:
        last, _ = await asyncio.gather(pass_on(out, into, session), out.end())
        return last

    reading = asyncio.create_task(read())
    try:
        await asyncio.wait([ended, reading], return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            with suppress(*GONE):
                return reading.result()
        await ended
        raise ProgramFailed("psql ended before it had read its whole input")
    finally:
        reading.cancel()


async def _see_out(into: Program, ended: asyncio.Task[None], session: Session, number: str) -> None:
    """Waits for the end of `psql`, which commits. Where that fails, the server is asked for the transaction's state.

    What `psql` was sent can't be taken back. Raises the error that ended the wait where the transaction didn't commit,
    and DestinationError where its state can't be found out.
    """
    try:
        await asyncio.shield(ended)
    except (ProgramFailed, asyncio.CancelledError) as error:
        with suppress(ProcessLookupError):
            into.process.kill()
        state = await _state(session, number) if number else "aborted"
        if state == "aborted":
            raise
        if state != "committed":
            hint = "inspect the database: it has either everything or nothing of the backup"
            said = f"the restore was interrupted at COMMIT, and its outcome is unknown: {error}"
            raise DestinationError(said, hint=hint) from error


async def _state(session: Session, number: str) -> str | None:
    """Ends a transaction's session and returns how the transaction ended; None where that can't be found out."""
    with suppress(TimeoutError, SartorError, OSError, *DRIVER_ERRORS):
        async with asyncio.timeout(ENDING):
            if session.connection_lost:
                await session.renew()
            await session.connection.execute(_END.format(number=int(number)))
            while True:
                state = await session.connection.fetchval(_STATE, number)
                if state != UNDER_WAY:
                    return str(state)
                await asyncio.sleep(0.1)
    return None


async def pass_on(out: Program, into: Program, session: Session) -> bytes:
    """Passes the SQL that another program writes to `psql`, without what the session's server is too old for.

    Returns the last `TAIL` bytes, which are held back. Raises one of `GONE` where `psql` ends before.
    """
    left_out = {BEGIN} | ({NEW_SETTING} if session.facts.server_version < KNOWS_NEW_SETTING else set())
    kept = b""
    while line := await out.stdout.readline():
        kept += b"" if line in left_out else line
        if line.startswith(PREAMBLE_ENDS):
            break
    while chunk := await out.stdout.read(CHUNK):
        kept += chunk
        into.stdin.write(kept[:-TAIL])
        kept = kept[-TAIL:]
        await into.stdin.drain()
    return kept
