"""Ctrl-C and SIGTERM while several destinations are at work: each is rolled back whole, and says what it did."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest

import support.side_by_side
from support.command import Command, Finished, finish, warm
from support.database import Database
from support.folder import Folder
from support.sessions import at_work, backend_running, until

PROGRAM = support.side_by_side.__file__
SCHEMAS = tuple(f"tenant_{n}" for n in range(8))

STUCK = """
import builtins, time
from pathlib import Path
async def up(conn, run):
    await conn.execute("create table b (id int)")
    if Path("free").exists():
        return
    shared = vars(builtins).setdefault("shared", [])
    shared.append(run.schema)
    while len(shared) < 8:
        await __import__("asyncio").sleep(0.01)
    Path("stuck").touch()
    if run.schema in {blocking}:
        time.sleep(600)
    await conn.execute({statement!r})
"""
"""A script that waits until it is under way at all destinations; those in `blocking` then block the event loop."""

STUBBORN = """do $$ begin
    loop
        begin perform pg_sleep(0.1); exception when query_canceled then null; end;
    end loop;
end $$"""


class Several:
    """Runs at eight destinations on one event loop."""

    def __init__(self, sartor: Command, folder: Folder, database: Database) -> None:
        self._sartor, self._folder, self._database = sartor, folder, database
        database.run(*(f"create schema {each}" for each in SCHEMAS))

    def write(self, blocking: tuple[str, ...] = (), statement: str = "select pg_sleep(600)") -> None:
        """One alteration that works, and one that gets stuck while there's no file `free`."""
        self._folder.table("next-1-a.py")
        self._folder.write("next-2-b.py", STUCK.format(blocking=blocking, statement=statement))

    def start(self) -> subprocess.Popen[str]:
        words = (self._database.url, str(self._folder.path), *SCHEMAS)
        return warm().start(
            words, directory=self._sartor.directory, environment=self._sartor.environment, program=PROGRAM
        )

    def require_whole(self, ended: Finished) -> None:
        """Asserts that each run has told what it did, and that the database agrees."""
        assert ended.code == 130, ended
        assert "Traceback" not in ended.err, ended.err
        told = json.loads(ended.out.splitlines()[-1])
        assert {schema: each["done"] for schema, each in told.items()} == {key: ["1-a"] for key in SCHEMAS}
        self.require_rolled_back()
        for schema in SCHEMAS:
            query = f"select detail->>'message' from {schema}.sartor_journal where kind = 'failed'"
            assert self._database.rows(query) == [("interrupted",)], schema

    def require_rolled_back(self) -> None:
        """Asserts that no destination has more than the first script, and that the same runs can finish."""
        until(lambda: not at_work(self._database), what="the sessions' end")
        assert {each: self._database.tables(each) for each in SCHEMAS} == {key: {"a"} for key in SCHEMAS}
        (self._sartor.directory / "free").touch()
        ended = finish(self.start())
        assert ended.code == 0, ended
        assert {each: self._database.tables(each) for each in SCHEMAS} == {key: {"a", "b"} for key in SCHEMAS}


@pytest.fixture
def several(sartor: Command, folder: Folder, database: Database) -> Several:
    return Several(sartor, folder, database)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_while_all_wait_for_the_server(number: signal.Signals, several: Several, database: Database) -> None:
    """Every statement under way is cancelled on the server, and each run's report is complete."""
    several.write()
    process = several.start()
    until(lambda: len(backend_running(database, "pg_sleep(600)")) == len(SCHEMAS))
    several.require_whole(finish(process, number))


@pytest.mark.parametrize("blocking", [SCHEMAS[3:4], SCHEMAS[2:5], SCHEMAS], ids=["one", "three", "all"])
def test_while_scripts_block(blocking: tuple[str, ...], several: Several, sartor: Command) -> None:
    """A signal breaks into each script that blocks the event loop, and the others are ended with it."""
    several.write(blocking)
    process = several.start()
    until((sartor.directory / "stuck").exists)
    several.require_whole(finish(process, signal.SIGINT))


@pytest.mark.parametrize("blocking", [(), SCHEMAS[3:4]], ids=["waiting", "blocking"])
def test_a_second_signal_ends_at_once(
    blocking: tuple[str, ...], several: Several, sartor: Command, database: Database
) -> None:
    """Nobody waits for an orderly end then: the server rolls back by itself."""
    several.write(blocking, STUBBORN)
    process = several.start()
    stuck = sartor.directory / "stuck"
    until(lambda: stuck.exists() and (blocking or len(backend_running(database, "query_canceled")) == len(SCHEMAS)))
    process.send_signal(signal.SIGINT)
    assert process.stderr
    assert any("to stop immediately, send the signal again" in text for text in process.stderr)
    ended = finish(process, signal.SIGINT)
    assert ended.code == 130, ended
    assert "stopped immediately" in ended.err
    several.require_rolled_back()


def test_the_command_tells_each(several: Several, sartor: Command, database: Database) -> None:
    """As JSON, an interrupted run over a fleet tells of each destination what it did; the same command finishes."""
    several.write()
    words = ("deploy", "next", "--jobs", "8", "--jobs-per-server", "8", "--json")
    process = sartor.start(*words, *(word for each in SCHEMAS for word in ("--schema", each)))
    until(lambda: len(backend_running(database, "pg_sleep(600)")) == len(SCHEMAS))
    ended = finish(process, signal.SIGINT)
    assert ended.code == 130, ended
    *lines, last = map(json.loads, ended.out.splitlines())
    assert {each["destination"]["schema"]: [done["id"] for done in each["done"]] for each in lines} == {
        key: ["1-a"] for key in SCHEMAS
    }
    assert last["fleet"]["stopped"] == "interrupted"
    several.require_rolled_back()
