"""Repeatable scripts: views, functions and grants that are put in again whenever their file has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from sartor import Direction, ScriptError, lint
from sartor.alterations.files import read_lineage
from sartor.alterations.loader import load_script
from support.command import Command
from support.database import Database
from support.folder import Folder
from support.psql import psql
from support.roles import temporary_role
from support.shapes import check
from support.terminal import ENTER, Terminal

TABLE = "-- sartor: up\ncreate table users (id int, name text);\n-- sartor: down\ndrop table users;\n"
VIEW = "create or replace view names as select {} from users;\n"


def history(sartor: Command) -> list[tuple[str, str | None]]:
    """The kind and the file's name of each event."""
    return [(event["event"], event["name"]) for event in sartor("history", "--json").json["events"]]


def test_views_kept_up_to_date(sartor: Command, folder: Folder, database: Database) -> None:
    """They run after the alterations, in the order of their names, again when they have changed, and else not."""
    folder.write("1.0.0-1-users.sql", TABLE)
    folder.write("repeatable-b.sql", VIEW.format("id"))
    function = folder.write(
        "repeatable-a.py",
        """
        async def up(conn, run):
            run.log("defined")
            await conn.execute("create or replace function one() returns int language sql as 'select 1'")
        """,
    )
    shown = sartor("status")
    assert "\nrepeatable, to run in the next deploy:\n  repeatable-a.py  new\n  repeatable-b.sql  new\n" in shown.out
    assert sartor("check", expect=3).err.endswith("Found 1 alteration and 2 repeatable scripts to deploy\n")
    done = sartor("deploy", "1.0.0")
    assert done.out.startswith("Deployed 1 alteration and 2 repeatable scripts in ")
    assert [line.split()[1] for line in done.err.splitlines() if line.startswith("deployed")] == [
        "1.0.0-1-users.sql",
        "repeatable-a.py",
        "repeatable-b.sql",
    ]
    assert "note: repeatable-a.py: defined\n" in done.err
    assert history(sartor)[1:] == [
        ("deployed", "1.0.0-1-users.sql"),
        ("repeated", "repeatable-a.py"),
        ("repeated", "repeatable-b.sql"),
    ]
    for again in (sartor("deploy", "latest"), sartor("deploy", "next")):
        assert again.out == "Found 0 alteration to deploy\n"
    assert "\nrepeatable, as deployed:\n  repeatable-a.py\n  repeatable-b.sql\n" in sartor("status").out

    folder.write("repeatable-b.sql", VIEW.format("id, name"))
    assert sartor("check", "--json", expect=3).json["plan"][0]["id"] == "repeatable-b"
    assert "  repeatable-b.sql  changed\n" in sartor("status").out
    done = sartor("deploy", "latest", "--json")
    (repeated,) = done.json["done"]
    assert (repeated["name"], repeated["release"], repeated["lineage"]) == ("repeatable-b.sql", None, "main")
    assert database.value("select count(*) from information_schema.columns where table_name = 'names'") == 2
    seq, name, kept = database.rows("select seq, name, checksum from sartor_ledger where id = 'repeatable-b'")[0]
    assert (seq, name, kept) == (4, "repeatable-b.sql", repeated["checksum"])
    sartor("verify")
    function.unlink()
    found = sartor("status", "--json").json
    assert [each["id"] for each in found["repeatables"]["missing"]] == ["repeatable-a"]
    (note,) = found["notes"]
    assert note.startswith(
        "repeatable-a.py ran here, and isn't among the files: what it made stays until an alteration"
    )
    assert f"note: {note}".replace("repair --", 'sartor db alteration repair --reason "..." --') in sartor("status").out
    sartor("repair", "--reason", "dropped by hand", "--mark-not-deployed", "repeatable-a", "--yes")
    assert history(sartor)[-1] == ("marked-not-deployed", "repeatable-a.py")
    assert sartor("status", "--json").json["notes"] == []
    sartor("verify")


