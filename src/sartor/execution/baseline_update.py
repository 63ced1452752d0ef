"""Updates the schema baseline: reads the schema's fingerprint before the run and after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from sartor.domain.drift import OUTDATED, Baseline, Drift, carried, find_drift
from sartor.domain.fingerprint import Fingerprint
from sartor.domain.report import Note
from sartor.errors import SartorError
from sartor.execution.run_context import RunContext
from sartor.postgres.connect.connect import DRIVER_ERRORS
from sartor.postgres.session import Session
from sartor.schema.baseline import read_baseline, write_baseline
from sartor.schema.fingerprint import read_catalog_version, read_fingerprint
from sartor.sql.quoting import quote_identifier

PARTING = 0.7
"""Seconds that an interrupted run spends on the baseline at most."""
PATIENCE = 2.0
"""Seconds that a run waits for a locked table once the alterations have done their work."""


@asynccontextmanager
async def updating_baseline(run: RunContext, *, head: int) -> AsyncIterator[None]:
    """Records at the end of the block what the schema should be, if the journal has events after `head`.

    A failure here is reported as a note, and the run goes on. An interrupted run spends at most `PARTING` seconds here.
    """
    update = _BaselineUpdate(run)
    await update.begin()
    try:
        yield
    except (SartorError, asyncio.CancelledError):
        # Earlier alterations stay deployed.
        if run.head > head and not run.session.connection_lost:
            await update.end(within=PARTING if _is_interrupted() else None)
        raise
    if run.head > head:
        await update.end()


def _is_interrupted() -> bool:
    """Returns whether the run was told to end, whatever error it ends with."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class _BaselineUpdate:
    """The schema before a run, where there is a baseline to compare it with."""

    def __init__(self, run: RunContext) -> None:
        self._run = run
        self._session = run.session
        self._found: Baseline | None = None
        """The baseline, where the schema can be compared with it."""
        self._before: Fingerprint | None = None
        """The schema's fingerprint before the run; None where it was as recorded."""
        self._gap = ""
        """The reason why it can't be compared with the baseline; "" where it can, or where there is no baseline."""

    async def begin(self) -> None:
        """Reads the schema, and reports what isn't as the last run left it."""
        if not (self._run.limits.fingerprint and self._session.facts.fingerprint_writable):
            return
        try:
            baseline = await read_baseline(self._session)
            if baseline is None:
                return
            if baseline.outdated:
                self._gap = OUTDATED
                return
            if baseline.catalog_version and baseline.catalog_version == await read_catalog_version(
                self._session.connection
            ):
                self._found = baseline
                return
            before = await look(self._session)
        except DRIVER_ERRORS as error:
            self._complain(str(error))
            return
        drift = find_drift(baseline, before, self._run.limits.ignore_objects)
        self._gap = drift.unknown
        if not drift.unknown:
            self._found, self._before = baseline, None if drift.absent else before
            self._tell(drift)

    def _tell(self, drift: Drift) -> None:
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
                catalog_version = await read_catalog_version(self._session.connection)
                after = await look(self._session)
                async with self._session.connection.transaction():
                    await self._write(after, catalog_version)
        except TimeoutError:
            self._complain("the run was stopped")
        except DRIVER_ERRORS as error:
            self._complain(str(error))

    async def _write(self, after: Fingerprint, catalog_version: str) -> None:
        baseline, seq = await read_baseline(self._session, to_change=True), self._run.head
        expected = self._expected(baseline, after)
        # Through a pooler, another run may have recorded meanwhile what it made.
        if baseline and baseline.seq > seq:
            if self._found is None:
                return
            seq = baseline.seq
        await write_baseline(
            self._session,
            expected,
            seq=seq,
            catalog_version=catalog_version if expected == after else "",
            adopted_at=self._adopted_at(baseline),
        )

    def _adopted_at(self, baseline: Baseline | None) -> datetime | None:
        """Returns when the schema was last recorded as it was, without a baseline to compare it with."""
        if not self._gap:
            return baseline.adopted_at if baseline else None
        self._run.observer(
            Note(
                text=f"the expected schema is recorded again, because {self._gap}; earlier changes by hand can only"
                " be found by `verify --against-replay`"
            )
        )
        return datetime.now(UTC)

    def _expected(self, baseline: Baseline | None, after: Fingerprint) -> Fingerprint:
        """Returns what the schema should be, given the baseline at the end of the run."""
        if self._found is None or baseline is None or (self._before is None and baseline.at == self._found.at):
            return after
        before = self._before or self._found.fingerprint
        if baseline.fingerprint is None or before is None:
            return after
        return carried(baseline.fingerprint, before, after)

    def _complain(self, reason: str) -> None:
        self._run.observer(
            Note(text=f"the fingerprint of the schema isn't recorded, so `verify` can't find later changes: {reason}")
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
