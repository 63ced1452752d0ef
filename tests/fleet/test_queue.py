"""Workers and a queue: destinations that are handed out, one worker or many, with whatever happens to them."""

from __future__ import annotations

import asyncio
import json
import sys

import pytest

from sartor import Destination
from sartor.embedded.server import default_directory, serve
from sartor.errors import UsageError
from sartor.fleet.carrier import Ticket, queue_settings, require_library
from sartor.fleet.control import Control
from support.command import Command
from support.database import Database
from support.fleet_queue import SCHEMA, QueuedFleet
from support.folder import Folder
from support.memory import open_folder
from support.servers import HBA, PASSWORD
from support.sessions import until
from support.shapes import check, validator
from support.terminal import ENTER, Terminal


@pytest.fixture
def fleet(sartor: Command, database: Database) -> QueuedFleet:
    """A fleet whose control database has a queue."""
    found = QueuedFleet(sartor, database)
    found.upgrade()
    return found


def test_a_worker_ends_with_the_run(fleet: QueuedFleet, folder: Folder) -> None:
    """A worker deploys wave by wave, says so in a line for each destination, and ends when the run is over."""
    folder.table("1.0.0-1700000000-a.py")
    run = fleet.plan(2, 3)
    done = fleet.work()
    assert fleet.state(run) == "done"
    assert fleet.states(run) == {"done": 5}
    assert len([line for line in done.out.splitlines() if line.startswith("done  ")]) == 5
    assert "5 of 5 done" in done.err
    assert fleet.jobs() == 0
    assert fleet.database.value("select count(*) from t004.sartor_ledger") == 1
    assert "5 of 5 done" in fleet.work().err  # one that comes later ends as the run did


def test_a_run_that_was_planned_for_the_queue(sartor: Command, database: Database, folder: Folder) -> None:
    """`fleet plan --queue` makes a run that workers carry, with its waves; without the queue's tables it names them."""
    folder.table("1.0.0-1700000000-a.py")
    fleet = QueuedFleet(sartor, database)
    sartor.environment["SARTOR_CONTROL"] = fleet.url
    plan = ("fleet", "plan", "1.0.0", "--queue", "--canary", "1", "--wave", "2", "--approve", "--jobs-per-server", "2")
    places = [word for each in fleet.destinations(4) for word in ("--schema", each.schema)]
    assert "sartor fleet upgrade" in sartor.run(*plan, *places, expect=6).err
    sartor.run("fleet", "upgrade")
    assert sartor.run(*plan, *places, "--json").json["run"]["carrier"] == "queue"
    assert fleet.jobs() == 1
    assert "4 of 4 done" in sartor.run("fleet", "worker", "--poll", "1").err
    waves = database.rows(f"select wave, count(*) from {SCHEMA}.fleet_destination where state = 'done' group by 1")
    assert sorted(waves) == [(0, 1), (1, 2), (2, 1)]


def test_a_rollback_that_was_planned_for_the_queue(fleet: QueuedFleet, sartor: Command, folder: Folder) -> None:
    """`fleet plan --rollback` makes a run in which workers roll back; production needs a yes, and a target is one."""
    folder.table("1.0.0-1700000000-a.py")
    folder.table("1.1.0-1700000001-b.py")
    fleet.plan(3)
    fleet.work()
    sartor.environment["SARTOR_CONTROL"] = fleet.url
    places = [word for each in fleet.destinations(3) for word in ("--schema", each.schema)]
    plan, production = (
        ("fleet", "plan", "1.0.0", "--rollback", "--queue", *places),
        {"SARTOR_ENVIRONMENT": "production"},
    )
    assert "to confirm: sartor fleet plan --yes 1.0.0 " in sartor.run(*plan, env=production, expect=2).err
    assert "there is no release '1.x'" in sartor.run("fleet", "plan", "1.x", "--rollback", *places, expect=2).err
    run = check(sartor.run(*plan, "--yes", "--json", env=production), "fleet")["run"]
    assert (run["verb"], run["target"], run["options"]) == ("rollback", "1.0.0", {})
    told = [json.loads(line) for line in fleet.work("--json").out.splitlines()]
    assert [(line["release"], line["files"]) for line in told] == [("1.0.0", ["1.1.0-1700000001-b.py"])] * 3
    assert [fleet.database.tables(each.schema) & {"a", "b"} for each in fleet.destinations(3)] == [{"a"}] * 3


