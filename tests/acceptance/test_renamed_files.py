"""Changes of a file that are no edit: a byte order mark, line ends, and another name for a file that isn't released."""

from __future__ import annotations

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder
from support.shapes import check


def test_a_byte_order_mark(sartor: Command, folder: Folder, database: Database) -> None:
    """A mark and line ends of Windows, added to deployed files or there from the start, are no edit."""
    files = [folder.table("1.0.0-1-a.py"), folder.write("1.0.0-2-b.sql", "-- sartor: up\ncreate table b ();\n")]
    sartor("deploy", "latest")
    for file in files:
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    assert sartor("status", "--json").json["edited"] == []
    assert sartor("deploy", "latest").out == sartor("check").err == "Found 0 alteration to deploy\n"
    sartor("verify")
    sartor("fresh", "1.0.0", "--yes")
    assert database.tables() == {"a", "b"}


RENAMED = "note: next-1-a.py was renamed to {} after it was deployed here\n"


@pytest.mark.parametrize("name", ["next-3-c.py", "1.0.0-3-c.py"])
def test_a_renamed_next_file(sartor: Command, folder: Folder, database: Database, name: str) -> None:
    """It is known by its content, with its release too: told by commands that read, and recorded by the next deploy."""
    file = folder.table("next-1-a.py")
    folder.table("next-2-b.py")
    sartor("deploy", "next")
    file.rename(folder.path / name)
    for command in ("status", "verify", "check next"):
        shown = sartor(*command.split())
        assert RENAMED.format(name) in shown.out + shown.err
    shown = check(sartor("status", "--json"), "status")
    ((renamed,), *others) = (shown[key] for key in ("renamed", "missing", "pending", "out_of_order"))
    assert (renamed["from"]["id"], renamed["to"]["id"], *others) == ("1-a", "3-c", [], [], [])

    done = sartor("deploy", "next")
    assert RENAMED.format(name) in done.err
    assert done.out == sartor("deploy", "next").out == "Found 0 alteration to deploy\n"
    assert "renamed" not in sartor("verify").out
    assert database.rows("select id, name from sartor_ledger order by seq") == [("3-c", name), ("2-b", "next-2-b.py")]
    (event,) = [e for e in sartor("history", "--json").json["events"] if e["event"] == "relabelled"]
    assert (event["id"], event["detail"]) == ("3-c", {"was": "next", "was_id": "1-a"})
    assert f"  {name}" in sartor("history").out
    sartor("rollback", "--steps", "2")
    assert database.tables() == set()


def test_a_rollback_of_a_renamed_file(sartor: Command, folder: Folder, database: Database) -> None:
    """A rollback records the new name first, and only that of what it undoes."""
    files = [folder.table("next-1-a.py"), folder.table("next-2-b.py")]
    sartor("deploy", "next")
    for file, name in zip(files, ("next-8-c.py", "next-9-d.py"), strict=True):
        file.rename(folder.path / name)
    sartor("rollback", "--steps", "1")
    assert database.rows("select id from sartor_ledger") == [("1-a",)]
    sartor("verify")
    sartor("rollback", "--to-timestamp", "5")
    assert database.tables() == set()
    assert database.rows("select id from sartor_ledger") == []
    sartor("verify")


def test_by_hand(sartor: Command, folder: Folder, database: Database) -> None:
    """The script for psql records the new name as well."""
    folder.table("next-1-a.py").rename(folder.path / "next-2-b.sql")
    (folder.path / "next-2-b.sql").write_text("-- sartor: up\ncreate table a ();\n")
    sartor("deploy", "next")
    (folder.path / "next-2-b.sql").rename(folder.path / "next-3-c.sql")
    sartor("check", "next", "--sql", "plan.sql")
    done = sartor.run("db", "psql", "--", "-Xqf", "plan.sql")
    assert "next-3-c.sql" in done.out + done.err + (sartor.directory / "plan.sql").read_text()
    assert database.rows("select id from sartor_ledger") == [("3-c",)]
    sartor("verify")


def test_outside_a_transaction(sartor: Command, folder: Folder, database: Database) -> None:
    """The end of a renamed alteration's rollback is recorded, where it was interrupted, too."""
    down = "drop index i; select 1 / count(*) from fixed;"
    text = f"-- sartor: transaction off\n-- sartor: up\ncreate index i on t (a);\n\n-- sartor: down\n{down}\n"
    database.run("create table t (a int); create table fixed ()")
    file = folder.write("next-1-a.sql", text)
    sartor("deploy", "next")
    file.rename(folder.path / "next-2-b.sql")
    sartor("rollback", "--steps", "1", expect=1)
    assert database.rows("select id, state from sartor_ledger") == [("2-b", "started")]
    database.run("insert into fixed default values; create index i on t (a)")
    sartor("rollback", "--steps", "1")
    assert database.rows("select id from sartor_ledger") == []
    sartor("verify")


@pytest.mark.parametrize("times", ["once more", "twice"])
def test_the_same_content_twice(sartor: Command, folder: Folder, database: Database, times: str) -> None:
    """Which is which can't be known: nothing runs, and what is printed records the new name."""
    text = "async def up(conn):\n    await conn.execute('create table if not exists a ()')\n"
    names = ["next-1-a.py", "next-2-b.py"][: 1 if times == "once more" else 2]
    files = [folder.write(name, text) for name in names]
    sartor("deploy", "next")
    for number, file in enumerate(files, 8):
        file.rename(folder.path / f"next-{number}-new.py")
    if times == "once more":
        folder.write("next-9-new.py", text)
    options = "--mark-not-deployed 1-a --mark-deployed 8-new"
    for done in (sartor("status"), sartor("verify", expect=4), sartor("deploy", "next", expect=4)):
        assert f'sartor db alteration repair --reason "..." {options}' in done.out + done.err
    assert sartor("status", "--json").json["renamed"] == []
    sartor("repair", "--reason", "renamed", "--yes", *options.split())
    assert sartor("deploy", "next").code == 0
    assert database.rows("select id from sartor_ledger order by id") == [("8-new",), ("9-new",)]
    sartor("verify")
