"""Takes a backup, checks that it is whole, gives the file its name, and notes it in the journal."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from sartor.archive.atomic_file import AtomicFile, atomic_file
from sartor.archive.dump import decode, dump
from sartor.archive.dump_difference import DumpSummary, difference, summarize, summarize_now
from sartor.archive.exported_snapshot import Snapshot, exported_snapshot
from sartor.archive.restore import restore, too_late
from sartor.archive.tools import Tools, find_tools
from sartor.domain.affected_tables import PlanEffects, TableSelection, select_tables
from sartor.domain.backup import Backup, file_name, schema_to_hold
from sartor.domain.destination import Destination, Limits
from sartor.domain.ledger import EventKind
from sartor.domain.report import BackedUp, Copying, Note, Observer
from sartor.errors import BackupFailed, LedgerUnsound, PoolerRefused, SartorError
from sartor.execution.ledger import repeat_while_stale, require_sound
from sartor.execution.outcome import Committed
from sartor.execution.retry import record
from sartor.execution.run_context import locked_run
from sartor.footprint.dependencies import read_contents
from sartor.postgres.connect.connect import DRIVER_ERRORS
from sartor.postgres.driver.connection import Connection
from sartor.postgres.ledger import read_ledger, require_format
from sartor.postgres.session import Session, application_name
from sartor.scratch.database import scratch_database
from sartor.scratch.foreign_owners import IS_SUPERUSER, Owned, kept_by_owners, read_foreign_owners, read_unsafe

BEAT = 1.0
"""Seconds between two reports of progress."""


class BackupOrder(NamedTuple):
    """An order for a backup.

    `place` is a folder, or a new file's name; `whole` asks for the whole database, `prove` for a proof, on the server
    of `scratch` where that is given. With `effects`, the backup holds the rows of those tables alone that a plan may
    change.
    """

    place: str
    whole: bool = False
    prove: bool = False
    scratch: Destination | None = None
    effects: PlanEffects | None = None


async def take_backup(destination: Destination, order: BackupOrder, *, limits: Limits, observer: Observer) -> Backup:
    """Backs a destination up, and notes the backup in the journal where there is one.

    Raises BackupFailed, DestinationError, and LedgerUnsound where the backup is taken and the ledger isn't sound.
    """
    done: list[Backup] = []
    with too_late(done):
        async with Session(destination, application=application_name("backup")) as session:
            made = await back_up(session, order, limits, observer)
            done.append(made._replace(in_journal=await _note_alone(session, made, limits, observer)))
    return done[0]


async def back_up(session: Session, order: BackupOrder, limits: Limits, observer: Observer) -> Backup:
    """Backs up the session's database, or one schema of it; the file gets its name once it is found whole.

    Raises BackupFailed, PoolerRefused; there is no file then.
    """
    if session.facts.pooled:
        raise PoolerRefused(f"{session.destination.label} is a connection pooler; a backup needs a server session")
    began = time.monotonic()
    tools = find_tools(session.facts.server_version, encrypted=session.connection.encrypted)[0]
    schema = schema_to_hold(session.schema, whole=order.whole)
    if schema is not None and not session.facts.schema_exists:
        raise BackupFailed(
            f"there is no schema {schema} in database {session.facts.database}", hint="check the name of the schema"
        )
    final = _name(order.place, session.facts.database, schema)
    with _explained(final), atomic_file(final) as file:
        made = await _Taking(session, tools, schema, file, observer).take(order, limits)
        file.publish()
    backup = made._replace(file=str(final))
    observer(BackedUp(backup=backup, duration_ms=(time.monotonic() - began) * 1000))
    return backup


def _name(place: str, database: str, schema: str | None) -> Path:
    """Returns the path of the new file: `place` itself, or a new name where that is a folder. Raises BackupFailed."""
    if not place:  # for example an unset variable in a script
        raise BackupFailed("the name of the backup is empty", hint="give the name of a new file or of a folder")
    path = Path(place).absolute()
    if path.is_dir():
        now = dt.datetime.now(dt.UTC)
        names = (file_name(database, schema, now, number) for number in itertools.count(1))
        return next(found for name in names if not (found := path / name).exists())
    if place.endswith("/") or not path.parent.is_dir():
        folder = path if place.endswith("/") else path.parent
        raise BackupFailed(f"there is no folder {folder}", hint="create the folder, or give another one")
    if path.exists() or path.is_symlink():
        raise BackupFailed(f"{path} already exists", hint="give another name, or a folder")
    return path


@contextmanager
def _explained(final: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackupFailed(
            f"no backup was taken: {final.parent}: {error.strerror or error}",
            hint="give a folder that this user can write to and that has enough disk space",
        ) from error


class _Taking:
    """A backup under way: its session, the file that it is written to, and the observer."""

    def __init__(
        self, session: Session, tools: Tools, schema: str | None, file: AtomicFile, observer: Observer
    ) -> None:
        self._session = session
        self._tools = tools
        self._schema = schema
        self._file = file
        self._observer = observer
        self._what = "backing up"

    async def take(self, order: BackupOrder, limits: Limits) -> Backup:
        """Takes the backup; its file has no name yet."""
        session, tools, schema = self._session, self._tools, self._schema
        beat = asyncio.create_task(self._beat())
        try:
            source: DumpSummary | None = None
            strangers: Sequence[Owned] = ()
            async with exported_snapshot(session) as snapshot:
                choice = await self._choose(snapshot, order.effects)
                await dump(
                    tools,
                    session,
                    self._file.path,
                    snapshot=snapshot.id,
                    schema=schema,
                    empty=choice.left,
                    lock_wait=limits.lock_budget,
                    heard=self._hear,
                )
                if order.prove:
                    strangers = await _read_strangers(snapshot.connection)
                    source = await summarize(tools, session, snapshot, schema=schema, empty=choice.left)
            self._what = "reading the backup"
            encrypted = session.connection.encrypted
            reader = await decode(session.facts.server_version, self._file.path, encrypted=encrypted)
            if source is not None:
                await self._prove(reader, source, strangers, order.scratch)
            return Backup(
                file="",
                bytes=self._file.size,
                lsn=snapshot.lsn,
                checksum=f"sha256:{await asyncio.to_thread(self._file.digest)}",
                database=session.facts.database,
                schema=schema,
                proved=source is not None,
                tables=choice.kept if choice.left else None,
                left_out=choice.left,
            )
        finally:
            beat.cancel()
            with suppress(asyncio.CancelledError):
                await beat

    async def _choose(self, snapshot: Snapshot, effects: PlanEffects | None) -> TableSelection:
        """Returns the choice of the tables whose rows the backup is to hold, as the snapshot shows them."""
        if effects is None:
            return TableSelection(())
        contents = await read_contents(snapshot.connection, self._session.schema, held=self._schema)
        choice = select_tables(effects, contents)
        if choice.why is not None:
            self._observer(Note(text=f"the backup holds the rows of all tables: {choice.why}"))
        return choice

    async def _prove(
        self, reader: Tools, source: DumpSummary, strangers: Sequence[Owned], elsewhere: Destination | None
    ) -> None:
        """Restores the backup into a scratch database, and compares. Raises BackupFailed.

        What `strangers` lists belongs to the same roles there; on another server (`elsewhere`) owners aren't restored.
        """
        self._what = "restoring the backup for a proof"
        application = application_name("backup")
        async with (
            scratch_database(elsewhere or self._session.destination, application=application) as place,
            Session(place, application=application) as scratch,
        ):
            _require_alike(self._session, scratch)
            async with kept_by_owners(scratch.connection, strangers) as given:
                await restore(reader, scratch, self._file.path, bare=elsewhere is not None or not given)
            copy = await summarize_now(reader, scratch, schema=self._schema)
        if (found := difference(source, copy)) is not None:
            raise BackupFailed(f"the restored backup differs from the database: {found}")

    def _hear(self, line: str) -> None:
        if line.startswith("pg_dump: dumping contents of table "):
            self._what = f"backing up {line.rpartition(' ')[2]}"

    async def _beat(self) -> None:
        """Reports progress every second; runs a query every 30 s, so that nothing on the way drops the session."""
        seconds = 0
        while True:
            await asyncio.sleep(BEAT)
            seconds += 1
            self._observer(Copying(what=self._what, seconds=seconds, bytes=self._file.size))
            if seconds % 30 == 0:
                with suppress(OSError, *DRIVER_ERRORS):
                    await self._session.connection.execute("select 1")


def _require_alike(source: Session, scratch: Session) -> None:
    """Raises BackupFailed where the servers' major versions differ: they describe the same schema differently."""
    one, two = (session.facts.server_version // 10000 for session in (source, scratch))
    if one != two:
        raise BackupFailed(
            f"the database is on Postgres {one} but the scratch server on Postgres {two}, so they can't be compared",
            hint=f"give a server of version {one} with `scratch`",
        )


async def _read_strangers(live: Connection) -> list[Owned]:
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


async def _nothing(_connection: Connection) -> None:
    """Does nothing: the work of an event that is only a record."""


async def _note_alone(session: Session, backup: Backup, limits: Limits, observer: Observer) -> bool:
    """Writes the backup to the journal, where there is one; returns whether it did, and reports why where it didn't.

    Raises LedgerUnsound: the backup is taken all the same, and the user must look at the ledger.
    """
    try:
        ledger = await read_ledger(session)
        if not ledger.exists:
            observer(Note(text="this backup isn't in the journal: nothing is deployed here"))
            return False
        await require_sound(session)
        async with locked_run(session, "backup", limits=limits, observer=observer) as run:
            require_format(ledger)
            run.head = ledger.head
            await repeat_while_stale(run, lambda: record(run, EventKind.BACKUP, None, **backup.detail))
            return True
    except LedgerUnsound as error:
        raise LedgerUnsound(
            f"the backup {backup.file} is complete, but it isn't in the journal: {error}", hint=error.hint
        ) from error
    except Committed:
        return True
    except (asyncio.CancelledError, SartorError, OSError, *DRIVER_ERRORS) as error:
        observer(Note(text=f"this backup isn't in the journal: {str(error) or 'it was interrupted'}"))
        return False
