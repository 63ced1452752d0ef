"""Ctrl-C and SIGTERM: cancelled, rolled back, recorded truly, exit 130 within 2 s; the same command then finishes."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from support.command import Command, Finished, finish
from support.database import Database, with_name
from support.folder import Folder
from support.sessions import at_work, backend_running, holding, until

BOUND = 2.0
OVERHEAD = 1.0
"""Seconds that a loaded machine may take to end a process."""

BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])

ENDLESS = """
    import time
    from pathlib import Path

    STUBBORN = '''do $$ begin
        loop
            begin perform pg_sleep(0.1); exception when query_canceled then null; end;
        end loop;
    end $$'''


    async def up(conn):
        await conn.execute("create table b (id int)")
        if not Path("free").exists():
            Path("stuck").touch()
            {stuck}


    async def down(conn):
        await conn.execute("drop table b")
"""

LOSING = """\
import os, signal, sys, weakref

class Finder:
    def find_spec(self, name, path, target=None):
        if name == "sartor.cli.commands.look":
            found = type("Found", (), {})()
            kept = weakref.ref(found, lambda _: os.kill(os.getpid(), signal.SIGINT))
            del found

sys.meta_path.insert(0, Finder())
"""
"""A `sitecustomize` that sends Ctrl-C within a callback whose exceptions Python prints and forgets."""


@pytest.fixture(params=["directly", "pooled"])
def there(request: pytest.FixtureRequest, database: Database, pooler_url: str) -> dict[str, str]:
    """The environment that leads the command to its database, directly or through the pooler."""
    return {"SARTOR_DB_URL": database.url if request.param == "directly" else with_name(pooler_url, database.name)}


def write(folder: Folder, stuck: str) -> None:
    """One alteration that works, and one that gets stuck while there's no file `free`."""
    folder.table("1.0.0-1700000000-a.py")
    folder.write("1.0.0-1700000001-b.py", ENDLESS.format(stuck=stuck))


def stop(process: subprocess.Popen[str], number: signal.Signals) -> Finished:
    """Send a signal; asserts that the command ends within the bound, with 130."""
    began = time.monotonic()
    ended = finish(process, number)
    took = time.monotonic() - began
    assert ended.code == 130, ended
    assert "Traceback" not in ended.err, ended.err
    assert took < BOUND + OVERHEAD, f"{took:.1f} s"
    return ended


def check_and_go_on(sartor: Command, database: Database, env: dict[str, str] | None = None) -> None:
    """The first alteration stayed, nothing of the second did, no session is left; the same command finishes."""
    assert database.tables() == {"a"}
    status = sartor("status", "--json").json
    assert [[a["name"] for a in status[key]] for key in ("deployed", "pending")] == [
        ["1.0.0-1700000000-a.py"],
        ["1.0.0-1700000001-b.py"],
    ]
    until(lambda: not at_work(database), what="the sessions' end")
    (sartor.directory / "free").touch()
    sartor("deploy", "latest", env=env)
    assert database.tables() == {"a", "b"}


@BOTH
def test_during_a_statement(
    number: signal.Signals, sartor: Command, folder: Folder, database: Database, there: dict[str, str]
) -> None:
    """A statement under way is cancelled on the server."""
    write(folder, 'await conn.execute("select pg_sleep(600)")')
    process = sartor.start("deploy", "latest", env=there)
    until(lambda: backend_running(database, "pg_sleep(600)"))
    ended = stop(process, number)
    assert number.name in ended.err
    assert not backend_running(database, "pg_sleep(600)")
    check_and_go_on(sartor, database, there)


def test_an_interrupted_run_reports_what_it_did(sartor: Command, folder: Folder, database: Database) -> None:
    """As JSON, an interrupted run tells what it did before, and what remains."""
    write(folder, 'await conn.execute("select pg_sleep(600)")')
    process = sartor.start("deploy", "latest", "--json")
    until(lambda: backend_running(database, "pg_sleep(600)"))
    told = stop(process, signal.SIGINT).json
    assert [[a["id"] for a in told[key]] for key in ("done", "remaining")] == [["1700000000-a"], ["1700000001-b"]]
    assert told["error"]["exit_code"] == 130


def test_during_a_statement_that_swallows_the_cancel(
    sartor: Command, folder: Folder, database: Database, there: dict[str, str]
) -> None:
    """A statement that doesn't give way to a cancel is ended with its server process."""
    write(folder, "await conn.execute(STUBBORN)")
    process = sartor.start("deploy", "latest", env=there)
    until(lambda: backend_running(database, "query_canceled"))
    stop(process, signal.SIGINT)
    until(lambda: not backend_running(database, "query_canceled"), limit=1, what="the end of the server process")
    check_and_go_on(sartor, database, there)


def test_while_a_script_blocks_python(sartor: Command, folder: Folder, database: Database) -> None:
    """A blocking call in a script is told of, with file and line, and a signal breaks into it."""
    write(folder, "time.sleep(60)")
    process = sartor.start("deploy", "latest")
    line = ENDLESS.split("\n").index("            {stuck}")
    assert process.stderr
    told = next((text for text in process.stderr if "blocks Python" in text), "")
    assert told.startswith(f"note: 1.0.0-1700000001-b.py, line {line}: "), told
    assert "time.sleep" in told
    stop(process, signal.SIGTERM)
    check_and_go_on(sartor, database)


