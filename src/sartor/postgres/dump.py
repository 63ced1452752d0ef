"""Archives in pg_dump's custom format: written, and decoded to their end."""

from __future__ import annotations

import asyncio
import os
import re
from asyncio.subprocess import PIPE
from collections.abc import Iterable
from pathlib import Path

from sartor.domain.destination import redact
from sartor.domain.errors import BackupFailed
from sartor.domain.quoting import quote_identifier
from sartor.postgres.program import Heard, ProgramFailed, ignore, started
from sartor.postgres.session import Session
from sartor.postgres.tools import Tools, find_tools, place, service, surroundings

UNREADABLE = "unsupported version"
"""What an older `pg_restore` says of a newer archive."""

_MOMENTARY = re.compile(r"^$|^--|^\\|^ALTER TABLE ONLY .* SET \(pg_attver=[0-9]+\);$")
"""Lines that differ between dumps of like schemas: a random key in \\restrict, and Debian's stamps on columns."""

_HINTS = {
    "No space left": "free some space, or give another folder",
    "(?i)file (too large|size limit)": "this user may not write files as large as that: `ulimit -f` says how large",
    "permission denied for": 'give the role the right to read everything: grant pg_read_all_data to "ROLE";',
    "row-level security": "take the backup as the tables' owner, or as a role with bypassrls",
    "timeout": "somebody holds a lock on a table: give it longer with --lock-budget, or end that session",
    'role "[^"]*" does not exist': "make the roles first (pg_dumpall --roles-only), or restore with --no-owner",
    "must be (owner|able|member)|permission denied to": "restore as a superuser, or with --no-owner",
    "max_locks_per_transaction": "it is too much for one transaction here: --jobs 2 does without",
}
"""The way out, for what the programs complain of."""


async def dump(
    tools: Tools,
    session: Session,
    file: Path,
    *,
    snapshot: str,
    schema: str | None,
    empty: Iterable[str] = (),
    lock_wait: float,
    heard: Heard = ignore,
) -> None:
    """Write an archive of the session's database as that snapshot has it, or of one schema and the extensions.

    Tables that come `empty`, by full name, are in it without their rows. `lock_wait` is in seconds; other than for
    locks there is no limit. Raises BackupFailed.
    """
    arguments = ["--format=custom", f"--file={file}", f"--snapshot={snapshot}", "--verbose", *_scope(tools, schema)]
    # A name that is quoted where it has to be is a pattern that it alone fits.
    arguments += [f"--exclude-table-data={name}" for name in empty]
    arguments += ["--no-password", f"--lock-wait-timeout={lock_wait * 1000:.0f}", place(session)]
    try:
        async with started(
            tools.program("pg_dump"),
            *arguments,
            environment=surroundings(session),
            service=service(session),
            heard=heard,
        ) as program:
            await program.end()
    except ProgramFailed as error:
        raise failed("no backup was taken", error, session) from error


def _scope(tools: Tools, schema: str | None) -> list[str]:
    if schema is None:
        return []
    # Before 14, pg_dump can't be asked for them.
    return [f"--schema={quote_identifier(schema)}", *(["--extension=*"] if tools.major >= 14 else [])]


async def describe(tools: Tools, session: Session, *, snapshot: str | None, schema: str | None) -> list[str]:
    """The statements that would make the database's schema, line by line; owners and grants left out."""
    arguments = ["--schema-only", "--no-password", *BARE, *_scope(tools, schema), place(session)]
    if snapshot is not None:
        arguments.append(f"--snapshot={snapshot}")
    environment = surroundings(session)
    try:
        async with started(
            tools.program("pg_dump"), *arguments, environment=environment, service=service(session), stdout=PIPE
        ) as program:
            text, _ = await asyncio.gather(program.stdout.read(), program.end())
    except ProgramFailed as error:
        raise failed("the schema can't be described", error, session) from error
    return [line for line in text.decode().splitlines() if not _MOMENTARY.search(line)]


BARE = ("--no-owner", "--no-acl", "--no-publications", "--no-subscriptions")
"""What leaves out that which needs other roles, or reaches other servers."""


async def decode(server_version: int, file: Path, *, encrypted: bool) -> Tools:
    """Read an archive to its end, which its list of contents alone wouldn't; the tools that can.

    Those that can speak TLS, where the session is `encrypted` with which they are to work.

    Raises BackupFailed where it is cut short, damaged, or no archive, or where all tools here are too old for it.
    """
    complaint = ""
    for tools in find_tools(server_version, encrypted=encrypted):
        arguments, environment = [f"--file={os.devnull}", str(file)], os.environ | {"LC_ALL": "C"}
        try:
            async with started(tools.program("pg_restore"), *arguments, environment=environment) as program:
                await program.end()
        except ProgramFailed as error:
            complaint = str(error)
            if UNREADABLE not in complaint:
                break
        else:
            return tools
    newer = UNREADABLE in complaint
    raise BackupFailed(
        f"{file} isn't a whole backup: {complaint}",
        hint="install newer client tools" if newer else "take another copy of it, or an older backup",
    )


def failed(what: str, error: ProgramFailed, session: Session) -> BackupFailed:
    """What to say of a program that failed, with the way out where there is one for it."""
    text = str(error)
    hint = next((hint for pattern, hint in _HINTS.items() if re.search(pattern, text)), None)
    role = quote_identifier(session.facts.role)
    return BackupFailed(redact(f"{what}: {text}", session.secrets), hint=hint and hint.replace('"ROLE"', role))
