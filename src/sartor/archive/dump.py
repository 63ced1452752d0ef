"""Archives in pg_dump's custom format: written, decoded to their end, and searched for tables without rows."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from sartor.archive.child_process import Heard, ProgramFailed
from sartor.archive.complaints import failed
from sartor.archive.tools import Tools, find_tools
from sartor.errors import BackupFailed
from sartor.postgres.catalog import FULL_NAME, USERS_RELATIONS
from sartor.postgres.session import Session
from sartor.sql.quoting import quote_identifier

UNREADABLE = "unsupported version"
"""The words with which an older `pg_restore` refuses a newer archive."""

_MOMENTARY = re.compile(r"^$|^--|^\\|^ALTER TABLE ONLY .* SET \(pg_attver=[0-9]+\);$")
"""Lines that differ between dumps of equal schemas: a random key in \\restrict, and Debian's stamps on columns."""

_MADE = re.compile(r"^\d+; 1259 (\d+) TABLE (.+)$", re.MULTILINE)
_FILLED = re.compile(r"^\d+; 0 (\d+) TABLE DATA ", re.MULTILINE)
"""Lines of the contents: definitions with their OID in `pg_class`, and the rows of the relation that has it there."""
_CREATES = re.compile(r"^CREATE DATABASE .* WITH TEMPLATE = template0 (.+);$", re.MULTILINE)
_OPTION = re.compile(r"(\w+) = (?:'((?:[^']|'')*)'|(\w+))")
_SOLID = f"""
select {FULL_NAME} as full, listed, pg_catalog.convert_to(listed, pg_catalog.getdatabaseencoding()) as encoded
from {USERS_RELATIONS} cross join lateral (select n.nspname || ' ' || c.relname || ' ') as name (listed)
where c.relkind = 'r'
"""


_UNPOPULATED = f"select {FULL_NAME} as full from {USERS_RELATIONS} where c.relkind = 'm' and not c.relispopulated"
_ENCODED = """
select coalesce(pg_catalog.array_agg(pg_catalog.convert_to(a, pg_catalog.getdatabaseencoding()) order by number), '{}')
from pg_catalog.unnest($1::pg_catalog.text[]) with ordinality as each (a, number)
"""
"""Selects arguments in the database's encoding, in which `pg_dump` reads patterns unless it is told otherwise."""


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
    arguments = ["--format=custom", f"--file={file}", f"--snapshot={snapshot}", "--verbose"]
    arguments.append(f"--lock-wait-timeout={lock_wait * 1000:.0f}")
    # A name that is quoted where it has to be is a pattern that matches that name alone.
    patterns = [*_scope(tools, schema), *(f"--exclude-table-data={name}" for name in empty)]
    encoded = await session.connection.fetchval(_ENCODED, patterns)
    try:
        await tools.output("pg_dump", *arguments, *encoded, session=session, heard=heard)
    except ProgramFailed as error:
        raise await failed("no backup was taken", error, session, reads=True) from error


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
    if session.connection.get_settings().server_encoding != "SQL_ASCII":  # whose text may be in any encoding
        arguments.append("--encoding=UTF8")
    try:
        text = await tools.output("pg_dump", *arguments, session=session)
    except ProgramFailed as error:
        raise await failed("the schema can't be read", error, session, reads=True) from error
    return [line for line in _text(text).splitlines() if not _MOMENTARY.search(line)]


BARE = ("--no-owner", "--no-acl", "--no-publications", "--no-subscriptions")
"""The options that leave out what needs other roles or reaches other servers."""


async def decode(server_version: int, file: Path, *, encrypted: bool) -> Tools:
    """Reads an archive to its end, which listing its contents wouldn't do; returns the tools that can read it.

    They are tools that can use TLS, where the session that they are to work with is `encrypted`. Raises BackupFailed
    where the archive is cut short, damaged, or no archive, or where all tools here are too old for it.
    """
    tools, _ = await _read(server_version, file, f"--file={os.devnull}", encrypted=encrypted)
    return tools


async def read_creation(server_version: int, file: Path) -> dict[str, str]:
    """Returns the options of CREATE DATABASE that an archive has: its database's encoding and locale.

    Raises BackupFailed, as `decode` does.
    """
    # That schema has nothing in an archive, and the database's own entries are in every selection.
    _, text = await _read(server_version, file, "--create", "--schema=pg_catalog", "--file=-", encrypted=False)
    if (found := _CREATES.search(_text(text))) is None:
        raise BackupFailed(f"{file} doesn't say how its database was made", hint="create it, and leave `create` out")
    options = _OPTION.findall(found[1])
    return {key.lower(): quoted.replace("''", "'") or word for key, quoted, word in options}


async def _read(server_version: int, file: Path, *arguments: str, encrypted: bool) -> tuple[Tools, bytes]:
    """Has the first tools that can read an archive read it; returns them, and what they wrote. Raises BackupFailed."""
    complaint = ""
    for tools in find_tools(server_version, encrypted=encrypted):
        try:
            return tools, await tools.output("pg_restore", *arguments, str(file))
        except ProgramFailed as error:
            complaint = str(error)
            if UNREADABLE not in complaint:
                break
    newer = UNREADABLE in complaint
    raise BackupFailed(
        f"{file} isn't a complete backup: {complaint}",
        hint="install newer client tools" if newer else "use another copy of the file, or an older backup",
    )


async def without_rows(tools: Tools, session: Session, file: Path) -> tuple[str, ...]:
    """Returns the tables that an archive has without their rows, by full name.

    The session's is a database into which all of them were restored. Raises BackupFailed.
    """
    try:
        contents = _text(await tools.output("pg_restore", "--list", str(file)))
    except ProgramFailed as error:
        raise BackupFailed(f"the contents of {file} can't be listed: {error}") from error
    filled = set(_FILLED.findall(contents))
    bare = [listed for oid, listed in _MADE.findall(contents) if oid not in filled]
    if not bare:
        return ()
    rows = await session.connection.fetch(_SOLID)
    # The archive's names are in the encoding of its database.
    solid = {name: row["full"] for row in rows for name in (row["listed"], _text(row["encoded"]))}
    # The owner follows the name, and either may have spaces in it.
    fitting = [[name for name in solid if listed.startswith(name)] for listed in bare]
    return tuple(sorted(solid[max(names, key=len)] for names in fitting if names))


async def unpopulated_views(session: Session) -> list[str]:
    """Returns the materialized views of the database that have no data, by full name."""
    return [row["full"] for row in await session.connection.fetch(_UNPOPULATED)]


def _text(written: bytes) -> str:
    """Returns what a program wrote; of another encoding than UTF-8, bytes are kept as surrogates."""
    return written.decode(errors="surrogateescape")