def test_before_anyone_tells_that_a_script_blocks(sartor: Command, folder: Folder, database: Database) -> None:
    """A signal breaks into a blocking call at once, and doesn't wait until it would be told of."""
    write(folder, "time.sleep(60)")
    process = sartor.start("deploy", "latest")
    until((sartor.directory / "stuck").exists)
    stop(process, signal.SIGINT)
    check_and_go_on(sartor, database)


def test_while_a_script_waits_for_a_lock(
    sartor: Command, folder: Folder, database: Database, there: dict[str, str]
) -> None:
    """A wait for a lock is given up."""
    write(folder, 'await conn.execute("lock table held")')
    database.run("create table held (id int)")
    with holding(database.url, "begin", "lock table held"):
        process = sartor.start("deploy", "latest", env=there)
        until(lambda: backend_running(database, "lock table held"))
        stop(process, signal.SIGINT)
    database.run("drop table held")
    check_and_go_on(sartor, database, there)


def test_while_waiting_for_another_run(sartor: Command, folder: Folder, database: Database) -> None:
    """A run that waits for another gives up, and the other one isn't disturbed."""
    write(folder, 'await conn.execute("select pg_sleep(600)")')
    other = sartor.start("deploy", "latest")
    until(lambda: backend_running(database, "pg_sleep(600)"))
    waiting = sartor.start("deploy", "latest", "--wait", "60s")
    assert waiting.stderr
    assert any("waiting for another run" in line for line in waiting.stderr)
    stop(waiting, signal.SIGINT)
    assert backend_running(database, "pg_sleep(600)")
    stop(other, signal.SIGTERM)
    check_and_go_on(sartor, database)


def test_during_a_concurrent_build(sartor: Command, folder: Folder, database: Database) -> None:
    """An interrupted CREATE INDEX CONCURRENTLY is taken up again, and its index is valid in the end."""
    folder.table("1.0.0-1700000000-a.py")
    script = 'transaction = False\n\nasync def {}(conn):\n    await conn.execute("{} index concurrently {}")\n'
    text = script.format("up", "create", "a_id on a (id)") + script.format("down", "drop", "a_id").partition("\n\n")[2]
    folder.write("1.0.0-1700000001-b.py", text)
    sartor("deploy", "latest", "--steps", "1")
    with holding(database.url, "begin isolation level repeatable read", "select 1"):
        process = sartor.start("deploy", "latest")
        until(lambda: backend_running(database, "create index concurrently"))
        stop(process, signal.SIGINT)
        until(lambda: not backend_running(database, "create index concurrently"), limit=1)
        assert database.value("select count(*) from pg_index where not indisvalid") == 1
    assert "interrupted" in sartor("status").out
    sartor("deploy", "latest")
    assert database.value("select indisvalid from pg_index where indexrelid = 'a_id'::regclass")


def test_a_second_signal_ends_at_once(sartor: Command, folder: Folder, database: Database) -> None:
    """Who sends a second signal doesn't want to wait for an orderly end; the server ends the script by itself."""
    write(folder, "await conn.execute(STUBBORN)")
    process = sartor.start("deploy", "latest")
    until(lambda: backend_running(database, "query_canceled"))
    process.send_signal(signal.SIGINT)
    assert process.stderr
    assert any("to stop immediately, send the signal again" in text for text in process.stderr)
    ended = stop(process, signal.SIGINT)
    assert "stopped immediately" in ended.err
    check_and_go_on(sartor, database)


@pytest.mark.parametrize("way", ["alone", "batched"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_an_interruption_is_kept(
    number: signal.Signals, way: str, sartor: Command, folder: Folder, database: Database
) -> None:
    """The history has it, the words say what stays and how to go on, and `verify` can tell what changes."""
    folder.table("1.0.0-1700000000-a.py")
    if way == "alone":
        write(folder, 'await conn.execute("select pg_sleep(600)")')
    else:
        folder.add("1.0.0-1700000001-b.py", "select pg_sleep(600)")
    process = sartor.start("deploy", "latest")
    until(
        lambda: bool(database.value("select count(*) from pg_stat_activity where wait_event = 'PgSleep'")),
        what="the script's statement",
    )
    ended = stop(process, number)
    assert "rolled back; 1 completed before" in ended.err
    assert "resume with: sartor db alteration deploy latest" in ended.err
    assert database.value("select detail->>'message' from sartor_journal where kind = 'failed'") == "interrupted"
    database.run("create table by_hand (id int)")
    assert "by_hand" in sartor("verify", expect=4).out


def test_in_a_callback_of_the_interpreters(sartor: Command, tmp_path: Path) -> None:
    """Ctrl-C ends a command also where Python would lose the exception, as in a callback while it imports."""
    (tmp_path / "sitecustomize.py").write_text(LOSING, "utf-8")
    ended = sartor("list", env={"PYTHONPATH": str(tmp_path)}, expect=130)
    assert (ended.out, ended.err) == ("", "error: interrupted; no run was in progress\n")
