"""Scratch databases: each is created empty, beside the database that it stands in for, and dropped whatever happens.

The session that creates one holds an advisory lock on its name. So a database that a killed process left is known by
its name, by its comment (unless the process was killed before writing it), and by the lock, which no session holds. The
next session that creates a scratch database drops it.
"""

import hashlib
import os
import secrets
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from sartor.domain.destination import Destination
from sartor.errors import BackupFailed, PoolerRefused, PrivilegeMissing, SartorError, Unreachable
from sartor.postgres.connect.connect import DRIVER_ERRORS
from sartor.postgres.errors import INSUFFICIENT_PRIVILEGE, INVALID_CATALOG_NAME, ServerError, sqlstate
from sartor.postgres.session import Session
from sartor.scratch.bootstrap import bootstrap
from sartor.sql.quoting import quote_identifier, quote_literal

LOCK_CLASS = 0x5A47053
"""The first half of the advisory lock's key, Sartor's own; the second half is `lock_key` of the database's name."""
PREFIX = "sartor_scratch_"
MAINTENANCE = ("postgres", "template1")
"""The databases from which others are created, in the order of `createdb`: a server may lack the first, or close it."""
_CLOSED = frozenset({INVALID_CATALOG_NAME, INSUFFICIENT_PRIVILEGE, "28000", "55000"})
"""SQLSTATEs: no such database, no right to connect, pg_hba.conf has no line, the database takes no connections."""
_NO_LOCALE = frozenset({"0A000", "22023", "42601", "42704", "42809"})
"""The SQLSTATEs with which servers 14 to 18 refuse an encoding, a locale, or its provider."""
_HINTS = {
    "25006": "give the address of the primary, if this is a standby",
    "42P04": "give another name, or leave `create` out and restore into it, if it is empty",
}
"""Hints by SQLSTATE: a read-only transaction; the database exists."""
COMMENT = "Sartor: scratch database, created by "
GIVE_SCRATCH = "give a server on which the role can create databases with `scratch`"

_LEFT = f"""
select d.datname::text as name, pg_catalog.shobj_description(d.oid, 'pg_database') as comment
from pg_catalog.pg_database d
where d.datname ~ '^{PREFIX}[0-9]+_[0-9a-f]{{16}}$'
    and pg_catalog.pg_has_role(d.datdba, 'usage')
    -- A killed maker may not have come to its comment.
    and coalesce(pg_catalog.shobj_description(d.oid, 'pg_database'), '{COMMENT}') like '{COMMENT}%'
    and not exists (select from pg_catalog.pg_stat_activity a where a.datid = d.oid)
"""
# Locks of all databases are read: the session that created it may be connected to any of them.
_HELD = f"""
select exists (select from pg_catalog.pg_locks where locktype = 'advisory' and classid = {LOCK_CLASS}
    and objid = $1::int4::oid and objsubid = 2 and granted)
"""
_LIKE = """
select pg_catalog.pg_encoding_to_char(encoding)::text as encoding, datcollate::text as lc_collate,
    datctype::text as lc_ctype, case {provider} when 'i' then 'icu' when 'b' then 'builtin' else 'libc' end
    as locale_provider, {locale}::text as locale
from pg_catalog.pg_database where datname = pg_catalog.current_database()
"""
_COMMENT_OF = """
select pg_catalog.shobj_description(oid, 'pg_database') from pg_catalog.pg_database where datname = $1::text
"""


@asynccontextmanager
async def scratch_database(beside: Destination, *, application: str) -> AsyncIterator[Destination]:
    """Creates an empty database with the encoding and locale of `beside`, on its server; drops it after the block.

    It has a name of its own, unless `beside` stands for another database and names one that doesn't exist: that name,
    so that `current_database()` in a script can be what it is there. Raises Unreachable, PrivilegeMissing,
    PoolerRefused, BackupFailed.
    """
    given = await _free_name(beside, application=application) if beside.stands_for else None
    place = await maintenance_database(beside, application=application) if given else beside
    async with Session(place, application=application) as session:
        if session.facts.pooled:
            raise PoolerRefused(f"{beside.label} is a connection pooler; a scratch database needs a server session")
        await _drop_left(session)
        name = f"{PREFIX}{os.getpid()}_{secrets.token_hex(8)}"
        # Before it is created, so that no other session takes it for a leftover.
        for each in filter(None, (name, given)):
            held = f"select pg_catalog.pg_try_advisory_lock({LOCK_CLASS}, {lock_key(each)})"
            if not await session.connection.fetchval(held):
                hint = "give another name with `scratch`"
                raise BackupFailed(f"another run has scratch database {each} now", hint=hint)
        stands_for = beside.stands_for or session.facts.database
        try:
            await _create(session, name)
            if given:
                await drop_database(session, given, marked=True)
                # By now it has the comment that marks it, wherever this run is ended.
                await session.connection.execute(
                    f"alter database {quote_identifier(name)} rename to {quote_identifier(given)}"
                )
            yield beside.at(given or name)._replace(scratch=True, stands_for=stands_for)
        finally:
            await drop_database(session, name)
            if given:  # another's database of that name may have come in between
                await drop_database(session, given, marked=True)


