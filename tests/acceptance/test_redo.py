"""`redo`: what was deployed is undone by what was deployed, and the files are deployed as they are now."""

from __future__ import annotations

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder
from support.shapes import check

A, B, C = "next-1-a.py", "next-2-b.sql", "next-3-c.py"


def sql(up: str, down: str) -> str:
    return f"-- sartor: up\n{up};\n-- sartor: down\n{down};\n"


@pytest.fixture
def deployed(sartor: Command, folder: Folder) -> Folder:
    """Three unreleased alterations, deployed; the second leans on the first."""
    folder.add(A, up="create table a (id int)", down="drop table a")
    folder.write(B, sql("alter table a add b int", "alter table a drop b"))
    folder.add(C, up="create table c (id int)", down="drop table c")
    sartor("deploy", "next")
    return folder


def names(done: object) -> list[str]:
    return [each["id"] for each in done]  # type: ignore[attr-defined]


def test_what_was_edited(sartor: Command, deployed: Folder, database: Database) -> None:
    """Without a name: from the oldest edited one on, by the downs that were deployed, then as the files are now."""
    deployed.write(B, sql("alter table a add bb text", "alter table a drop bb"))
    assert "`sartor db alteration redo` deploys the edited file" in sartor("status").out
    done = check(sartor("redo", "--json"), "redo")
    assert (names(done["rolled_back"]), names(done["done"])) == (["3-c", "2-b"], ["2-b", "3-c"])
    assert (
        database.value(
            "select string_agg(attname, ' ') from pg_attribute where attrelid = 'a'::regclass"
            " and attnum > 0 and not attisdropped"
        )
        == "id bb"
    )
    assert "edited" not in sartor("status").out
    assert sartor("verify").code == 0
    sartor("rollback", "0", "--yes")
    assert database.tables() == set()


@pytest.mark.usefixtures("deployed")
def test_the_newest(sartor: Command, database: Database) -> None:
    """With nothing edited the newest is done again, and a name says another; both tell what they did."""
    done = sartor("redo")
    assert f"rolled back  {C}" in done.err
    assert done.out.startswith("Rolled back 1 alteration in ")
    assert "Deployed 1 alteration in " in done.out
    assert names(check(sartor("redo", "1-a", "--json"), "redo")["rolled_back"]) == ["3-c", "2-b", "1-a"]
    assert names(check(sartor("redo", B, "--json"), "redo")["done"]) == ["2-b", "3-c"]
    assert database.tables() == {"a", "c"}


def test_a_file_that_is_gone(sartor: Command, deployed: Folder, database: Database) -> None:
    """What another branch had deployed is undone without its file, by what the ledger keeps."""
    (deployed.path / C).unlink()
    done = check(sartor("redo", "--json"), "redo")
    assert (names(done["rolled_back"]), done["done"]) == (["3-c"], [])
    assert database.tables() == {"a"}
    assert sartor("status", "--json").json["missing"] == []


def test_python_that_is_no_plain_sql(sartor: Command, folder: Folder, database: Database) -> None:
    """The source of an unreleased module is kept: its old `down` runs with the helpers of now, and only in `redo`."""
    folder.write("_names.py", "TABLE = 'made'\n")
    text = """
        from ._names import TABLE


        async def up(conn):
            await conn.execute(f"create table {TABLE}_{VERSION} ()")


        async def down(conn):
            await conn.execute(f"drop table {TABLE}_{VERSION}")
    """
    file = folder.write("next-1-a.py", "VERSION = 1\n" + text.replace("\n        ", "\n"))
    sartor("deploy", "next")
    file.write_text(file.read_text().replace("VERSION = 1", "VERSION = 2"))
    sartor("redo")
    assert database.tables() == {"made_2"}
    file.unlink()
    refused = sartor("rollback", "0", "--yes", expect=4)
    assert "whose SQL is known only when it runs; `sartor db alteration redo` runs it" in refused.err
    sartor("redo")
    assert database.tables() == set()


def test_a_module_without_a_file_imports_from_the_import_path(
    sartor: Command, folder: Folder, database: Database
) -> None:
    """The kept source of a module whose file is gone imports from the folders that the settings name."""
    folder.write("../shared/shared_names.py", "TABLE = 'made'\n")
    (sartor.directory / "sartor.toml").write_text('import-path = ["shared"]\n')
    file = folder.write(
        "next-1-a.py",
        """
        from shared_names import TABLE


        async def up(conn):
            await conn.execute(f"create table {TABLE} ()")


        async def down(conn):
            await conn.execute(f"drop table {TABLE}")
        """,
    )
    sartor("deploy", "next")
    file.unlink()
    sartor("redo")
    assert database.tables() == set()


