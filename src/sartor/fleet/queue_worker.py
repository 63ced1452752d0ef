"""A worker: takes destinations from the queue, has them worked on, and records what became of them.

The queue delivers a destination at least once: again where a worker died or fell silent. The claim in the control
tables counts that, and the destination's own ledger makes what is done there exactly once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Job

from sartor.domain.destination import Destination
from sartor.domain.fleet_queue import Attempt, AttemptEnd, Pace, Told
from sartor.domain.fleet_run import Carrier, FleetRun, FleetStanding, RunState, Turn
from sartor.errors import SartorError, TargetError
from sartor.fleet.carrier import LANES, Ticket, enqueue, enqueuing, lane_name, queries_of, require_queue
from sartor.fleet.control import Control
from sartor.fleet.control_rows import MOST_CLAIMS
from sartor.fleet.hands import HandLost, Hands
from sartor.fleet.queue_driver import QueueDriver

MOST = {AttemptEnd.MAY_PASS: 5, AttemptEnd.LOST: MOST_CLAIMS}
"""The attempts at a destination whose errors may pass, and at one where the process that is at work ends."""

ENDED = "the process that was at work there has ended: a script may have ended it"
"""The error of a destination at which it did."""

PAUSE = 0.5
"""Seconds until the second attempt, at least; behind an error that may pass, each further one waits longer."""

_LOST = """
select d.destination, d.server from fleet_destination d
where d.run = $1 and d.state in ('queued', 'running') and not exists (
    select from fleet_queue q where q.dedupe_key = d.run || '/' || d.destination)
