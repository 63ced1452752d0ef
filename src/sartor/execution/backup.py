"""Takes a backup, checks that it is whole, gives the file its name, and notes it in the journal."""

import asyncio
import datetime as dt
import itertools
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sartor.archive.atomic_file import AtomicFile, atomic_file
from sartor.archive.dump import DumpSummary, Snapshot, decode, dump, exported_snapshot, summarize
from sartor.archive.restore import too_late
from sartor.archive.tools import find_tools
from sartor.domain.affected_tables import PlanEffects, TableSelection, select_tables, steps_of
from sartor.domain.backup import Backup, file_name, schema_to_hold
from sartor.domain.destination import Destination, Limits
from sartor.domain.ledger import EventKind
from sartor.domain.plan import Plan
from sartor.domain.report import BackedUp, Copying, Note, Observer
from sartor.errors import BackupFailed, LedgerUnsound, PoolerRefused, SartorError
from sartor.execution.ledger import read_head, repeat_while_stale, require_sound
from sartor.execution.monitor import beside
from sartor.execution.outcome import Committed
from sartor.execution.restore import prove_restore, read_strangers
from sartor.execution.retry import record
from sartor.execution.run_context import RunContext, locked_run
from sartor.footprint.dependencies import read_contents
from sartor.postgres.connect.connect import DRIVER_ERRORS
from sartor.postgres.ledger import read_ledger
from sartor.postgres.session import Session, application_name
from sartor.scratch.foreign_owners import Owned

OTHERS = "another run came first, so the plan differs from the rehearsed one"
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
    schema = schema_to_hold(session.schema, whole=order.whole)
    if schema is not None and not session.facts.schema_exists:
        missing = f"there is no schema {schema} in database {session.facts.database}"
        raise BackupFailed(missing, hint="check the name of the schema")
    names = _names(order.place, session.facts.database, schema)
    final = next(names)
    try:
        with atomic_file(final) as file:
            made = await _Taking(session, schema, file, observer).take(order, limits)
            final = file.publish(names)
    except OSError as error:
        hint = "give a folder that this user can write to and that has enough disk space"
        raise BackupFailed(f"no backup was taken: {final.parent}: {error.strerror or error}", hint=hint) from error
    backup = made._replace(file=str(final))
    observer(BackedUp(backup=backup, duration_ms=(time.monotonic() - began) * 1000))
    return backup


def _names(place: str, database: str, schema: str | None) -> Iterator[Path]:
    """Yields the paths that the new file may have: `place` itself, or new names without end where that is a folder.

    Another backup into that folder may have taken a name by the time that this one ends. Raises BackupFailed.
    """
    if not place:  # for example an unset variable in a script
        raise BackupFailed("the name of the backup is empty", hint="give the name of a new file or of a folder")
    path = Path(place).absolute()
    path = path.resolve() if path.is_dir() else path.parent.resolve() / path.name
    if path.is_dir():
        now = dt.datetime.now(dt.UTC)
        names = (path / file_name(database, schema, now, number) for number in itertools.count(1))
        yield from (name for name in names if not name.exists())
    if place.endswith("/") or not path.parent.is_dir():
        folder = path if place.endswith("/") else path.parent
        raise BackupFailed(f"there is no folder {folder}", hint="create the folder, or give another one")
    if path.exists() or path.is_symlink():
        raise BackupFailed(f"{path} already exists", hint="give another name, or a folder")
    yield path


