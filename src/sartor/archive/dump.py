"""Archives in pg_dump's custom format: written from a snapshot, read to their end, and compared with the database."""

import os
import re
from collections import Counter
from collections.abc import AsyncIterator, Container, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from sartor.archive.programs import Heard, ProgramFailed, failed
from sartor.archive.tools import Tools, find_tools
from sartor.errors import BackupFailed
from sartor.postgres.catalog import FULL_NAME, USERS_RELATIONS, in_extension
from sartor.postgres.connect.connect import close, connect
from sartor.postgres.driver.connection import Connection
from sartor.postgres.session import Session
from sartor.sql.quoting import quote_identifier
from sartor.sql.spelling import plain_dump
from sartor.sql.splitting import split

UNREADABLE = "unsupported version"
"""The words with which an older `pg_restore` refuses a newer archive."""

_MOMENTARY = re.compile(r"^$|^--|^\\|^ALTER TABLE ONLY .* SET \(pg_attver=[0-9]+\);$")
"""Lines that differ between dumps of equal schemas: a random key in \\restrict, and Debian's stamps on columns."""

_MADE = re.compile(r"^\d+; 1259 (\d+) TABLE (.+)$", re.MULTILINE)
_FILLED = re.compile(r"^\d+; 0 (\d+) TABLE DATA ", re.MULTILINE)
"""Lines of the contents: definitions with their OID in `pg_class`, and the rows of the relation that has it there."""
_CREATES = re.compile(r"^CREATE DATABASE .* WITH TEMPLATE = template0 (.+);$", re.MULTILINE)
_OPTION = re.compile(r"(ENCODING|\w*LOCALE\w*|LC_\w+|ICU_RULES) = (?:'((?:[^']|'')*)'|(\w+))")
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
_PINS = """
set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0; set local row_security = off;
"""
_EXPORT = """
select pg_catalog.pg_export_snapshot() as id, (case when pg_catalog.pg_is_in_recovery()
    then pg_catalog.pg_last_wal_replay_lsn() else pg_catalog.pg_current_wal_lsn() end)::text as lsn
"""
_TABLES = f"""
select {FULL_NAME} as name, n.nspname::text as schema, c.relname::text as bare,
    coalesce((select pg_catalog.format('%I.%I', s.nspname, r.relname) from pg_catalog.pg_class r
        join pg_catalog.pg_namespace s on s.oid = r.relnamespace where r.oid = pg_catalog.pg_partition_root(c.oid)),
        {FULL_NAME}) as root,
    pg_catalog.pg_has_role(c.relowner, current_user::pg_catalog.name, 'member') and not exists (
        select from pg_catalog.pg_index i
        where i.indrelid = c.oid and (i.indexprs is not null or i.indpred is not null)) as planned
from {USERS_RELATIONS}
where c.relkind = 'r' and ($1::text is null or n.nspname = $1) and not {in_extension("c.oid")}
order by 1
"""
_EVENT_TRIGGER = re.compile("(CREATE|ALTER|COMMENT ON) EVENT TRIGGER ")


class Snapshot(NamedTuple):
    """A snapshot: its name for `pg_dump`, its place in the server's write-ahead log, and a connection that sees it."""

    id: str
    lsn: str
    connection: Connection


@asynccontextmanager
async def exported_snapshot(session: Session) -> AsyncIterator[Snapshot]:
    """Exports a snapshot of the session's database on a connection of its own, for as long as the block lasts."""
    connection = await connect(session.destination, application=session.application)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute(_PINS)
            if session.facts.server_version >= 170000:
                await connection.execute("set local transaction_timeout = 0")
            row = await connection.fetchrow(_EXPORT)
            yield Snapshot(row["id"], row["lsn"], connection)
    finally:
        await close(connection)


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
    patterns = [*_scope(schema), *(f"--exclude-table-data={name}" for name in empty)]
    encoded = await session.connection.fetchval(_ENCODED, patterns)
    try:
        await tools.output("pg_dump", *arguments, *encoded, session=session, heard=heard)
    except ProgramFailed as error:
        raise await failed("no backup was taken", error, session, reads=True) from error


