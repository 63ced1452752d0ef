"""Records what a run makes of its schema: reads the schema's fingerprint before the run and after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from sartor.domain.report import Note
from sartor.domain.schema.drift import OUTDATED, Drift, Record, carried, find_drift
from sartor.domain.schema.fingerprint import Fingerprint
from sartor.errors import SartorError
from sartor.execution.turn import Turn
from sartor.postgres.connect.connect import DRIVER_ERRORS
from sartor.postgres.record import read_record, write_record
from sartor.postgres.session import Session
from sartor.schema.catalog_version import read_catalog_version
from sartor.schema.fingerprint import read_fingerprint
from sartor.sql.quoting import quote_identifier

PARTING = 0.7
"""Seconds that an interrupted run spends on the record at most."""
PATIENCE = 2.0
"""Seconds that a run waits for a locked table once the alterations have done their work."""


@asynccontextmanager
async def recording(turn: Turn, *, head: int) -> AsyncIterator[None]:
    """Records at the end of the block what the schema should be, if the journal has events after `head`.

    A failure here is reported as a note, and the run goes on. An interrupted run spends at most `PARTING` seconds here.
    """
    recorder = _Recorder(turn)
    await recorder.begin()
    try:
        yield
    except (SartorError, asyncio.CancelledError):
        # Earlier alterations stay deployed.
        if turn.head > head and not turn.session.connection_lost:
            await recorder.end(within=PARTING if _is_interrupted() else None)
        raise
    if turn.head > head:
        await recorder.end()


def _is_interrupted() -> bool:
    """Returns whether the run was told to end, whatever error it ends with."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class _Recorder:
    """The schema before a run, where there is a record to compare it with."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._session = turn.session
        self._found: Record | None = None
        """The record, where the schema can be compared with it."""
        self._before: Fingerprint | None = None
        """The schema's fingerprint before the run; None where it was as recorded."""
        self._gap = ""
        """The reason why it can't be compared with the record; "" where it can, or where there is no record."""

    async def begin(self) -> None:
        """Reads the schema, and reports what isn't as the last run left it."""
        if not (self._turn.limits.fingerprint and self._session.facts.fingerprint_writable):
            return
        try:
            record = await read_record(self._session)
            if record is None:
                return
            if record.outdated:
                self._gap = OUTDATED
                return
            if record.stamp and record.stamp == await read_catalog_version(self._session.connection):
                self._found = record
                return
            before = await look(self._session)
        except DRIVER_ERRORS as error:
            self._complain(str(error))
            return
        drift = find_drift(record, before)
        self._gap = drift.unknown
        if not drift.unknown:
            self._found, self._before = record, None if drift.absent else before
            self._tell(drift)

    def _tell(self, drift: Drift) -> None:
        if drift.told:
            self._turn.observer(Note(text=f"{drift.told}; `verify` shows how"))

    async def end(self, *, within: float | None = None) -> None:
        """Records what the schema should be now; gives up after `within` seconds, where that is given."""
        if not self._turn.limits.fingerprint:
            return
        if not self._session.facts.fingerprint_writable:
            self._complain(missing_right(self._session, "select, insert, update"))
            return
        try:
            async with asyncio.timeout(within):
                # In this order: a change in between is seen, and the stamp isn't that of what was seen.
                stamp = await read_catalog_version(self._session.connection)
                after = await look(self._session)
                async with self._session.connection.transaction():
                    await self._write(after, stamp)
        except TimeoutError:
            self._complain("the run was told to end")
        except DRIVER_ERRORS as error:
            self._complain(str(error))

    async def _write(self, after: Fingerprint, stamp: str) -> None:
        record, seq = await read_record(self._session, to_change=True), self._turn.head
        expected = self._expected(record, after)
        # Through a pooler, another run may have recorded meanwhile what it made.
        if record and record.seq > seq:
            if self._found is None:
                return
            seq = record.seq
        await write_record(
            self._session, expected, seq=seq, stamp=stamp if expected == after else "", anew=self._anew(record)
        )

    def _anew(self, record: Record | None) -> datetime | None:
        """Returns when the schema was last recorded as it was, without a record to compare it with."""
        if not self._gap:
            return record.anew if record else None
        self._turn.observer(
            Note(
                text=f"what the schema should be is recorded anew, as {self._gap}; what was changed by hand until now"
                " is told by `verify --against-replay` alone"
            )
        )
        return datetime.now(UTC)

    def _expected(self, record: Record | None, after: Fingerprint) -> Fingerprint:
        """Returns what the schema should be, given the record at the end of the run."""
        if self._found is None or record is None or (self._before is None and record.at == self._found.at):
            return after
        before = self._before or self._found.fingerprint
        if record.fingerprint is None or before is None:
            return after
        return carried(record.fingerprint, before, after)

    def _complain(self, reason: str) -> None:
        self._turn.observer(
            Note(text=f"the schema's fingerprint isn't recorded, so `verify` can't tell what changes: {reason}")
        )


async def look(session: Session) -> Fingerprint:
    """Returns the fingerprint of the session's schema. Raises what the driver raises."""
    return await read_fingerprint(session.connection, [session.schema], lock_timeout=PATIENCE)


def missing_right(session: Session, rights: str) -> str:
    """Returns the message that the role lacks rights on the table of the fingerprint, with the GRANT."""
    schema, role = quote_identifier(session.schema), session.facts.role
    return (
        f"role {role} lacks rights; as the owner, run: grant {rights} on {schema}.sartor_fingerprint"
        f" to {quote_identifier(role)};"
    )
