"""`snapshot`, and deploys that begin with one."""

from __future__ import annotations

from typing import Any

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder
from support.sessions import backend_running, until
from support.shapes import check

FIRST = "1.0.0-1700000000-users.sql"
USERS = """
-- sartor: up
create type mood as enum ('ok', 'sad');
create table users (id serial primary key, email text not null, mood mood default 'ok', made timestamptz default now());
create function first_user() returns text language sql set search_path from current as 'select min(email) from users';
insert into users (email) values ('it''s\tme'), (E'a\\\\b\n\\.'), ('木');
-- sartor: down
drop function first_user(); drop table users; drop type mood;
"""
SECOND = "1.1.0-1700000001-index.sql"
INDEX = """
-- sartor: transaction off
-- sartor: up
create index concurrently users_email on users (email);
-- sartor: down
drop index users_email;
"""
ROWS = "select id, email, mood::text from {}.users order by id"


@pytest.fixture(autouse=True)
def shipped(folder: Folder) -> None:
    """Two releases, and what comes behind them."""
    folder.write(FIRST, USERS)
    folder.write(SECOND, INDEX)
    folder.table("next-1700000002-notes.py")


def test_a_deploy_begins_with_it(sartor: Command, folder: Folder, database: Database) -> None:
    """The newest snapshot builds the same in any schema, each alteration is recorded, and each can be rolled back."""
    made = check(sartor("snapshot", "latest", "--json"), "snapshot")
    assert (made["release"], made["schema"], made["written"], len(made["alterations"])) == ("1.1.0", None, True, 2)
    text = (folder.path / "snapshots" / "1.1.0.sql").read_bytes()
    assert not check(sartor("snapshot", "1.1.0", "--json"), "snapshot")["written"]
    assert (folder.path / "snapshots" / "1.1.0.sql").read_bytes() == text
    planned = check(sartor("check", "next", "--json", expect=3), "check")
    assert [step["by_snapshot"] for step in planned["plan"]] == [True, True, False]
    sartor("deploy", "next", "--replay", "--schema", "replayed")
    for schema in ("public", 'a "tenant"'):
        done = check(sartor("deploy", "next", "--json", "--schema", schema), "deploy")
        assert (done["snapshot"], len(done["done"]), done["notes"]) == (
            "1.1.0",
            3,
            ["1.1.0 is built from its snapshot (2 alterations), then 1 alteration"],
        )
        quoted = f'"{schema.replace(chr(34), 2 * chr(34))}"'
        assert database.rows(ROWS.format(quoted)) == database.rows(ROWS.format("replayed"))
        assert database.value(f"select max(made) > now() - interval '1 hour' from {quoted}.users")
        assert database.value(f"select nextval(pg_get_serial_sequence('{quoted}.users', 'id'))") == 4
        assert database.value(f"select {quoted}.first_user()") == database.value("select replayed.first_user()")
        verified = check(sartor("verify", "--json", "--against-replay", "--schema", schema), "verify")
        assert verified["drift"] == verified["mismatches"] == []
        events = check(sartor("history", "--json", "--schema", schema), "history")["events"]
        assert [e["event"] for e in events] == ["created", "snapshot", *3 * ["deployed"]]
        assert [e["seq"] for e in events] == list(range(5))
        assert check(sartor("deploy", "next", "--json", "--schema", schema), "deploy")["done"] == []
    downs = "select id, checksum, down from {}.sartor_ledger order by id"
    assert database.rows(downs.format("public")) == database.rows(downs.format("replayed"))
    undone = check(sartor("rollback", "0", "--json", "--yes"), "rollback")
    assert [each["id"] for each in undone["done"]][-1] == "1700000000-users"
    assert database.tables() == set()
    assert check(sartor("deploy", "1.1.0", "--json"), "deploy")["snapshot"] == "1.1.0"


def test_what_it_cant_stand_for(sartor: Command, folder: Folder) -> None:
    """Rows that are otherwise each time are refused by their column's name, and nothing is written."""
    folder.write(
        SECOND, "-- sartor: up\ninsert into users (email) values (random()::text);\n-- sartor: irreversible x\n"
    )
    refused = sartor("snapshot", "1.1.0", expect=1)
    assert "column email of public.users has another value at each replay" in refused.err
    assert not (folder.path / "snapshots").exists()
    assert "the nearest one is 1.1.0" in sartor("snapshot", "1.2.0", expect=2).err


