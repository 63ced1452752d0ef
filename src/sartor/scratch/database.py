"""Scratch databases: each is created empty, beside the database that it stands in for, and dropped whatever happens.

The session that creates one holds an advisory lock on its name. So a database that a killed process left is known by
its name, by its comment (unless the process was killed before writing it), and by the lock, which no session holds. The
next session that creates a scratch database drops it.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sartor.domain.destination import Destination
from sartor.errors import BackupFailed, PoolerRefused, PrivilegeMissing, SartorError
from sartor.postgres.connect.connect import DRIVER_ERRORS, stay
from sartor.postgres.errors import INSUFFICIENT_PRIVILEGE, ServerError, sqlstate
from sartor.postgres.lock_monitor import lock_key
from sartor.postgres.session import Session
from sartor.sql.quoting import quote_identifier, quote_literal

LOCK_CLASS = 0x5A47053
"""The first half of the advisory lock's key, Sartor's own; the second half is `lock_key` of the database's name."""
PREFIX = "sartor_scratch_"
COMMENT = "Sartor: scratch database, created by "

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
select pg_catalog.pg_encoding_to_char(encoding)::text as encoding, datcollate::text as collate, datctype::text as ctype,
    datlocprovider::text as provider, {locale}::text as locale
from pg_catalog.pg_database where datname = pg_catalog.current_database()
"""
_PROVIDERS = {"i": ("icu", "icu_locale"), "b": ("builtin", "builtin_locale")}


@asynccontextmanager
async def scratch_database(beside: Destination, *, application: str) -> AsyncIterator[Destination]:
    """Creates an empty database with the encoding and locale of `beside`, on its server; drops it after the block.

    Raises Unreachable, PrivilegeMissing, PoolerRefused, BackupFailed.
    """
    async with Session(beside, application=application) as session:
        if session.facts.pooled:
            raise PoolerRefused(f"{beside.label} is a connection pooler; a scratch database needs a server session")
        await stay(session.connection)
        await _drop_left(session)
        name = f"{PREFIX}{os.getpid()}_{secrets.token_hex(8)}"
        # Before it is created, so that no other session takes it for a leftover.
        await session.connection.execute(f"select pg_catalog.pg_advisory_lock({LOCK_CLASS}, {lock_key(name)})")
        try:
            await _create(session, name)
            yield beside.at(name)._replace(scratch=True)
        finally:
            await drop_database(session, name)


async def create_database(session: Session, name: str) -> None:
    """Creates an empty database with the session's encoding and locale. Raises PrivilegeMissing, BackupFailed."""
    version, facts = session.facts.server_version, session.facts
    locale = "datlocale" if version >= 170000 else "daticulocale" if version >= 150000 else "null"
    query = _LIKE if version >= 150000 else _LIKE.replace("datlocprovider::text", "'c'")
    row = await session.connection.fetchrow(query.format(locale=locale))
    options = {"encoding": row["encoding"], "lc_collate": row["collate"], "lc_ctype": row["ctype"]}
    if row["provider"] in _PROVIDERS:
        provider, key = _PROVIDERS[row["provider"]]
        options |= {"locale_provider": provider, key: row["locale"]}
    given = " ".join(f"{key} {quote_literal(value)}" for key, value in options.items())
    try:
        await session.connection.execute(f"create database {quote_identifier(name)} template template0 {given}")
    except ServerError as error:
        if sqlstate(error) == INSUFFICIENT_PRIVILEGE:
            raise PrivilegeMissing(
                f"role {facts.role} has no right to create databases",
                hint=f"as a superuser, run: alter role {quote_identifier(facts.role)} createdb;",
            ) from error
        hint = (
            "a standby can't have a scratch database: give another server with `scratch`"
            if session.facts.standby
            else None
        )
        raise BackupFailed(f"database {name} can't be created: {error}", hint=hint) from error


@asynccontextmanager
async def scratch_session(beside: Destination, *, application: str) -> AsyncIterator[Session]:
    """Opens a session on a new scratch database, where no commit waits for the disk. Raises as `scratch_database`."""
    async with (
        scratch_database(beside, application=application) as place,
        Session(place, application=application) as session,
    ):
        await stay(session.connection)
        name = quote_identifier(session.facts.database)
        await session.connection.execute(f"alter database {name} set synchronous_commit = off")
        yield session


async def _create(session: Session, name: str) -> None:
    await create_database(session, name)
    maker = f"{COMMENT}{session.facts.user}, process {os.getpid()} on {socket.gethostname()}"
    await session.connection.execute(f"comment on database {quote_identifier(name)} is {quote_literal(maker)}")


async def drop_database(session: Session, name: str) -> bool:
    """Drops a database and ends its sessions, as far as the server allows that. Returns whether it is gone."""
    with suppress(OSError, SartorError, *DRIVER_ERRORS):
        if session.connection_lost:
            await session.renew()
        await session.connection.execute(f"drop database if exists {quote_identifier(name)} with (force)")
        return True
    return False


async def _drop_left(session: Session) -> None:
    for row in await session.connection.fetch(_LEFT):
        if not await session.connection.fetchval(_HELD, lock_key(row["name"])):
            with suppress(ServerError):  # a session has connected to it, or dropped it first
                await session.connection.execute(f"drop database if exists {quote_identifier(row['name'])}")
