"""The control database of a run that processes share, through one connection, which is made again where it breaks."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Self, TypeVar

import sartor.postgres.errors as driver
from sartor.domain.destination import Destination
from sartor.domain.fleet_run import Carrier, FleetRun, FleetStanding, RunDestination, RunState, Shard, Turn
from sartor.errors import ControlLost, Unreachable, said
from sartor.fleet.control_rows import MOST_CLAIMS, WORN, ControlRows, NewRun
from sartor.log import LOG
from sartor.postgres.connect.connect import DRIVER_ERRORS, close, connect, session_error
from sartor.postgres.driver.connection import Connection
from sartor.postgres.session import application_name

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds in which a control database that went away has to come back."""
PARTING = 5.0
"""Seconds of that for a process that is about to end."""
LONGEST_PAUSE = 2.0
"""Seconds between two attempts at most, before jitter."""
MOST_FAILURES = 1_000
"""The number of failures that are read for people to look at."""

Opened = Callable[[Connection, int, Sequence[Turn]], Awaitable[None]]
"""A function that is told whose turn it is now, in the transaction that makes it so: of a queue, which keeps it."""


class Control:
    """A control database, for the process called `worker`. `async with Control(...) as control`.

    Each step is one transaction and may be repeated, so a step whose answer is lost is tried again, for PATIENCE
    seconds; then it raises ControlLost. Steps of several tasks wait for each other. `opened` is told whose turn it is.
    """

    def __init__(self, destination: Destination, *, worker: str = "", opened: Opened | None = None) -> None:
        self.destination = destination
        self.worker = worker
        self.rows = ControlRows(destination.schema)
        self._opened = opened
        self._connection: Connection | None = None
        self._free = asyncio.Lock()
        self._gone: ControlLost | None = None

    async def __aenter__(self) -> Self:
        self._connection = await connect(self.destination, application=application_name("fleet"))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._connection is not None:
            await close(self._connection)

    async def plan(self, new: NewRun) -> tuple[FleetRun, bool]:
        """Makes a run or joins it, as `ControlRows.plan`; returns it, and whether it was made."""

        async def step(connection: Connection) -> tuple[FleetRun, bool]:
            run, made, turns = await self.rows.plan(connection, new)
            await self._tell(connection, run.id, turns)
            return run, made

        return await self._do(step)

    async def find(self, text: str | None = None) -> FleetRun:
        return await self._do(lambda connection: self.rows.find(connection, text))

    async def look(self, run: int) -> FleetRun:
        return await self._do(lambda connection: self.rows.look(connection, run))

    async def open_runs(self, carrier: Carrier) -> list[FleetRun]:
        return await self._do(lambda connection: self.rows.open_runs(connection, carrier))

    async def turns(self, run: int, shard: Shard) -> list[Turn]:
        return await self._do(lambda connection: self.rows.turns(connection, run, shard, worker=self.worker))

    async def part(self, run: int, shard: Shard) -> list[RunDestination]:
        return await self._do(lambda connection: self.rows.part(connection, run, shard))

    async def claim(self, run: int, destination: str) -> Turn | None:
        """Claims a destination; returns None where there is nothing to do there."""
        claimed = await self._do(lambda connection: self.rows.claim(connection, run, destination, self.worker))
        if claimed is None or claimed.attempts <= MOST_CLAIMS:
            return claimed
        await self.end(run, claimed, error=WORN)
        return None

    async def end(self, run: int, turn: Turn, *, error: str | None = None, aside: bool = False) -> None:
        """Records how a claimed destination ended; opens the next wave where it was the last of its own."""

        async def step(connection: Connection) -> None:
            await self._tell(connection, run, await self.rows.end(connection, run, turn, error=error, aside=aside))

        await self._do(step)

    async def free(self, run: int, turn: Turn) -> None:
        """Puts back what was claimed and not done; gives up soon, as whoever asks for it is about to end."""
        await self._do(lambda connection: self.rows.free(connection, run, turn), patience=PARTING)

    async def next_wave(self, run: int) -> None:
        """Opens the next wave where its time has come: it is that of whoever waits, too, as a worker may have died."""

        async def step(connection: Connection) -> None:
            await self._tell(connection, run, await self.rows.next_wave(connection, run))

        await self._do(step)

    async def approve(self, run: int, who: str) -> None:
        async def change(connection: Connection) -> None:
            await self._tell(connection, run, await self.rows.approve(connection, run, who))

        await self._change(run, change, lambda found: found.approved_by == who)

    async def cancel(self, run: int) -> None:
        async def change(connection: Connection) -> None:
            await self.rows.cancel(connection, run)

        await self._change(run, change, lambda found: found.state is RunState.CANCELLED)

    async def _change(
        self, run: int, change: Callable[[Connection], Awaitable[None]], is_made: Callable[[FleetRun], bool]
    ) -> None:
        """Makes a change that can be made once; a further attempt first looks whether the one before has made it."""
        attempts = 0

        async def step(connection: Connection) -> None:
            nonlocal attempts
            attempts += 1
            if attempts == 1 or not is_made(await self.rows.look(connection, run)):
                await change(connection)

        await self._do(step)

    async def standing(self, run: int) -> FleetStanding:
        """Returns a run and how far it is, with the first of its failures."""

        async def step(connection: Connection) -> FleetStanding:
            return FleetStanding(
                await self.rows.look(connection, run),
                tuple(await self.rows.tallies(connection, run)),
                tuple(await self.rows.failures(connection, run, MOST_FAILURES)),
                await self.rows.lately(connection, run),
            )

        return await self._do(step)

    async def _tell(self, connection: Connection, run: int, turns: Sequence[Turn]) -> None:
        if turns and self._opened is not None:
            await self._opened(connection, run, turns)

    async def _do(self, step: Callable[[Connection], Awaitable[T]], *, patience: float = PATIENCE) -> T:
        """Runs a step in a transaction, again after a cut or a conflict. Raises ControlLost, DestinationError."""
        async with self._free:
            if self._gone is not None:  # others needn't wait for it as long again
                raise ControlLost(str(self._gone))
            began, attempts = time.monotonic(), 0
            while True:
                try:
                    return await self._attempt(step)
                except (OSError, Unreachable, *DRIVER_ERRORS) as error:
                    if not _may_pass(error):
                        raise session_error(error, self.destination) from error
                    pause = min(LONGEST_PAUSE, 0.1 * 2.0**attempts) * random.uniform(0.5, 1.5)  # noqa: S311 - jitter
                    if time.monotonic() - began + pause > patience:
                        self._gone = self._lost(error, patience)
                        raise self._gone from error
                    LOG.warning("the control database isn't there, attempt %d: %s", attempts + 1, said(error))
                attempts = min(attempts + 1, 10)
                await asyncio.sleep(pause)

    async def _attempt(self, step: Callable[[Connection], Awaitable[T]]) -> T:
        connection = self._connection
        if connection is None or connection.is_closed():
            connection = self._connection = await connect(self.destination, application=application_name("fleet"))
        try:
            async with connection.transaction():
                return await step(connection)
        except BaseException as error:
            if not isinstance(error, Exception):  # a step that was cut off leaves the connection in an unknown state
                connection.terminate()
            raise

    def _lost(self, error: BaseException, patience: float) -> ControlLost:
        found = error if isinstance(error, Unreachable) else session_error(error, self.destination)
        return ControlLost(f"the control database was lost, and not found again in {patience:g} s: {found}")


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, Unreachable):
        return True
    return driver.is_disconnect(error) or driver.sqlstate(error) in driver.RETRIED
