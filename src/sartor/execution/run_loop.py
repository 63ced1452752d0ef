"""Carries out a plan step by step, and plans again where another run was first."""

from __future__ import annotations

import asyncio
import time
from array import array
from collections import deque
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING

from sartor.alterations.manifest import read_lines
from sartor.domain.alteration import Alteration, Catalogue
from sartor.domain.ledger import EventKind
from sartor.domain.plan import Deploy, Direction, Plan, Rollback, make_plan
from sartor.domain.release import Release
from sartor.domain.report import Done, Failure, Finished, FromSnapshot, Note, Planned, Report, Said, Started
from sartor.domain.status import few
from sartor.errors import SartorError
from sartor.execution.deployed import read_deployed, require_trusted_downs
from sartor.execution.downs import downs_of
from sartor.execution.executors.batch import Batch, BatchExecutor
from sartor.execution.executors.single import record_end, run_unit
from sartor.execution.ledger import repeat_while_stale, require_sound
from sartor.execution.monitor import beside
from sartor.execution.outcome import Committed, Stale
from sartor.execution.retry import PARTING, record
from sartor.execution.run_context import RunContext
from sartor.execution.units import Load, Prefetch, Unit, compile_records, compile_unit, require_units
from sartor.postgres.connect.connect import DRIVER_ERRORS
from sartor.postgres.ledger import require_format

if TYPE_CHECKING:
    from sartor.domain.snapshot import ReleaseSnapshot
    from sartor.execution.backup import BackupBeforeRun, BackupOrder
    from sartor.execution.hooks import HookCaller


