"""A run's second connection: there wherever it can be had, and no more than a courtesy where it can't."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from support.command import Command, finish
from support.database import Database
from support.folder import Folder
from support.roles import Role, temporary_role
from support.sessions import backend_waiting, until

SESSIONS = "select count(*) from pg_stat_activity where datname = $1 and application_name like 'sartor%'"
TOLD = "continuing with one connection, because a second one isn't available"


@pytest.fixture
def role(database: Database) -> Iterator[Role]:
    """A role that may deploy, and is no superuser."""
    with temporary_role(database) as made:
        database.run(f"grant create, usage on schema public to {made.name}")
        yield made


def test_a_run_has_both_of_its_connections(sartor: Command, folder: Folder, database: Database) -> None:
    """While a script runs, the run's second session is there, with its lock, and nothing is said of it."""
    folder.add("1.0.0-1700000000-a.py", up="select pg_sleep(600)")
    process = sartor.start("deploy", "latest")
    until(lambda: backend_waiting(database, "PgSleep"), what="the script")
    assert database.value(SESSIONS, database.name) == 2
    held = "select count(*) from pg_locks where locktype = 'advisory' and granted and database = $1"
    assert database.value(held, database.value("select oid from pg_database where datname = $1", database.name)) == 1
    refused = sartor("deploy", "latest", "--wait", "0", expect=5)
    assert "another run is in progress" in refused.err
    assert TOLD not in finish(process, signal.SIGINT).err


@pytest.mark.parametrize("limited", ["role", "database"])
def test_a_run_goes_on_with_one(limited: str, sartor: Command, folder: Folder, database: Database, role: Role) -> None:
    """Where the server has one free connection, deploy and rollback do their work, and say what they do without."""
    of = f"role {role.name}" if limited == "role" else f"database {database.name}"
    for number in range(3):
        folder.table(f"1.0.0-170000000{number}-t{number}.py")
    folder.table("1.1.0-1700000003-t3.py")
    database.run(f"alter {of} connection limit 1")
    there = {"SARTOR_DB_URL": role.url}
    for words, left in ((("deploy", "1.0.0"), 3), (("deploy", "latest", "--no-batch"), 4), (("rollback", "0"), 0)):
        done = sartor(*words, env=there)
        assert TOLD in done.err, done
        assert "too many connections" in done.err, done
        assert len(database.tables()) == left
    assert "connection" not in sartor("status", env=there).err
    database.run(f"alter {of} connection limit 2")
    assert TOLD not in sartor("deploy", "latest", env=there).err
