"""Workers that are killed, paused, stopped and cut off: each destination is done once, and none is lost."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections import Counter
from functools import partial

import psutil
import pytest

from sartor.domain.fleet_run import FleetRun
from sartor.embedded.cluster import Account
from sartor.embedded.server import default_directory, serve
from sartor.fleet.control_rows import MOST_CLAIMS
from support.command import Command
from support.database import Database
from support.fleet_queue import SCHEMA, QueuedFleet
from support.folder import Folder
from support.memory import open_folder
from support.proxy import proxy_to
from support.sessions import backend_waiting, until

SILENCE = ("--heartbeat", "2")


@pytest.fixture
def fleet(sartor: Command, database: Database) -> QueuedFleet:
    """A fleet whose control database has a queue."""
    found = QueuedFleet(sartor, database)
    found.upgrade()
    return found


def deployed(fleet: QueuedFleet, number: int) -> Counter[int]:
    """How many destinations have their one alteration in the journal so many times."""
    return Counter(
        fleet.database.value(f"select count(*) from t{each:03}.sartor_journal where id is not null")
        for each in range(number)
    )


def family(worker: subprocess.Popen[str]) -> list[psutil.Process]:
    """A worker and its hands."""
    process = psutil.Process(worker.pid)
    return [process, *process.children(recursive=True)]


def _went_on(fleet: QueuedFleet, run: FleetRun, before: int) -> bool:
    return fleet.states(run)["done"] > before or fleet.state(run) == "done"


def test_workers_killed_at_random(fleet: QueuedFleet, folder: Folder) -> None:
    """Workers are killed, some with their hands, and others started: all is done, and nothing twice."""
    folder.add("1.0.0-1700000000-a.py", up="select pg_sleep(0.1)")
    run = fleet.plan(10, 30, jobs_per_server=8)
    rng = random.Random(7)  # noqa: S311 - a seed
    workers = [fleet.start(*SILENCE) for _ in range(4)]
    for kill in range(8):
        before = fleet.states(run)["done"]
        until(partial(_went_on, fleet, run, before), limit=60)
        victim = workers.pop(rng.randrange(len(workers)))
        for process in family(victim) if kill % 2 and victim.poll() is None else []:
            process.kill()
        victim.kill()
        victim.communicate(timeout=60)
        workers.append(fleet.start(*SILENCE))
    for worker in workers:
        worker.communicate(timeout=120)
        assert worker.returncode == 0
    assert fleet.states(run) == {"done": 40}
    assert deployed(fleet, 40) == {1: 40}
    assert fleet.jobs() == 0


def test_a_paused_worker_loses_its_job_and_does_no_harm(fleet: QueuedFleet, folder: Folder) -> None:
    """What a paused worker had is taken over; the destination's own lock and journal decide when it wakes."""
    folder.add("1.0.0-1700000000-a.py", up="select pg_sleep(1.5)")
    run = fleet.plan(1)
    first = fleet.start(*SILENCE)
    until(lambda: backend_waiting(fleet.database, "PgSleep"))
    paused = family(first)
    for process in paused:
        process.suspend()
    second = fleet.start(*SILENCE)
    until(lambda: fleet.database.value(f"select attempts from {SCHEMA}.fleet_destination") == 2, limit=60)
    for process in paused:
        process.resume()
    for worker in (first, second):
        worker.communicate(timeout=60)
        assert worker.returncode == 0
    assert fleet.states(run) == {"done": 1}
    assert deployed(fleet, 1) == {1: 1}


def test_a_script_that_ends_its_process(fleet: QueuedFleet, folder: Folder) -> None:
    """A script that kills its process is run so many times, then it has failed; the worker lives, others are done."""
    script = folder.add("1.0.0-1700000000-a.py", up="select 1")
    killing = "    if await conn.fetchval('select current_schema()') == 't001':\n        os.kill(os.getpid(), 9)\n"
    text = script.read_text()
    script.write_text("import os\n\n\n" + text.replace("async def up(conn):\n", "async def up(conn):\n" + killing, 1))
    run = fleet.plan(3)
    done = fleet.work(expect=1)
    assert fleet.states(run) == {"done": 2, "failed": 1}
    assert fleet.database.value(f"select max(attempts) from {SCHEMA}.fleet_destination") == MOST_CLAIMS
    assert "has ended" in done.out