class RunLoop:
    """The state of a run: its plan, what it did, and what other runs did meanwhile."""

    def __init__(
        self,
        catalogue: Catalogue,
        request: Deploy | Rollback,
        plan: Plan,
        load: Load,
        backup: BackupOrder | None,
        hooks: HookCaller | None,
    ) -> None:
        self.catalogue = catalogue
        self._request = request
        self._plan = plan
        self._before = plan.status.release
        self._load = load
        self._done: list[Alteration] = []
        self._took = array("d")  # with ten thousand alterations, a pair for each would take a megabyte
        self._notes: dict[tuple[str, str], tuple[str, ...]] = {}
        self._kept: set[tuple[str, str]] = set()
        # The number of these that were done when the present plan was made: what was done since are its first steps.
        self._earlier = 0
        self._for_good: list[str] = []
        self._begun: Alteration | None = None
        self._elsewhere: dict[tuple[str, str], Alteration] = {}
        self._warned: deque[tuple[Alteration, list[str]]] = deque()
        self.said: list[Said] = []
        self._built: Release | None = None
        self._hooks = hooks
        self._backup: BackupBeforeRun | None = None
        if backup is not None:
            from sartor.execution.backup import BackupBeforeRun  # few runs take one

            self._backup = BackupBeforeRun(backup)

    def report(self, failed: Failure | None = None) -> Report:
        return Report(
            direction=self._plan.direction,
            target=self._plan.target,
            done=tuple(
                Done(done, took, self._notes.get(done.identity, ()), kept=done.identity in self._kept)
                for done, took in zip(self._done, self._took, strict=True)
            ),
            failed=failed,
            remaining=tuple(s.alteration for s in self._plan.steps[len(self._done) - self._earlier :]),
            elsewhere=tuple(self._elsewhere.values()),
            plan=self._plan,
            backup=self._backup.backup if self._backup else None,
            before=self._before,
            said=tuple(self.said),
            snapshot=self._built,
            hooks_failed=tuple(self._hooks.failed) if self._hooks else (),
        )

    async def back_up(self, run: RunContext) -> None:
        """Takes the backup where one is ordered, unless other runs have left nothing to do."""
        if self._backup is None:
            return
        await run.session.learn()
        if run.session.facts.ledger_exists:
            await require_sound(run.session)
            await self.plan_again(run)
        if not self._plan.is_empty:
            await self._backup.take(run, self._plan)

    async def plan_again(self, run: RunContext) -> None:
        """Makes the plan again, from the ledger as it is now."""
        ledger = await read_deployed(run.session, self.catalogue, self._request)
        require_format(ledger)
        # An alteration that this run or another has forgotten by now is no error in what the user accepted.
        held = {entry.id for entry in ledger.entries}
        request = self._request._replace(accepted=self._request.accepted & held)
        if request.steps is not None:
            request = request._replace(steps=max(0, request.steps - len(self._done)))
        before, self._plan = self._plan, self._without_repeated(make_plan(self.catalogue, ledger, request))
        await require_trusted_downs(run.session, self._plan)
        run.head = self._plan.head
        self._earlier = len(self._done)
        if self._plan.steps == before.steps:
            # As on a new database: ten thousand equal steps are kept once.
            self._plan = self._plan._replace(steps=before.steps)
        else:
            self._take_in(before, run)
        run.observer(Planned(plan=self._plan))

    def _without_repeated(self, plan: Plan) -> Plan:
        """Returns a plan without the repeatable scripts that this run has run: another package may put its own back."""
        mine = {alteration.identity for alteration in self._done if alteration.is_repeatable}
        if not mine:
            return plan
        return plan._replace(steps=tuple(s for s in plan.steps if s.alteration.identity not in mine))

    def _take_in(self, before: Plan, run: RunContext) -> None:
        """Notes what other runs did of the earlier plan, and checks that what is new is fit to run."""
        mine = {alteration.identity for alteration in self._done} | {s.alteration.identity for s in self._plan.steps}
        self._elsewhere |= {
            s.alteration.identity: s.alteration for s in before.steps if s.alteration.identity not in mine
        }
        if {s.alteration.identity for s in self._plan.steps} - {s.alteration.identity for s in before.steps}:
            require_units(self._plan, run.session, self._load)

    async def execute(self, run: RunContext) -> None:
        """Carries the plan out, between the hooks of the run; plans again where another run makes it stale."""
        async with self._hooks.around(run, self._plan, self.report) if self._hooks else nullcontext():
            await self._execute(run)

    async def _execute(self, run: RunContext) -> None:
        async def attempt() -> None:
            if self._backup is not None:
                await self._backup.take_again(run, self._plan)
                await self._backup.note(run)
            await self._record_warnings(run)
            for correction in compile_records(self._plan):
                await record(run, correction.kind, correction.about, correction.detail)
            await self._build_from_snapshot(run)
            await self._run_steps(run)

        try:
            await repeat_while_stale(run, attempt, refresh=self.plan_again, done=lambda: len(self._done))
        except (asyncio.CancelledError, SartorError, OSError, *DRIVER_ERRORS) as error:
            await self._record_last_warnings(run, error)
            raise
        finally:
            notes = [
                f"{each} has neither `down` nor `irreversible`, so it can't be rolled back" for each in self._for_good
            ]
            for text in few(notes, "have no way back"):
                run.observer(Note(text=text))

    async def _build_from_snapshot(self, run: RunContext) -> None:
        """Builds the schema from the plan's snapshot, where it has one."""
        if (snapshot := self._plan.snapshot) is None:
            return
        from sartor.execution.snapshot import build  # few runs begin with one

        began = time.monotonic()
        try:
            await build(run, self._plan, snapshot, self._downs(run))
        except Committed:
            self._finish_snapshot(run, snapshot, (time.monotonic() - began) * 1000)
            raise
        self._finish_snapshot(run, snapshot, (time.monotonic() - began) * 1000)

    def _downs(self, run: RunContext) -> list[str | None]:
        """Returns what the ledger keeps of the scripts that a snapshot stands for. Raises ScriptError."""
        steps = self._plan.by_snapshot
        return [None] * len(steps) if run.session.destination.scratch else downs_of(self.catalogue, steps, self._load)

    def _finish_snapshot(self, run: RunContext, snapshot: ReleaseSnapshot, took: float) -> None:
        """Notes and reports that a snapshot is committed: each of its alterations has an equal share of the time."""
        steps, self._built = self._plan.by_snapshot, snapshot.release
        self._done += [step.alteration for step in steps]
        self._took.extend([took / len(steps)] * len(steps))
        run.observer(FromSnapshot(release=snapshot.release, alterations=len(steps), duration_ms=took))

    async def _run_steps(self, run: RunContext) -> None:
        direction = self._plan.direction
        keeps = direction is Direction.DEPLOY and not run.session.destination.scratch
        lines = read_lines(self.catalogue, [s.alteration for s in self._plan.one_by_one]) if keeps else {}
        prefetch = Prefetch(self._plan.one_by_one, lambda step: compile_unit(step, direction, self._load, lines))
        batches = BatchExecutor(run)
        while unit := prefetch.look():
            if batch := batches.choose(prefetch):
                await self._run_batch(run, batches, prefetch, batch)
            else:
                await self._run_one(run, prefetch, unit)
            await self._record_warnings(run)

    async def _record_warnings(self, run: RunContext) -> None:
        """Writes to the journal what the server warned of in alterations that are done. Raises Stale.

        Any other failure is a note: the alterations are done all the same.
        """
        while self._warned:
            about, messages = self._warned[0]
            try:
                await record(run, EventKind.WARNED, about, {"messages": messages})
            except Committed:
                self._warned.popleft()
                raise
            except (SartorError, OSError, *DRIVER_ERRORS) as error:
                why = f"the server's warnings of {about.name} couldn't be written to the journal"
                run.observer(Note(text=f"{why}: {error}"))
            self._warned.popleft()

    async def _record_last_warnings(self, run: RunContext, error: BaseException) -> None:
        """Writes what is left of the warnings when an error ends the run, in PARTING seconds where that is urgent."""
        lost = run.session.connection_lost
        if not self._warned or (lost and not isinstance(error, Exception)):
            return
        with suppress(Stale, SartorError, OSError, *DRIVER_ERRORS):
            async with asyncio.timeout(PARTING if lost or not isinstance(error, Exception) else None):
                if lost:
                    await run.session.renew()
                await repeat_while_stale(run, lambda: self._record_warnings(run))

    async def _run_batch(self, run: RunContext, batches: BatchExecutor, prefetch: Prefetch, batch: Batch) -> None:
        """Runs the first units in one message; a unit that stopped it may be left to be run by itself."""
        done, units, count = len(self._done), batch.units, len(batch.units) + batches.count

        def committed(number: int, took: float) -> None:
            prefetch.loaded.popleft()
            self._finish(run, units[number], took)
            if number + 1 < len(units):
                self._begin(run, units[number + 1])

        self._begin(run, units[0])
        try:
            async with beside(prefetch.load_ahead(count, lambda: batches.look_further(prefetch, batch))):
                await batches.execute(batch, committed)
        except (asyncio.CancelledError, *DRIVER_ERRORS) as error:
            if (number := len(self._done) - done) < len(units):
                unit, took = units[number], batch.message.took
                await record_end(run, error, unit, took, lambda error: batches.locate(unit, error))
            raise

    async def _run_one(self, run: RunContext, prefetch: Prefetch, unit: Unit) -> None:
        if self._hooks:
            await self._hooks.before(run, unit)
        self._begin(run, unit)
        began = time.monotonic()
        # What comes behind the unit's end may fail or be cancelled, which is then no failure of the unit.
        async with beside(prefetch.load_ahead(2)):
            try:
                await run_unit(run, unit)
            except Committed:
                self._finish(run, unit, (time.monotonic() - began) * 1000)
                raise
            except (Stale, SartorError):
                raise
            except (Exception, asyncio.CancelledError) as error:
                await record_end(run, error, unit, (time.monotonic() - began) * 1000)
                raise
            self._finish(run, unit, (time.monotonic() - began) * 1000)
            prefetch.loaded.popleft()
        await run.session.renew_where_worn()
        if self._hooks:
            await self._hooks.after(run, unit)

    def _begin(self, run: RunContext, unit: Unit) -> None:
        if unit.about == self._begun:
            return
        self._begun, run.begun_outside = unit.about, False
        run.forget(unit.about.name)
        run.observer(Started(alteration=unit.about, direction=unit.direction))

    def _finish(self, run: RunContext, unit: Unit, took: float) -> None:
        """Notes and reports that a unit is committed; `took` is in milliseconds."""
        self._done.append(unit.about)
        if unit.direction is Direction.DEPLOY and not (unit.script.has_way_back or unit.about.is_repeatable):
            self._for_good.append(unit.about.name)
        self._took.append(took)
        if unit.step.kept:
            self._kept.add(unit.about.identity)
        if notes := run.notes(unit.about.name):
            self._notes[unit.about.identity] = tuple(notes)
        if warnings := run.warnings(unit.about.name):
            self._warned.append((unit.about, warnings))
        run.forget(unit.about.name)
        run.observer(Finished(alteration=unit.about, direction=unit.direction, duration_ms=took))
