"""A script that runs outside a transaction in one direction, and in a transaction in the other."""

from __future__ import annotations

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder
from support.psql import psql

SQL, PYTHON = "1.0.0-1700000001-b.sql", "1.0.0-1700000001-b.py"
UP_OUTSIDE = {
    SQL: """
        -- sartor: up
        -- sartor: transaction off
        create index concurrently if not exists a_i on a (id);
        {0};

        -- sartor: down
        drop index if exists a_i;
        {1};
        """,
    PYTHON: """
        transaction_up = False

        async def up(conn):
            await conn.execute("create index concurrently if not exists a_i on a (id)")
            await conn.execute("{0}")

        async def down(conn):
            await conn.execute("drop index if exists a_i")
            await conn.execute("{1}")
        """,
}


@pytest.fixture(autouse=True)
def _table(folder: Folder) -> None:
    folder.table("1.0.0-1700000000-a.py")


def events(sartor: Command) -> list[str]:
    return [event["event"] for event in sartor("history", "--json").json["events"]]


def has_index(database: Database) -> bool:
    return bool(database.value("select to_regclass('a_i') is not null"))


@pytest.mark.parametrize("name", UP_OUTSIDE)
def test_up_outside(sartor: Command, folder: Folder, database: Database, name: str) -> None:
    """`up` is recorded at its beginning and end; `down` is one transaction, undone whole where it fails."""
    folder.write(name, UP_OUTSIDE[name].format("select 1", "select 1 / 0"))
    sartor("deploy", "latest")
    assert "rolled back" in sartor("rollback", "--steps", "1", "--yes", expect=1).err
    assert has_index(database)
    assert events(sartor)[2:] == ["started", "deployed", "failed"]
    folder.write(name, UP_OUTSIDE[name].format("select 1", "select 1"))
    sartor("rollback", "--steps", "1", "--yes", "--accept-edited", "1700000001-b")
    assert not has_index(database)
    assert events(sartor)[5:] == ["rolled-back"]
    assert "proved" in sartor("prove", "1700000001-b").out
    sartor("rehearse", "latest")
    file = sartor.directory / "plan.sql"
    sartor("check", "latest", "--sql", str(file), expect=3)
    psql(database.url, file)
    assert has_index(database)
    sartor("rollback", "--check", "--steps", "1", "--sql", str(file), expect=3)
    psql(database.url, file)
    assert not has_index(database)


def test_a_down_after_a_part_of_up(sartor: Command, folder: Folder, database: Database) -> None:
    """What `up` did outside a transaction before it failed, `down` takes back in one."""
    folder.write(SQL, UP_OUTSIDE[SQL].format("select 1 / 0", "select 1"))
    assert "its changes outside a transaction stay" in sartor("deploy", "latest", expect=1).err
    assert has_index(database)
    sartor("rollback", "--steps", "1", "--yes")
    assert not has_index(database)
    assert events(sartor)[2:] == ["started", "failed", "rolled-back"]


def test_an_up_after_a_part_of_down(sartor: Command, folder: Folder, database: Database) -> None:
    """An `up` in a transaction isn't run on what `down` has half undone outside one: it might do its work twice."""
    folder.write(
        SQL,
        """
        -- sartor: up
        create index if not exists a_i on a (id);
        insert into a values (1);
        -- sartor: down
        -- sartor: transaction off
        drop index concurrently if exists a_i;
        select 1 / c from switch;
        delete from a;
        """,
    )
    database.run("create table switch as select 0 as c")
    sartor("deploy", "latest")
    assert "its changes outside a transaction stay" in sartor("rollback", "--steps", "1", "--yes", expect=1).err
    refused = sartor("deploy", "latest", expect=4)
    assert "isn't run on what is left" in refused.err
    assert "--mark-not-deployed 1700000001-b" in refused.err
    assert database.value("select count(*) from a") == 1
    database.run("update switch set c = 1")
    sartor("rollback", "--steps", "1", "--yes")
    sartor("deploy", "latest")
    assert database.value("select count(*) from a") == 1
    assert events(sartor)[2:] == ["deployed", "undoing", "failed", "undoing", "rolled-back", "deployed"]
