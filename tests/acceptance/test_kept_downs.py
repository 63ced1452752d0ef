"""A package that lacks the files of a newer release goes back by the downs that the ledger keeps."""

from __future__ import annotations

import shutil

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder
from support.roles import temporary_role
from support.shapes import check

OLD = "1.0.0-1-users.sql"
NEW = ("1.1.0-2-mail.sql", "1.1.0-3-index.py", "1.1.0-4-before.sql", "1.1.0-5-straight.py")


@pytest.fixture
def released(folder: Folder) -> Folder:
    """Two releases, the newer with each way of writing a down that is nothing but SQL."""
    folder.write(OLD, "-- sartor: up\ncreate table users (id int);\n-- sartor: down\ndrop table users;\n")
    folder.write(
        NEW[0],
        "-- sartor: up\nalter table users add mail text;\n"
        "-- sartor: down\nselect 'é → \\'; -- don't\nalter table users drop mail;\n",
    )
    folder.write(
        NEW[1],
        "transaction = False\n\n\nasync def up(conn):\n"
        "    await conn.execute('create index concurrently if not exists i on users (mail)')\n\n\n"
        "async def down(conn):\n    await conn.execute('drop index concurrently if exists i')\n",
    )
    folder.write(
        NEW[2],
        "-- sartor: lock-timeout 3s\n-- sartor: up\ncreate table b (x int);\ncreate index bx on b (x);\n"
        "-- sartor: before_down\ndrop index concurrently if exists bx;\n-- sartor: down\ndrop table b;\n",
    )
    folder.add(NEW[3], up="create table c (x int)", down="drop table c")
    return folder


def take_away(folder: Folder) -> None:
    """Leave what the older package has."""
    for name in (*NEW, "manifest.toml"):
        (folder.path / name).unlink(missing_ok=True)


def test_an_older_package_goes_back(sartor: Command, released: Folder, database: Database) -> None:
    """What is proved and nothing but SQL is undone without its file, in and outside a transaction, and told."""
    sartor("prove", "--all")
    sartor("deploy", "latest")
    take_away(released)
    before = sartor("check", "1.0.0")
    assert "or `rollback`, which undoes them" in before.err
    shown = sartor("rollback", "1.0.0", "--check", expect=3)
    assert "drop index concurrently if exists bx" in shown.out
    planned = check(sartor("rollback", "0", "--check", "--json", expect=3), "check")["plan"]
    assert [each["down"] for each in planned] == [*["ledger"] * len(NEW), "file"]
    done = sartor("rollback", "1.0.0", "--yes", "--json")
    assert [(each["name"], each["down"]) for each in check(done, "rollback")["done"]] == [
        (name, "ledger") for name in reversed(NEW)
    ]
    assert f"{NEW[3]}: undone by its down as deployed, which the ledger keeps, proved on Postgres" in done.err
    assert "ahead" not in done.err
    assert database.tables() == {"users"}
    assert sartor("verify").code == 0
    assert sartor("status", "--json").json["release"] == "1.0.0"


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        ("sql", "-- sartor: up\ncreate table x ();\n-- sartor: down\ndrop table x;\n", "wasn't proved"),
        ("py", "async def up(conn): ...\nasync def down(conn):\n    print(conn)\n", "is Python, whose SQL"),
        (
            "sql",
            "-- sartor: up\ncreate table x ();\n-- sartor: irreversible it's 'gone'\n",
            "irreversible: it's 'gone'",
        ),
        ("sql", "-- sartor: up\ncreate table x ();\n", "neither `down` nor `irreversible`"),
        (
            "sql",
            "-- sartor: up\nselect 1;\n-- sartor: down\nalter role postgres password 'Tr0ub4dor';\n",
            "may hold a secret",
        ),
        (
            "sql",
            f"-- sartor: up\nselect 1;\n-- sartor: down\nselect '{'x' * 70_000}';\n",
            "larger than 64 KiB",
        ),
        (
            "sql",
            "-- sartor: up\nselect 1;\n-- sartor: down\ncopy users from stdin;\n1\n\\.\n",
            "copies data",
        ),
        (
            "sql",
            "-- sartor: up\nselect 1;\n-- sartor: down\ninsert into credentials values ('Tr0ub4dor');\n",
            "may hold a secret",
        ),
        (
            "sql",
            "-- sartor: variables\n-- sartor: up\nselect 1;\n-- sartor: down\nselect :'owner';\n",
            "it uses variables, whose values stay in the settings",
        ),
    ],
)
def test_what_an_older_package_cannot_undo(
    sartor: Command, folder: Folder, database: Database, file: str, text: str, reason: str
) -> None:
    """What isn't proved, or isn't kept, is refused before anything runs, each with its reason; nothing is undone."""
    folder.write(OLD, "-- sartor: up\ncreate table users (id int);\n-- sartor: down\ndrop table users;\n")
    name = f"1.1.0-2-new.{file}"
    new = folder.write(name, text)
    after = folder.add("1.1.0-3-after.py", up="create table after ()", down="drop table after")
    sartor("deploy", "latest", env={"SARTOR_VAR_OWNER": "Tr0ub4dor"})
    assert "Tr0ub4dor" not in str(database.rows("select down from sartor_ledger"))
    new.unlink()
    refused = sartor("rollback", "1.0.0", "--yes", expect=4)
    assert f"{name}: " in refused.err
    assert reason in refused.err
    assert "hint: roll back with the package that contains the file" in refused.err
    assert "after" in database.tables()
    assert after.exists()


