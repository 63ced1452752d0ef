"""`deploy --shard` and `--control`: parts of a fleet, and processes that share a run, killed and stopped."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from itertools import count
from urllib.parse import urlsplit

import pytest

from sartor.domain.fleet_run import lane
from support.command import Command, finish
from support.database import Database, temporary_database
from support.folder import Folder
from support.sessions import backend_waiting, holding, until
from support.shapes import check

NUMBER = 24


@pytest.fixture
def control(server_url: str) -> Iterator[Database]:
    with temporary_database(server_url) as found:
        yield found


def servers_of_all_parts(url: str) -> list[str]:
    """URLs of one database under twelve names, whatever its port: each part of 2, 3, 4, 6 and 12 has as many."""
    parts = urlsplit(url)
    named: dict[int, str] = {}
    for each in count():
        host = f"tenant{each}.example.com"
        named.setdefault(lane(f"{host}:{parts.port}") % 12, host)
        if len(named) == 12:
            break
    return [
        f"postgresql://{parts.username}@{each}:{parts.port}{parts.path}?hostaddr=127.0.0.1" for each in named.values()
    ]


@pytest.fixture
def shards(sartor: Command, folder: Folder, database: Database, control: Database) -> Command:
    """The command with a fleet: schemas of a database that is reached under twelve names; one alteration in a file."""
    folder.table("1.0.0-1700000000-a.py")
    servers = servers_of_all_parts(database.url)
    urls = [servers[each % len(servers)] for each in range(NUMBER)]
    known = {f"SARTOR_DB_URL_{each}" if each else "SARTOR_DB_URL": url for each, url in enumerate(urls)}
    known |= {f"SARTOR_SCHEMA_{each}" if each else "SARTOR_SCHEMA": f"t{each}" for each in range(NUMBER)}
    return Command(sartor.directory, {**known, "SARTOR_CONTROL": control.url, "SARTOR_LOCK_TIMEOUT": "60s"})


def deployed(database: Database) -> int:
    """The number of schemas in which the table was made."""
    return int(database.value("select count(*) from pg_tables where tablename = 'a' and schemaname ~ '^t[0-9]+$'"))


def is_paused(control: Database) -> bool:
    """Whether the newest run waits for approval."""
    if control.value("select to_regclass('sartor_fleet.fleet_run') is null"):
        return False
    return control.rows("select state from sartor_fleet.fleet_run order by id desc limit 1") == [("paused",)]


def deploy(shards: Command, part: int, of: int, *more: str) -> subprocess.Popen[str]:
    return shards.start("deploy", "1.0.0", "--shard", f"{part}/{of}", "--run", "job", *more)


def slow(folder: Folder) -> None:
    """A second alteration that waits for a lock that a test holds."""
    folder.add("1.0.0-1700000001-b.py", up="select pg_advisory_xact_lock_shared(7)")


def test_a_shard_alone_divides_the_fleet(shards: Command, database: Database) -> None:
    """Without a control database each part works on its own servers, and all parts together on all."""
    env = {"SARTOR_CONTROL": ""}
    found = []
    for part in range(3):
        shards("deploy", "1.0.0", "--shard", f"{part}/3", env=env)
        found.append(deployed(database))
    assert found == [NUMBER // 3, 2 * NUMBER // 3, NUMBER]
    shards("rollback", "0", "--yes", "--shard", "3", env={**env, "JOB_COMPLETION_INDEX": "0"})
    assert deployed(database) == NUMBER - found[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--shard", "3/3"], "there is no part 3 of 3"),
        (["--shard", "3"], "JOB_COMPLETION_INDEX isn't set"),
        (["--shard", "x/3"], "isn't a part of several"),
        (["--shard", "0/2"], "needs the run's name"),
        (["--steps", "1"], "--steps and --control exclude each other"),
    ],
)
def test_what_is_refused(shards: Command, database: Database, words: list[str], said: str) -> None:
    """A part that isn't there, a part of a run without a name, and what would go further at each attempt."""
    target = [] if "--steps" in words else ["1.0.0"]
    assert said in shards("deploy", *target, *words, expect=2).err
    assert deployed(database) == 0


def test_shards_share_a_run(shards: Command, database: Database) -> None:
    """Four processes do a run in waves; each tells its own part, and how the whole run ended."""
    processes = [deploy(shards, part, 4, "--canary", "2", "--approve", "--wave", "25%") for part in range(4)]
    ends = [finish(each) for each in processes]
    assert [end.code for end in ends] == [0] * 4, ends
    assert deployed(database) == NUMBER
    assert all(f"run 1: done; {NUMBER} of {NUMBER} destinations done" in end.err for end in ends)
    run = check(shards.run("fleet", "status", "job", "--json"), "fleet")["run"]
    assert (run["state"], run["verb"], run["target"], run["waves"]) == ("done", "deploy", "1.0.0", 5)
    again = finish(deploy(shards, 0, 4))
    assert (again.code, "run 1: done" in again.err) == (0, True)


def test_a_shard_is_killed(shards: Command, folder: Folder, database: Database, control: Database) -> None:
    """A shard that is killed at work is started again: it takes up what it had, and every script has run once."""
    slow(folder)
    with holding(database.url, "select pg_advisory_lock(7)"):
        processes = [deploy(shards, part, 2) for part in range(2)]
        until(lambda: len(backend_waiting(database, "advisory")) >= 4)
        processes[0].kill()
        processes[0].communicate()
        assert control.value("select count(*) from sartor_fleet.fleet_destination where worker = 'shard 0/2'") > 0
        processes[0] = deploy(shards, 0, 2)
    ends = [finish(each) for each in processes]
    assert [end.code for end in ends] == [0, 0], ends
    assert deployed(database) == NUMBER
    for each in range(NUMBER):
        events = database.rows(f"select id from t{each}.sartor_journal where kind = 'deployed' order by seq")
        assert [row[0] for row in events] == ["1700000000-a", "1700000001-b"]


