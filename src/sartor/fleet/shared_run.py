"""The part that one process does of a run that several share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple

from sartor.conninfo.redaction import redact
from sartor.domain.destination import Destination
from sartor.domain.fleet import (
    End,
    Ended,
    FleetObserver,
    FleetOrder,
    FleetReport,
    Outcome,
    StandsBy,
    Stopped,
    WaveBegun,
)
from sartor.domain.fleet_run import FleetRun, RunDestination, RunState, Shard, Turn
from sartor.domain.lineup import Lineup
from sartor.errors import ControlLost, SartorError, TargetError, said
from sartor.fleet.control import PARTING, Control
from sartor.fleet.runner import Runner
from sartor.fleet.visit import Call

LOOK = 1.0
"""Seconds between two looks at the run while other processes are at work."""
LOOKS = 10
"""The number of looks after which the destinations are read again: a control database may have been restored."""
NOT_HERE = "it isn't among the destinations of the process that has its part of the fleet"
ANY_NUMBER = 1_000_000_000

_STOPPED = {RunState.STOPPED: Stopped.FAILURES, RunState.CANCELLED: Stopped.CANCELLED}
_ENDS = {"done": End.DONE, "failed": End.FAILED}


class Part(NamedTuple):
    """The part of a run that this process does: a shard of the destinations, by a call at each.

    `approver` is who lets it go on behind canaries of which none failed; None where somebody else will.
    """

    shard: Shard
    call: Call
    order: FleetOrder
    approver: str | None = None
    keep_results: bool = True


class SharedRun:
    """A run of a control database, of which this process does one part until the whole run is over.

    Where the process is cut short, what it had claimed and not done is free again; where it dies, the next process with
    the name of its worker takes that up.
    """

    def __init__(
        self, control: Control, run: FleetRun, destinations: Iterable[Destination], part: Part, observer: FleetObserver
    ) -> None:
        self._control = control
        self._run = run
        self._part = part
        self._mine = {each.label: each for each in destinations if part.shard.has(each.server)}
        self._observer = observer
        self._runner = _Runner(control, run.id, part, observer)

    async def work(self) -> FleetReport:
        """Works until the run is over; returns what became of this part. Raises ControlLost, and as `Runner`.

        The `fleet` of an error, and of a CancelledError, is the report of what this process did.
        """
        began = time.monotonic()
        try:
            await self._work()
            outcomes = await self._outcomes()
        except BaseException as error:
            known = tuple(self._ended().values())
            error.fleet = FleetReport(known, self._run.waves, self._runner.stopped, time.monotonic() - began)  # type: ignore[attr-defined]
            raise
        return FleetReport(outcomes, self._run.waves, _STOPPED.get(self._run.state), time.monotonic() - began)

    async def _work(self) -> None:
        wave, looks = -1, 0
        while not self._run.state.is_over:
            if self._run.state is RunState.PAUSED and await self._approves():
                pass
            elif self._run.state is RunState.RUNNING and (self._run.wave != wave or looks >= LOOKS):
                wave, looks = self._run.wave, 0
                if turns := await self._control.turns(self._run.id, self._part.shard):
                    await self._work_on(turns)
                await self._control.next_wave(self._run.id)
            else:
                self._observer(StandsBy(self._run.id, approval=self._run.state is RunState.PAUSED))
                await asyncio.sleep(LOOK)
                looks += 1
                await self._control.next_wave(self._run.id)  # the process that should have opened it may have died
            await self._look()

    async def _approves(self) -> bool:
        """Lets a paused run go on of which no canary failed, where this process may; returns whether it did."""
        if (approver := self._part.approver) is None:
            return False
        if (await self._control.standing(self._run.id)).count("failed"):
            return False
        with suppress(TargetError):  # somebody else was first
            await self._control.approve(self._run.id, approver)
        return True

    async def _look(self) -> None:
        try:
            self._run = await self._control.look(self._run.id)
        except TargetError as error:
            raise ControlLost(f"run {self._run.id} isn't in the control database any more: was it restored?") from error

    async def _work_on(self, turns: Sequence[Turn]) -> None:
        for turn in turns:
            if turn.destination not in self._mine:
                claimed = await self._control.claim(self._run.id, turn.destination)
                if claimed is not None:
                    await self._control.end(self._run.id, claimed, error=NOT_HERE, aside=True)
        if known := [self._mine[turn.destination] for turn in turns if turn.destination in self._mine]:
            self._runner.stopped = None
            self._observer(WaveBegun(self._run.wave, self._run.waves, len(known)))
            await self._runner.work_on(known, self._run.wave)

    def _ended(self) -> dict[str, Outcome]:
        """Returns what became of the destinations that this process had, by label."""
        return {outcome.destination.label: outcome for outcome in self._runner.outcomes}

    async def _outcomes(self) -> tuple[Outcome, ...]:
        """Returns what became of this part, as the control database has it: some were done by an earlier process."""
        own, found = self._ended(), []
        for row in await self._control.part(self._run.id, self._part.shard):
            if (destination := self._mine.get(row.destination)) is None:
                continue
            outcome = own.get(row.destination)
            if outcome is None or outcome.end is not _ENDS.get(row.state, End.UNTOUCHED):
                outcome = _recorded(destination, row)
                self._observer(Ended(outcome))
            found.append(outcome)
        return tuple(found)


def _recorded(destination: Destination, row: RunDestination) -> Outcome:
    end = _ENDS.get(row.state, End.UNTOUCHED)
    error = SartorError(row.error) if end is End.FAILED else None
    return Outcome(destination, end, row.wave, attempts=row.attempts, error=error)


class _Runner(Runner):
    """A runner that claims each destination of a shared run before, and records its end."""

    def __init__(self, control: Control, run: int, part: Part, observer: FleetObserver) -> None:
        # The failures of all processes count together: the control database knows them.
        order = part.order._replace(max_failures=None)
        super().__init__(part.call, order, total=ANY_NUMBER, observer=observer, keep_results=part.keep_results)
        self._control = control
        self._run = run

    async def visit(self, destination: Destination, wave: int, lineup: Lineup) -> Outcome | None:
        if (turn := await self._claim(destination.label)) is None:
            await self._stop_where_over()
            return Outcome(destination, End.UNTOUCHED, wave)
        try:
            outcome = await super().visit(destination, wave, lineup)
        except BaseException:
            await self._free(turn)
            raise
        if outcome is None or outcome.end is End.UNTOUCHED or _is_cut_short(outcome):
            await self._free(turn)
        else:
            await self._control.end(self._run, turn, error=_reason(outcome))
        return outcome

    async def _claim(self, label: str) -> Turn | None:
        """Claims a destination. Where it is cancelled, waits PARTING seconds for the claim's end, and frees it."""
        claiming = asyncio.create_task(self._control.claim(self._run, label))
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            with suppress(TimeoutError, SartorError):
                if (turn := await asyncio.wait_for(claiming, PARTING)) is not None:
                    await self._free(turn)
            raise

    async def _free(self, turn: Turn) -> None:
        """Frees what was claimed; where that can't be had, the next process of this part takes it up."""
        with suppress(SartorError):
            await self._control.free(self._run, turn)

    async def _stop_where_over(self) -> None:
        state = (await self._control.look(self._run)).state
        self.stopped = self.stopped or _STOPPED.get(state)


def _is_cut_short(outcome: Outcome) -> bool:
    return outcome.end is End.FAILED and outcome.error is None


def _reason(outcome: Outcome) -> str | None:
    """Returns why a destination failed, without its passwords; None where it didn't."""
    return None if outcome.error is None else redact(said(outcome.error), outcome.destination.secrets)
