"""What a run makes of its schema, recorded: the schema is looked at before the run and after it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sartor.domain.drift import Drift, carried, find_drift
from sartor.domain.errors import SartorError
from sartor.domain.fingerprint import Fingerprint
from sartor.domain.quoting import quote_identifier
from sartor.domain.report import Note
from sartor.postgres.connecting import DRIVER_ERRORS
from sartor.postgres.fingerprint import read_fingerprint
from sartor.postgres.record import read_record, write_record
from sartor.postgres.session import Session
from sartor.runner.turn import Turn

PATIENCE = 2.0
"""Seconds that a run waits for a locked table, where the alterations have done their work."""


@asynccontextmanager
async def recording(turn: Turn, *, head: int) -> AsyncIterator[None]:
    """The time of a run, at whose end it is recorded what the schema should be, if the journal has gone on from `head`.

    What fails here is told as a note: the run itself goes on. A run that is interrupted records nothing.
    """
    recorder = _Recorder(turn)
    await recorder.begin()
    try:
        yield
    except SartorError:
        # What came before the failure stays.
        if turn.head > head and not turn.session.connection_lost:
            await recorder.end()
        raise
    if turn.head > head:
        await recorder.end()


class _Recorder:
    """The schema before a run; None where there is nothing to hold it against."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._session = turn.session
        self._before: Fingerprint | None = None

    async def begin(self) -> None:
        """Look at the schema, and tell what isn't as the last run left it."""
        if not (self._turn.limits.fingerprint and self._session.facts.fingerprint_writable):
            return
        try:
            record = await read_record(self._session)
            if record is None or record.outdated:
                return
            before = await look(self._session)
        except DRIVER_ERRORS as error:
            self._complain(str(error))
            return
        drift = find_drift(record, before)
        if not drift.unknown:
            self._before = before
            self._tell(drift)

    def _tell(self, drift: Drift) -> None:
        if drift.told:
            self._turn.observer(Note(text=f"{drift.told}; `verify` shows how"))

    async def end(self) -> None:
        """Record what the schema should be now."""
        if not self._turn.limits.fingerprint:
            return
        if not self._session.facts.fingerprint_writable:
            self._complain(missing_right(self._session, "select, insert, update"))
            return
        try:
            after = await look(self._session)
            async with self._session.connection.transaction():
                await self._write(after)
        except DRIVER_ERRORS as error:
            self._complain(str(error))

    async def _write(self, after: Fingerprint) -> None:
        """Write what should be there. Through a pooler, another run may have recorded meanwhile what it made."""
        record, head = await read_record(self._session, to_change=True), self._turn.head
        if record and record.fingerprint and self._before:
            expected = carried(record.fingerprint, self._before, after)
            await write_record(self._session, expected, seq=max(record.seq, head))
        elif record is None or record.seq <= head:
            await write_record(self._session, after, seq=head)

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
