"""`--tables affected`: backups with the rows of those tables alone that a run may change."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.command import Command
from support.database import Database, temporary_database
from support.folder import Folder
from support.roles import temporary_role
from support.shapes import check, check_lines

BASE = """
    -- sartor: up
    create table users (id int primary key);
    create table orders (id int primary key, user_id int references users on delete cascade);
    create table stock (id int);
    insert into users values (1), (2);
    insert into orders values (1, 1), (2, 2);
    insert into stock values (1);
    -- sartor: down
    drop table stock, orders, users;
"""
AFFECTED = ("--tables", "affected")


@pytest.fixture
def deployed(sartor: Command, folder: Folder, database: Database) -> Database:
    """A database with three tables, one of which references another."""
    folder.write("1.0.0-1700000000-base.sql", BASE)
    sartor("deploy", "latest")
    return database


@pytest.fixture
def other(server_url: str) -> Iterator[Database]:
    """An empty database."""
    with temporary_database(server_url) as found:
        yield found


def last_event(sartor: Command) -> Any:
    return check(sartor("history", "--json"), "history")["events"][-1]


@pytest.mark.usefixtures("deployed")
def test_by_itself(sartor: Command, folder: Folder, other: Database, tmp_path: Path) -> None:
    """It says whose rows it holds, in words, as JSON and in the journal; the restore, whose it doesn't hold."""
    folder.add("1.1.0-1700000001-gone.py", up="delete from users where id = 1")
    file, again = str(tmp_path / "x.dump"), str(tmp_path / "y.dump")
    words = "contains only the rows of 2 tables (public.orders, public.users)\n"
    assert sartor.run("db", "backup", file, *AFFECTED, "--prove").out.endswith(f"; proved by a restore; {words}")
    assert "x.dump, with only the rows of 2 tables" in sartor("history").out
    made = check(sartor.run("db", "backup", again, *AFFECTED, "--json"), "backup")
    assert (made["tables"], made["left_out"]) == (["public.orders", "public.users"], ["public.stock"])
    assert last_event(sartor)["detail"]["tables"] == made["tables"]
    done = sartor.run("db", "restore", file, "--into", other.url)
    assert done.out.endswith("; without the rows of 1 table (public.stock), which the backup doesn't contain\n")
    assert (other.rows("select id from users order by 1"), other.rows("select 1 from stock")) == ([(1,), (2,)], [])
    assert "1 deployed, 1 pending" in sartor("status", "--db-url", other.url).out
    with temporary_database(other.url) as third:
        found = check(sartor.run("db", "restore", again, "--into", third.url, "--json"), "restore")
    assert found["left_out"] == ["public.stock"]


@pytest.mark.usefixtures("deployed")
def test_up_to_a_target(sartor: Command, folder: Folder, tmp_path: Path) -> None:
    """All that is pending counts, or what a deploy to a target would do; where nothing is, there is no such backup."""
    folder.add("1.1.0-1700000001-a.py", up="delete from stock")
    folder.add("next-1700000002-b.py", up="delete from orders")
    backup = ("db", "backup", str(tmp_path), "--json", *AFFECTED)
    assert check(sartor.run(*backup), "backup")["left_out"] == []
    assert check(sartor.run(*backup, "--target", "1.1.0"), "backup")["tables"] == ["public.stock"]
    refused = check(sartor.run(*backup, "--target", "1.0.0", expect=2), "backup")["error"]
    assert refused["kind"] == "RefusedError"
    assert refused["message"].startswith("nothing is pending in ")


def test_before_a_deployment(
    sartor: Command, folder: Folder, deployed: Database, other: Database, tmp_path: Path
) -> None:
    """The rows of before come back from it, and a deployment that fails says which those are."""
    folder.add("1.1.0-1700000001-a.py", up="delete from users")
    folder.add("1.1.0-1700000002-b.py", up="alter table stock add check (id > 1)")
    done = sartor("deploy", "latest", "--backup", str(tmp_path), *AFFECTED, "--json", expect=1)
    made = check(done, "deploy")["backup"]
    assert deployed.rows("select * from orders") == []
    assert made["tables"] is None
    assert "note: the backup holds the rows of all tables: the plan may change or reference every table\n" in done.err
    (folder.path / "1.1.0-1700000002-b.py").unlink()
    folder.add("1.1.0-1700000002-c.py", up="insert into users values (7)")
    folder.add("1.1.0-1700000003-d.py", up="insert into users values (7)")
    failed = sartor("deploy", "latest", "--backup", str(tmp_path), *AFFECTED, expect=1)
    assert "failed in a rehearsal without rows: duplicate key" in failed.err
    (folder.path / "1.1.0-1700000003-d.py").unlink()
    deployed.run("insert into users values (1)", "insert into orders values (1, 1)")
    folder.add("1.1.0-1700000003-e.py", up="update users set id = id / 2")
    failed = sartor("deploy", "latest", "--backup", str(tmp_path), *AFFECTED, expect=1)
    assert "; contains only the rows of 2 tables (public.orders, public.users)\n" in failed.err
    command = failed.err.partition("To restore the previous rows of the affected tables: ")[2].split()
    sartor.run("db", "restore", command[3], "--into", other.url)
    assert other.rows("select id from users order by 1") == [(1,), (7,)]


