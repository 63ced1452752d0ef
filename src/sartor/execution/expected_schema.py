"""The expected schema: compared with the live schema, and updated by each run."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from sartor.domain.drift import Drift, ExpectedSchema, carried, find_drift, respelled
from sartor.domain.fingerprint import Fingerprint
from sartor.domain.report import Note
from sartor.errors import SartorError
from sartor.execution.run_context import RunContext
from sartor.postgres.connect.connect import DRIVER_ERRORS
from sartor.postgres.session import Session
from sartor.schema.comparison import compare
from sartor.schema.expected_schema import read_expected_schema, write_expected_schema
from sartor.schema.fingerprint import read_catalog_version, read_fingerprint
from sartor.sql.quoting import quote_identifier

PARTING = 0.7
"""Seconds that an interrupted run spends on the expected schema at most."""
PATIENCE = 2.0
"""Seconds that a run waits for a locked table once the alterations have done their work."""
LOOKS = 5
"""The number of times that the schema is read at most, where runs update the expected one meanwhile."""


@asynccontextmanager
async def updating_expected_schema(run: RunContext) -> AsyncIterator[None]:
    """Records at the end of the block what the schema should be, if the run has written events in it.

    A failure here is reported as a note, and the run goes on. An interrupted run spends at most `PARTING` seconds here.
    """
    update, head = _Update(run), run.head
    await update.begin()
    try:
        yield
    except (SartorError, asyncio.CancelledError):
        # Earlier alterations stay deployed. A run that was told to end may end with any error.
        if run.head > head and not run.session.connection_lost:
            task = asyncio.current_task()
            await update.end(within=PARTING if task and task.cancelling() else None)
        raise
    if run.head > head:
        await update.end()


class _Update:
    """The schema before a run, where there is an expected one to compare it with."""

    def __init__(self, run: RunContext) -> None:
        self._run = run
        self._session = run.session
        self._found: ExpectedSchema | None = None  # what was recorded, where the schema can be compared with it
        self._expected: Fingerprint | None = None  # what that says, as this server spells it
        self._before: Fingerprint | None = None  # the schema before the run; None where it was as recorded
        self._gap = ""  # why it can't be compared with that, where there is one and it can't

    async def begin(self) -> None:
        """Reads the schema, and reports what isn't as the last run left it."""
        if not (self._run.limits.fingerprint and self._session.facts.fingerprint_writable) or self._run.created_ledger:
            return
        try:
            recorded = await read_expected_schema(self._session)
            if recorded is None:
                return
            self._gap = recorded.unusable(self._session.schema)
            version = recorded.catalog_version
            if not self._gap and version and version == await self._read_version():
                self._found = recorded
            elif not self._gap and recorded.fingerprint:
                await self._compare(recorded, recorded.fingerprint)
        except DRIVER_ERRORS as error:
            self._complain(str(error))

    async def _read_version(self) -> str:
        return await read_catalog_version(self._session.connection, self._session.schema)

    async def _compare(self, recorded: ExpectedSchema, expected: Fingerprint) -> None:
        before = await read_schema(self._session)
        found = await compare(self._session.connection, expected, before)
        drift = find_drift(found, self._run.limits.ignore_objects, recorded=recorded)
        if drift.unsettled:
            self._gap = drift.unread_told
        else:
            self._found = recorded
        if not drift.absent:
            self._expected, self._before = respelled(expected, before, found), before
        if drift.told:
            self._run.observer(Note(text=f"{drift.told}; to see the changes, use `verify`"))

    async def end(self, *, within: float | None = None) -> None:
        """Records what the schema should be now; gives up after `within` seconds, where that is given."""
        if not self._run.limits.fingerprint:
            return
        if not self._session.facts.fingerprint_writable:
            self._complain(missing_right(self._session, "select, insert, update"))
            return
        try:
            async with asyncio.timeout(within):
                # In this order: a change in between is seen, and the version isn't that of what was seen.
                catalog_version = await self._read_version()
                after = await read_schema(self._session)
                if self._found is None and not self._gap and not self._session.facts.pooled:
                    await self._write_first(after, catalog_version)
                else:
                    async with self._session.connection.transaction():
                        await self._write(after, catalog_version)
        except TimeoutError:
            self._complain("the run was stopped")
        except DRIVER_ERRORS as error:
            self._complain(str(error))

    async def _write_first(self, after: Fingerprint, catalog_version: str) -> None:
        """Does as `_write` where nothing recorded was compared: in one statement, and nothing is read for it."""
        seq = self._run.head
        await write_expected_schema(self._session, after, seq=seq, catalog_version=catalog_version, unless_later=True)

    async def _write(self, after: Fingerprint, catalog_version: str) -> None:
        recorded, seq = await read_expected_schema(self._session, to_change=True), self._run.head
        expected = self._should_be(recorded, after)
        # Through a pooler, another run may have recorded meanwhile what it made.
        if recorded and recorded.seq > seq:
            if self._found is None:
                return
            seq = recorded.seq
        await write_expected_schema(
            self._session,
            expected,
            seq=seq,
            catalog_version=catalog_version if expected == after else "",
            adopted_at=self._adopted_at(recorded),
        )

    def _adopted_at(self, recorded: ExpectedSchema | None) -> datetime | None:
        """Returns when the schema was last recorded as it was, without an expected one to compare it with."""
        if not self._gap:
            return recorded.adopted_at if recorded else None
        text = f"the expected schema is recorded again, because {self._gap}; earlier changes by hand can only be found"
        self._run.observer(Note(text=f"{text} by `verify --against-replay`"))
        return datetime.now(UTC)

    def _should_be(self, recorded: ExpectedSchema | None, after: Fingerprint) -> Fingerprint:
        """Returns what the schema should be, given what is recorded at the end of the run."""
        if self._found is None or recorded is None:
            return after
        alone = recorded.at == self._found.at
        if alone and self._before is None:
            return after
        expected = self._expected if alone else recorded.fingerprint
        before = self._before or self._found.fingerprint
        return carried(expected, before, after) if expected and before else after

    def _complain(self, reason: str) -> None:
        self._run.observer(
            Note(text=f"the fingerprint of the schema isn't recorded, so `verify` can't find later changes: {reason}")
        )


