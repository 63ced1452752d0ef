"""Waiting for others: told of once, with who is in the way; tried again; given up when the budget is over."""

from __future__ import annotations

import re
import subprocess

import pytest

from support.command import Command, finish
from support.database import Database, with_name
from support.folder import Folder
from support.sessions import Holder, backend_running, backend_waiting, holding, until

HELD = "begin", "select count(*) from users"


@pytest.fixture
def users(database: Database, folder: Folder) -> None:
    """A table that another application reads, and an alteration of it that notes each of its tries."""
    database.run("create table users (id int)")
    folder.write(
        "1.0.0-1700000000-email.py",
        """
        async def up(conn):
            with open("tries", "a") as tries:
                print("try", file=tries)
            await conn.execute("create table made_before (id int)")
            await conn.execute("alter table users add column email text")


        async def down(conn):
            await conn.execute("alter table users drop column email")
        """,
    )


def line_with(process: subprocess.Popen[str], text: str) -> str:
    """The first line on stderr that holds `text`; "" where the command ends without."""
    assert process.stderr
    return next((line for line in process.stderr if text in line), "")


def check_names(text: str, holder: Holder) -> None:
    """The blocker is named: application, process, user, state and its age, what it holds, its query."""
    pattern = (
        rf"nightly-report.*user postgres.*idle in transaction for \d+.*"
        rf"holds AccessShareLock on public.users.*query: {re.escape(HELD[1])}"
    )
    assert re.search(pattern, text, re.DOTALL), text
    assert f"pid {holder.pid}" in text


@pytest.mark.usefixtures("users")
@pytest.mark.parametrize("way", ["directly", "pooled"])
def test_the_blocker_is_named_and_the_script_tried_again(
    way: str, sartor: Command, database: Database, pooler_url: str
) -> None:
    """While another session is in the way, one line names it; the whole script is tried until the lock is to be had."""
    url = database.url if way == "directly" else with_name(pooler_url, database.name)
    with holding(database.url, *HELD) as holder:
        process = sartor.start("deploy", "latest", env={"SARTOR_DB_URL": url})
        line = line_with(process, "waiting for a lock")
        check_names(line, holder)
        tries = sartor.directory / "tries"
        until(lambda: tries.read_text().count("try") >= 2)
        holder.run("rollback")
        ended = finish(process)
    assert ended.code == 0, ended
    assert database.tables() == {"users", "made_before"}
    assert database.value("select email from users union all select 'there'") == "there"


def test_a_blocker_is_named_whatever_the_script_is_called(
    sartor: Command, folder: Folder, database: Database, pooler_url: str
) -> None:
    """Behind a pooler a session is found by its name, which the server keeps only in ASCII."""
    database.run("create table users (id int)")
    folder.add("1.0.0-1700000000-größere-straßennamen-für-alle.py", up="alter table users add column email text")
    pooled = with_name(pooler_url, database.name)
    with holding(database.url, *HELD) as holder:
        ended = sartor("deploy", "latest", "--lock-budget", "2s", "--db-url", pooled, expect=5)
        check_names(ended.err, holder)


@pytest.mark.usefixtures("users")
def test_a_wait_is_told_of_in_one_line(sartor: Command, database: Database) -> None:
    """However often a script is tried within a few seconds: the line about it isn't repeated."""
    with holding(database.url, *HELD):
        ended = sartor("deploy", "latest", "--lock-budget", "2s", expect=5)
    assert (sartor.directory / "tries").read_text().count("try") > 1
    assert ended.err.count("waiting for a lock") == 1


@pytest.mark.usefixtures("users")
def test_the_budget_ends(sartor: Command, database: Database) -> None:
    """When the budget is over the run fails, names who was in the way, and leaves nothing of the script."""
    with holding(database.url, *HELD) as holder:
        ended = sartor("deploy", "latest", "--lock-budget", "1s", expect=5)
        assert "55P03" in ended.err
        check_names(ended.err[ended.err.index("failed:") :], holder)
        assert database.tables() == {"users"}
    sartor("deploy", "latest")
    assert database.tables() == {"users", "made_before"}


