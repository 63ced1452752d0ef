"""What a run makes of its schema, recorded: the schema is looked at before the run and after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from sartor.domain.drift import OUTDATED, Drift, Record, carried, find_drift
from sartor.domain.errors import SartorError
from sartor.domain.fingerprint import Fingerprint
from sartor.domain.quoting import quote_identifier
from sartor.domain.report import Note
from sartor.postgres.connecting import DRIVER_ERRORS
from sartor.postgres.fingerprint import read_fingerprint
from sartor.postgres.record import read_record, write_record
from sartor.postgres.session import Session
from sartor.postgres.stamp import read_stamp
from sartor.runner.turn import Turn

PARTING = 0.7
"""Seconds that an interrupted run takes for it."""
PATIENCE = 2.0
"""Seconds that a run waits for a locked table, where the alterations have done their work."""


@asynccontextmanager
async def recording(turn: Turn, *, head: int) -> AsyncIterator[None]:
    """The time of a run, at whose end it is recorded what the schema should be, if the journal has gone on from `head`.

    What fails here is told as a note: the run itself goes on. One that is interrupted takes a moment for it at most.
    """
    recorder = _Recorder(turn)
    await recorder.begin()
    try:
        yield
    except (SartorError, asyncio.CancelledError):
        # What came before the failure stays.
        if turn.head > head and not turn.session.connection_lost:
            await recorder.end(within=PARTING if _is_interrupted() else None)
        raise
    if turn.head > head:
        await recorder.end()


def _is_interrupted() -> bool:
    """Whether the run was told to end, whatever error it ends with."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class _Recorder:
    """The schema before a run, as far as there is something to hold it against."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._session = turn.session
        self._found: Record | None = None
        """What was recorded, where the schema can be held against it."""
        self._before: Fingerprint | None = None
        """The schema; None where it was as recorded."""
        self._gap = ""
        """Why it can't be held against what was recorded; "" where it can, or nothing was."""

    async def begin(self) -> None:
        """Look at the schema, and tell what isn't as the last run left it."""
        if not (self._turn.limits.fingerprint and self._session.facts.fingerprint_writable):
            return
        try:
            record = await read_record(self._session)
            if record is None:
                return
            if record.outdated:
                self._gap = OUTDATED
                return
            if record.stamp and record.stamp == await read_stamp(self._session.connection):
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
        """Record what the schema should be now; `within` so many seconds, or not at all."""
        if not self._turn.limits.fingerprint:
            return
        if not self._session.facts.fingerprint_writable:
            self._complain(missing_right(self._session, "select, insert, update"))
            return
        try:
            async with asyncio.timeout(within):
                # In this order: what comes in between is seen, and the stamp isn't that of what was seen.
                stamp = await read_stamp(self._session.connection)
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
        """When the schema was last taken for what it should be without a record to hold it against."""
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
        """What the schema should be, by what is recorded at the end of the run."""
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
    """The fingerprint of the session's schema. Raises what the driver raises."""
    return await read_fingerprint(session.connection, [session.schema], lock_timeout=PATIENCE)


def missing_right(session: Session, rights: str) -> str:
    """That the role lacks rights on the table of the fingerprint, with the GRANT."""
    schema, role = quote_identifier(session.schema), session.facts.role
    return (
        f"role {role} lacks rights; as the owner, run: grant {rights} on {schema}.sartor_fingerprint"
        f" to {quote_identifier(role)};"
    )
