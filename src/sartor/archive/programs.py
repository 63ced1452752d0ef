"""Runs a program such as `pg_dump` as a child process that ends when Sartor does, and explains what it complains of.

Servers write in many languages, so what they say is told apart by its SQLSTATE, which a verbose `psql` shows; `pg_dump`
shows none, and the catalogue is asked instead. The programs themselves speak English, as they are started.
"""

import asyncio
import os
import re
import signal
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import cast

from sartor.archive.temporary import temporary_folder
from sartor.conninfo.redaction import redact
from sartor.domain.visible import visible
from sartor.errors import BackupFailed, SartorError
from sartor.postgres.catalog import LOCKS, MORE_LOCKS, USERS_RELATIONS
from sartor.postgres.connect.connect import DRIVER_ERRORS
from sartor.postgres.session import Session
from sartor.sql.quoting import quote_identifier

GRACE = 5.0
"""Seconds that a program may take to end after SIGTERM."""
SERVICE = "sartor"
"""The name of the connection service that a program uses, where it is given a service file."""
MOST = 100
"""The number of lines of errors that are kept: the statement that failed is among them."""
SHOWN = 300
"""The most characters of a line of a program's errors that are shown."""
LONGEST = 1 << 24
"""The longest line that a program may write, in bytes."""

_TALK = re.compile(r"pg_\w+: (?!error|fatal|detail|hint)")
"""Matches the lines in which a verbose program reports its progress."""
_SPEAKER = re.compile(r"^(?:psql|pg_\w+)(?::<stdin>:\d+)?: (?:error: )?")
LONGEST_SHOWN = 200
"""The most characters of a failed statement that are shown."""
VERBOSE = b"\\set VERBOSITY verbose\n"
"""The input with which `psql` shows SQLSTATEs."""

_ERROR = re.compile(r"(?:[^:]+:\s+)?(?P<code>(?=[A-Z]*\d)[0-9A-Z]{5}): (?P<message>.+)")
_STATEMENT = re.compile(r"(?:STATEMENT:\s+|Command was: )(?P<text>.+)")
_NEEDS_ROLES = re.compile(r"(?:ALTER|GRANT|REVOKE|SET SESSION AUTHORIZATION|CREATE POLICY)\b")

_PROGRAMS = {
    "No space left": "free disk space, or give another folder",
    "(?i)file (too large|size limit)": "the size of files is limited for this user: `ulimit -f` shows the limit",
    "LOCK TABLE": "another session has locked a table: wait longer with `limits.lock_budget`, or end that session",
}
"""Hints for what the programs themselves say, by a pattern."""
_OWNERS = "restore as a superuser, or with `no_owner`"
_PATHLESS = (
    "a function that the object calls finds only what it names with its schema, because a restore has an empty"
    " search_path: in the source, alter function NAME set search_path = SCHEMA, and back up again"
)
_STATES = {
    "25006": "the database or the role is read-only by default: alter database or role ... reset"
    " default_transaction_read_only",
    "42501": _OWNERS,
    "53100": "free disk space on the server",
    "57014": "a statement_timeout ended it: raise the one of the role or the database",
}
"""Hints by SQLSTATE."""
_MISSING = frozenset({"3F000", "42704", "42883", "42P01"})
"""SQLSTATEs: a schema, a type or another object, a function, a relation doesn't exist."""

_UNREADABLE = f"""
select exists (select from {USERS_RELATIONS} where c.relkind in ('r', 'p', 'm', 'S', 'f') and not (
    pg_catalog.has_schema_privilege(n.oid, 'usage') and case c.relkind
        when 'S' then pg_catalog.has_sequence_privilege(c.oid, 'select')
        else pg_catalog.has_table_privilege(c.oid, 'select') end)) as rights,
    exists (select from {USERS_RELATIONS} where c.relrowsecurity and pg_catalog.row_security_active(c.oid)) as rows
"""

Heard = Callable[[str], None]