@dataclass(slots=True)
class _Taking:
    """A backup under way: its session, the file that it is written to, and what is done at present."""

    session: Session
    schema: str | None
    file: AtomicFile
    observer: Observer
    what: str = "backing up"

    async def take(self, order: BackupOrder, limits: Limits) -> Backup:
        """Takes the backup; its file has no name yet."""
        session, schema, path = self.session, self.schema, self.file.path
        version, encrypted = session.facts.server_version, session.connection.encrypted
        tools = find_tools(version, encrypted=encrypted)[0]
        async with beside(self._beat()):
            source: DumpSummary | None = None
            strangers: Sequence[Owned] = ()
            async with exported_snapshot(session) as snapshot:
                choice = await self._choose(snapshot, order.effects)
                left, wait = choice.left, limits.lock_budget
                await dump(
                    tools, session, path, snapshot.id, schema=schema, empty=left, lock_wait=wait, heard=self._hear
                )
                if order.prove:
                    strangers = await read_strangers(snapshot.connection)
                    source = await summarize(tools, session, snapshot, schema=schema, empty=choice.left)
            self.what = "reading the backup"
            reader = await decode(version, path, encrypted=encrypted)
            if source is not None:
                self.what = "restoring the backup for a proof"
                await prove_restore(session, reader, path, source, strangers, order.scratch, schema, self.observer)
            return Backup(
                file="",
                bytes=self.file.size,
                lsn=snapshot.lsn,
                checksum=f"sha256:{await asyncio.to_thread(self.file.digest)}",
                database=session.facts.database,
                schema=schema,
                proved=source is not None,
                tables=choice.kept if choice.left else None,
                left_out=choice.left,
            )

    async def _choose(self, snapshot: Snapshot, effects: PlanEffects | None) -> TableSelection:
        """Returns the choice of the tables whose rows the backup is to hold."""
        if effects is None:
            return TableSelection(())
        contents = await read_contents(snapshot.connection, self.session.schema, held=self.schema)
        choice = select_tables(effects, contents)
        if choice.why is not None:
            self.observer(Note(text=f"the backup holds the rows of all tables: {choice.why}"))
        return choice

    def _hear(self, line: str) -> None:
        if line.startswith("pg_dump: dumping contents of table "):
            self.what = f"backing up {line.rpartition(' ')[2]}"

    async def _beat(self) -> None:
        """Reports progress every second; runs a query every 30 s, so that nothing on the way drops the session."""
        seconds = 0
        while True:
            await asyncio.sleep(BEAT)
            seconds += 1
            self.observer(Copying(what=self.what, seconds=seconds, bytes=self.file.size))
            if seconds % 30 == 0:
                with suppress(OSError, *DRIVER_ERRORS):
                    await self.session.connection.execute("select 1")


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
            await read_head(run)
            await repeat_while_stale(run, lambda: record(run, EventKind.BACKUP, None, backup.detail))
            return True
    except LedgerUnsound as error:
        said = f"the backup {backup.file} is complete, but it isn't in the journal: {error}"
        raise LedgerUnsound(said, hint=error.hint) from error
    except Committed:
        return True
    except (asyncio.CancelledError, SartorError, OSError, *DRIVER_ERRORS) as error:
        observer(Note(text=f"this backup isn't in the journal: {str(error) or 'it was interrupted'}"))
        return False


class BackupBeforeRun:
    """The backup before a run, taken under the run lock; `backup` is the one that was taken last."""

    def __init__(self, order: BackupOrder) -> None:
        self.backup: Backup | None = None
        self._order = order

    async def take(self, run: RunContext, plan: Plan) -> None:
        """Takes the backup before this plan, unless there is nothing to back up. Raises BackupFailed, PoolerRefused."""
        schema = schema_to_hold(run.session.schema)
        if schema is not None and not run.session.facts.schema_exists:
            run.observer(Note(text=f"schema {schema} doesn't exist yet, so there is nothing to back up"))
            return
        effects = self._order.effects
        await self._take(run, unknown=effects is not None and effects.steps != steps_of(plan))

    async def take_again(self, run: RunContext, plan: Plan) -> None:
        """Takes another backup, of everything, where the last one left out what this plan may change."""
        if self._order.effects is None or self.backup is None or self.backup.tables is None:
            return
        if not set(steps_of(plan)) <= set(self._order.effects.steps):
            await self._take(run, unknown=True)

    async def note(self, run: RunContext) -> None:
        """Writes the backup to the journal, once. Raises Stale."""
        if self.backup is not None and not self.backup.in_journal:
            await record(run, EventKind.BACKUP, None, self.backup.detail)
            self.backup = self.backup._replace(in_journal=True)

    async def _take(self, run: RunContext, *, unknown: bool) -> None:
        order = self._order._replace(effects=PlanEffects(unknown=OTHERS)) if unknown else self._order
        self.backup = await back_up(run.session, order, run.limits, run.observer)
