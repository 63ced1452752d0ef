"""Disk and ledger that differ: renamed, late, edited, missing, ahead; told by `status`, and what `deploy` does."""

from __future__ import annotations

from support.command import Command
from support.database import Database
from support.folder import Folder

JOURNAL = "select id, kind, release from sartor_journal where seq > 0 order by seq"


def ids(found: list[dict[str, str]]) -> list[str]:
    return [each["id"] for each in found]


def test_a_release_renames_and_identity_stays(sartor: Command, folder: Folder, database: Database) -> None:
    """What was deployed as `next` isn't deployed again under its release's name; ledger and journal get the label."""
    file = folder.table("next-1-a.py")
    sartor("deploy", "next")
    file.rename(folder.path / "1.3.0-1-a.py")
    status = sartor("status", "--json").json
    assert (status["release"], status["pending"], status["missing"]) == ("1.3.0", [], [])
    assert [(a["id"], a["release"], a["name"]) for a in status["deployed"]] == [("1-a", "1.3.0", "1.3.0-1-a.py")]
    assert database.value("select release from sartor_ledger") == "next", "a reading command wrote"

    done = sartor("deploy", "latest")
    assert done.out == "Found 0 alteration to deploy\n"
    assert "1-a: deployed as next, now part of 1.3.0" in done.err
    assert database.rows("select release, name from sartor_ledger") == [("1.3.0", "1.3.0-1-a.py")]
    assert database.rows(JOURNAL) == [("1-a", "deployed", "next"), ("1-a", "relabelled", "1.3.0")]
    assert "note: " not in sartor("deploy", "latest").err
    assert database.value("select count(*) from sartor_journal") == 3


def test_two_versions_of_a_package_in_turn(sartor: Command, folder: Folder, database: Database) -> None:
    """An older package takes no release back, whoever runs last; its rollback leaves what the ledger has as part."""
    older, newer = Folder(folder.path / "older"), Folder(folder.path / "newer")
    for each, names in (
        (older, ("1.0.0-1-a.py", "next-2-b.py")),
        (newer, ("1.0.0-1-a.py", "1.3.0-2-b.py", "1.3.0-3-c.py")),
    ):
        for name in names:
            each.table(name)
    old, new = (("--alterations", f"main={each.path}") for each in (older, newer))
    sartor("deploy", "next", *old)
    sartor("deploy", "latest", *new)
    journal = database.rows(JOURNAL)
    told = (
        "note: 2-b: release 1.3.0 here, next in this package; the ledger keeps 1.3.0,"
        " because a released alteration stays released"
    )
    assert told in sartor("deploy", "next", *old).err
    assert "note: " not in sartor("deploy", "latest", *new).err
    assert told in sartor("rollback", "1.3.0", *old).err
    deployed = sartor("status", "--json", *old).json["deployed"]
    assert [(a["id"], a["release"]) for a in deployed] == [("1-a", "1.0.0"), ("2-b", "1.3.0"), ("3-c", "1.3.0")]
    assert database.rows(JOURNAL) == journal
    assert [each[1:] for each in journal if each[1] == "relabelled"] == [("relabelled", "1.3.0")]


def test_a_late_arrival_is_shown_and_deployed(sartor: Command, folder: Folder, database: Database) -> None:
    """A hotfix below the newest deployed one is out of order, refused by --strict-order (exit 4), and else deployed."""
    folder.table("1.0.0-1-a.py")
    folder.table("1.1.0-5-c.py")
    sartor("deploy", "latest")
    folder.table("1.0.0-3-b.py")
    folder.table("1.1.0-6-d.py")
    status = sartor("status", "--json").json
    assert (ids(status["pending"]), ids(status["out_of_order"])) == (["3-b", "6-d"], ["3-b"])
    assert (
        "out of order: pending, but older than the newest deployed alteration:\n  1.0.0-3-b.py" in sartor("status").out
    )
    refused = sartor("deploy", "latest", "--strict-order", expect=4)
    assert "error: 1.0.0-3-b.py: older than the newest deployed alteration" in refused.err
    assert database.tables() == {"a", "c"}
    assert "note: 1.0.0-3-b.py is late, and is deployed now" in sartor("deploy", "latest").err
    assert database.tables() == {"a", "b", "c", "d"}
    assert ids(sartor("rollback", "--steps", "2", "--json").json["done"]) == ["6-d", "3-b"]


