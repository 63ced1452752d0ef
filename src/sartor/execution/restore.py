"""Restores a backup into an empty database, or proves it: in a scratch database, compared with its source."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

from sartor.archive.dump import (
    DumpSummary,
    decode,
    difference,
    exported_snapshot,
    read_creation,
    summarize,
    unpopulated_views,
    without_event_triggers,
    without_rows,
)
from sartor.archive.restore import may_share, restore, too_late
from sartor.archive.tools import Tools
from sartor.domain.backup import Restored, schema_to_hold
from sartor.domain.destination import DEFAULT_SCHEMA, Destination
from sartor.domain.report import Copying, Note, Observer
from sartor.errors import BackupFailed, PoolerRefused, PrivilegeMissing, RefusedError, SartorError
from sartor.execution.monitor import beside
from sartor.postgres.connect.connect import DRIVER_ERRORS
from sartor.postgres.driver.connection import Connection
from sartor.postgres.schema_contents import what_it_holds
from sartor.postgres.session import Session, application_name
from sartor.scratch.database import create_database, drop_database, maintenance_database, scratch_database
from sartor.scratch.foreign_owners import IS_SUPERUSER, Owned, kept_by_owners, read_foreign_owners, read_unsafe
from sartor.sql.quoting import quote_identifier


class RestoreOrder(NamedTuple):
    """An order for a restore.

    `schema` is for a backup that holds one schema; `create` asks for the database to be created first, from the
    database `maintenance` where one is named.
    """

    file: str
    schema: str | None = None
    create: bool = False
    maintenance: str | None = None
    no_owner: bool = False
    jobs: int = 1


async def put_back(order: RestoreOrder, into: Destination, *, observer: Observer) -> Restored:
    """Restores a backup into an empty database, which is created first where the order says so.

    Raises RefusedError where it isn't empty, BackupFailed where the file isn't a whole backup or doesn't fit. Nothing
    has changed then, unless several jobs were at work in a database that existed before.
    """
    file, size = _find(order.file)
    done: list[Restored] = []
    with too_late(done):
        async with _created(order, into, file, observer) if order.create else nullcontext():
            with too_late(done):  # else the database would be dropped again
                await _fill(order, into, file, size, observer, done)
    return done[0]


async def _fill(
    order: RestoreOrder, into: Destination, file: Path, size: int, observer: Observer, done: list[Restored]
) -> None:
    """Restore, and add what was restored to `done` as soon as it is."""
    began = time.monotonic()
    async with Session(into, application=application_name("restore")) as session:
        if session.facts.pooled:
            raise PoolerRefused(f"{into.label} is a connection pooler; a restore needs a server session")
        await _require_empty(session, order)
        async with beside(_beat(file, size, observer)):
            tools = await decode(session.facts.server_version, file, encrypted=session.connection.encrypted)
            jobs = _possible_jobs(order.jobs, tools, session, observer)
            await restore(tools, session, file, bare=order.no_owner, jobs=jobs)
            # From here on it is restored, whatever happens.
            left_out = await _left_out(tools, session, file, observer)
            took = (time.monotonic() - began) * 1000
            done.append(Restored(str(file), size, session.facts.database, took, left_out))


def _possible_jobs(jobs: int, tools: Tools, session: Session, observer: Observer) -> int:
    if jobs == 1 or may_share(tools, session.facts.server_version):
        return jobs
    major = session.facts.server_version // 10000
    why = f"with several, pg_restore {tools.major} sends a setting that a server of version {major} doesn't know"
    way_out = f"to use several jobs, install the client tools of version {major} to 16"
    observer(Note(text=f"restoring with one job: {why}; {way_out}"))
    return 1


async def _left_out(tools: Tools, session: Session, file: Path, observer: Observer) -> tuple[str, ...]:
    try:
        for name in await unpopulated_views(session):
            refresh = f"refresh materialized view {name};"
            observer(Note(text=f"materialized view {name} has no data, as in the backup: {refresh}"))
        return await without_rows(tools, session, file)
    except (asyncio.CancelledError, SartorError, OSError, *DRIVER_ERRORS) as error:
        unknown = "the tables whose rows the backup leaves out can't be determined"
        observer(Note(text=f"the restore is complete; {unknown}: {str(error) or 'it was interrupted'}"))
        return ()


@asynccontextmanager
async def _created(order: RestoreOrder, into: Destination, file: Path, observer: Observer) -> AsyncIterator[None]:
    """Creates the database as the backup's was made, and drops it where the block fails; reports where that fails."""
    if (database := into.database) is None:
        raise RefusedError("`destination` names no database to create", hint="end the URL with /DATABASE")
    application, named = application_name("restore"), order.maintenance
    place = into.at(named) if named else await maintenance_database(into, application=application)
    async with Session(place, application=application) as session:
        try:
            await create_database(session, database, await read_creation(session.facts.server_version, file))
        except PrivilegeMissing as error:
            error.hint += " or restore into an empty database that exists, without `create`"
            raise
        try:
            yield
        except BaseException:  # a cancelled restore leaves no database either
            if not await drop_database(session, database):
                observer(Note(text=f"database {database} was created, is empty, and couldn't be dropped"))
            raise


