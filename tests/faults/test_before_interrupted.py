"""Scripts with a part outside a transaction, interrupted in it: what their transaction holds happens exactly once."""

from __future__ import annotations

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder

NAME = "1.0.0-1700000000-count.py"


@pytest.fixture(autouse=True)
def _counter(database: Database) -> None:
    database.run("create table counter as select 0 as n", "create table gate (at text)")


def write(folder: Folder, *, before_down: bool = True) -> None:
    """A script that counts up and down in a transaction, and is closed where `gate` names a function of it."""
    closed = "await conn.execute(\"do $$ begin assert not exists (select from gate where at = '{}'); end $$\")"
    names = ["before_up", "up", "down", *(["before_down"] if before_down else [])]
    count = {"up": "n + 1", "down": "n - 1"}
    folder.write(
        NAME,
        "\n\n".join(
            f"async def {name}(conn):\n    {closed.format(name)}\n"
            + (f'    await conn.execute("update counter set n = {count[name]}")\n' if name in count else "")
            for name in names
        ),
    )


def close(database: Database, *names: str) -> None:
    """Let these functions of the script fail, and no other."""
    database.run("delete from gate", *(f"insert into gate values ('{name}')" for name in names))


def check(sartor: Command, database: Database, *, counted: int) -> None:
    """What the script did agrees with what the ledger says."""
    assert database.value("select n from counter") == counted
    status = sartor("status", "--json").json
    assert (len(status["deployed"]), status["interrupted"]) == (counted, [])


@pytest.mark.parametrize("at", ["before_up", "up"])
@pytest.mark.parametrize("before_down", [True, False])
def test_rolled_back_before_up_ended(
    at: str, sartor: Command, folder: Folder, database: Database, *, before_down: bool
) -> None:
    """An `up` that never ended isn't undone: its `down` doesn't run, `before_down` does."""
    write(folder, before_down=before_down)
    close(database, at)
    sartor("deploy", "latest", expect=1)
    assert "`up` did not complete" in sartor("rollback", "0").err
    check(sartor, database, counted=0)
    close(database)
    sartor("deploy", "latest")
    check(sartor, database, counted=1)


@pytest.mark.parametrize("at", ["before_down", "down"])
def test_deployed_again_before_down_ended(at: str, sartor: Command, folder: Folder, database: Database) -> None:
    """An `up` that still holds doesn't run a second time where its rollback was given up."""
    write(folder)
    sartor("deploy", "latest")
    close(database, at)
    sartor("rollback", "0", expect=1)
    assert "`up` is still in effect" in sartor("deploy", "latest").err
    check(sartor, database, counted=1)
    close(database)
    sartor("rollback", "0")
    check(sartor, database, counted=0)


def test_to_and_fro(sartor: Command, folder: Folder, database: Database) -> None:
    """However often both ways were begun in between, it counts what ended last."""
    write(folder)
    sartor("deploy", "latest")
    close(database, "before_down", "before_up")
    sartor("rollback", "0", expect=1)
    sartor("deploy", "latest", expect=1)
    sartor("rollback", "0", expect=1)
    close(database)
    sartor("rollback", "0")
    check(sartor, database, counted=0)
    sartor("deploy", "latest")
    check(sartor, database, counted=1)