limit 1000
"""


Perform = Callable[[Turn, FleetRun], Any]
"""Makes the task that a hand is given, which it answers with an Attempt."""


class QueueWorker:
    """A worker of a control database. `run` returns the runs that it saw, or else the last one, as they have ended.

    With `stays` it waits for further runs; otherwise it ends when none is under way.
    """

    def __init__(
        self,
        control: Destination,
        hands: Hands,
        perform: Perform,
        tell: Callable[[Told], None],
        *,
        name: str,
        pace: Pace,
        stays: bool = False,
    ) -> None:
        self._control = Control(control, worker=name, opened=enqueuing(control.schema))
        self._driver = QueueDriver(control, application="sartor fleet queue")
        self._queries = queries_of(self._driver)
        self._queue = QueueManager(self._queries, channel=self._queries.qbe.settings.channel)
        self._hands = hands
        self._perform = perform
        self._tell = tell
        self._pace = pace
        self._stays = stays
        self._stopping = False
        self._error: BaseException | None = None
        self._at_work: set[asyncio.Task[None] | None] = set()
        self._room = asyncio.Semaphore(pace.jobs)  # the queue hands out two at least
        self._runs: dict[int, FleetRun] = {}

    async def run(self) -> list[FleetStanding]:
        """Works until the runs are over. Where it is cancelled, what was at work is rolled back and given back."""
        async with self._driver, self._control:
            await require_queue(self._queries)
            for number in range(LANES):
                self._queue.entrypoint(lane_name(number), concurrency_limit=1, accepts_context=False)(self._handle)
            await self._learn()
            parts = {asyncio.create_task(self._take()), asyncio.create_task(self._watch())}
            try:
                await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await self._stop(parts)
            if self._error is not None:
                raise self._error
            return await self._ends()

    async def _ends(self) -> list[FleetStanding]:
        numbers = list(self._runs)
        if not numbers:  # a worker that is started again behind the end of its run
            with suppress(TargetError):
                last = await self._control.find()
                numbers = [last.id] if last.carrier is Carrier.QUEUE else []
        return [await self._control.standing(number) for number in numbers]

    async def _take(self) -> None:
        pace = self._pace
        await self._queue.run(
            dequeue_timeout=timedelta(seconds=pace.poll),
            batch_size=max(1, pace.jobs // 2),
            max_concurrent_tasks=max(2, pace.jobs),
            heartbeat_timeout=timedelta(seconds=pace.heartbeat),
            log_aggregation_interval=timedelta(0),
        )

    async def _stop(self, parts: set[asyncio.Task[None]]) -> None:
        """Ends in order: nothing new is begun, hands roll back what is under way, and its jobs go back at once."""
        self._stopping = True
        self._queue.shutdown.set()
        self._hands.stop()
        for ended in await asyncio.gather(*parts, return_exceptions=True):
            if isinstance(ended, BaseException) and self._error is None:
                self._error = ended

    async def _watch(self) -> None:
        """Sees to it that the runs go on, and ends the worker when they are over."""
        while not self._queue.shutdown.is_set():
            runs = await self._learn()
            if not runs and not self._stays and not self._at_work:
                break
            if not self._at_work:
                for run in runs:
                    if run.state is RunState.RUNNING:
                        await self._look_after(run.id)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._queue.shutdown.wait(), self._pace.poll)

    async def _learn(self) -> list[FleetRun]:
        """Returns the runs under way; makes their limit for a server that of the lanes, as all workers do."""
        runs = await self._control.open_runs(Carrier.QUEUE)
        self._runs |= {run.id: run for run in runs}
        for executor in self._queue.entrypoint_registry.values():
            executor.parameters.concurrency_limit = min((run.jobs_per_server for run in runs), default=1)
        return runs

    async def _look_after(self, run: int) -> None:
        """Opens a wave that nobody has opened, and enqueues what isn't in the queue: somebody without it approved."""
        await self._control.next_wave(run)
        rows = await self._driver.fetch(_LOST, run)
        await enqueue(self._queries, [Ticket(run, str(row["destination"]), str(row["server"])) for row in rows])

    async def _handle(self, job: Job) -> None:
        """Does a job of the queue; it is over where this returns, and goes back to the queue by RetryRequested."""
        ticket = Ticket.of(job.payload or b"{}")
        async with self._room:
            if self._stopping:
                raise RetryRequested
            self._at_work.add(task := asyncio.current_task())
            try:
                await self._work_on(ticket)
            except TargetError:
                return  # a job of a run that is in the tables no more
            except SartorError as error:
                self._lose(error)
                raise RetryRequested from error
            finally:
                self._at_work.discard(task)

    def _lose(self, error: SartorError) -> None:
        """Ends the worker, whose control database is lost: others have its jobs after the heartbeat."""
        if self._error is None:
            self._error = error
            self._queue.shutdown.set()
            for task in self._at_work - {asyncio.current_task()}:
                if task is not None:
                    task.cancel()  # it would look for the control database for as long again

    async def _work_on(self, ticket: Ticket) -> None:
        turn = await self._control.claim(ticket.run, ticket.destination)
        if turn is None:
            return
        attempt = await self._attempt(turn, await self._find(ticket.run))
        if attempt.end is AttemptEnd.INTERRUPTED or (self._stopping and attempt.end is AttemptEnd.LOST):
            await self._control.free(ticket.run, turn)
            self._tell(Told(ticket.run, turn, attempt))
            raise RetryRequested
        again = turn.attempts < MOST.get(attempt.end, 0)
        if not again:
            await self._control.end(ticket.run, turn, error=attempt.error)
        self._tell(Told(ticket.run, turn, attempt, again=again))
        if again:
            longer = 1 if attempt.end is AttemptEnd.LOST else turn.attempts
            raise RetryRequested(delay=timedelta(seconds=PAUSE * longer))

    async def _attempt(self, turn: Turn, run: FleetRun) -> Attempt:
        try:
            task = self._perform(turn, run)
        except SartorError as error:  # this worker's settings don't say how to reach it
            return Attempt(AttemptEnd.FAILED, (), None, str(error), error.hint, error.code, error.exit_code)
        try:
            found = await self._hands.do(task)
        except HandLost:
            return Attempt(AttemptEnd.LOST, error=ENDED, code="ProcessEnded", exit_code=1)
        assert isinstance(found, Attempt)  # noqa: S101 - for the type checker
        return found

    async def _find(self, run: int) -> FleetRun:
        if run not in self._runs:
            await self._learn()
        if run not in self._runs:  # it has just ended
            self._runs[run] = await self._control.look(run)
        return self._runs[run]