def test_what_is_planned_is_confirmed(fleet: QueuedFleet, sartor: Command, folder: Folder) -> None:
    """On a terminal a planned rollback asks with what is lost everywhere; without a yes, no run is made."""
    folder.table("1.0.0-1700000000-a.py")
    fleet.plan(3)
    fleet.work()
    places = [word for each in fleet.destinations(3) for word in ("--schema", each.schema)]
    words = ("0", "--rollback", "--queue", "--control", fleet.url, *places)
    for key, code, runs in (("n", 2, 1), ("y", 0, 2)):
        with Terminal(sartor, *words, words=("fleet", "plan")) as terminal:
            terminal.until("  table a  at 3 destinations")
            terminal.until("Roll back at 3 destinations?")
            terminal.press(key, ENTER)
            assert terminal.end() == code
        assert fleet.database.value(f"select count(*) from {SCHEMA}.fleet_run") == runs
    env = {"SARTOR_ENVIRONMENT": "production"}
    refused = sartor.run("fleet", "plan", "next", "--control", fleet.url, *places, env=env, expect=2)
    assert "`next` is unreleased: the environment is production" in refused.err


def test_failures_end_the_worker_with_their_code(fleet: QueuedFleet, folder: Folder) -> None:
    """A failed destination is told with its reason, the others go on; a budget that is used up stops the run."""
    folder.add("1.0.0-1700000000-a.py", up="select 1 / (current_schema() <> 't001')::int")
    run = fleet.plan(3, budget=1)
    done = fleet.work("--json", expect=1)
    assert fleet.states(run) == {"done": 2, "failed": 1}
    told = {line["destination"]["schema"]: line for line in map(json.loads, done.out.splitlines())}
    for line in told.values():
        validator("fleet-worker").validate(line)
    assert told["t001"]["error"]["message"].startswith("1.0.0-1700000000-a.py: division by zero")
    assert [told["t001"]["state"], told["t000"]["state"]] == ["failed", "done"]
    stopped = fleet.plan(1, 1, target="1.0.0", budget=0)
    fleet.database.run("drop schema t000 cascade", "create schema t000", "create table t000.t (id int)")
    folder.add("1.0.0-1700000000-a.py", up="select 1 / 0")
    assert "was stopped" in fleet.work(expect=7).err
    assert fleet.states(stopped) == {"failed": 1, "waiting": 1}


def test_rollback_is_carried_too(fleet: QueuedFleet, folder: Folder) -> None:
    """What a run does at each destination is in the control database: a rollback with its arguments as well."""
    folder.add("1.0.0-1700000000-a.py", up="create table a ()", down="drop table a")
    fleet.plan(2)
    fleet.work()
    run = fleet.plan(2, verb="rollback", target="0")
    fleet.work()
    assert fleet.states(run) == {"done": 2}
    assert fleet.database.tables("t001").isdisjoint({"a"})


def test_the_queue_is_made_once(sartor: Command, database: Database, folder: Folder) -> None:
    """`fleet upgrade` makes the tables, and does nothing the second time; without them, a worker names it."""
    folder.table("1.0.0-1700000000-a.py")
    fleet = QueuedFleet(sartor, database)
    missing = fleet.work(expect=6)
    assert "sartor fleet upgrade --control" in missing.err
    odd = {"CHANNEL": "x", "FUNCTION": "y", "QUEUE_TABLE": "z", "PGQUEUER_PREFIX": "w", "DURABILITY": "volatile"}
    first, second = (sartor.run("fleet", "upgrade", "--control", fleet.url, env=odd).out for _ in range(2))
    assert "ready for a queue" in first
    assert "up to date" in second
    third = sartor.run("fleet", "upgrade", "--json", "--control", fleet.url)
    assert check(third, "fleet-upgrade")["statements"] == 0
    assert {"fleet_run", "fleet_queue", "fleet_queue_log"} <= database.tables(SCHEMA)
    fleet.plan(2)
    fleet.work()


def test_no_password_is_stored(fleet: QueuedFleet, folder: Folder) -> None:
    """Neither the control tables nor the queue hold a password; a worker's own settings have it, by the label."""
    folder.table("1.0.0-1700000000-a.py")
    bare = Destination.parse(fleet.database.url, schema="t000")
    keywords = {**bare.keywords, "password": "sesame"}
    run = fleet.plan_for([Destination.of(keywords, schema="t000")])
    rows = fleet.database.rows(f"select d::text from {SCHEMA}.fleet_destination d") + fleet.database.rows(
        f"select encode(payload, 'escape') || headers::text from {SCHEMA}.fleet_queue"
    )
    assert rows
    assert "sesame" not in str(rows)
    fleet.work()
    assert fleet.states(run) == {"done": 1}


def test_a_url_names_no_other_host_for_a_password(fleet: QueuedFleet, folder: Folder) -> None:
    """A worker takes neither `hostaddr` nor `service` from the control database: a password would go elsewhere."""
    folder.table("1.0.0-1700000000-a.py")
    bare = Destination.parse(fleet.database.url, schema="t000")
    run = fleet.plan_for([Destination.of({**bare.keywords, "hostaddr": "127.0.0.1"}, schema="t000")])
    done = fleet.work(expect=1)
    assert "in the control database names hostaddr" in done.out
    assert fleet.states(run) == {"failed": 1}