def _scope(schema: str | None) -> list[str]:
    return [] if schema is None else [f"--schema={quote_identifier(schema)}", "--extension=*"]


async def _describe(tools: Tools, session: Session, *, snapshot: str, schema: str | None) -> str:
    """Returns the SQL that would make the database's schema; owners and grants are left out."""
    arguments = ["--schema-only", *BARE, *_scope(schema), f"--snapshot={snapshot}"]
    if session.connection.get_settings().server_encoding != "SQL_ASCII":  # whose text may be in any encoding
        arguments.append("--encoding=UTF8")
    try:
        text = await tools.output("pg_dump", *arguments, session=session)
    except ProgramFailed as error:
        raise await failed("the schema can't be read", error, session, reads=True) from error
    return "\n".join(line for line in _text(text).splitlines() if not _MOMENTARY.search(line))


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


async def count_rows(connection: Connection, schema: str | None, *, empty: Container[str] = ()) -> dict[str, int]:
    """Counts the rows of each table in one schema, or in all but Postgres's own; tables of extensions are left out.

    A table in `empty` counts as 0 without being read. Partitions count for their root: a dump may be loaded through
    it, and rows go to other partitions then, as an enum's hash isn't the same everywhere.
    """
    found: Counter[str] = Counter()
    for row in await connection.fetch(_TABLES, schema):
        found[row["root"]] += 0
        if row["name"] in empty:
            continue
        if row["planned"]:
            found[row["root"]] += await connection.fetchval(f"select count(*) from only {row['name']}")
        else:
            found[row["root"]] += await _copied(connection, row["schema"], row["bare"])
    return dict(found)


async def _copied(connection: Connection, schema: str, table: str) -> int:
    """Counts the rows of a table by reading them all.

    A query's planner runs the functions that the table's indexes call, with the rights and the search path of the role
    that queries; COPY has no planner.
    """

    async def pass_over(_rows: bytes) -> None:
        return

    told = await connection.copy_from_table(table, schema_name=schema, output=pass_over)
    return int(told.split()[-1])


class DumpSummary(NamedTuple):
    """The facts of a database that are compared: its schema, as SQL, and each table's number of rows."""

    schema: str
    rows: dict[str, int]


async def summarize(
    tools: Tools, session: Session, snapshot: Snapshot, *, schema: str | None, empty: Container[str] = ()
) -> DumpSummary:
    """Reads what is compared of the database, or of one schema of it, as the snapshot has it.

    Tables that are to be `empty` in the copy count as empty.
    """
    definitions = await _describe(tools, session, snapshot=snapshot.id, schema=schema)
    return DumpSummary(definitions, await count_rows(snapshot.connection, schema, empty=empty))


def without_event_triggers(summary: DumpSummary) -> DumpSummary:
    """Returns the summary of a database that lacks its event triggers; the same one where there are none."""
    text = summary.schema
    found = [each for each in split(text) if _EVENT_TRIGGER.match(each.text)]
    for each in reversed(found):
        text = text[: each.start] + text[each.start + len(each.text) + 1 :]
    return summary._replace(schema="\n".join(filter(None, text.split("\n")))) if found else summary


def difference(one: DumpSummary, copy: DumpSummary) -> str | None:
    """Returns the first difference between a database and its copy, in words; None where they are alike."""
    for table in sorted(one.rows.keys() | copy.rows.keys()):
        if one.rows.get(table) != copy.rows.get(table):
            return f"{table} has {one.rows.get(table, 'no')} rows, but its copy has {copy.rows.get(table, 'no')}"
    if one.schema == copy.schema:
        return None
    before, after = (plain_dump(side.schema).split("\n") for side in (one, copy))
    if before == after:
        return None
    odd = sorted(set(before) ^ set(after)) or ["the order of the definitions"]
    return f"the schemas differ: {odd[0]}"