def test_a_failing_one(sartor: Command, folder: Folder, database: Database) -> None:
    """It is rolled back, those before it stay, and the same command goes on; the place is shown as of any script."""
    folder.write("1.0.0-1-users.sql", TABLE)
    folder.write("repeatable-a.sql", VIEW.format("id"))
    folder.write("repeatable-b.sql", "create table kept ();\n\ncreate view broken as select nmae from users;\n")
    done = sartor("deploy", "latest", expect=1)
    failed = "failed: repeatable-b.sql; rolled back; the 1 alteration and 1 repeatable script before it are deployed\n"
    assert failed in done.err
    assert "repeatable-b.sql, line 3\n" in done.err
    assert "resume with: sartor db alteration deploy latest\n" in done.err
    assert database.tables() == {"users"}
    assert history(sartor)[-1] == ("failed", "repeatable-b.sql")
    folder.write("repeatable-b.sql", "create view broken as select name from users;\n")
    assert sartor("deploy", "latest").out.startswith("Deployed 1 repeatable script in ")
    sartor("verify")


def test_a_release_below_the_newest(sartor: Command, folder: Folder, database: Database) -> None:
    """They are written for all that is released: none runs while a released alteration stays pending."""
    folder.write("1.0.0-1-users.sql", TABLE)
    folder.write("1.1.0-2-age.sql", "-- sartor: up\nalter table users add age int;\n")
    folder.write("next-3-size.sql", "-- sartor: up\nalter table users add size int;\n")
    folder.write("repeatable-names.sql", VIEW.format("id, age"))
    waits = "note: repeatable-names.sql waits: repeatable scripts are written for all that is released, and"
    for arguments, left in ((("1.0.0",), "1 released alteration stays"), (("latest", "--steps", "0"), "")):
        if left:
            assert f"{waits} {left} pending\n" in sartor("deploy", *arguments).err
    assert database.rows("select 1 from sartor_ledger where release is null") == []
    assert sartor("deploy", "--steps", "1").out.startswith("Deployed 1 alteration and 1 repeatable script in ")
    assert sartor("status", "--json").json["repeatables"]["pending"] == []


def test_an_older_package(sartor: Command, folder: Folder, database: Database) -> None:
    """Its own are put back at its next deploy, and a note says so; a rollback leaves them, and says so."""
    folder.write("1.0.0-1-users.sql", TABLE)
    folder.write("repeatable-names.sql", VIEW.format("id"))
    newer = folder.write("1.1.0-2-b.sql", "-- sartor: up\ncreate table b ();\n-- sartor: down\ndrop table b;\n")
    text = newer.read_text()
    sartor("deploy", "latest")
    newer.unlink()
    folder.write("repeatable-names.sql", "drop view if exists names; " + VIEW.format("name"))
    done = sartor("deploy", "latest")
    assert "note: repeatable-names.sql: what this older package ships replaces what a newer one made\n" in done.err
    assert database.value("select column_name from information_schema.columns where table_name = 'names'") == "name"
    newer.write_text(text)
    done = sartor("rollback", "1.0.0")
    assert (
        "note: a rollback doesn't undo repeatable scripts: repeatable-names.sql stays as deployed; the next deploy"
        " runs all of them again, an older package its own\n"
    ) in done.err
    assert "  repeatable-names.sql  again, after a rollback\n" in sartor("status").out
    database.run("drop view names")  # as the `down` of another one might
    done = sartor("deploy", "latest", "--json").json["done"]
    assert [each["id"] for each in done] == ["2-b", "repeatable-names"]
    assert database.value("select count(*) from information_schema.columns where table_name = 'names'") == 1
    sartor("verify")