def test_before_a_rollback(sartor: Command, folder: Folder, deployed: Database, tmp_path: Path) -> None:
    """What the way back may change is what it holds."""
    folder.add("1.1.0-1700000001-a.py", up="create table bills (id int)", down="drop table bills")
    sartor("deploy", "latest")
    deployed.run("insert into bills values (1)")
    done = sartor("rollback", "1.0.0", "--backup", str(tmp_path), *AFFECTED, "--json")
    assert check(done, "rollback")["backup"]["tables"] == ["public.bills"]


ASKING_BEFORE = "async def before_up(conn): await conn.fetch('select 1')\nasync def up(conn): pass"


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        (
            "a.py",
            ASKING_BEFORE,
            "has steps before its transaction",
        ),
        ("a.py", "async def up(conn):\n    for row in await conn.fetch('select 1'): pass", "depends on rows"),
        ("a.sql", "-- sartor: up\ninsert into stock select 1 / count(*) from users;", "failed in a rehearsal without"),
    ],
)
@pytest.mark.usefixtures("deployed")
def test_what_cannot_be_rehearsed(
    sartor: Command, folder: Folder, tmp_path: Path, name: str, text: str, why: str
) -> None:
    """Where a rehearsal without rows doesn't tell what a script changes, the backup holds everything, and says why."""
    folder.write(f"1.1.0-1700000001-{name}", text)
    done = sartor("deploy", "latest", "--backup", str(tmp_path), *AFFECTED, "--json")
    assert check(done, "deploy")["backup"]["tables"] is None
    assert f"note: the backup holds the rows of all tables: 1.1.0-1700000001-{name} " in done.err
    assert why in done.err


def test_what_was_interrupted(sartor: Command, folder: Folder, deployed: Database, tmp_path: Path) -> None:
    """A clone can't go on where a script was on the real database, so the backup holds everything."""
    folder.write(
        "1.1.0-1700000001-a.sql", "-- sartor: transaction off\n-- sartor: up\ncreate index concurrently on later (id);"
    )
    sartor("deploy", "latest", expect=1)
    deployed.run("create table later (id int)")
    done = sartor("deploy", "latest", "--backup", str(tmp_path), *AFFECTED)
    assert "of all tables: 1.1.0-1700000001-a.sql was interrupted and will be resumed\n" in done.err


def test_a_role_that_may_make_no_database(sartor: Command, folder: Folder, deployed: Database, tmp_path: Path) -> None:
    """Where there can be no clone the backup holds everything, and the note has the way out."""
    folder.add("1.1.0-1700000001-a.py", up="delete from stock")
    with temporary_role(deployed) as role:
        deployed.run(f"grant pg_read_all_data to {role.name}")
        done = sartor.run("db", "backup", str(tmp_path), *AFFECTED, env={"SARTOR_DB_URL": role.url})
    assert "note: the backup holds the rows of all tables: no rehearsal was possible: role" in done.err
    assert f'alter role "{role.name}" createdb;' in done.err


@pytest.mark.usefixtures("deployed")
def test_one_schema(sartor: Command, folder: Folder, tmp_path: Path) -> None:
    """A destination with a schema of its own has what is affected there; the names have their schema."""
    folder.add("1.1.0-1700000001-a.py", up="delete from stock")
    env = {"SARTOR_SCHEMA": "One", "SARTOR_SCHEMA_1": "two"}
    sartor("deploy", "1.0.0", env=env)
    done = sartor("deploy", "latest", "--backup", str(tmp_path), *AFFECTED, "--json", env=env)
    runs, _ = check_lines(done, "deploy")
    backups = [run["backup"] for run in sorted(runs, key=lambda run: str(run["destination"]["schema"]))]
    assert [made["tables"] for made in backups] == [['"One".stock'], ["two.stock"]]
    assert backups[0]["left_out"] == ['"One".orders', '"One".users']


@pytest.mark.parametrize(
    "words",
    [
        ("db", "alteration", "deploy", "latest", "--tables", "affected"),
        ("db", "alteration", "rollback", "1.0.0", "--tables", "all"),
        ("db", "backup", "--tables", "some"),
        ("db", "backup", "--target", "1.0.0"),
    ],
)
@pytest.mark.usefixtures("deployed")
def test_words_that_say_nothing(sartor: Command, words: tuple[str, ...]) -> None:
    """An option that has nothing to say something of is refused."""
    assert check(sartor.run(*words, "--json", expect=2), "error")["error"]["kind"] == "UsageError"