def test_what_others_may_write_is_not_run(sartor: Command, released: Folder, database: Database) -> None:
    """Where another role may write even one column of the ledger, the SQL in it isn't run, whoever wrote it."""
    sartor("prove", "--all")
    sartor("deploy", "latest")
    take_away(released)
    with temporary_role(database) as role:
        neighbour = role.name
        database.run(f"grant update (down) on sartor_ledger to {neighbour}")
        database.run("update sartor_ledger set down = replace(down, 'drop table c', 'drop table users')")
        refused = sartor("rollback", "1.0.0", "--yes", expect=4)
        assert f'revoke update on "public".sartor_ledger from "{neighbour}"' in refused.err
        assert database.tables() == {"users", "b", "c"}
        assert f"might be another's: role {neighbour} can write" in sartor("rollback", "1.0.0", "--check", expect=4).err
        database.run(f"revoke all on sartor_ledger from {neighbour}")


def test_a_kept_down_of_another_content(sartor: Command, folder: Folder, database: Database) -> None:
    """An accepted edit leaves no kept down: what the ledger has is always of the content that counts."""
    folder.write(OLD, "-- sartor: up\ncreate table users (id int);\n-- sartor: down\ndrop table users;\n")
    file = folder.add("1.1.0-2-b.py", up="create table b ()", down="drop table b")
    sartor("deploy", "latest")
    file.write_text(file.read_text() + "\n# a remark\n")
    sartor("deploy", "latest", "--accept-edited", "2-b")
    file.unlink()
    assert "recorded without being run, or its edit was accepted" in sartor("rollback", "1.0.0", "--yes", expect=4).err
    assert database.rows("select down is null from sartor_ledger where id = '2-b'") == [(True,)]


def test_a_damaged_row(sartor: Command, folder: Folder, database: Database) -> None:
    """What can't be read as a kept down isn't one: the refusal is the same as where nothing is kept."""
    folder.add("1.1.0-2-b.py", up="create table b ()", down="drop table b")
    folder.add("1.0.0-1-a.py", up="create table a ()", down="drop table a")
    sartor("deploy", "latest")
    shutil.move(folder.path / "1.1.0-2-b.py", folder.path.parent)
    damaged = (
        *(
            "null",
            "[]",
            "{",
            "[" * 30_000,
            '{"checksum": 1, "down": ["x"]}',
            '{"checksum": "x", "more": 1, "down": []}',
        ),
        *('{"checksum": "x", "proof": "proved"}', '{"checksum": "x", "down": ["\\ud800"]}'),
        *('{"checksum": "x", "down": [], "python": ""}', '{"checksum": "x", "down": [], "lock_timeout": "1"}'),
    )
    for text in damaged:
        database.run(f"update sartor_ledger set down = '{text}'")
        assert "the ledger has no down of it" in sartor("rollback", "1.0.0", "--yes", expect=4).err