def _find(name: str) -> tuple[Path, int]:
    """Returns a backup's path and its size in bytes. Raises BackupFailed."""
    file = Path(name).absolute()
    if file.exists() and not file.is_file():
        raise BackupFailed(f"{file} can't be read: not a regular file", hint="give the file of a backup")
    try:
        with file.open("rb") as found:
            return file, os.fstat(found.fileno()).st_size
    except OSError as error:
        raise BackupFailed(f"{file} can't be read: {error.strerror}", hint="give the file of a backup") from error


async def _require_empty(session: Session, order: RestoreOrder) -> None:
    """Raises RefusedError where a restore would mix with what is there."""
    schema = schema_to_hold(order.schema or DEFAULT_SCHEMA)
    held = await what_it_holds(session.connection, schema)
    if held is None:
        return
    where = f"database {session.facts.database}"
    if schema is not None:
        aside = f"alter schema {quote_identifier(schema)} rename to {quote_identifier(schema + '_old')};"
        hint = f"rename the schema: {aside} or restore into another database"
        raise RefusedError(f"{where} already has a schema {schema}", hint=hint)
    hint = (
        "restore into a new database, `create` makes it; a backup of one schema can stand beside others with `schema`"
    )
    raise RefusedError(f"{where} isn't empty: it has {held}", hint=hint)


async def _beat(file: Path, size: int, observer: Observer) -> None:
    seconds = 0
    while True:
        await asyncio.sleep(1)
        seconds += 1
        observer(Copying(what=f"restoring {file.name}", seconds=seconds, bytes=size))


async def prove_restore(
    source: Session,
    reader: Tools,
    file: Path,
    summary: DumpSummary,
    strangers: Sequence[Owned],
    elsewhere: Destination | None,
    schema: str | None,
    observer: Observer,
) -> None:
    """Restores a backup of `source` into a scratch database, and compares that with `summary`. Raises BackupFailed.

    Event triggers are left out, and a note says so, where the role isn't a superuser: only one may create them. What
    `strangers` lists belongs to the same roles there; on another server (`elsewhere`) owners aren't restored.
    """
    application = application_name("backup")
    async with (
        scratch_database(elsewhere or source.destination, application=application) as place,
        Session(place, application=application) as scratch,
    ):
        _require_alike(source, scratch)
        compared = summary if await scratch.connection.fetchval(IS_SUPERUSER) else without_event_triggers(summary)
        if not (whole := compared is summary):
            observer(Note(text="the proof leaves the event triggers out: only a superuser may create them"))
        async with kept_by_owners(scratch.connection, strangers) as given:
            left = elsewhere is not None or not given
            await restore(reader, scratch, file, bare=left, event_triggers=whole)
        async with exported_snapshot(scratch) as snapshot:
            copy = await summarize(reader, scratch, snapshot, schema=schema)
    if (found := difference(compared, copy)) is not None:
        raise BackupFailed(f"the restored backup differs from the database: {found}")


def _require_alike(source: Session, scratch: Session) -> None:
    """Raises BackupFailed where the servers' major versions differ: they describe the same schema differently."""
    one, two = (session.facts.server_version // 10000 for session in (source, scratch))
    if one != two:
        where = f"the database is on Postgres {one} but the scratch server on Postgres {two}"
        raise BackupFailed(f"{where}, so they can't be compared", hint=f"give a server of version {one} with `scratch`")


async def read_strangers(live: Connection) -> list[Owned]:
    """Returns what belongs to other roles.

    Raises BackupFailed where putting in their rows may run what only a superuser may.
    """
    strangers = await read_foreign_owners(live)
    if strangers and await live.fetchval(IS_SUPERUSER) and (unsafe := await read_unsafe(live, views=False)):
        raise BackupFailed(
            f"a superuser can't prove the backup: a check constraint of {unsafe[0]}, which belongs to"
            " another role, could run code with a superuser's rights",
            hint="prove the backup as a role that isn't a superuser, or take it without `prove`",
        )
    return strangers
