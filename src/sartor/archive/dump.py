"""Archives in pg_dump's custom format: written, decoded to their end, and searched for tables without rows."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from sartor.archive.child_process import Heard, ProgramFailed
from sartor.archive.tools import Tools, find_tools
from sartor.conninfo.redaction import redact
from sartor.errors import BackupFailed
from sartor.postgres.catalog import FULL_NAME, USERS_RELATIONS
from sartor.postgres.session import Session
from sartor.sql.quoting import quote_identifier

UNREADABLE = "unsupported version"
"""The words with which an older `pg_restore` refuses a newer archive."""

_MOMENTARY = re.compile(r"^$|^--|^\\|^ALTER TABLE ONLY .* SET \(pg_attver=[0-9]+\);$")
"""Lines that differ between dumps of equal schemas: a random key in \\restrict, and Debian's stamps on columns."""

_MADE = re.compile(r"^\d+; 1259 (\d+) (?:TABLE|MATERIALIZED VIEW) (.+)$", re.MULTILINE)
_FILLED = re.compile(r"^\d+; 0 (\d+) (?:TABLE|MATERIALIZED VIEW) DATA ", re.MULTILINE)
"""Lines of the contents: definitions with their OID in `pg_class`, and the rows of the relation that has it there."""
_SOLID = f"""
select {FULL_NAME} as full, n.nspname || ' ' || c.relname || ' ' as listed
from {USERS_RELATIONS} where c.relkind in ('r', 'm')
"""

_HINTS = {
    "No space left": "free disk space, or give another folder",
    "(?i)file (too large|size limit)": "the size of files is limited for this user: `ulimit -f` shows the limit",
    "permission denied for": 'give the role the right to read all tables: grant pg_read_all_data to "ROLE";',
    "row-level security": "take the backup as the owner of the tables, or as a role with BYPASSRLS",
    "due to (lock|statement) timeout": (
        "another session has locked a table: wait longer with `limits.lock_budget`, or end that session"
    ),
    'role "[^"]*" does not exist': "create the roles first (pg_dumpall --roles-only), or restore with `no_owner`",
    "must be (owner|able|member)|permission denied to": "restore as a superuser, or with `no_owner`",
    "max_locks_per_transaction": "the restore needs too many locks for one transaction: `jobs=2` restores without one",
}
"""Hints for what the programs complain of, by a pattern of the complaint."""


async def dump(
    tools: Tools,
    session: Session,
    file: Path,
    snapshot: str,
    *,
    schema: str | None,
    empty: Iterable[str] = (),
    lock_wait: float,
    heard: Heard | None = None,
) -> None:
    """Writes an archive of the session's database as that snapshot has it, or of one schema and the extensions.

    Tables in `empty`, by full name, are in it without their rows. `lock_wait` is in seconds; other than for locks there
    is no limit. Raises BackupFailed.
    """
    arguments = ["--format=custom", f"--file={file}", f"--snapshot={snapshot}", "--verbose", *_scope(tools, schema)]
    # A name that is quoted where it has to be is a pattern that matches that name alone.
    arguments += [f"--exclude-table-data={name}" for name in empty]
    arguments.append(f"--lock-wait-timeout={lock_wait * 1000:.0f}")
    try:
        await tools.output("pg_dump", *arguments, session=session, heard=heard)
    except ProgramFailed as error:
        raise failed("no backup was taken", error, session) from error


def _scope(tools: Tools, schema: str | None) -> list[str]:
    if schema is None:
        return []
    # pg_dump before 14 has no option for them.
    return [f"--schema={quote_identifier(schema)}", *(["--extension=*"] if tools.major >= 14 else [])]


async def describe_archive(tools: Tools, session: Session, *, snapshot: str | None, schema: str | None) -> list[str]:
    """Returns the lines of the SQL that would make the database's schema; owners and grants are left out."""
    arguments = ["--schema-only", *BARE, *_scope(tools, schema)]
    if snapshot is not None:
        arguments.append(f"--snapshot={snapshot}")
    try:
        text = await tools.output("pg_dump", *arguments, session=session)
    except ProgramFailed as error:
        raise failed("the schema can't be read", error, session) from error
    return [line for line in text.decode().splitlines() if not _MOMENTARY.search(line)]


BARE = ("--no-owner", "--no-acl", "--no-publications", "--no-subscriptions")
"""The options that leave out what needs other roles or reaches other servers."""


async def decode(server_version: int, file: Path, *, encrypted: bool) -> Tools:
    """Reads an archive to its end, which listing its contents wouldn't do; returns the tools that can read it.

    They are tools that can use TLS, where the session that they are to work with is `encrypted`. Raises BackupFailed
    where the archive is cut short, damaged, or no archive, or where all tools here are too old for it.
    """
    complaint = ""
    for tools in find_tools(server_version, encrypted=encrypted):
        try:
            await tools.output("pg_restore", f"--file={os.devnull}", str(file))
        except ProgramFailed as error:
            complaint = str(error)
            if UNREADABLE not in complaint:
                break
        else:
            return tools
    newer = UNREADABLE in complaint
    raise BackupFailed(
        f"{file} isn't a complete backup: {complaint}",
        hint="install newer client tools" if newer else "use another copy of the file, or an older backup",
    )


async def without_rows(tools: Tools, session: Session, file: Path) -> tuple[str, ...]:
    """Returns the tables and materialized views that an archive has without their rows, by full name.

    The session's is a database into which all of them were restored. Raises BackupFailed.
    """
    try:
        contents = (await tools.output("pg_restore", "--list", str(file))).decode(errors="replace")
    except ProgramFailed as error:
        raise BackupFailed(f"the contents of {file} can't be listed: {error}") from error
    filled = set(_FILLED.findall(contents))
    bare = [listed for oid, listed in _MADE.findall(contents) if oid not in filled]
    if not bare:
        return ()
    solid = {row["listed"]: row["full"] for row in await session.connection.fetch(_SOLID)}
    # The owner follows the name, and either may have spaces in it.
    fitting = [[name for name in solid if listed.startswith(name)] for listed in bare]
    return tuple(sorted(solid[max(names, key=len)] for names in fitting if names))


def failed(what: str, error: ProgramFailed, session: Session) -> BackupFailed:
    """Returns the error for a program that failed, with a hint where there is one for its text."""
    text = str(error)
    hint = next((hint for pattern, hint in _HINTS.items() if re.search(pattern, text)), None)
    role = quote_identifier(session.facts.role)
    return BackupFailed(redact(f"{what}: {text}", session.secrets), hint=hint and hint.replace('"ROLE"', role))
