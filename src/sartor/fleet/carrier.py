"""The queue that hands destinations to workers: PgQueuer's tables in the control database, and what is put into them.

PgQueuer (the extra `queue`) is imported in this package alone, and only where a queue is used: it costs a third of a
second. Its settings are given one by one, since it would take them from variables as common as CHANNEL and FUNCTION.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Self

from sartor.domain.fleet_run import Turn, lane
from sartor.errors import QueueMissing, UsageError
from sartor.fleet.control import Opened
from sartor.log import LOG
from sartor.postgres.connect.connect import DRIVER_ERRORS
from sartor.postgres.driver.connection import Connection
from sartor.postgres.driver.fence import PATH
from sartor.sql.quoting import quote_identifier

if TYPE_CHECKING:
    from pgqueuer.adapters.persistence.queries import Queries
    from pgqueuer.domain.settings import DBSettings
    from pgqueuer.ports.driver import Driver

LANES = 64
"""The lanes of a queue: a server's destinations are all in one, whose limit is the server's.

A search for a job looks at each lane: with one for each of a thousand servers it would take longer than the job.
"""

TRIMMED = 10_000
"""The rows of the queue's log that one statement deletes."""

_TRIM = """
with gone as (
    delete from fleet_queue_log where id in (
        select id from fleet_queue_log where created < (
            select min(began) - interval '1 hour' from fleet_run r where carrier = 'queue'
                and (state in ('running', 'paused') or id = (select max(id) from fleet_run where carrier = 'queue')))
        order by created limit $1)
    returning 1)
select count(*) as number from gone
"""

PREFIX = "fleet_"
"""The beginning of the names of the queue's own tables: an application may have a queue in the same schema."""


class Ticket(NamedTuple):
    """A job of the queue: a destination of a run. It holds no secret; what is to be done is in the control tables."""

    run: int
    destination: str
    server: str = ""

    @property
    def lane(self) -> str:
        return lane_name(lane(self.server) % LANES)

    @property
    def key(self) -> str:
        """The key that no other job has that waits or is at work."""
        return f"{self.run}/{self.destination}"

    @property
    def payload(self) -> bytes:
        return json.dumps({"run": self.run, "destination": self.destination}).encode()

    @classmethod
    def of(cls, payload: bytes) -> Self:
        """Reads a job. Raises ValueError for one that no run has made."""
        found = json.loads(payload)
        run, destination = int(found["run"]), str(found["destination"])
        if not 0 < run < 2**63 or "\0" in destination:
            raise ValueError(found)
        return cls(run, destination)


def lane_name(number: int) -> str:
    return f"fleet/{number:02}"


def require_library() -> None:
    """Raises UsageError where the library of the queue isn't installed."""
    try:
        import pgqueuer  # noqa: F401, PLC0415 - an extra
    except ImportError:
        raise UsageError("a queue needs pgqueuer", hint="pip install 'sartor[queue]'") from None


def queue_settings() -> DBSettings:
    """Returns the names of the queue's objects, whatever the environment says."""
    from pgqueuer.domain.settings import DBSettings, Durability  # noqa: PLC0415
    from pgqueuer.domain.types import Channel  # noqa: PLC0415

    return DBSettings(
        prefix=PREFIX,
        db_schema=None,
        channel=Channel(f"{PREFIX}queue"),
        function=f"{PREFIX}queue_changed",
        statistics_table=f"{PREFIX}queue_statistics",
        queue_status_type=f"{PREFIX}queue_status",
        queue_table=f"{PREFIX}queue",
        queue_table_log=f"{PREFIX}queue_log",
        trigger=f"{PREFIX}queue_changed",
        schedules_table=f"{PREFIX}queue_schedules",
        durability=Durability.durable,
        widen_id=True,
    )


def queries_of(driver: Driver) -> Queries:
    """Returns PgQueuer's queries, through a driver whose search path begins with the control schema."""
    from pgqueuer.adapters.persistence import qb  # noqa: PLC0415
    from pgqueuer.adapters.persistence.queries import Queries  # noqa: PLC0415

    settings = queue_settings()
    return Queries(
        driver, qb.QueryBuilderEnvironment(settings), qb.QueryQueueBuilder(settings), qb.QuerySchedulerBuilder(settings)
    )


async def enqueue(queries: Queries, tickets: Sequence[Ticket]) -> None:
    """Puts destinations into the queue, in the transaction of the queries' driver; those that are in it stay."""
    if tickets:
        await queries.enqueue(
            [ticket.lane for ticket in tickets],
            [ticket.payload for ticket in tickets],
            [0] * len(tickets),
            dedupe_key=[ticket.key for ticket in tickets],
            on_conflict="skip",
        )


def enqueuing(schema: str) -> Opened:
    """Returns what `Control` calls when a destination's turn has come: it is enqueued in the same transaction."""

    async def enqueue_opened(connection: Connection, run: int, turns: Sequence[Turn]) -> None:
        from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver  # noqa: PLC0415

        await connection.execute(f"set local search_path = {quote_identifier(schema)}, pg_temp")
        tickets = [Ticket(run, turn.destination, turn.server) for turn in turns]
        await enqueue(queries_of(AsyncpgDriver(connection)), tickets)
        await connection.execute(f"set local search_path = {PATH}")

    return enqueue_opened


async def require_queue(queries: Queries) -> None:
    """Raises QueueMissing where the queue's tables aren't there, or lack what this PgQueuer needs."""
    from pgqueuer.core.qm import QueueManager  # noqa: PLC0415

    try:
        await QueueManager(queries, channel=queries.qbe.settings.channel).verify_structure()
    except RuntimeError as error:
        is_there = await queries.schema_is_installed()
        raise QueueMissing(
            "the queue in the control database is that of an earlier PgQueuer"
            if is_there
            else "the control database has no queue"
        ) from error


async def upgrade_queue(queries: Queries) -> int:
    """Makes the queue's tables, or brings them to what this PgQueuer needs; returns the number of statements."""
    if not await queries.schema_is_installed():
        await queries.install(create_schema=False)
        return 1
    return len((await queries.apply_upgrade()).statements)


async def trim_log(queries: Queries, *, step: int = TRIMMED) -> None:
    """Deletes what the queue's log holds of earlier runs: not of those under way, and not of the last one.

    The log has no run, so that the time counts; the hour is for a run that is long in the making.
    """
    try:
        while (await queries.driver.fetch(_TRIM, step))[0]["number"] == step:
            pass
    except DRIVER_ERRORS as error:  # a right that this role lacks is no reason to plan no run
        LOG.warning("the queue's log isn't trimmed: %s", error)
