"""A second connection beside a run: it holds the run's lock, reads which sessions block, and can end a stuck one.

The lock is polled for: a statement that waits holds a snapshot, for which `create index concurrently` would wait.
"""

import asyncio
import hashlib
from contextlib import suppress
from typing import Any, Self

import asyncpg

from sartor.domain.destination import Destination
from sartor.domain.report import Blocker
from sartor.errors import Unreachable
from sartor.postgres.connect.connect import DRIVER_ERRORS, connect
from sartor.postgres.connect.kept import leave_connection, take_connection
from sartor.postgres.driver.connection import Connection
from sartor.sql.sensitive import without_secrets

BUSY = 0.2
"""Seconds that a query of the run's monitor may delay the end of another session."""

SECOND = 3.0
"""Seconds that the second connection may take, just after the first was made; then the run goes on without it."""

PARTING = 0.5
"""Seconds that ending another session may take: the network may be gone, and the caller waits for this run's end."""

# A session has its script's name only within a transaction: between two transactions of a batch, its statement has it.
_ME = """
case when $1::int4 is null
    then me.state <> 'idle' and pg_catalog.strpos(pg_catalog.concat(me.application_name, me.query), $2::text) > 0
    else me.pid = $1 end
"""

_BLOCKERS = f"""
select distinct on (p.pid) p.pid, p.usename::text as user, p.application_name::text as application,
    pg_catalog.host(p.client_addr) as client, p.state::text as state, pg_catalog.left(p.query, 200)::text as query,
    extract(epoch from pg_catalog.clock_timestamp() - coalesce(p.xact_start, p.state_change, p.backend_start))::float8
        as seconds,
    (select pg_catalog.string_agg(distinct l.mode || ' on ' || l.relation::regclass::text, ', ')
        from pg_catalog.pg_locks l where l.pid = p.pid and l.granted and l.relation in
        (select w.relation from pg_catalog.pg_locks w where w.pid = me.pid and not w.granted)) as holds
from pg_catalog.pg_stat_activity me
cross join lateral pg_catalog.unnest(pg_catalog.pg_blocking_pids(me.pid)) blocking (pid)
join pg_catalog.pg_stat_activity p on p.pid = blocking.pid
where {_ME}
order by p.pid
"""

# The session that holds the lock is a run's second one: its state and its query are Sartor's own, and would mislead.
_HOLDERS = """
select p.pid, p.usename::text as user, p.application_name::text as application,
    pg_catalog.host(p.client_addr) as client, 'at work' as state, null as query, null as holds,
    extract(epoch from pg_catalog.clock_timestamp() - p.backend_start)::float8 as seconds
from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity p on p.pid = l.pid
where l.locktype = 'advisory' and l.classid::int8 << 32 | l.objid::int8 = $1::int8 and l.objsubid = 1 and l.granted
    and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
"""

# The lock is held for as long as the session lives: the server mustn't end one that is idle.
_TRY_LOCK = """
select pg_catalog.pg_try_advisory_lock($1::int8), pg_catalog.set_config('idle_session_timeout', '0', false)
"""

_TERMINATE = f"""
select pg_catalog.pg_terminate_backend(me.pid) from pg_catalog.pg_stat_activity me
where {_ME}
"""


def lock_key(schema: str, purpose: str = "run") -> int:
    """Returns the key of the advisory lock on a schema for a purpose, an int8: its halves are two oids in pg_locks.

    It is Sartor's own, and of 10,000 schemas no two have the same.
    """
    return int.from_bytes(hashlib.sha256(f"sartor\0{purpose}\0{schema}".encode()).digest()[:8], signed=True)


class LockMonitor:
    """The second connection of a run. A run is correct without it, and goes on if it breaks.

    `missing` says why there is none; none is tried where the run's own session is `alone`. With another
    `purpose`, the lock isn't that of runs, but of what has the same purpose.
    """

    def __init__(
        self, destination: Destination, *, application: str, alone: bool = False, purpose: str = "run"
    ) -> None:
        self._destination = destination
        self._called = destination.called(application)
        self._connection: Connection | None = None
        # The run's monitor may query at any time, and a connection runs one query at a time.
        self._free = asyncio.Lock()
        self._alone = alone
        self.missing = ""
        self._key = lock_key(destination.schema, purpose)

    async def __aenter__(self) -> Self:
        if self._destination.scratch:  # no other session is at work there
            return self
        if self._alone:
            self.missing = "the pooler has no other free session"
            return self
        try:
            async with asyncio.timeout(SECOND):
                self._connection = await take_connection(self._destination, application=self._called)
        except Unreachable as error:
            self.missing = str(error)
        except TimeoutError:
            self.missing = f"{self._destination.label}: no answer within {SECOND:g} s"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._connection is not None:
            await leave_connection(self._connection, self._destination, application=self._called)

    async def try_lock(self) -> bool:
        """Takes the run's lock for as long as this connection lives; returns False where another run holds it."""
        rows = await self._fetch(_TRY_LOCK, self._key)
        # Where there is no connection, the journal's key still keeps runs apart.
        return rows[0][0] if rows else True

    async def holders(self) -> tuple[Blocker, ...]:
        return _blockers(await self._fetch(_HOLDERS, self._key))

    async def blockers(self, pid: int | None, mark: str) -> tuple[Blocker, ...]:
        """Returns the sessions that block one session, which is found as in `terminate`."""
        return _blockers(await self._fetch(_BLOCKERS, pid, mark))

    async def terminate(self, pid: int | None, mark: str) -> bool:
        """Ends the session with this process number, or else the active one with `mark` in its name or statement.

        Returns whether the server was told to end one.
        """
        if not await self._is_ready():
            # What broke the run's own connection may well have broken this one.
            with suppress(TimeoutError, Unreachable):
                async with asyncio.timeout(PARTING):
                    self._connection = await connect(self._destination, application=self._called)
        return any(row[0] for row in await self._fetch(_TERMINATE, pid, mark, within=PARTING))

    @property
    def _open(self) -> Connection | None:
        return None if self._connection is None or self._connection.is_closed() else self._connection

    async def _is_ready(self) -> bool:
        """Returns whether the connection can take a query; a connection that stays busy with another query is cut."""
        if (connection := self._open) is None:
            return False
        try:
            async with asyncio.timeout(BUSY), self._free:
                return True
        except TimeoutError:
            connection.terminate()
            return False

    async def _fetch(self, query: str, *args: Any, within: float | None = None) -> list[asyncpg.Record]:
        if (connection := self._open) is None:
            return []
        try:
            async with asyncio.timeout(within), self._free:
                return list(await connection.fetch_kept(query, *args))
        except TimeoutError:
            connection.terminate()
            return []
        except (OSError, *DRIVER_ERRORS):
            return []


def _blockers(rows: list[asyncpg.Record]) -> tuple[Blocker, ...]:
    return tuple(Blocker(**{**dict(row), "query": row["query"] and without_secrets(row["query"])}) for row in rows)