def test_a_planted_module(sartor: Command, folder: Folder, database: Database) -> None:
    """Where another may write the ledger, no Python in it is loaded."""
    mark = folder.path.parent / "mark"
    folder.write("next-1-a.py", "async def up(conn):\n    print(conn)\n\n\nasync def down(conn):\n    print(conn)\n")
    sartor("deploy", "next")
    planted = f"open({str(mark)!r}, 'w')\\nasync def down(conn): ..."
    database.run(
        "create role planter",
        "grant update on sartor_ledger to planter",
        f"update sartor_ledger set down = jsonb_set(down::jsonb, '{{python}}', $$\"{planted}\"$$)::text",
    )
    (folder.path / "next-1-a.py").unlink()
    try:
        assert "might be another's: role planter" in sartor("redo", expect=4).err
        assert not mark.exists()
    finally:
        database.run("drop owned by planter", "drop role planter")


def test_a_module_in_the_ledger_of_another_role(sartor: Command, folder: Folder, database: Database) -> None:
    """Python that a ledger keeps runs on this computer: only where the ledger is the role's own, whoever is trusted."""
    mark = folder.path.parent / "mark"
    folder.write("next-1-a.py", "async def up(conn):\n    print(conn)\n\n\nasync def down(conn):\n    print(conn)\n")
    sartor("deploy", "next")
    planted = f"open({str(mark)!r}, 'w')\\nasync def down(conn): ..."
    tables = ("journal", "ledger", "fingerprint")
    database.run(
        "create role colleague",
        *(f"alter table sartor_{table} owner to colleague" for table in tables),
        "alter schema public owner to colleague",
        f"update sartor_ledger set down = jsonb_set(down::jsonb, '{{python}}', $$\"{planted}\"$$)::text",
    )
    (folder.path / "next-1-a.py").unlink()
    try:
        assert "might be another's: the ledger belongs to role colleague" in sartor("redo", expect=4).err
        assert not mark.exists()
    finally:
        database.run("reassign owned by colleague to current_user", "drop owned by colleague", "drop role colleague")


@pytest.mark.parametrize("gone", [False, True])
def test_an_undoing_that_was_interrupted(sartor: Command, folder: Folder, database: Database, gone: bool) -> None:
    """The next `redo` ends it before anything is deployed, also where the file is gone."""
    text = (
        "-- sartor: up\ncreate table a ();\n"
        "-- sartor: down\n-- sartor: transaction off\nselect 1 / c from switch;\ndrop table if exists a;\n"
    )
    database.run("create table switch as select 0 as c")
    file = folder.write("next-1-a.sql", text)
    sartor("deploy", "next")
    file.write_text(text.replace("a ()", "a (id int)"))
    assert "division by zero" in sartor("redo", expect=1).err
    database.run("update switch set c = 1")
    if gone:
        file.unlink()
    sartor("redo", *(["1-a"] if gone else []))
    assert database.tables() == ({"switch"} if gone else {"a", "switch"})
    assert database.value("select count(*) from information_schema.columns where table_name = 'a'") == (not gone)


def test_a_failing_file(sartor: Command, deployed: Folder, database: Database) -> None:
    """Where the new `up` fails, the old one is undone, the file is pending, and `redo` goes on when it is put right."""
    deployed.add(C, up="create table c (id int", down="drop table c")
    failed = sartor("redo", expect=1)
    assert "resume with: sartor db alteration redo" in failed.err
    assert names(sartor("status", "--json").json["pending"]) == ["3-c"]
    deployed.add(C, up="create table c (id bigint)", down="drop table c")
    done = check(sartor("redo", "--json"), "redo")
    assert (done["rolled_back"], names(done["done"])) == ([], ["3-c"])
    assert database.tables() == {"a", "c"}


def test_nothing_is_undone_for_a_file_that_cannot_be_loaded(
    sartor: Command, deployed: Folder, database: Database
) -> None:
    """A syntax error is found before anything is undone."""
    deployed.write(C, "async def up(conn)\n    pass\n")
    assert "line 1" in sartor("redo", expect=1).err
    assert database.tables() == {"a", "c"}


def test_what_is_refused(sartor: Command, deployed: Folder, database: Database) -> None:
    """What is released isn't done again, nor what lies below it; nothing is in production; a name has to be known."""
    (deployed.path / C).rename(deployed.path / "1.0.0-3-c.py")
    sartor("deploy", "next")
    assert "3-c.py isn't done again: it is released" in sartor("redo", "3-c", expect=2).err
    below = sartor("redo", "2-b", expect=2).err
    assert "2-b.sql isn't done again: 1.0.0-3-c.py, deployed after it, is released" in below
    assert "did you mean 2-b?" in sartor("redo", "2-bb", expect=2).err
    refused = check(sartor("redo", "--json", env={"SARTOR_ENVIRONMENT": "production"}, expect=2), "redo")
    assert refused["error"]["kind"] == "RefusedError"
    assert database.tables() == {"a", "c"}