def test_a_job_that_no_run_made_is_dropped() -> None:
    """A job with a number that no run has, or a text that no label has, is refused before it reaches the tables."""
    for job in (
        '"run": 1e40, "destination": "a"',
        '"run": -1, "destination": "a"',
        '"run": 1, "destination": "\\u0000"',
    ):
        with pytest.raises(ValueError, match="run"):
            Ticket.of(f"{{{job}}}".encode())


def test_a_password_is_the_workers_own(sartor: Command, folder: Folder) -> None:
    """A worker takes passwords from its own settings; without one, the destination fails and names what lacks."""
    folder.table("1.0.0-1700000000-a.py")
    with open_folder() as place, serve(default_directory(place), tcp=True, settings={"fsync": "off"}) as server:
        (default_directory(place) / "data" / "pg_hba.conf").write_text(HBA)
        database = Database(server.url, "postgres")
        granted = "grant create on database postgres to app"
        database.run(f"create role app login password '{PASSWORD}'", granted, "select pg_reload_conf()")
        fleet = QueuedFleet(sartor, database)
        fleet.upgrade()
        telling = f"do $$ begin raise exception 'it is {PASSWORD}'; end $$"
        folder.add("1.1.0-1700000001-b.py", up=telling)
        waves = [[Destination.parse(database.as_user("app"), schema="t000")]]
        failed = fleet.plan_for(*waves)
        sartor.environment["SARTOR_DB_URL"] = ""
        assert "asks for a password" in fleet.work(expect=1).out
        assert fleet.states(failed) == {"failed": 1}
        done = fleet.plan_for(*waves, target="1.0.0")
        sartor.environment["SARTOR_PASSWORD"] = PASSWORD
        assert PASSWORD not in fleet.work("--verbose").err
        assert fleet.states(done) == {"done": 1}
        fleet.plan_for(*waves, target="1.1.0")
        assert "it is ***" in fleet.work(expect=1).out
        assert PASSWORD not in str(database.rows(f"select d::text from {SCHEMA}.fleet_destination d"))


def test_a_wave_that_was_approved_elsewhere_goes_on(fleet: QueuedFleet, folder: Folder) -> None:
    """Whoever approves needs no queue: workers find destinations whose turn it is, and that aren't in the queue."""
    folder.table("1.0.0-1700000000-a.py")
    run = fleet.plan(1, 3, canary=True)
    worker = fleet.start()
    until(lambda: fleet.state(run) == "paused")

    async def approve() -> None:
        async with Control(fleet.control) as control:
            await control.approve(run.id, "me")

    asyncio.run(approve())
    worker.communicate(timeout=60)
    assert worker.returncode == 0
    assert fleet.states(run) == {"done": 4}


def test_a_server_has_its_limit(fleet: QueuedFleet, folder: Folder) -> None:
    """Over all workers, no more destinations of a server are at work at once than the run says."""
    folder.add("1.0.0-1700000000-a.py", up="select pg_sleep(0.2)")
    fleet.database.run(
        f"create table {SCHEMA}.seen (at_work int)",
        # Claims wait for each other here, so that each sees all those before it.
        f"""create function {SCHEMA}.see() returns trigger language plpgsql as $$ begin
            perform pg_advisory_xact_lock(42);
            insert into {SCHEMA}.seen select count(*) from {SCHEMA}.fleet_destination where state = 'running';
            return null; end $$""",
        f"""create trigger see after update of state on {SCHEMA}.fleet_destination for each row
            when (new.state = 'running') execute function {SCHEMA}.see()""",
    )
    run = fleet.plan(16, jobs_per_server=2)
    workers = [fleet.start("--jobs", "4") for _ in range(3)]
    for worker in workers:
        worker.communicate(timeout=60)
    assert fleet.states(run) == {"done": 16}
    assert fleet.database.value(f"select max(at_work) from {SCHEMA}.seen") == 2


def test_the_extra_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, the error says how to install it."""
    monkeypatch.setitem(sys.modules, "pgqueuer", None)
    with pytest.raises(UsageError) as raised:
        require_library()
    assert raised.value.hint == "pip install 'sartor[queue]'"


def test_a_name_of_the_queue_cant_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """PgQueuer reads its names from variables such as TRIGGER; the queue's are Sartor's own, whatever these say."""
    monkeypatch.setenv("TRIGGER", "odd")
    assert {name for name in vars(queue_settings()).values() if isinstance(name, str)} == {
        "fleet_",
        "fleet_queue",
        "fleet_queue_changed",
        "fleet_queue_log",
        "fleet_queue_schedules",
        "fleet_queue_statistics",
        "fleet_queue_status",
    }
