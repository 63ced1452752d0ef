"""Runs one unit by itself, inside its transaction and outside it; collects the facts where it fails.

Of a script outside a transaction the journal has the start and the end; one without an end is resumed.
"""

import asyncio
import shlex
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial

from sartor.alterations.script import Body, Locate
from sartor.conninfo.redaction import redact
from sartor.domain.ledger import EventKind
from sartor.domain.plan import Direction
from sartor.domain.report import Note
from sartor.domain.source import Run
from sartor.errors import PlanError, RunHeld, SartorError, alteration_failed
from sartor.execution.conditions import ask
from sartor.execution.outcome import Outcome, Stale, classify
from sartor.execution.retry import PARTING, Retries, connection_lost, record, run_in_transaction
from sartor.execution.run_context import RunContext
from sartor.execution.script_call import contained
from sartor.execution.units import Unit
from sartor.postgres.connect.connect import DRIVER_ERRORS
from sartor.postgres.driver.connection import Connection
from sartor.postgres.invalid_indexes import (
    InvalidIndex,
    drop_index,
    invalid_indexes,
    left_behind,
    own_session,
    session_alive,
)
from sartor.postgres.journal import Phase
from sartor.postgres.ledger import is_in_effect, read_last_start
from sartor.postgres.session_settings import set_in_session, settings_for


async def run_unit(run: RunContext, unit: Unit) -> None:
    """Runs a script and writes its event. Raises as `retry.run_in_transaction`, and what the script raises."""
    try:
        await _run(run, unit)
    except Exception as error:
        # The connection may also be lost before or after its transaction, which is no failure of the script.
        if classify(error, Phase.SCRIPT, connection_lost=run.session.connection_lost) is Outcome.LOST:
            left = f"the changes of {unit.about.name} outside a transaction are incomplete and stay"
            raise connection_lost(run.session, error, left=left) from error
        raise


async def _run(run: RunContext, unit: Unit) -> None:
    about, script = unit.about, unit.script
    body = unit.body if unit.statements is not None else contained(unit.body, about.file)
    given, since = run.for_script(about.name, unit.direction), None
    due = not unit.body_outside and await _is_due(run, unit)
    if not unit.transactional:
        bodies = [contained(unit.before, about.file)] if unit.before else []
        await _NonTransactional(run, unit).execute([*bodies, *([body] if unit.body_outside else [])], given)
        since = run.head
    elif unit.resumes:
        await _NonTransactional(run, unit).settle()

    async def work(connection: Connection) -> None:
        if unit.transactional and not unit.resumes:
            await ask(run, unit, unit.requires, connection, given)
        if due:
            await body(connection, given)
        if due or unit.body_outside:
            await ask(run, unit, unit.ensures, connection, given)

    await run_in_transaction(run, unit.kind, about, work, since=since, lock_timeout=script.lock_timeout, down=unit.down)


async def run_and_undo(run: RunContext, unit: Unit) -> None:
    """Runs a transactional script, and rolls it back. Raises what the script raises."""
    connection, name = run.session.connection, unit.about.name
    try:
        settings = settings_for(
            run.session, run.limits, f"sartor rehearse {name}", lock_timeout=unit.script.lock_timeout
        )
        limit = settings.lock_timeout
        with connection.informing(partial(run.hear, name)):
            opening, given = set_in_session(settings), run.for_script(name, unit.direction, rehearsal=True)
            async with connection.script_transaction(opening, lambda: "", longest_lock=limit):
                await ask(run, unit, unit.requires, connection, given)
                await contained(unit.body, unit.about.file)(connection, given)
                await ask(run, unit, unit.ensures, connection, given)
                raise _Undo  # noqa: TRY301 - ends a transaction that must not be committed
    except _Undo:
        pass


class _Undo(Exception):
    """Raised to roll back a transaction that must leave nothing."""


