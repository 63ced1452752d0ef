"""Clones a database's schema, and Sartor's ledger in it, into another database; lists what the clone lacks."""

import asyncio
import re
from asyncio.subprocess import PIPE
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from io import BytesIO
from typing import NamedTuple

from sartor.archive.dump import BARE, Snapshot
from sartor.archive.programs import Program, ProgramFailed, failed
from sartor.archive.restore import GONE, pass_on
from sartor.archive.tools import find_tools
from sartor.conninfo.redaction import redact
from sartor.domain.hazards.circumstances import Gap
from sartor.errors import RehearsalFailed
from sartor.postgres.catalog import FULL_NAME, RELATIONS, SHORT_NAME
from sartor.postgres.driver.connection import Connection
from sartor.postgres.errors import ServerError
from sartor.postgres.session import Session
from sartor.scratch.foreign_owners import kept_by_owners, read_foreign_owners, read_unsafe
from sartor.scratch.gaps import filled, find_gaps
from sartor.sql.quoting import quote_identifier, quote_literal

_QUICK = b"\\set VERBOSITY verbose\nset synchronous_commit = off; set client_min_messages = error;\n"
_ERROR = re.compile(r"\s*(?:\w+:\s+)?(?P<code>(?=[A-Z]*[0-9])[0-9A-Z]{5}): (?P<message>.+)")
"""An error as `psql` reports it, in any language; its other lines, such as `QUERY: ...`, may hold values from rows."""
_EXPECTED = re.compile(r"42P06: .*\Wpublic\W|42704: .*\Wtransaction_timeout\W|55000: .*\bwal_level\b")
"""Messages that mean no lack: a schema that each database has, a setting that older servers don't know, a warning."""
_OF_ROWS = re.compile(r"22(?!023)|23|P0")
"""SQLSTATEs whose message itself may hold values from rows."""
_ROLES = "select rolname::text as name from pg_catalog.pg_roles where rolname !~ '^pg_'"
NAMED = 20
"""The number of lacks that a note names at most."""
_COPIED = ("journal", "ledger")
"""Those of Sartor's tables whose rows are copied."""
_MAPPINGS = """
select srvname::text as server, case when umuser <> 0 then usename::text end as role from pg_catalog.pg_user_mappings
"""
_VIEWS = f"""
select {FULL_NAME} as name, c.relispopulated as populated, {SHORT_NAME} as plain
from {RELATIONS}
where c.relkind = 'm' order by c.oid
"""
PINNED = frozenset({"search_path", "role", "session_authorization"})
"""Settings that a script's session has from elsewhere: Sartor's own path, and its role."""
_LISTS = frozenset({"temp_tablespaces", "local_preload_libraries", "session_preload_libraries"})
"""Settings that are stored as a list of names, which FROM CURRENT stores as any session has written it."""
_NAMES = re.compile(r'"((?:[^"]|"")*)"|[^\s,"]+')
_SET = """
select pg_catalog.split_part(entry, '=', 1) as name,
    pg_catalog.substr(entry, pg_catalog.strpos(entry, '=') + 1) as value
from pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) entry
where s.setdatabase in (0, (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()))
    and s.setrole in (0, (select oid from pg_catalog.pg_roles where rolname = session_user))
order by s.setrole <> 0, s.setdatabase <> 0
"""
"""Selects the settings of a session's database and role, each before those that override it."""
_DECIDING = (
    "array_nulls", "backslash_quote", "bytea_output", "check_function_bodies", "datestyle",
    "default_table_access_method", "default_text_search_config", "default_toast_compression", "extra_float_digits",
    "intervalstyle", "standard_conforming_strings", "timezone", "timezone_abbreviations", "transform_null_equals",
    "xmlbinary", "xmloption",
)  # fmt: skip
"""Settings that decide what a statement does; another server, or a URL, may begin its sessions with others."""
_BEGUN = """
select pg_catalog.lower(name) as name, reset_val as value from pg_catalog.pg_settings
where pg_catalog.lower(name) = any($1::text[])
"""


class Made(NamedTuple):
    """The result of cloning: what the clone `lacks`, and notes on it for people.

    `filled` are the destination's tables that have rows.
    """

    lacks: tuple[Gap, ...]
    filled: frozenset[str]
    notes: tuple[str, ...]


async def clone(live: Session, scratch: Session, snapshot: Snapshot, *, data: bool, lock_wait: float) -> Made:
    """Copies the schema of `live`, and its ledger's rows, into the empty database of `scratch`; with `data`, all rows.

    `lock_wait` is in seconds. Raises RehearsalFailed.
    """
    source, target = snapshot.connection, scratch.connection
    await source.execute(f"set local lock_timeout = {lock_wait * 1000:.0f}")
    strangers = await read_foreign_owners(source)
    roles = [Gap(f"role {name}", word=name) for name in await missing_roles(source, target)]
    async with kept_by_owners(target, strangers) as given:
        # Where the clone keeps the owners of the source, they need the privileges that others granted them.
        left_out = {"--no-publications"} | ({"--no-acl"} if given and not roles else set())
        options = [each for each in BARE if each not in left_out]  # a publication forbids some changes of its tables
        unsafe = await read_unsafe(source, views=True) if data else []
        options += [f"--exclude-table-data={name}" for name in unsafe] if data else ["--schema-only"]
        errors = await _pour(live, scratch, snapshot, options, lock_wait=lock_wait)
    complaints = [*(f"error while making the clone: {error}" for error in errors), *await _cut_off(target)]
    unfilled = await _refresh(source, target, live.schema)
    refused = await _adopt_session_defaults(source, target)
    await scratch.renew()
    await scratch.learn()
    target = scratch.connection
    if live.facts.ledger_exists and not data:
        for kind in _COPIED:
            await _copy(source, target, live.schema, live.tables.name(kind))
    holding = await filled(source, live.schema)
    gaps = await find_gaps(source, target, live.schema, holding if data else ())
    # A setting of the user's own has no effect but where it is read by its name.
    settings = [Gap(f"setting {name}", word=name if "." in name else None) for name in refused]
    lacks = [*gaps, *unfilled, *roles, *settings]
    named = list(dict.fromkeys(lack.what for lack in lacks))
    more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
    told = [f"the clone lacks {', '.join(named[:NAMED])}{more}, which the destination has"] if named else []
    return Made(tuple(lacks), holding, (*told, *complaints))