def test_an_edited_alteration(sartor: Command, folder: Folder, database: Database) -> None:
    """An edit is told by `status` and refused by `deploy`, exit 4, with the flag that accepts it; no CRLF is one."""
    file = folder.table("1.0.0-1-a.py")
    sartor("deploy", "latest")
    folder.table("1.0.0-2-b.py")
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert sartor("status", "--json").json["edited"] == []

    file.write_text(file.read_text() + "# an edit\n")
    assert ids(sartor("status", "--json").json["edited"]) == ["1-a"]
    assert "edited after being deployed" in sartor("status").out
    refused = sartor("deploy", "latest", "--json", expect=4)
    assert refused.json["error"]["kind"] == "AlterationEdited"
    assert "error: 1.0.0-1-a.py has changed after being deployed here" in refused.err
    assert "--accept-edited 1-a" in refused.err
    assert database.tables() == {"a"}

    sartor("deploy", "latest", "--accept-edited", "1-a")
    assert database.tables() == {"a", "b"}
    assert sartor("status", "--json").json["edited"] == []
    assert ("1-a", "accepted", "1.0.0") in database.rows(JOURNAL)


def test_an_unreleased_alteration_may_be_edited(sartor: Command, folder: Folder, database: Database) -> None:
    """A `next` file may be edited freely, with a note; rolled back and deployed again, the edit is in."""
    file = folder.table("next-1-a.py")
    sartor("deploy", "next")
    file.write_text(file.read_text().replace("id int", "id int, note text"))
    status = sartor("status", "--json").json
    assert (status["edited"], ids(status["edited_next"])) == ([], ["1-a"])
    assert "note: next-1-a.py was edited after it was deployed here" in sartor("deploy", "next").err
    sartor("rollback", "--steps", "1")
    sartor("deploy", "next")
    assert database.value("select count(*) from information_schema.columns where table_name = 'a'") == 2
    assert sartor("status", "--json").json["edited_next"] == []


def test_a_missing_alteration(sartor: Command, folder: Folder, database: Database) -> None:
    """A row without its file is told by `status`, refused by `deploy` and `rollback`, exit 4, and may be accepted."""
    file = folder.table("1.0.0-1-a.py")
    folder.table("1.0.0-2-b.py")
    sartor("deploy", "latest")
    file.unlink()
    assert ids(sartor("status", "--json").json["missing"]) == ["1-a"]
    for command in (["deploy", "latest"], ["rollback", "0"]):
        refused = sartor(*command, expect=4)
        assert "error: 1.0.0-1-a.py is deployed here, but not among the given alterations" in refused.err
    assert "--accept-missing 1-a" in sartor("deploy", "latest", expect=4).err
    assert database.tables() == {"a", "b"}
    sartor("deploy", "latest", "--accept-missing", "1-a")
    assert sartor("status", "--json").json["missing"] == []
    assert ("1-a", "forgotten", "1.0.0") in database.rows(JOURNAL)
    assert database.tables() == {"a", "b"}, "forgetting is no rollback"


SECOND = '''
import subprocess, sys
NOTE = """
import asyncio, asyncpg, os
async def note():
    connection = await asyncpg.connect(os.environ["SARTOR_DB_URL"])
    await connection.execute(
        "insert into sartor_journal (seq, prev, token, kind, by_user, host, sartor, format)"
        " select seq + 1, seq, '', 'seeded', '', '', '', 1 from sartor_journal"
        " where kind = 'forgotten' and seq = (select max(seq) from sartor_journal)"
    )
    await connection.close()
asyncio.run(note())
"""
subprocess.run([sys.executable, "-c", NOTE], check=True)
async def up(conn):
    await conn.execute("create table b (id int)")
async def down(conn):
    await conn.execute("drop table b")
'''
"""A script in front of which, when it is loaded to be run, another run writes an event into the journal."""


def test_an_absence_accepted_by_two_runs(sartor: Command, folder: Folder, database: Database) -> None:
    """A run that must plan again after it has forgotten an alteration doesn't refuse its own flag."""
    gone = folder.table("1.0.0-1-a.py")
    sartor("deploy", "latest")
    gone.unlink()
    folder.write("1.0.0-2-b.py", SECOND)
    sartor("deploy", "latest", "--accept-missing", "1-a")
    assert database.tables() == {"a", "b"}
    assert database.rows("select kind from sartor_journal order by seq desc limit 3") == [
        ("deployed",),
        ("seeded",),
        ("forgotten",),
    ]


def test_a_database_ahead(sartor: Command, folder: Folder, database: Database) -> None:
    """An older package facing a newer database says by release what it doesn't ship, and what to do; no harm."""
    folder.table("1.0.0-1-a.py")
    newer = folder.table("2.0.0-2-b.py")
    sartor("deploy", "latest")
    newer.unlink()
    status = sartor("status", "--json").json
    assert (ids(status["ahead"]), status["missing"]) == (["2-b"], [])
    note = (
        "the database is ahead: it has 1 alteration of 2.0.0 that this package doesn't contain; use the package of that"
    )
    assert note in sartor("status").out
    done = sartor("deploy", "latest")
    assert (done.out, note in done.err) == ("Found 0 alteration to deploy\n", True)
    assert database.tables() == {"a", "b"}