async def _is_due(run: RunContext, unit: Unit) -> bool:
    """Returns whether `up`, or `down`, is to run in its transaction.

    Where the steps before it were interrupted, it never ran: what it would undo isn't there, or what it would make is.
    What itself runs outside a transaction may have run in part. Raises PlanError for an `up` whose `down` has: unlike
    what runs outside a transaction, it isn't written to be run again, and what is left to do is known to nobody.
    """
    if unit.script.outside:
        if unit.resumes and unit.direction is Direction.DEPLOY and await is_in_effect(run.session, unit.about):
            raise _half_undone(unit)
        return True
    undoes = unit.direction is Direction.ROLLBACK
    if not unit.resumes or undoes is await is_in_effect(run.session, unit.about):
        return True
    reason = "`up` did not complete, so `down` isn't run" if undoes else "`up` is still in effect and isn't run again"
    run.observer(Note(text=f"{unit.about.name}: {reason}"))
    return False


def _half_undone(unit: Unit) -> PlanError:
    name, identity = unit.about.name, shlex.quote(unit.about.id)
    return PlanError(
        f"the rollback of {name} was interrupted outside a transaction: `up`, which runs in one, isn't run on what is"
        " left",
        hint="end the rollback first, by the command that began it; or, where that was done by hand,"
        f" `repair --mark-not-deployed {identity}`",
        about=[unit.about.id],
    )


async def record_end(
    run: RunContext, error: BaseException, unit: Unit, took: float, locate: Locate | None = None
) -> None:
    """Writes to the journal that a script failed or was interrupted after `took` ms, where the database allows it.

    An interrupted run gives up after `PARTING` seconds. `locate` finds the error's place in the file, where the script
    itself can't. Raises AlterationFailed where the script failed.
    """
    if not isinstance(error, Exception):
        with suppress(TimeoutError):
            async with asyncio.timeout(PARTING):
                await _record_failed(run, unit, took, {"message": "interrupted", "sqlstate": None, "line": None})
        return
    about = unit.about
    locate = locate or unit.script.locate
    failure = run.failure(error, name=about.name, alteration_id=about.id, file=about.file, locate=locate)
    if not unit.transactional and run.begun_outside:
        failure = failure._replace(rolled_back=False)
    message = redact(failure.message, run.session.secrets)
    facts = {"message": message, "sqlstate": failure.sqlstate, "line": failure.line}
    if failure.condition is not None:
        facts["condition"] = failure.condition
    if not await _record_failed(run, unit, took, facts):
        run.observer(Note(text="the failure couldn't be written to the journal"))
    raise alteration_failed(failure) from error


async def _record_failed(run: RunContext, unit: Unit, took: float, facts: Mapping[str, str | int | None]) -> bool:
    try:
        if run.session.connection_lost:
            await run.session.renew()
        await record(run, EventKind.FAILED, unit.about, {"direction": unit.direction.value, **facts}, took=took)
    except (Stale, SartorError, OSError, *DRIVER_ERRORS):
        return False
    return True


class LeftUnfinished(Exception):
    """Raised where a script outside a transaction ended without an error, but its work isn't done."""


