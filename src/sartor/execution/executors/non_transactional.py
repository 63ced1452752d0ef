"""Runs scripts outside a transaction: the journal has their start and their end; one without an end is resumed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass

from sartor.alterations.script import Body
from sartor.domain.context import Context
from sartor.domain.report import Note
from sartor.errors import RunHeld
from sartor.execution.outcome import Outcome, classify
from sartor.execution.retry import Retries
from sartor.execution.run_context import RunContext
from sartor.execution.units import Unit
from sartor.postgres import invalid_indexes
from sartor.postgres.driver.fence import LOCK_WAIT
from sartor.postgres.driver.no_lock_timeout import shown_lock_timeout
from sartor.postgres.journal import Phase
from sartor.postgres.ledger import read_last_start
from sartor.postgres.session_settings import set_in_session


class LeftUnfinished(Exception):
    """Raised where a script outside a transaction ended without an error, but its work isn't done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NonTransactional:
    """The part of one script that runs outside a transaction, on one session."""

    run: RunContext
    unit: Unit

    async def execute(self, bodies: Sequence[Body], context: Context) -> None:
        """Records the start, then runs `bodies`; the caller records the end.

        Removes first what an interrupted run left. Raises RunHeld where that run's server process still runs, and
        LeftUnfinished where an index of the script is invalid after it.
        """
        before = await self._await_interrupted() if self.unit.resumes else None
        if before is None:
            before = [index.oid for index in await self._invalid()]
        await self._drop_leftovers(before)
        pid, began = await invalid_indexes.own_session(self.run.session.connection)
        await self.run.record(self.unit.start_kind, self.unit.about, pid=pid, began=began, invalid=list(before))
        await self._try(bodies, context, before)
        if left := invalid_indexes.left_behind(await self._invalid(), source=self.unit.script.source, before=before):
            names = ", ".join(f"{index.name} on {index.table}" for index in left)
            raise LeftUnfinished(f"the script left an invalid index: {names}")

    async def _await_interrupted(self) -> Collection[int] | None:
        """Waits until the interrupted run is gone from the server.

        Returns the OIDs of the invalid indexes that it found when it began, or None where no start is recorded.
        """
        start = await read_last_start(self.run.session, self.unit.about)
        if start is None:
            return None
        deadline = time.monotonic() + self.run.patience.wait
        connection, begun_by = self.run.session.connection, (start["pid"], start["began"])
        # This run itself began it, where another run's event came in between and made its plan stale.
        ours = begun_by == await invalid_indexes.own_session(connection)
        while not ours and await invalid_indexes.session_alive(connection, *begun_by):
            if time.monotonic() > deadline:
                raise RunHeld(
                    f"a statement of the interrupted run of {self.unit.about.name} is still running on the server",
                    hint=f"wait for the statement, or end it: select pg_terminate_backend({start['pid']});",
                )
            self.run.monitor.waiting(f"the server process {start['pid']} of an interrupted run", ())
            await asyncio.sleep(0.1)
        self.run.observer(Note(text=f"{self.unit.about.name}: resuming after an interruption"))
        invalid: list[int] = start["invalid"]
        return invalid

    async def _invalid(self) -> tuple[invalid_indexes.InvalidIndex, ...]:
        return await invalid_indexes.invalid_indexes(self.run.session.connection, self.run.session.schema)

    async def _drop_leftovers(self, before: Collection[int]) -> None:
        """Drops the invalid indexes that an interrupted run of this script left: IF NOT EXISTS would keep them."""
        deadline = time.monotonic() + self.run.patience.wait
        while left := invalid_indexes.left_behind(await self._invalid(), source=self.unit.script.source, before=before):
            if building := [index for index in left if index.building]:
                if time.monotonic() > deadline:
                    raise RunHeld(
                        f"another session is building index {building[0].name}", hint="wait until it is built"
                    )
                self.run.monitor.waiting(f"another session that builds index {building[0].name}", ())
                await asyncio.sleep(0.1)
                continue
            self.run.observer(Note(text=f"{self.unit.about.name}: dropping the invalid index {left[0].name}"))
            await invalid_indexes.drop_index(self.run.session.connection, self.run.session.schema, left[0])

    async def _try(self, bodies: Sequence[Body], context: Context, before: Collection[int]) -> None:
        """Runs the bodies, and again where a lock wasn't available: they are re-runnable by their nature."""
        retries, session = Retries(self.run.monitor, self.unit.about.name), self.run.session
        while True:
            try:
                return await self._once(bodies, context)
            except Exception as error:
                outcome = classify(error, Phase.SCRIPT, connection_lost=session.connection_lost)
                if outcome is not Outcome.RETRY or not await retries.pause(self.run.patience.lock_budget, "a lock"):
                    raise
            if not session.connection_lost:
                await self._drop_leftovers(before)  # a build that lost a deadlock leaves its index, invalid

    async def _once(self, bodies: Sequence[Body], context: Context) -> None:
        connection, name = self.run.session.connection, self.unit.about.name
        mark = f"sartor {name}"[:63]
        self.run.follow(name)
        try:
            await connection.execute(set_in_session(self.run.settings(mark)))
            connection.pinned = await shown_lock_timeout(connection)
            async with self._confined():
                for body in bodies:
                    await body(connection, context)
            if connection.is_in_transaction():
                raise LeftUnfinished("the script began a transaction and didn't end the transaction")
        finally:
            connection.pinned = LOCK_WAIT
            await connection.undo()
            if connection.is_closed():
                await self.run.monitor.terminate()

    def _confined(self) -> AbstractAsyncContextManager[None]:
        """Returns the context in which a script in a scratch database is confined to that database.

        Outside a transaction nothing of the script depends on COMMIT. Elsewhere the context does nothing.
        """
        session = self.run.session
        if not session.destination.scratch:
            return nullcontext()
        from sartor.footprint.recorded_connection import kept_inside  # a deploy needs nothing of it

        return kept_inside(session.connection, session.schema)