def test_a_view_in_the_way(sartor: Command, folder: Folder) -> None:
    """Where a repeatable script's object depends on what an alteration drops, the failure names that script."""
    folder.write("1.0.0-1-users.sql", TABLE)
    folder.write(
        "1.0.0-2-age.sql",
        "-- sartor: up\nalter table users add age int;\n-- sartor: down\nalter table users drop age;\n",
    )
    folder.write("repeatable-ages.sql", 'create or replace view "the ages" as select age from users;\n')
    sartor("deploy", "latest")
    done = sartor("rollback", "--steps", "1", expect=1)
    assert 'advice: view "the ages" is made by repeatable-ages.sql: ' in done.err


WRONG_NAMES = {
    "repeatable.sql": "there is no name behind `repeatable-`",
    "repeatable_views.sql": "it begins with 'repeatable_views', not with `repeatable-`",
    "Repeatable-views.sql": "it begins with 'Repeatable', not with `repeatable-`",
    "repeatable--views.sql": "'-views' begins with something else than a letter or digit",
    "repeatable-views.SQL": "'SQL' is neither `py` nor `sql`",
}


def test_wrong_names(sartor: Command, folder: Folder) -> None:
    """A file whose name is nearly that of a repeatable script is an error that says the form."""
    for name in WRONG_NAMES:
        folder.write(name, "select 1")
    assert "; the form is repeatable-<name>.py or .sql\n" in sartor("deploy", "latest", expect=2).err
    found = sartor("lint", "--json", expect=1).json["findings"]
    told = {Path(each["file"]).name: each["message"] for each in found if each["code"] == "SA001"}
    assert told.keys() == WRONG_NAMES.keys()
    for name, reason in WRONG_NAMES.items():
        assert told[name].startswith(f"{name} isn't a valid name of a repeatable script: {reason}")


WRONG_SCRIPTS = {
    "select 1;\n-- sartor: down\nselect 2;": "a repeatable script has only `up`: remove `down`",
    "-- sartor: transaction off\nselect 1;": "a repeatable script runs in a transaction",
    "-- sartor: before_up\nselect 1;\n-- sartor: up\nselect 2;": "remove `before_up`",
    "-- sartor: irreversible why\nselect 1;": "remove `irreversible`",
    "select 1;\n-- sartor: up\nselect 2;": "SQL stands before the `-- sartor: up` line",
    "-- sartor: up\n": "the section `up` has no statement",
    "-- nothing\n": "the section `up` has no statement",
    "commit;": "COMMIT: Sartor runs each script in a transaction",
}


def test_what_a_repeatable_script_may_not_have(sartor: Command, folder: Folder, database: Database) -> None:
    """What only an alteration may have is an error before anything runs, and a finding of `lint`."""
    folder.table("1.0.0-1-a.py")
    for n, (text, reason) in enumerate(WRONG_SCRIPTS.items()):
        file = folder.write(f"repeatable-{n}.sql", text)
        (script,) = read_lineage("main", str(folder.path)).repeatables
        with pytest.raises(ScriptError) as caught:
            load_script(script).body(Direction.DEPLOY)
        assert reason in str(caught.value)
        assert any(each.file == str(file) for each in lint(folder.path).findings), text
        if n:
            file.unlink()
        else:
            assert reason in sartor("deploy", "latest", expect=1).err
            assert database.tables() == set()
            file.unlink()


def test_lint(sartor: Command, folder: Folder) -> None:
    """No `down` is asked for; what fails when it runs a second time is told, unless a drop clears the way."""
    folder.write(
        "repeatable-good.sql",
        "-- sartor: up\n" + VIEW.format("1") + "drop type if exists t;\ncreate type t as (a int);",
    )
    assert sartor("lint").out == "Found no mistakes in 1 file\n"
    folder.write("repeatable-bad.sql", "create view v as select 1;\ncreate table t ();\n")
    found = sartor("lint", "--json").json["findings"]
    assert [(each["code"], each["line"], each["message"]) for each in found] == [
        ("SA207", 1, "`create view v as ...` fails when the script runs again"),
        ("SA207", 2, "`create table t` fails when the script runs again"),
    ]