@dataclass(frozen=True, slots=True)
class _NonTransactional:
    """The part of one script that runs outside a transaction, on one session."""

    run: RunContext
    unit: Unit

    async def execute(self, bodies: Sequence[Body], given: Run) -> None:
        """Records the start, then runs `bodies`; the caller records the end.

        Removes first what an interrupted run left. Raises RunHeld where that run's server process still runs, and
        LeftUnfinished where an index of the script is invalid after it.
        """
        before = await self.settle()
        pid, began = await own_session(self.run.session.connection)
        detail = {"pid": pid, "began": began, "invalid": list(before)}
        await self._record_start(detail, given)
        await self._try(bodies, given, before)
        if left := await self._leftovers(before):
            names = ", ".join(f"{index.name} on {index.table}" for index in left)
            raise LeftUnfinished(f"the script left an invalid index: {names}")

    async def settle(self) -> Collection[int]:
        """Waits for an interrupted run, and removes what it left; returns the OIDs of other invalid indexes."""
        before = await self._await_interrupted() if self.unit.resumes else None
        if before is None:
            before = [index.oid for index in await invalid_indexes(self.run.session)]
        await self._drop_leftovers(before)
        return before

    async def _record_start(self, detail: Mapping[str, object], given: Run) -> None:
        """Records the start, once what the script requires is so; a script that was begun isn't asked again."""
        run, unit = self.run, self.unit
        asked = () if unit.resumes else unit.requires

        async def work(connection: Connection) -> None:
            await ask(run, unit, asked, connection, given)

        run.begun_outside = unit.resumes
        await run_in_transaction(run, unit.start_kind, unit.about, work if asked else None, detail=detail)
        run.begun_outside = True

    async def _await_interrupted(self) -> Collection[int] | None:
        """Waits until the interrupted run is gone from the server.

        Returns the OIDs of the invalid indexes that it found when it began, or None where no start is recorded.
        """
        start = await read_last_start(self.run.session, self.unit.about)
        if start is None:
            return None
        deadline = time.monotonic() + self.run.limits.wait
        connection, begun_by = self.run.session.connection, (start["pid"], start["began"])
        # This run itself began it, where another run's event came in between and made its plan stale.
        ours = begun_by == await own_session(connection)
        while not ours and await session_alive(connection, *begun_by):
            held = RunHeld(
                f"a statement of the interrupted run of {self.unit.about.name} is still running on the server",
                hint=f"wait for the statement, or end it: select pg_terminate_backend({start['pid']});",
            )
            await self.run.monitor.wait(f"the server process {start['pid']} of an interrupted run", deadline, held)
        self.run.observer(Note(text=f"{self.unit.about.name}: resuming after an interruption"))
        invalid: list[int] = start["invalid"]
        return invalid

    async def _leftovers(self, before: Collection[int]) -> Sequence[InvalidIndex]:
        return await left_behind(self.run.session, source=self.unit.script.source, before=before)

    async def _drop_leftovers(self, before: Collection[int]) -> None:
        """Drops the invalid indexes that an interrupted run of this script left: IF NOT EXISTS would keep them."""
        deadline = time.monotonic() + self.run.limits.wait
        while left := await self._leftovers(before):
            if name := next((index.name for index in left if index.building), None):
                held = RunHeld(f"another session is building index {name}", hint="wait until it is built")
                await self.run.monitor.wait(f"another session that builds index {name}", deadline, held)
                continue
            self.run.observer(Note(text=f"{self.unit.about.name}: dropping the invalid index {left[0].name}"))
            await drop_index(self.run.session, left[0])

    async def _try(self, bodies: Sequence[Body], given: Run, before: Collection[int]) -> None:
        """Runs the bodies, and again where a lock wasn't available: they are re-runnable by their nature."""
        retries, session = Retries(self.run.monitor, self.unit.about.name), self.run.session
        while True:
            try:
                return await self._once(bodies, given)
            except Exception as error:  # a script may raise anything: `classify` decides
                outcome = classify(error, Phase.SCRIPT, connection_lost=session.connection_lost)
                if outcome is not Outcome.RETRY or not await retries.pause(self.run.limits.lock_budget, "a lock"):
                    raise
            if not session.connection_lost:
                await self._drop_leftovers(before)  # a build that lost a deadlock leaves its index, invalid

    async def _once(self, bodies: Sequence[Body], given: Run) -> None:
        connection, name = self.run.session.connection, self.unit.about.name
        mark = f"sartor {name}"[:63]
        self.run.follow(name)
        self.run.forget(name)
        try:
            settings = settings_for(self.run.session, self.run.limits, mark, lock_timeout=self.unit.script.lock_timeout)
            limit, own = settings.lock_timeout, self.run.session.tables
            async with connection.script_session(set_in_session(settings), longest_lock=limit, tables=own):
                with connection.informing(partial(self.run.hear, name)):
                    async with self._confined():
                        for body in bodies:
                            await body(connection, given)
                if connection.is_in_transaction():
                    raise LeftUnfinished("the script began a transaction and didn't end the transaction")
        finally:
            if connection.is_closed():
                await self.run.monitor.terminate()

    def _confined(self) -> AbstractAsyncContextManager[None]:
        """Confines a script in a scratch database to that database; elsewhere does nothing."""
        session = self.run.session
        if not session.destination.scratch:
            return nullcontext()
        from sartor.footprint.recorded_connection import kept_inside  # a deploy needs nothing of it

        return kept_inside(session.connection, session.schema)