@pytest.mark.usefixtures("users")
def test_readers_are_not_held_up(sartor: Command, database: Database) -> None:
    """While an alteration waits for its lock, others still read the table: its place in the queue is given up."""
    with holding(database.url, *HELD) as holder:
        process = sartor.start("deploy", "latest")
        until(lambda: backend_running(database, "alter table users"))
        assert database.rows("select * from users") == []
        holder.run("rollback")
        assert finish(process).code == 0


@pytest.fixture
def scripts(folder: Folder) -> None:
    """A script that takes as long as someone holds the advisory lock 7, and one after it."""
    folder.add(
        "1.0.0-1700000000-a.py",
        up="do $$begin perform set_config('lock_timeout', '0', true); perform pg_advisory_xact_lock(7); end$$",
    )
    folder.table("1.0.0-1700000001-b.py")


def start_other(sartor: Command, database: Database) -> subprocess.Popen[str]:
    """Another run, at work on the first script."""
    process = sartor.start("deploy", "latest", "--json")
    until(lambda: backend_waiting(database, "advisory"))
    return process


@pytest.mark.usefixtures("scripts")
def test_another_run_is_named(sartor: Command, database: Database) -> None:
    """A run that another one keeps waiting for longer than --wait ends with 5, names it, and did nothing."""
    with holding(database.url, "select pg_advisory_lock(7)"):
        other = start_other(sartor, database)
        ended = sartor("deploy", "latest", "--wait", "1s", expect=5)
    assert f"sartor deploy {other.pid}@" in ended.err.split("error:")[-1], ended.err
    assert "pg_terminate_backend(" in ended.err
    assert "at work for " in ended.err
    assert "query:" not in ended.err  # that would be the monitor's own
    assert [a["id"] for a in finish(other).json["done"]] == ["1700000000-a", "1700000001-b"]


@pytest.mark.usefixtures("scripts")
def test_waiting_outlasts_idle_session_timeout(sartor: Command, database: Database) -> None:
    """A session that waits for its turn, and the one that holds the lock, aren't ended for being idle."""
    database.run(f"alter database {database.name} set idle_session_timeout = '500ms'")
    with holding(database.url, "set idle_session_timeout = 0", "select pg_advisory_lock(7)"):
        other = start_other(sartor, database)
        ended = sartor("deploy", "latest", "--wait", "2s", expect=5)
    assert f"sartor deploy {other.pid}@" in ended.err.split("error:")[-1], ended.err
    assert finish(other).code == 0


@pytest.mark.usefixtures("scripts")
def test_a_run_goes_on_when_the_other_ends(sartor: Command, database: Database) -> None:
    """A run that waits for another one says for whom, then does what the other one left."""
    with holding(database.url, "select pg_advisory_lock(7)") as holder:
        other = start_other(sartor, database)
        waiting = sartor.start("deploy", "latest", "--json", "--wait", "60s")
        assert f"sartor deploy {other.pid}@" in line_with(waiting, "waiting for another run")
        left = backend_waiting(database, "advisory")
        other.kill()
        other.communicate()
        until(
            lambda: backend_waiting(database, "advisory") not in (left, []), what="the end of the killed one's process"
        )
        holder.run("select pg_advisory_unlock_all()")
        ended = finish(waiting)
    assert [a["id"] for a in ended.json["done"]] == ["1700000000-a", "1700000001-b"]
    assert ended.code == 0, ended


@pytest.mark.parametrize("lock_timeout", ["0", "10m"])
def test_a_claim_is_waited_for_as_long_as_wait_allows(
    lock_timeout: str, sartor: Command, folder: Folder, database: Database
) -> None:
    """However long a script may wait for its locks: a rival's open claim, as behind a pooler, is --wait's to bound."""
    folder.table("1.0.0-1700000000-a.py")
    sartor("deploy", "latest")
    folder.add("1.0.0-1700000001-b.py", up="create table b as select current_setting('lock_timeout') as lock_timeout")
    claim = """insert into sartor_journal (seq, prev, token, kind, by_user, host, sartor, format)
        values (2, 1, '', 'seeded', '', '', '', 1)"""
    with holding(database.url, "begin", claim) as rival:
        ended = sartor("deploy", "latest", "--lock-timeout", lock_timeout, "--wait", "1s", expect=5)
        assert f"pid {rival.pid}" in ended.err.split("error:")[-1]
    sartor("deploy", "latest", "--lock-timeout", lock_timeout)
    assert database.value("select lock_timeout from b") == lock_timeout.replace("10m", "10min")
