"""The log of the queue is trimmed: it keeps what belongs to runs under way, and to the last one."""

from __future__ import annotations

import asyncio

import pytest

from sartor import Destination
from sartor.fleet.carrier import queries_of, trim_log
from sartor.fleet.queue_driver import QueueDriver
from support.command import Command
from support.database import Database
from support.fleet_queue import SCHEMA, QueuedFleet
from support.folder import Folder
from support.roles import temporary_role


@pytest.fixture
def fleet(sartor: Command, database: Database) -> QueuedFleet:
    """A fleet whose control database has a queue."""
    found = QueuedFleet(sartor, database)
    found.upgrade()
    return found


def test_the_log_of_the_queue_does_not_grow_for_ever(fleet: QueuedFleet, sartor: Command, folder: Folder) -> None:
    """Planning a run deletes what the queue's log has of earlier ones; the last one's stays."""
    folder.table("1.0.0-1700000000-a.py")
    sartor.environment["SARTOR_CONTROL"] = fleet.url
    words = ("fleet", "plan", "1.0.0", "--queue", *(w for e in fleet.destinations(4) for w in ("--schema", e.schema)))
    kept = []
    for _ in range(4):
        sartor.run(*words)
        kept.append(fleet.database.value(f"select count(distinct job_id) from {SCHEMA}.fleet_queue_log"))
        fleet.work()
        for table, column in (("fleet_queue_log", "created"), ("fleet_run", "began")):
            fleet.database.run(f"update {SCHEMA}.{table} set {column} = {column} - interval '1 day'")
    assert kept == [4, 8, 8, 8]
    assert fleet.database.value(f"select count(*) from {SCHEMA}.fleet_queue_statistics") == 0


def test_the_log_of_a_run_at_work_is_kept(fleet: QueuedFleet) -> None:
    """However small the steps are, all goes that belongs to runs that are over, and nothing of those under way."""
    fleet.plan(3)
    fleet.database.run(f"update {SCHEMA}.fleet_queue_log set created = created - interval '1 day'")
    fleet.database.run(f"update {SCHEMA}.fleet_run set began = began - interval '1 day', state = 'done'")
    fleet.plan(2, target="1.0.0")
    fleet.plan_for([Destination.parse(fleet.database.url, schema="elsewhere")])
    fleet.database.run(f"update {SCHEMA}.fleet_run set began = began + interval '2 hours' where id = 3")
    assert logged(fleet) == 6
    trim(fleet.control, step=1)
    assert logged(fleet) == 3


def test_a_role_that_may_not_trim(fleet: QueuedFleet) -> None:
    """Without the right to delete from the queue's log, it stays, and that is no error."""
    with temporary_role(fleet.database) as role:
        allowed = f"grant usage on schema {SCHEMA} to {role.name}"
        fleet.database.run(allowed, f"grant select on all tables in schema {SCHEMA} to {role.name}")
        trim(Destination.parse(role.url, schema=SCHEMA))


def logged(fleet: QueuedFleet) -> int:
    """The number of rows of the queue's log."""
    return int(fleet.database.value(f"select count(*) from {SCHEMA}.fleet_queue_log"))


def trim(control: Destination, step: int = 10) -> None:
    """Trims the queue's log."""

    async def go() -> None:
        async with QueueDriver(control, application="sartor test") as driver:
            await trim_log(queries_of(driver), step=step)

    asyncio.run(go())