def test_a_shard_is_interrupted(shards: Command, folder: Folder, database: Database, control: Database) -> None:
    """Ctrl-C frees what a shard had; the same command goes on with the run."""
    slow(folder)
    with holding(database.url, "select pg_advisory_lock(7)"):
        process = deploy(shards, 0, 1)
        until(lambda: len(backend_waiting(database, "advisory")) >= 4)
        end = finish(process, signal.SIGINT)
        assert (end.code, "those not done are free for others" in end.err) == (130, True), end
        states = dict(control.rows("select state, count(*) from sartor_fleet.fleet_destination group by 1"))
        assert states == {"queued": NUMBER}
    assert finish(deploy(shards, 0, 1)).code == 0
    assert control.value("select max(attempts) from sartor_fleet.fleet_destination") == 1


def test_too_many_failures_stop_all(shards: Command, database: Database) -> None:
    """With more failures in all than the run may have, each process ends with the exit code of that."""
    database.run(*(f"create schema t{each}; create table t{each}.a (id int)" for each in range(0, NUMBER, 2)))
    ends = [finish(deploy(shards, part, 2, "--max-failures", "2", "--jobs", "2")) for part in range(2)]
    assert 7 in [end.code for end in ends]
    assert {end.code for end in ends} <= {7, 1}
    assert any("was stopped, as more than 2 failed" in end.err for end in ends)
    status = check(shards.run("fleet", "status", "--json"), "fleet")
    assert status["run"]["state"] == "stopped"
    assert 3 <= len(status["failures"]) <= 3 + 2 * 2
    assert deployed(database) < NUMBER
    again = finish(deploy(shards, 0, 2))
    assert (again.code, "by another name" in again.err) == (7, True)
    assert again.out.splitlines()[-1].endswith("--run job-again")


def test_one_destination_is_a_fleet_where_its_run_is_named(shards: Command, control: Database) -> None:
    """A run that is named is one of the control database, of however few destinations."""
    shards("deploy", "1.0.0", "--only", "schema=t0", "--run", "alone")
    assert control.rows("select names, state, total from sartor_fleet.fleet_run") == [(["alone"], "done", 1)]


def test_a_run_is_approved_while_shards_wait(shards: Command, database: Database, control: Database) -> None:
    """Shards wait behind the canaries until `approve`, and end where `cancel` says so."""
    processes = [deploy(shards, part, 2, "--canary", "3") for part in range(2)]
    until(lambda: is_paused(control))
    assert deployed(database) == 3
    shards.run("fleet", "approve", "job")
    ends = [finish(each) for each in processes]
    assert [end.code for end in ends] == [0, 0]
    assert any("run 1 waits behind its canaries; to go on: sartor fleet approve 1" in end.err for end in ends)
    assert deployed(database) == NUMBER
    waiting = shards.start("rollback", "0", "--yes", "--run", "back", "--canary", "3")
    until(lambda: is_paused(control))
    shards.run("fleet", "cancel", "back")
    end = finish(waiting)
    assert (end.code, "run 2 was cancelled" in end.err) == (7, True), end
    assert deployed(database) == NUMBER - 3


def test_a_rollback_that_was_planned(shards: Command, database: Database) -> None:
    """`fleet plan --rollback` makes a run that the parts of a rollback join; a deployment by that name is refused."""
    shards("deploy", "1.0.0", "--run", "there")
    shards.run("fleet", "plan", "0", "--rollback", "--run", "back", "--wave", "50%")
    assert "does something else: rollback 0" in shards("deploy", "1.0.0", "--run", "back", expect=5).err
    processes = [shards.start("rollback", "0", "--run", "back", "--shard", f"{part}/2") for part in range(2)]
    ends = [finish(each) for each in processes]
    assert [end.code for end in ends] == [0, 0], ends
    assert all(f"run 2: done; {NUMBER} of {NUMBER} destinations done" in end.err for end in ends)
    assert deployed(database) == 0


def test_two_runs_at_once(shards: Command, database: Database, control: Database) -> None:
    """Two processes that deploy the same share one run; one that does something else is refused."""
    first = shards.start("deploy", "1.0.0", "--canary", "1")
    until(lambda: is_paused(control))
    refused = shards("rollback", "0", "--yes", expect=5)
    assert "run 1 has destinations of these and is paused: deploy 1.0.0" in refused.err
    second = shards.start("deploy", "1.0.0", "--approve")
    assert [finish(first).code, finish(second).code] == [0, 0]
    assert control.value("select count(*) from sartor_fleet.fleet_run") == 1
    assert deployed(database) == NUMBER


def test_a_run_is_planned(shards: Command, database: Database) -> None:
    """`plan` makes the run with its waves, and `deploy` joins it by its name, whatever its own options say."""
    planned = check(shards.run("fleet", "plan", "1.0.0", "--wave", "6", "--run", "job", "--json"), "fleet")["run"]
    assert (planned["state"], planned["waves"], planned["total"], planned["names"]) == ("running", 4, NUMBER, ["job"])
    assert "--jobs is for the processes" in shards.run("fleet", "plan", "1.0.0", "--jobs", "2", expect=2).err
    ends = [finish(each) for each in [deploy(shards, part, 2) for part in range(2)]]
    assert [end.code for end in ends] == [0, 0]
    assert "== wave 4 of 4" in ends[0].err + ends[1].err
    assert deployed(database) == NUMBER