def test_variables_are_refused(sartor: Command, folder: Folder) -> None:
    """A snapshot would give every database the values of where it was made."""
    folder.write(
        "1.1.0-1700000003-of.sql", "-- sartor: variables\n-- sartor: up\nselect :'x';\n-- sartor: down\nselect 1;"
    )
    refused = sartor("snapshot", "1.1.0", "--var", "x=1", expect=1)
    assert "1.1.0-1700000003-of.sql has variables, whose values it would keep" in refused.err


def test_a_snapshot_that_doesnt_fit(sartor: Command, folder: Folder) -> None:
    """One that was edited, or whose alterations were, isn't used: a deploy says so and replays; a pipeline finds it."""
    sartor("snapshot", "1.1.0")
    sartor("prove", "--all")
    sartor("prove", "--check")
    file = folder.path / "snapshots" / "1.1.0.sql"
    text = file.read_text()
    file.write_text(text + "-- more\n")
    found = check(sartor("prove", "--check", "--json", expect=1), "prove")["snapshots"]
    assert [(each["release"], each["reason"]) for each in found] == [
        ("1.1.0", "its file has changed since it was proved")
    ]
    done = check(sartor("deploy", "1.1.0", "--json"), "deploy")
    assert (done["snapshot"], len(done["done"])) == (None, 2)
    assert done["notes"] == ["the snapshot of 1.1.0 isn't used: its file has changed since it was proved"]
    file.write_text(text)
    folder.table("1.0.0-1700000005-late.py")
    told = sartor("deploy", "latest", "--schema", "other").err
    assert "the snapshot of 1.1.0 isn't used: the alterations up to it aren't those that it was made of" in told


def test_a_product_of_one_schema(sartor: Command, folder: Folder) -> None:
    """Where the alterations name their schema, the snapshot is for that alone: elsewhere they are replayed."""
    folder.write(SECOND, "-- sartor: up\ncreate view v as select from public.users;\n-- sartor: down\ndrop view v;\n")
    assert sartor("snapshot", "1.1.0", "--json").json["schema"] == "public"
    assert sartor("deploy", "latest", "--json").json["snapshot"] == "1.1.0"
    told = sartor("deploy", "latest", "--schema", "other").err
    assert "the snapshot of 1.1.0 isn't used: it was made for schema public" in told


def _events(database: Database) -> list[tuple[Any, ...]]:
    return database.rows("select kind from sartor_journal order by seq")


def test_one_that_fails_and_one_that_is_killed(sartor: Command, database: Database) -> None:
    """Where it fails or is killed, nothing of it stays; the next run begins with it again."""
    sartor("snapshot", "1.1.0")
    database.run("create function first_user() returns int language sql as 'select 1'")
    failed = sartor("deploy", "latest", "--json", expect=1)
    assert (failed.json["failed"]["name"], failed.json["done"]) == ("snapshots/1.1.0.sql", [])
    assert "deploy the alterations one by one instead" in failed.err
    assert (database.tables(), _events(database)) == (set(), [("created",), ("failed",)])
    database.run(
        "drop function first_user()",
        """create function wait() returns event_trigger language plpgsql as
            'begin if tg_tag = ''CREATE INDEX'' then perform pg_sleep(600); end if; end'""",
        "create event trigger waiting on ddl_command_start execute function wait()",
    )
    process = sartor.start("deploy", "latest")
    (pid,) = until(lambda: backend_running(database, "users_email"))
    process.kill()
    process.communicate()
    until(lambda: pid not in backend_running(database, "users_email"))
    assert (database.tables(), len(_events(database))) == (set(), 2)
    database.run("drop event trigger waiting", "drop function wait()")
    assert sartor("deploy", "latest", "--json").json["snapshot"] == "1.1.0"
    sartor("verify")


def test_several_at_once(sartor: Command, database: Database) -> None:
    """Of four runs at once, one builds the schema from the snapshot; each alteration is in one's report."""
    sartor("snapshot", "1.1.0")
    started = [sartor.start("deploy", "next", "--json") for _ in range(4)]
    outputs = [process.communicate()[0] for process in started]
    assert [process.returncode for process in started] == [0] * 4
    assert _events(database) == [("created",), ("snapshot",), *3 * [("deployed",)]]
    assert sum(output.count('"snapshot": "1.1.0"') for output in outputs) == 1