async def look_for_drift(session: Session, ignore: Sequence[str] = ()) -> Drift:
    """Returns how the session's schema differs from the expected one; `ignore` are patterns of names left out."""
    if not session.facts.fingerprint_readable:
        return Drift(unknown=missing_right(session, "select"))
    try:
        return await _compare(session, ignore)
    except DRIVER_ERRORS as error:
        if session.connection_lost:
            raise
        return Drift(unknown=f"the schema can't be read: {error}")


async def _compare(session: Session, ignore: Sequence[str]) -> Drift:
    recorded = await read_expected_schema(session)
    for _ in range(LOOKS):
        if recorded is None:
            return Drift(unknown="no run has recorded the schema yet")
        live = await read_fingerprint(session.connection, [session.schema])
        before, recorded = recorded, await read_expected_schema(session)
        # A run that ended in between has changed both the schema and what is recorded.
        if recorded is not None and (recorded.outdated or (recorded.seq == before.seq and recorded.at == before.at)):
            if (reason := recorded.unusable(session.schema)) or not (expected := recorded.fingerprint):
                return Drift(recorded=recorded, unknown=reason)
            return find_drift(await compare(session.connection, expected, live), ignore, recorded=recorded)
    return Drift(recorded=recorded, unknown="other runs are in progress one after the other")


async def read_schema(session: Session) -> Fingerprint:
    return await read_fingerprint(session.connection, [session.schema], lock_timeout=PATIENCE)


def missing_right(session: Session, rights: str) -> str:
    """Returns the message that the role lacks rights on the table of the fingerprint, with the GRANT."""
    role = session.facts.role
    return (
        f"role {role} lacks rights; as the owner, run: grant {rights} on {session.tables.fingerprint}"
        f" to {quote_identifier(role)};"
    )
