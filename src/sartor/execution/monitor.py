"""Watches while scripts run: for blocking sessions and long statements."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager

from sartor.domain.report import Blocker, Note, Observer, Waiting
from sartor.errors import RunHeld
from sartor.execution.stall import watching_for_stalls
from sartor.log import LOG
from sartor.postgres.driver.connection import Connection
from sartor.postgres.lock_monitor import LockMonitor
from sartor.sql.quoting import quote_identifier
from sartor.sql.sensitive import without_secrets
from sartor.sql.splitting import waits_for_others

LOOK = 0.1
"""Seconds between two looks."""
SLOW = 0.15
"""Seconds after which a statement may be waiting for a lock: less than the default lock_timeout."""
REPEAT = 5.0
"""Seconds between two lines about the same wait."""
LONG = 10.0
"""Seconds after which a running statement is first reported; then after each doubling."""


class Monitor:
    """Watches the scripts of a run. `blockers` are the last sessions that were in the way.

    `mark` is in the name of the run's session in `pg_stat_activity`; `lock_budget` is in seconds.
    """

    def __init__(self, locks: LockMonitor, observer: Observer, *, mark: str, lock_budget: float) -> None:
        self._locks = locks
        self._observer = observer
        self._mark = mark
        self._lock_budget = lock_budget
        self._told = float("-inf")
        self._next_long = LONG
        self._connection: Connection | None = None
        self._pid: int | None = None
        self._script = ""
        self._deadline = 0.0
        self.blockers: tuple[Blocker, ...] = ()

    @asynccontextmanager
    async def during(self) -> AsyncIterator[None]:
        """Watches for as long as the block lasts."""
        with watching_for_stalls():
            async with beside(self._poll()):
                yield

    def follow(self, connection: Connection, script: str) -> None:
        """Watches this connection's statements from now on; the lock budget begins again."""
        if script != self._script:
            self._told = float("-inf")
        # The driver no longer knows the process number of a connection that was just cut; then the mark finds it.
        unknown = connection.pooled or connection.is_closed()
        self._connection, self._pid = connection, None if unknown else connection.get_server_pid()
        self._script, self._deadline = script, time.monotonic() + self._lock_budget
        self._next_long, self.blockers = LONG, ()

    async def terminate(self) -> bool:
        """Ends the watched session on the server; returns whether the server was told to end it."""
        return await self._locks.terminate(self._pid, self._mark)

    def waiting(self, reason: str, blockers: tuple[Blocker, ...], deadline: float | None) -> None:
        """Reports a wait, at most once in `REPEAT` seconds; a `deadline` of None is no limit."""
        now = time.monotonic()
        if now - self._told >= REPEAT:
            self._told = now
            left = None if deadline is None else max(0.0, deadline - now)
            told = "no limit" if left is None else f"{left:.1f} s left"
            LOG.debug("%s waits for %s, %s: %s", self._script or "the run", reason, told, blockers)
            self._observer(Waiting(reason=reason, blockers=blockers, left=left, script=self._script or None))

    async def wait(self, reason: str, deadline: float, held: RunHeld) -> None:
        """Reports a wait for what `held` names, and pauses before the next look. Raises `held` after the deadline."""
        if time.monotonic() >= deadline:
            raise held
        self.waiting(reason, held.blockers, deadline)
        await asyncio.sleep(LOOK)

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            connection = self._connection
            if connection is None or connection.statement is None:
                continue
            lasted = time.monotonic() - connection.since
            if lasted >= SLOW:
                await self._look(connection.statement, lasted)

    async def _look(self, statement: str, lasted: float) -> None:
        blockers = await self._locks.blockers(self._pid, self._mark)
        if blockers:
            self.blockers = blockers
            patient = waits_for_others(statement) and not (self._connection and self._connection.is_in_transaction())
            self.waiting("a lock", blockers, None if patient else self._deadline)
        elif lasted >= self._next_long:
            self._next_long = lasted * 2
            shown = " ".join(without_secrets(statement).split())[:120]
            self._observer(Note(text=f"{self._script}: running for {lasted:.0f} s: {shown}"))


@asynccontextmanager
async def beside(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Runs `work` until the block ends."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])  # a cancel of the caller's that comes now mustn't be taken for the task's
        if not task.cancelled():
            task.result()


def describe_blockers(blockers: tuple[Blocker, ...]) -> str:
    return "; ".join(map(str, blockers)) or "an unknown session"


def advise_on_blockers(blockers: tuple[Blocker, ...], role: str) -> str:
    """Returns advice on a blocked lock: the sessions, the SQL that ends them, the right that shows a hidden query."""
    ended = " ".join(f"select pg_terminate_backend({blocker.pid});" for blocker in blockers)
    hidden = any(blocker.query is None for blocker in blockers)
    seen = f"; to see its query: grant pg_read_all_stats to {quote_identifier(role)};" if hidden else ""
    return f"blocked by {describe_blockers(blockers)}; to end it: {ended}{seen}"