async def _pour(
    live: Session, scratch: Session, snapshot: Snapshot, options: Sequence[str], *, lock_wait: float
) -> list[str]:
    """Runs the SQL that `pg_dump` writes in `psql`, which goes on after errors; returns those errors."""
    encrypted = live.connection.encrypted or scratch.connection.encrypted
    tools = find_tools(live.facts.server_version, encrypted=encrypted)[0]
    given = [*options, f"--snapshot={snapshot.id}", f"--lock-wait-timeout={lock_wait * 1000:.0f}"]
    try:
        async with (
            tools.started("psql", "--no-psqlrc", "--quiet", session=scratch, stdin=PIPE) as into,
            tools.started("pg_dump", *given, session=live, stdout=PIPE) as out,
        ):
            into.stdin.write(_QUICK)
            await asyncio.gather(into.end(), out.end(), _feed(into, out, scratch))
            return list(_errors(into.complaints))
    except ProgramFailed as error:
        told = await failed("the schema can't be cloned", error, live, reads=True)
        raise RehearsalFailed(redact(str(told), scratch.secrets), hint=told.hint) from error


async def _feed(into: Program, out: Program, scratch: Session) -> None:
    with suppress(*GONE):
        into.stdin.write(await pass_on(out, into, scratch))
    into.stdin.close()


async def _cut_off(connection: Connection) -> list[str]:
    """Drops the user mappings, so that no session of the clone reaches the servers of foreign tables; returns notes."""
    mappings = await connection.fetch(_MAPPINGS)
    for server, role in mappings:
        of = "public" if role is None else quote_identifier(role)
        await connection.execute(f"drop user mapping for {of} server {quote_identifier(server)}")
    servers = sorted({server for server, _ in mappings})
    return [f"the clone has no user mappings for {', '.join(servers)}, so it can't reach them"] if servers else []


async def _refresh(source: Connection, target: Connection, schema: str) -> list[Gap]:
    """Refreshes the materialized views that are populated in `source`, each after those that it reads.

    Returns those that couldn't be refreshed.
    """
    populated, unfilled = {row["name"] for row in await source.fetch(_VIEWS, schema) if row["populated"]}, []
    for row in await target.fetch(_VIEWS, schema):
        if row["name"] in populated and not row["populated"]:
            try:
                await target.execute(f"refresh materialized view {row['name']}")
            except ServerError as error:
                why = _told(error.sqlstate or "", str(error))
                unfilled.append(Gap(f"the rows of materialized view {row['plain']} ({why})", row["plain"]))
    return unfilled


async def _adopt_session_defaults(live: Connection, clone: Connection) -> list[str]:
    """Sets for later sessions of `clone` what those of `live` begin with; returns the settings that were refused."""
    begun = [await each.fetch(_BEGUN, _DECIDING) for each in (live, clone)]
    there, here = ({row["name"]: row["value"] for row in rows} for rows in begun)
    found = {name: value for name, value in there.items() if name in here and value != here[name]}
    found |= {row["name"]: row["value"] for row in await live.fetch(_SET)}
    who, where = await clone.fetchrow("select session_user::text, pg_catalog.current_database()::text")
    begin = f"alter role {quote_identifier(who)} in database {quote_identifier(where)} set"
    refused = []
    for name, value in found.items():
        if name.lower() in PINNED:
            continue
        given = _names(value) if name.lower() in _LISTS and value else quote_literal(value)
        try:
            await clone.execute(f"{begin} {'.'.join(map(quote_identifier, name.split('.')))} = {given}")
        except ServerError:
            refused.append(name)
    return refused


def _names(stored: str) -> str:
    found = (each[0] if each[1] is None else each[1].replace('""', '"') for each in _NAMES.finditer(stored))
    return ", ".join(map(quote_literal, found))


async def _copy(source: Connection, target: Connection, schema: str, table: str) -> None:
    """Copies a table's rows through memory, as a ledger has few."""
    rows = BytesIO()
    await source.copy_from_table(table, schema_name=schema, output=rows, format="binary")
    rows.seek(0)
    await target.copy_to_table(table, schema_name=schema, source=rows, format="binary")


async def missing_roles(source: Connection, target: Connection) -> list[str]:
    """Returns the roles that the server of `target` lacks; those that come with a server don't count."""
    there, here = [{row["name"] for row in await each.fetch(_ROLES)} for each in (source, target)]
    return sorted(there - here)


def _errors(complaints: Iterable[str]) -> Iterator[str]:
    """Yields the errors that `psql` reported, without values from rows, and without the expected ones."""
    for text in complaints:
        if (error := _ERROR.match(text)) is not None and not _EXPECTED.search(text):
            yield _told(error["code"], error["message"])


def _told(code: str, message: str) -> str:
    # The driver adds the detail, line by line.
    return f"rows were refused (SQLSTATE {code})" if _OF_ROWS.match(code) else message.partition("\n")[0]
