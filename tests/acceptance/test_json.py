"""The JSON that commands print fits its schemas, whatever the situation."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder
from support.shapes import check, check_lines, validator


def ids(alterations: list[dict[str, Any]]) -> list[str]:
    return [alteration["id"] for alteration in alterations]


def test_from_nothing_to_next_and_back(sartor: Command, folder: Folder) -> None:
    """`list`, `status`, `history`, `deploy` and `rollback` on an empty database, a partly and a wholly deployed one."""
    folder.table("1.0.0-1700000000-a.py")
    folder.table("2.0.0_beta.1-1700000001.5-b.py")
    folder.table("next-1700000002-c.py")
    listed = check(sartor("list", "--json"), "list")
    assert [a["release"] for a in listed["alterations"]] == ["1.0.0", "2.0.0-beta.1", "next"]
    assert check(sartor("status", "--json"), "status")["release"] is None
    assert check(sartor("history", "--json"), "history")["events"] == []
    deployed = check(sartor("deploy", "1.0.0", "--json"), "deploy")
    assert (deployed["target"], ids(deployed["done"])) == ("1.0.0", ["1700000000-a"])
    assert check(sartor("deploy", "1.0.0", "--json"), "deploy")["done"] == []
    status = check(sartor("status", "--json"), "status")
    assert (status["release"], ids(status["pending"])) == ("1.0.0", ["1700000001.5-b", "1700000002-c"])
    sartor("deploy", "next", "--json")
    undone = check(sartor("rollback", "1.0.0", "--json"), "rollback")
    assert ids(undone["done"]) == ["1700000002-c", "1700000001.5-b"]
    events = check(sartor("history", "--json"), "history")["events"]
    assert [e["event"] for e in events] == ["created", *3 * ["deployed"], *2 * ["rolled-back"]]
    assert dt.datetime.fromisoformat(events[-1]["at"]).utcoffset() == dt.timedelta(0)


def test_disk_and_ledger_that_differ(sartor: Command, folder: Folder) -> None:
    """Edited, missing, ahead, late and relabelled alterations; what is accepted, and the journal of it."""
    for name in ("1.0.0-1700000000-a.py", "1.0.0-1700000002-b.py", "next-1700000003-c.py", "2.0.0-1700000004-d.py"):
        folder.table(name)
    sartor("deploy", "next")
    folder.add("1.0.0-1700000000-a.py", up="select 1")
    (folder.path / "1.0.0-1700000002-b.py").unlink()
    (folder.path / "2.0.0-1700000004-d.py").unlink()
    folder.add("next-1700000003-c.py", up="select 2")
    folder.table("1.0.0-1700000001-late.py")
    status = check(sartor("status", "--json"), "status")
    assert ids(status["edited"]) == ["1700000000-a"]
    assert ids(status["edited_next"]) == ["1700000003-c"]
    assert ids(status["missing"]) == ["1700000002-b"]
    assert ids(status["ahead"]) == ["1700000004-d"]
    assert ids(status["out_of_order"]) == ["1700000001-late"]
    refused = check(sartor("deploy", "latest", "--json", expect=4), "deploy")
    assert refused["error"]["kind"] == "AlterationEdited"
    accepting = ["--accept-edited", "1700000000-a", "--accept-missing", "1700000002-b"]
    done = check(sartor("deploy", "latest", "--json", *accepting), "deploy")
    assert ids(done["done"]) == ["1700000001-late"]
    assert any("is late" in note for note in done["notes"])
    events = check(sartor("history", "--json"), "history")["events"]
    assert [e["event"] for e in events[-3:]] == ["accepted", "forgotten", "deployed"]


def test_a_script_that_fails(sartor: Command, folder: Folder) -> None:
    """`failed` says what and where, `done` what stays, `remaining` what is left to do."""
    folder.table("1.0.0-1700000000-a.py")
    folder.add("1.0.0-1700000001-b.py", up="select now(), nothing_of_this_name")
    folder.table("1.0.0-1700000002-c.py")
    done = check(sartor("deploy", "latest", "--json", expect=1), "deploy")
    failed = done["failed"]
    assert (ids(done["done"]), ids(done["remaining"])) == (["1700000000-a"], ["1700000001-b", "1700000002-c"])
    assert (failed["id"], failed["sqlstate"], failed["line"], failed["rolled_back"]) == (
        "1700000001-b",
        "42703",
        2,
        True,
    )
    assert failed["statement"][failed["position"] :] == "nothing_of_this_name"
    assert failed["file"].endswith("/1.0.0-1700000001-b.py")
    folder.write("1.0.0-1700000001-b.py", "async def up(conn):\n    raise KeyError('x')\nasync def down(conn): pass\n")
    failed = check(sartor("deploy", "latest", "--json", expect=1), "deploy")["failed"]
    assert (failed["message"], failed["sqlstate"], failed["statement"]) == ("KeyError: 'x'", None, None)
    events = check(sartor("history", "--json"), "history")["events"]
    assert events[-1]["event"] == "failed"
    assert set(events[-1]["detail"]) == {"direction", "message", "sqlstate", "line"}


def test_a_script_outside_a_transaction(sartor: Command, folder: Folder) -> None:
    """One that fails there is `interrupted`, in the status as in the journal."""
    folder.write(
        "1.0.0-1700000000-a.py",
        """
        transaction = False

        async def up(conn):
            await conn.execute("create table if not exists a (id int)")
            await conn.execute("select 1 / 0")

        async def down(conn): ...
        """,
    )
    assert check(sartor("deploy", "latest", "--json", expect=1), "deploy")["failed"]["rolled_back"] is False
    assert ids(check(sartor("status", "--json"), "status")["interrupted"]) == ["1700000000-a"]
    events = check(sartor("history", "--json"), "history")["events"]
    assert [e["event"] for e in events] == ["created", "started", "failed"]
    assert set(events[1]["detail"]) == {"pid", "began", "invalid"}


def test_seed_and_fresh(sartor: Command, folder: Folder, database: Database) -> None:
    """`seed` gives the modules that ran, or the failure; `fresh` gives what it deployed."""
    folder.table("1.0.0-1700000000-a.py")
    sartor("deploy", "latest")
    folder.write("seeds/010_a.py", "async def seed(conn):\n    await conn.execute('insert into a values (1)')\n")
    seeded = check(sartor.run("db", "seed", "--reset", "--yes", "--json"), "seed")
    assert (seeded["seeded"], seeded["reset"], seeded["failed"]) == (["010_a.py"], True, None)
    folder.write("seeds/020_b.py", "async def seed(conn):\n    await conn.execute('insert into b values (1)')\n")
    failed = check(sartor.run("db", "seed", "--json", expect=1), "seed")
    assert (failed["seeded"], failed["failed"]["name"], failed["failed"]["id"]) == ([], "020_b.py", None)
    events = check(sartor("history", "--json"), "history")["events"]
    assert events[-1]["detail"] == {"files": ["010_a.py"], "reset": True}
    assert ids(check(sartor("fresh", "--yes", "--json"), "fresh")["done"]) == ["1700000000-a"]
    assert check(sartor("fresh", "--json", expect=2), "fresh")["error"]["kind"] == "RefusedError"
    assert database.value("select count(*) from a") == 0


def test_several_destinations(sartor: Command, folder: Folder) -> None:
    """Each command has a line for each destination, in its shape, and one on all of them."""
    folder.table("1.0.0-1700000000-a.py")
    folder.write("seeds/010_a.py", "async def seed(conn):\n    await conn.execute('insert into a values (1)')\n")
    env = {"SARTOR_SCHEMA": "one", "SARTOR_SCHEMA_1": "two"}
    for name in ("deploy latest", "status", "history", "rollback 0", "fresh --yes"):
        lines, fleet = check_lines(sartor(*name.split(), "--json", env=env), name.partition(" ")[0])
        assert (len(lines), fleet["done"], fleet["resume"]) == (2, 2, None)
    lines, fleet = check_lines(sartor.run("db", "seed", "--json", env=env), "seed")
    assert (len(lines), fleet["done"]) == (2, 2)


@pytest.mark.parametrize("command", ["deploy", "status"])
def test_the_schemas_are_strict(sartor: Command, folder: Folder, command: str) -> None:
    """A field that is missing, or that nobody has documented, doesn't fit."""
    folder.table("1.0.0-1700000000-a.py")
    shape = check(sartor(*{"deploy": ["deploy", "latest"]}.get(command, [command]), "--json"), command)
    for field in shape:
        assert not validator(command).is_valid({k: v for k, v in shape.items() if k != field}), field
    assert not validator(command).is_valid(shape | {"undocumented": 1})
    part = "done" if command == "deploy" else "pending"
    assert not validator(command).is_valid(shape | {part: [{**shape[part][0], "undocumented": 1}]})