def test_on_a_terminal(sartor: Command, folder: Folder, database: Database) -> None:
    """Where nothing else is to be done, `deploy` without a target asks whether to run them."""
    folder.table("1.0.0-1-a.py")
    sartor("deploy", "latest")
    folder.write("repeatable-x.sql", "create view x as select 1 as one")
    for answer, code in ((ENTER, 2), ("y", 0)):
        with Terminal(sartor, "deploy") as terminal:
            terminal.until("Run repeatable-x.sql?")
            terminal.press(answer)
            if answer == "y":
                terminal.press(ENTER)
            assert terminal.end() == code
    assert database.value("select one from x") == 1


def test_a_new_one(sartor: Command, folder: Folder) -> None:
    """`new` begins one, names what is to be filled in, and overwrites none, in either language."""
    done = sartor("new", "Active users", "--repeatable")
    assert done.out == "wrote alterations/repeatable-active-users.sql\n"
    assert "fill in <view>, <columns>, <table>" in done.err
    assert {each.rule.code for each in lint(folder.path).findings} == {"SA105"}
    for other in (["--template", "table"], ["table=users"]):
        assert "a repeatable script has no template" in sartor("new", "x", *other, "--repeatable", expect=2).err
    (folder.path / "repeatable-active-users.sql").rename(folder.path / "repeatable-active-users.py")
    done = sartor("new", "active users", "--repeatable", expect=2)
    assert "error: repeatable-active-users.py exists already\n" in done.err


def test_two_of_one_name(sartor: Command, folder: Folder) -> None:
    """`.sql` and `.py` of one name are one script."""
    folder.write("repeatable-x.sql", "select 1")
    folder.write("repeatable-x.py", "async def up(conn): ...")
    done = sartor("list", expect=2)
    assert "repeatable-x.py and repeatable-x.sql have the same identity, repeatable-x\n" in done.err


def test_list(sartor: Command, folder: Folder) -> None:
    """They are listed behind the releases."""
    folder.table("1.0.0-1-a.py")
    folder.write("repeatable-x.sql", "select 1")
    assert sartor("list").out.endswith("\n  1.0.0-1-a.py\nrepeatable:\n  repeatable-x.sql\n")
    assert [each["id"] for each in sartor("list", "--json").json["repeatables"]] == ["repeatable-x"]


def test_proofs(sartor: Command, folder: Folder) -> None:
    """Each runs twice: one that can't, or that changes something then, is told, and isn't in the manifest."""
    folder.write("1.0.0-1-users.sql", TABLE)
    folder.write("repeatable-a.sql", VIEW.format("id"))
    folder.write("repeatable-b.sql", "drop view if exists ids; create view ids as select id from names;")
    done = sartor("prove", "--all")
    assert done.out == "3 proved\n"
    assert (folder.path / "manifest.toml").read_text().count("proof = ") == 1
    folder.write("repeatable-c.sql", "create table once ();\n")
    folder.write("repeatable-d.sql", "drop view if exists names cascade; create view names as select id from users;\n")
    done = sartor("prove", "--pending", expect=1)
    assert "repeatable-c.sql: its second run failed\n" in done.out
    assert "repeatable-d.sql: its second run changes the schema\n" in done.out
    assert done.err.count("have a repeatable script change nothing when it runs again") == 1
    found = sartor("prove", "repeatable-c", "--json", expect=1).json["proofs"]
    assert [(each["id"], each["result"], each["stage"]) for each in found] == [("repeatable-c", "fails", "repeated")]


def test_replays_and_rehearsals(sartor: Command, folder: Folder, database: Database) -> None:
    """A rehearsal runs them behind the plan; a replay has those that ran, and no drift is found of what they made."""
    folder.write("1.0.0-1-users.sql", TABLE)
    folder.write("repeatable-names.sql", VIEW.format("id"))
    sartor("deploy", "latest")
    assert sartor("verify", "--against-replay").out.endswith(": as expected\n")
    folder.write("repeatable-names.sql", VIEW.format("id") + "alter table users add age int default random();\n")
    (rehearsed,) = sartor("rehearse", "--json").json["alterations"]
    assert (rehearsed["id"], rehearsed["release"], rehearsed["verdict"]) == ("repeatable-names", None, "rewrites")
    assert "repeatable-names.sql ran here with another content" in sartor("verify", "--against-replay").out
    database.run("drop view names")
    assert "view public.names: removed" in sartor("verify", expect=4).out


