"""Awaits a call for each destination of a wave: several at once, within the limits of servers, all and failures."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TypeAlias

from sartor.alterations.shared import sharing_scripts
from sartor.domain.destination import Destination
from sartor.domain.fleet import End, Ended, FleetObserver, FleetOrder, Outcome, Stopped
from sartor.domain.lineup import Lineup
from sartor.fleet.visit import Call, Visit
from sartor.postgres.connect.kept import keeping_connections
from sartor.postgres.connect.room import read_room

_AtWork: TypeAlias = dict[asyncio.Task[Outcome | None] | asyncio.Task[int], Destination]
"""The tasks at work and their destinations: each returns an outcome, or how many may be at work at the server.

It returns None where the server had no connection left.
"""


class Runner:
    """The state of a fleet's run in this process: what ended, and why it stopped, if it did.

    `total` is the number of all destinations, of which a percentage of failures counts. Unless it keeps
    results, only the observer gets those.
    """

    def __init__(
        self, call: Call, order: FleetOrder, *, total: int, observer: FleetObserver, keep_results: bool = True
    ) -> None:
        self._keeps_results = keep_results
        self.outcomes: list[Outcome] = []
        self.stopped: Stopped | None = None
        self._call = call
        self._order = order
        self._observer = observer
        self._left = total if order.max_failures is None else order.max_failures.of(total)
        self._given_up: set[str] = set()  # servers that didn't come back: no further pause is made for them
        self._asked: set[str] = set()
        self._limits: dict[str, int] = {}  # of the servers, for all waves

    async def work_on(self, destinations: Sequence[Destination], wave: int = 0) -> None:
        """Works through a wave. Where it is cancelled, what is at work is cancelled too, and has ended afterwards."""
        lineup = Lineup(destinations, self._order.jobs_per_server, self._limits)
        at_work: _AtWork = {}
        with keeping_connections() as kept, sharing_scripts():
            try:
                while self._start(lineup, at_work, wave):
                    ended, _ = await asyncio.wait(at_work, return_when=asyncio.FIRST_COMPLETED)
                    for task in ended:
                        destination, found = at_work.pop(task), task.result()
                        if isinstance(found, Outcome):
                            lineup.end(destination)
                            self._keep(found)
                        else:
                            self._put_back(destination, found, lineup)
            except asyncio.CancelledError:
                self.stopped = Stopped.INTERRUPTED
                raise
            finally:
                await self._cancel(at_work, lineup)
                await kept.close()
                self.outcomes += [Outcome(each, End.UNTOUCHED, wave) for each in lineup.waiting()]

    def _start(self, lineup: Lineup, at_work: _AtWork, wave: int) -> bool:
        """Starts what there is room for; returns whether anything is at work. A server is asked first, once."""
        while self.stopped is None and len(at_work) < self._order.jobs and (destination := lineup.take()):
            if destination.server in self._asked:
                at_work[asyncio.create_task(self.visit(destination, wave, lineup))] = destination
            else:
                self._asked.add(destination.server)
                lineup.limits[destination.server] = 1
                at_work[asyncio.create_task(self._limit(destination))] = destination
        return bool(at_work)

    async def visit(self, destination: Destination, wave: int, lineup: Lineup) -> Outcome | None:
        has_others = partial(lineup.has_others, destination)
        return await Visit(self._call, destination, self._observer, self._given_up, has_others).outcome(wave)

    async def _limit(self, destination: Destination) -> int:
        """Returns how many may be at work at the destination's server."""
        room = await read_room(destination)
        limit = self._order.jobs_per_server
        return limit if room is None else min(room, limit)

    async def _cancel(self, at_work: _AtWork, lineup: Lineup) -> None:
        for task in at_work:
            task.cancel()
        if at_work:
            await asyncio.wait(at_work)
        for task in at_work:
            if task.cancelled():
                lineup.put_back(at_work[task], 1)
            elif task.exception() is not None:
                continue  # one that isn't Sartor's, which is raised already
            elif isinstance(found := task.result(), Outcome):
                self._keep(found)
            else:
                self._put_back(at_work[task], found, lineup)

    def _put_back(self, destination: Destination, limit: int | None, lineup: Lineup) -> None:
        """Lets a destination wait for its turn: where there was no connection for it (None), until another has ended.

        Other processes may have asked the server for its room at the same moment.
        """
        if limit is not None:
            lineup.put_back(destination, limit)
        else:
            lineup.make_room(destination)
            self._observer(Ended(Outcome(destination, End.UNTOUCHED)))

    def _keep(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome if self._keeps_results else outcome._replace(result=None))
        if outcome.end is End.FAILED:
            self._left -= 1
            if self._left < 0 and self.stopped is None:
                self.stopped = Stopped.FAILURES
        self._observer(Ended(outcome))