def lock_key(name: str) -> int:
    """Returns the second half of the key of the advisory lock on a database's name: an int4, in pg_locks an oid."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], signed=True)


async def _free_name(beside: Destination, *, application: str) -> str | None:
    """Returns the name of the database of `beside`, where none has it but one that a killed process left; else None."""
    try:
        async with Session(beside, application=application) as session:
            name = session.facts.database
            free = await _is_ours(session, name) and not await session.connection.fetchval(_HELD, lock_key(name))
            return name if free else None
    except Unreachable as error:
        if _state(error) != INVALID_CATALOG_NAME:
            raise
        return beside.database


async def maintenance_database(server: Destination, *, application: str) -> Destination:
    """Returns the first database of MAINTENANCE that can be connected to. Raises Unreachable where none can."""
    refused: list[Unreachable] = []
    for name in MAINTENANCE:
        try:
            async with Session(server.at(name), application=application):
                return server.at(name)
        except Unreachable as error:
            if _state(error) not in _CLOSED:
                raise
            refused.append(error)
    hint = "name one with `maintenance` that the role may connect to"
    raise Unreachable("; ".join(map(str, refused)), hint=hint) from refused[-1]


def _state(error: Unreachable) -> str | None:
    return None if error.__cause__ is None else sqlstate(error.__cause__)


async def _is_ours(session: Session, name: str) -> bool:
    return (await session.connection.fetchval(_COMMENT_OF, name) or "").startswith(COMMENT)


async def create_database(session: Session, name: str, options: Mapping[str, str]) -> None:
    """Creates an empty database with these `options` of CREATE DATABASE, from template0.

    Raises PrivilegeMissing, BackupFailed.
    """
    version, role = session.facts.server_version, quote_identifier(session.facts.role)
    # Whatever is set for the role or the database: it takes a second, and writes.
    await session.connection.execute("set statement_timeout = 0; set default_transaction_read_only = off")
    try:
        await session.connection.execute(_creation(name, options, version))
    except ServerError as error:
        state = sqlstate(error) or ""
        if state == INSUFFICIENT_PRIVILEGE:
            raise PrivilegeMissing(
                f"role {session.facts.role} has no right to create databases",
                hint=f"as a superuser, run: alter role {role} createdb;",
            ) from error
        hint, given = _HINTS.get(state), ""
        if state in _NO_LOCALE:
            given = " with " + ", ".join(f"{key} {value}" for key, value in options.items())
            plain = _creation(name, {"encoding": options["encoding"], "locale": "C"}, version)
            hint = f"install that locale on the server, or run: {plain}; and restore into it, without `create`"
        raise BackupFailed(f"database {name} can't be created{given}: {error}", hint=hint) from error


def _creation(name: str, options: Mapping[str, str], version: int) -> str:
    # Without a provider, template0's counts, which may not know the locale; servers before 15 know only one.
    chosen = {"locale_provider": "libc", **options}
    if version < 150000 and chosen["locale_provider"] == "libc":
        del chosen["locale_provider"]
    given = " ".join(f"{key} {quote_literal(value)}" for key, value in chosen.items())
    return f"create database {quote_identifier(name)} template template0 {given}"


async def _options_of(session: Session) -> dict[str, str]:
    """Returns the options with which a database is made like the session's."""
    version = session.facts.server_version
    locale = "datlocale" if version >= 170000 else "daticulocale" if version >= 150000 else "null"
    provider = "datlocprovider" if version >= 150000 else "'c'"
    options = dict(await session.connection.fetchrow(_LIKE.format(locale=locale, provider=provider)))
    if (chosen := options.pop("locale")) is not None:
        options[f"{options['locale_provider']}_locale"] = chosen
    return options


@asynccontextmanager
async def scratch_session(beside: Destination, *, application: str, base: str | None = None) -> AsyncIterator[Session]:
    """Opens a session on a new scratch database, where no commit waits for the disk.

    `base` is a file of SQL that goes into it first. Raises as `scratch_database` and `bootstrap`.
    """
    async with (
        scratch_database(beside, application=application) as place,
        Session(place, application=application) as session,
    ):
        name = quote_identifier(session.facts.database)
        await session.connection.execute(f"alter database {name} set synchronous_commit = off")
        if base is not None:
            await bootstrap(session, base)
        yield session


async def _create(session: Session, name: str) -> None:
    try:
        await create_database(session, name, await _options_of(session))
    except (PrivilegeMissing, BackupFailed) as error:
        error.hint = " or ".join(filter(None, (error.hint, GIVE_SCRATCH)))
        raise
    await mark_database(session, name)


async def mark_database(session: Session, name: str) -> None:
    """Writes the comment by which a scratch database is known."""
    maker = f"{COMMENT}{session.facts.user}, process {os.getpid()} on {socket.gethostname()}"
    await session.connection.execute(f"comment on database {quote_identifier(name)} is {quote_literal(maker)}")


async def drop_database(session: Session, name: str, *, marked: bool = False) -> bool:
    """Drops a database and ends its sessions, as far as the server allows that. Returns whether it is gone.

    With `marked`, it is dropped only where it has the comment of a scratch database.
    """
    with suppress(OSError, SartorError, *DRIVER_ERRORS):
        if session.connection_lost:
            await session.renew()
        if marked and not await _is_ours(session, name):
            return False
        await session.connection.execute(f"drop database if exists {quote_identifier(name)} with (force)")
        return True
    return False


async def _drop_left(session: Session) -> None:
    for row in await session.connection.fetch(_LEFT):
        if not await session.connection.fetchval(_HELD, lock_key(row["name"])):
            with suppress(ServerError):  # a session has connected to it, or dropped it first
                await session.connection.execute(f"drop database if exists {quote_identifier(row['name'])}")