def test_by_hand(sartor: Command, folder: Folder, database: Database) -> None:
    """The script for psql has them, with their records."""
    folder.write("1.0.0-1-users.sql", TABLE)
    folder.write("repeatable-names.sql", VIEW.format("id"))
    sartor("check", "--sql", "plan.sql", expect=3)
    psql(database.url, sartor.directory / "plan.sql")
    assert history(sartor)[1:] == [("deployed", "1.0.0-1-users.sql"), ("repeated", "repeatable-names.sql")]
    assert sartor("deploy", "latest").out == "Found 0 alteration to deploy\n"
    psql(database.url, sartor.directory / "plan.sql", expect=3)
    folder.write("repeatable-names.sql", VIEW.format("id, name"))
    sartor("check", "--sql", "plan.sql", expect=3)
    psql(database.url, sartor.directory / "plan.sql")
    assert sartor("check").err.endswith("Found 0 alteration to deploy\n")


def test_json(sartor: Command, folder: Folder) -> None:
    """What the commands say of them fits the schemas."""
    folder.write("1.0.0-1-users.sql", TABLE)
    script = folder.write("repeatable-names.sql", VIEW.format("id"))
    for command, code in (("list", 0), ("status", 0), ("check", 3), ("rehearse", 0), ("prove --all", 0), ("lint", 0)):
        check(sartor(*command.split(), "--json", expect=code), command.partition(" ")[0])
    check(sartor("deploy", "latest", "--json"), "deploy")
    script.unlink()
    folder.write("repeatable-b.sql", "select 1 / 0")
    folder.write("repeatable-c.sql", "select 1")
    for command, code in (("status", 0), ("deploy latest", 1), ("history", 0), ("verify", 0)):
        check(sartor(*command.split(), "--json", expect=code), command.partition(" ")[0])
    repaired = sartor("repair", "--reason", "x", "--mark-deployed", "repeatable-b", "--yes", "--json")
    check(repaired, "repair")


def test_lineages(sartor: Command, folder: Folder, database: Database) -> None:
    """They run lineage by lineage; one whose lineage isn't given is nobody's concern."""
    folder.table("1.0.0-1-a.py")
    folder.write("repeatable-z.sql", "create or replace view z as select id from a")
    own = Folder(folder.path.parent / "own")
    own.table("1.0.0-2-b.py")
    own.write("repeatable-a.sql", "create or replace view y as select id from z")
    both = ("--alterations", "alterations", "--alterations", "own=own")
    done = sartor("deploy", "latest", "--json", *both).json["done"]
    assert [(each["lineage"], each["id"]) for each in done][2:] == [("main", "repeatable-z"), ("own", "repeatable-a")]
    assert sartor("deploy", "latest").out == "Found 0 alteration to deploy\n"
    assert sartor("status", "--json").json["repeatables"]["missing"] == []
    assert database.rows("select lineage, id from sartor_ledger where release is null order by seq") == [
        ("main", "repeatable-z"),
        ("own", "repeatable-a"),
    ]


def test_a_role_that_may_read_the_ledger_alone(sartor: Command, folder: Folder, database: Database) -> None:
    """Its status says which of them have run."""
    folder.table("1.0.0-1-a.py")
    folder.write("repeatable-x.sql", "select 1")
    sartor("deploy", "latest")
    with temporary_role(database) as role:
        database.run(f"grant usage on schema public to {role.name}", f"grant select on sartor_ledger to {role.name}")
        found = sartor("status", "--db-url", role.url, "--json").json
        assert [each["id"] for each in found["repeatables"]["current"]] == ["repeatable-x"]
        assert found["notes"] == []
