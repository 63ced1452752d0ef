"""Restores that end in the middle: whoever dies, all of the backup is there, or nothing."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from support.command import Command, finish
from support.database import Database, temporary_database, with_name
from support.sessions import backend_running, backend_waiting, holding, until

MEETING = 4711
"""The advisory lock at which a restore waits."""


@pytest.fixture
def other(server_url: str) -> Iterator[Database]:
    """Another empty database."""
    with temporary_database(server_url) as found:
        yield found


@pytest.fixture
def archive(sartor: Command, database: Database, tmp_path: Path) -> str:
    """A backup whose restore meets a lock at its first row, and has more after it than pipes hold."""
    # Only when it is read back, into a database where nobody is called that, does the check wait.
    database.run(
        "create function meet() returns bool language plpgsql as 'begin"
        f" if current_database() <> ''{database.name}'' then perform pg_advisory_lock({MEETING}); end if;"
        " return true; end'",
        "create table early (id int check (public.meet()))",
        "insert into early values (1)",
        "create table late as select g as id, repeat(md5(g::text), 300000) as text from generate_series(1, 5) g",
        "create index on late (id)",
    )
    file = str(tmp_path / "x.dump")
    sartor.run("db", "backup", file)
    return file


def is_over(database: Database) -> bool:
    """Whether every session of a restore has ended."""
    query = "select count(*) from pg_stat_activity where datname = $1 and application_name like 'sartor restore%'"
    return bool(database.value(query, database.name) == 0)


def end(process: subprocess.Popen[str], who: str, other: Database) -> None:
    """End one of those that take part in a restore."""
    if who == "sartor":
        process.kill()
    elif who == "terminal":
        process.send_signal(signal.SIGHUP)
    elif who == "impatience":
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
    elif who == "server":
        query = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and wait_event = 'advisory'"
        other.rows(query, other.name)
    else:
        (child,) = [child for child in psutil.Process(process.pid).children() if child.name() == who]
        child.kill()


@pytest.mark.parametrize("who", ["sartor", "terminal", "impatience", "server", "psql", "pg_restore"])
def test_whoever_dies(sartor: Command, archive: str, other: Database, who: str) -> None:
    """Half a backup is never committed, though `psql` goes on with what the pipe holds."""
    with holding(other.url, f"select pg_advisory_lock({MEETING})"):
        process = sartor.launch("db", "restore", archive, "--into", other.url)
        until(lambda: backend_waiting(other, "advisory"), what="the restore's first row")
        end(process, who, other)
        done = finish(process)
        if who == "impatience":
            assert done.code == 130
            assert "nothing was restored" in done.err or "the server rolls back what isn't committed" in done.err
        elif who in {"server", "psql", "pg_restore"}:
            assert done.code == 6
    until(lambda: is_over(other), what="the end of psql")
    assert other.tables() == set()


def test_large_objects(sartor: Command, database: Database, other: Database, tmp_path: Path) -> None:
    """What comes before a large object isn't committed with it, where something behind it fails."""
    database.run(
        "create table t (id int)",
        "select lo_from_bytea(0, 'abc')",
        "insert into t values (1)",
        "create function refuse(int) returns int immutable language plpgsql as 'begin"
        f" if current_database() <> ''{database.name}'' then raise ''not here''; end if; return 1; end'",
        "create index on t (refuse(id))",
    )
    file = str(tmp_path / "x.dump")
    sartor.run("db", "backup", file)
    sartor.run("db", "restore", file, "--into", other.url, expect=6)
    assert other.tables() == set()
    assert other.value("select count(*) from pg_largeobject_metadata") == 0


@pytest.fixture
def one_row(sartor: Command, database: Database, other: Database, tmp_path: Path) -> str:
    """A backup of a table with a row; COMMIT waits for the standby in the database that it is restored into."""
    database.run("create table t (id int)", "insert into t values (1)")
    other.run(f"alter database {other.name} set synchronous_commit = on")
    file = str(tmp_path / "x.dump")
    sartor.run("db", "backup", file)
    return file


def test_a_signal_at_commit(sartor: Command, other: Database, one_row: str) -> None:
    """Where a signal comes too late, nothing that was restored is called lost."""
    with standby_missing(other):
        process = sartor.launch("db", "restore", one_row, "--into", other.url)
        until(lambda: backend_waiting(other, "SyncRep"), what="the COMMIT")
        assert finish(process, signal.SIGINT).code == 0
    assert other.tables() == {"t"}


@pytest.mark.parametrize("who", ["psql", "server"])
def test_whoever_dies_at_commit(sartor: Command, other: Database, one_row: str, who: str) -> None:
    """Where the end of a COMMIT isn't heard, the server is asked for it: nothing that was restored is called lost."""
    with standby_missing(other):
        process = sartor.launch("db", "restore", one_row, "--into", other.url)
        (pid,) = until(lambda: backend_waiting(other, "SyncRep"), what="the COMMIT")
        if who == "server":
            other.rows("select pg_terminate_backend($1)", pid)
        else:
            end(process, who, other)
    assert finish(process).code == 0
    assert other.tables() == {"t"}


@contextmanager
def standby_missing(database: Database) -> Iterator[None]:
    """A server whose commits wait for a standby that isn't there."""
    database.run(
        "set synchronous_commit = local",
        "alter system set synchronous_standby_names = 'nobody'",
        "select pg_reload_conf()",
    )
    try:
        yield
    finally:
        database.run(
            "set synchronous_commit = local", "alter system reset synchronous_standby_names", "select pg_reload_conf()"
        )


def test_a_database_that_was_made_for_it(sartor: Command, archive: str, database: Database) -> None:
    """With `--create`, a restore that fails leaves no database behind."""
    name = f"{database.name}_made"
    made = Database(with_name(database.url, name), name)
    process = sartor.launch("db", "restore", archive, "--into", made.url, "--create")
    until(lambda: _exists(database, name) and backend_running(made, "COPY public."), what="the restore")
    assert finish(process, signal.SIGINT).code == 130
    assert not _exists(database, name)


def _exists(database: Database, name: str) -> bool:
    return bool(database.value("select count(*) from pg_database where datname = $1", name))