class ProgramFailed(Exception):
    """A program failed; the text is its error messages, `lines` are those lines."""

    def __init__(self, message: str, lines: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.lines = tuple(lines)


class Program:
    """A running program: its input and output, where these are pipes, and the last lines of its errors.

    It may have continued despite these.
    """

    def __init__(self, process: Process, name: str, heard: Heard | None) -> None:
        self.process = process
        self.stdin = cast("asyncio.StreamWriter", process.stdin)
        self.stdout = cast("asyncio.StreamReader", process.stdout)
        self.complaints: deque[str] = deque(maxlen=MOST)
        self._name = name
        self._heard = heard

    async def end(self) -> None:
        """Reads the program's standard error until it ends. Raises ProgramFailed where its exit code isn't 0."""
        async for line in cast("asyncio.StreamReader", self.process.stderr):
            text = line.decode(errors="replace").rstrip()
            if _TALK.match(text):
                if self._heard:
                    self._heard(text)
            elif text:
                self.complaints.append(_SPEAKER.sub("", text))
        if code := await self.process.wait():
            if code < 0:
                raise ProgramFailed(f"{self._name} was terminated by a signal: {signal.strsignal(-code)}")
            lines = tuple(self.complaints) or (f"{self._name} failed with exit code {code}",)
            # The line of a LOCK TABLE names all tables.
            shown = (line if len(line) <= SHOWN else f"{line[:SHOWN]} ..." for line in lines)
            raise ProgramFailed(" ".join("; ".join(shown).split()), lines)


@asynccontextmanager
async def started(
    path: Path,
    *arguments: str | bytes,
    environment: Mapping[str, str],
    stdin: int = DEVNULL,
    stdout: int = DEVNULL,
    heard: Heard | None = None,
    service: str = "",
) -> AsyncIterator[Program]:
    """Runs a program for as long as the block lasts; `heard` is called with each line about its progress.

    `service` are the parameters of the connection service file that it reads. The program has a session of its own, so
    Ctrl-C reaches Sartor alone, which then ends the program. Where Sartor is killed, the program ends as soon as it
    writes something, for the pipe has no reader any more.
    """
    with services(service) as file:
        process = await asyncio.create_subprocess_exec(
            path,
            *arguments,
            env={**environment, **named(file)},
            stdin=stdin,
            stdout=stdout,
            stderr=PIPE,
            limit=LONGEST,
            start_new_session=True,
            pass_fds=[] if file is None else [file],
        )
        try:
            yield Program(process, path.name, heard)
        finally:
            await _stop(process)


@contextmanager
def services(text: str) -> Iterator[int | None]:
    """Yields the descriptor of an open service file that holds these parameters; None where there are none.

    The file has no name: it is gone when its last reader ends, in whatever way.
    """
    if not text:
        yield None
        return
    with tempfile.TemporaryFile(dir=temporary_folder()) as file:
        file.write(f"[{SERVICE}]\n{text}".encode())
        file.seek(0)
        yield file.fileno()


def named(file: int | None) -> dict[str, str]:
    """Returns the environment variables that name the file of `services`, by its descriptor."""
    return {} if file is None else {"PGSERVICEFILE": f"/dev/fd/{file}", "PGSERVICE": SERVICE}


async def _stop(process: Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            # `process.terminate` reads the status of one that has just ended, and asyncio then complains that it can't.
            os.kill(process.pid, signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), GRACE)
        except TimeoutError:
            process.kill()
            await process.wait()


async def failed(what: str, error: ProgramFailed, session: Session, *, reads: bool = False) -> BackupFailed:
    """Returns the error for a program that failed, with a hint where the cause can be told.

    The error names the statement that failed, as `psql --echo-errors` reports it. `reads` says that the program was
    reading the session's database.
    """
    text, lines = str(error), error.lines
    if (found := _error(lines)) is not None:
        at = f", at: {visible(_statement(lines)[:LONGEST_SHOWN])}" if _statement(lines) else ""
        text = f"{visible(found['message'])} (SQLSTATE {found['code']}){at}"
    hint = next((hint for pattern, hint in _PROGRAMS.items() if re.search(pattern, text)), None)
    if LOCKS in " ".join(lines):  # in the server's hint, in every language
        hint = await _hint_of_locks(session) + ("" if reads else "; or restore with `jobs=2`, without a transaction")
    elif reads:
        hint = await _hint_of_reading(session, text) or hint
    elif found is not None:
        hint = _hint_of_state(found["code"], lines)
    elif hint is None and _NEEDS_ROLES.match(_statement(lines)):
        hint = _OWNERS
    elif hint is None and any(line.startswith("QUERY:") for line in lines):  # a function's own
        hint = _PATHLESS
    return BackupFailed(redact(f"{what}: {text}", session.secrets), hint=hint)


def _hint_of_state(code: str, lines: Sequence[str]) -> str | None:
    if code == "42501" and _statement(lines).startswith(("CREATE EXTENSION", "CREATE EVENT TRIGGER")):
        return "only a superuser may create it: restore, or prove with `scratch` on a server, as a superuser"
    if code in _MISSING and _NEEDS_ROLES.match(_statement(lines)):
        return "create the roles first (pg_dumpall --roles-only), or restore with `no_owner`"
    if code in _MISSING and any(line.startswith("CONTEXT:") for line in lines):
        return _PATHLESS
    return _STATES.get(code)


async def _hint_of_locks(session: Session) -> str:
    with suppress(SartorError, OSError, *DRIVER_ERRORS):
        return f"the server has no room for more locks: {await session.connection.fetchval(MORE_LOCKS)}"
    return f"the server has no room for more locks: raise {LOCKS}, and restart the server"


async def _hint_of_reading(session: Session, text: str) -> str | None:
    """Returns what keeps the session's role from reading all that the database holds, as a hint."""
    with suppress(SartorError, OSError, *DRIVER_ERRORS):
        lacks = await session.connection.fetchrow(_UNREADABLE)
        role = quote_identifier(session.facts.role)
        if lacks["rights"]:
            return f"give the role the right to read all tables: grant pg_read_all_data to {role};"
        if lacks["rows"] and "COPY " in text:
            hides = "row-level security hides rows from the role, and from the owner too where it is forced"
            return f"{hides}: do this as a superuser, or as one run: alter role {role} bypassrls;"
    return None


def _error(lines: Sequence[str]) -> re.Match[str] | None:
    return next((found for line in lines if (found := _ERROR.match(line))), None)


def _statement(lines: Sequence[str]) -> str:
    return next((found["text"] for line in lines if (found := _STATEMENT.match(line))), "")