def test_a_job_that_ends_its_worker_is_counted(fleet: QueuedFleet, folder: Folder) -> None:
    """A claim counts before anything is done, so that a destination which ends each worker is given up."""
    folder.add("1.0.0-1700000000-a.py", up="select pg_sleep(0.1)")
    run = fleet.plan(1)
    fleet.database.run(f"update {SCHEMA}.fleet_destination set attempts = {MOST_CLAIMS}")
    fleet.work(expect=1)
    assert fleet.states(run) == {"failed": 1}


def test_a_blocking_script_doesnt_silence_its_worker(fleet: QueuedFleet, folder: Folder) -> None:
    """A script that blocks its event loop for longer than the heartbeat isn't taken over."""
    script = folder.add("1.0.0-1700000000-a.py", up="select 1")
    text = script.read_text()
    script.write_text(
        "import time\n\n\n" + text.replace("async def up(conn):\n", "async def up(conn):\n    time.sleep(5)\n", 1)
    )
    run = fleet.plan(2)
    workers = [fleet.start(*SILENCE) for _ in range(2)]
    for worker in workers:
        worker.communicate(timeout=60)
        assert worker.returncode == 0
    assert fleet.states(run) == {"done": 2}
    assert fleet.database.rows(f"select distinct attempts from {SCHEMA}.fleet_destination") == [(1,)]


@pytest.mark.parametrize("blocks", [False, True])
def test_a_worker_that_is_told_to_end(fleet: QueuedFleet, folder: Folder, *, blocks: bool) -> None:
    """SIGTERM rolls back what is under way, and its job goes back at once, as if it had never been begun."""
    waits = "time.sleep(60)" if blocks else "await asyncio.sleep(60)"
    body = f"    await conn.execute('create table under_way ()')\n    {waits}\n"
    folder.write("1.0.0-1700000000-a.py", f"import asyncio\nimport time\n\n\nasync def up(conn):\n{body}")
    run = fleet.plan(2)
    worker = fleet.start(own_group=True)
    until(lambda: _in_scripts(fleet) == 2)
    began = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    _, err = worker.communicate(timeout=30)
    assert time.monotonic() - began < 25
    assert worker.returncode == 130, err
    assert fleet.states(run) == {"queued": 2}
    rows = fleet.database.rows(f"select attempts, worker from {SCHEMA}.fleet_destination")
    assert rows == [(0, None), (0, None)]
    assert fleet.database.rows(f"select distinct status::text from {SCHEMA}.fleet_queue") == [("queued",)]
    assert fleet.database.tables("t000").isdisjoint({"under_way"})


def _in_scripts(fleet: QueuedFleet) -> int:
    query = "select count(*) from pg_stat_activity where datname = $1 and state = 'idle in transaction'"
    return int(fleet.database.value(query, fleet.database.name))


def test_a_control_connection_that_is_cut(fleet: QueuedFleet, folder: Folder, database: Database) -> None:
    """A worker whose connections to the control database were cut takes what is enqueued afterwards."""
    folder.table("1.0.0-1700000000-a.py")
    with proxy_to(database.url) as proxy:
        worker = fleet.start("--stay", "--control", f"{proxy.url}?schema={SCHEMA}")
        until(lambda: database.rows("select from pg_stat_activity where application_name like '%fleet queue%'"))
        proxy.cut()
        run = fleet.plan(4)
        until(lambda: fleet.state(run) == "done", limit=30)
        proxy.cut()
        again = fleet.plan(2, 2, target="1.0.0")
        until(lambda: fleet.state(again) == "done", limit=30)
        worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=30)
    assert deployed(fleet, 4) == {1: 4}


def test_a_control_database_that_restarts(sartor: Command, database: Database, folder: Folder) -> None:
    """The control database crashes and comes back while workers are at work: the run goes on, and ends whole."""
    folder.add("1.0.0-1700000000-a.py", up="select pg_sleep(0.3)")
    with open_folder() as place, serve(default_directory(place), tcp=True, settings={"fsync": "off"}) as server:
        fleet = QueuedFleet(sartor, database, Database(server.url, "postgres"))
        fleet.upgrade()
        run = fleet.plan(4, 8)
        workers = [fleet.start("--jobs", "2", *SILENCE) for _ in range(2)]
        until(lambda: fleet.states(run)["done"] >= 2)
        command = (server.bin / "pg_ctl", "restart", "-w", "-m", "immediate", "-D", default_directory(place) / "data")
        assert Account.of_the_server().run(*command) == 0
        for worker in workers:
            _, err = worker.communicate(timeout=90)
            assert worker.returncode == 0, err
        assert fleet.states(run) == {"done": 12}
    assert deployed(fleet, 12) == {1: 12}
