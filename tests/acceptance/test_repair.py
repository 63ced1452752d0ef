"""`repair`: the ways out, each an event of the journal with its reason, none without being confirmed."""

from __future__ import annotations

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder
from support.shapes import check
from support.terminal import ENTER, Terminal

WHY = ("--reason", "INC-42", "--yes")
JOURNAL = "select kind, id, detail ->> 'reason' from sartor_journal order by seq desc limit 1"


@pytest.fixture(autouse=True)
def _deployed(folder: Folder, sartor: Command) -> None:
    folder.table("1.0.0-1700000000-users.py")
    folder.table("1.1.0-1700000001-bills.py")
    sartor("deploy", "1.0.0")


def test_an_edit_is_accepted(sartor: Command, folder: Folder, database: Database) -> None:
    """The database has the new checksum; nothing is run."""
    folder.add("1.0.0-1700000000-users.py", up="select 1")
    sartor("verify", expect=4)
    done = check(sartor("repair", "--accept-edited", "1700000000-users", *WHY, "--json"), "repair")
    assert done["repaired"] == [{"event": "accepted", "name": "1.0.0-1700000000-users.py", "id": "1700000000-users"}]
    assert database.rows(JOURNAL) == [("accepted", "1700000000-users", "INC-42")]
    sartor("verify")
    assert sartor("repair", "--accept-edited", "1700000000-users", *WHY).out == "Found 0 repair to do\n"


def test_marked_as_deployed(sartor: Command, database: Database) -> None:
    """What was done by hand goes onto the ledger without being run, and can be rolled back like the rest."""
    database.run("create table bills (id int)")
    sartor("deploy", "latest", expect=1)
    told = sartor("repair", "--mark-deployed", "1700000001-bills", *WHY).out
    assert told.splitlines() == ["1.1.0-1700000001-bills.py: marked as deployed", "1 repair recorded in the journal"]
    assert database.rows(JOURNAL) == [("marked-deployed", "1700000001-bills", "INC-42")]
    assert sartor("deploy", "latest").out == "Found 0 alteration to deploy\n"
    assert [d["object"] for d in sartor("verify", "--json", expect=4).json["drift"]] == ["public.bills"]
    sartor("repair", "--accept-drift", *WHY)
    sartor("verify")
    sartor("rollback", "1.0.0")
    assert database.tables() == {"users"}
    sartor("verify")


def test_marked_as_not_deployed(sartor: Command, folder: Folder, database: Database) -> None:
    """What was undone by hand is pending again; so is forgotten what has no file any more."""
    database.run("drop table users")
    sartor("repair", "--mark-not-deployed", "1700000000-users", *WHY)
    assert database.rows(JOURNAL) == [("marked-not-deployed", "1700000000-users", "INC-42")]
    sartor("deploy", "latest")
    assert database.tables() == {"users", "bills"}
    (folder.path / "1.1.0-1700000001-bills.py").unlink()
    folder.table("1.2.0-1700000002-notes.py")
    sartor("verify", expect=4)
    sartor("repair", "--mark-not-deployed", "1700000001-bills", *WHY)
    assert sartor("verify", "--json").json["missing"] == []


@pytest.mark.parametrize("mark", ["--mark-deployed", "--mark-not-deployed"])
def test_an_interrupted_one_is_settled(sartor: Command, folder: Folder, database: Database, mark: str) -> None:
    """Steps outside a transaction that never ended are declared to have, or to have been taken back."""
    folder.write(
        "1.1.0-1700000001-bills.py",
        """
        transaction = False

        async def up(conn):
            await conn.execute("create table if not exists bills (id int)")
            await conn.execute("select 1 / 0")

        async def down(conn):
            await conn.execute("drop table if exists bills")
        """,
    )
    sartor("deploy", "latest", expect=1)
    assert sartor("status", "--json").json["interrupted"]
    sartor("repair", mark, "1700000001-bills", *WHY)
    status = sartor("status", "--json").json
    assert status["interrupted"] == []
    assert len(status["pending"]) == (1 if mark == "--mark-not-deployed" else 0)
    assert database.tables() == {"users", "bills"}


def test_by_file_name(sartor: Command, folder: Folder, database: Database) -> None:
    """An alteration may be named by its file, as `status` shows it, and by the name that the ledger has."""
    database.run("create table bills (id int)")
    sartor("repair", "--mark-deployed", "1.1.0-1700000001-bills.py", *WHY)
    folder.add("1.0.0-1700000000-users.py", up="select 1")
    sartor("repair", "--accept-edited", "1.0.0-1700000000-users.py", *WHY)
    assert database.rows(JOURNAL) == [("accepted", "1700000000-users", "INC-42")]
    (folder.path / "1.1.0-1700000001-bills.py").unlink()
    sartor("repair", "--mark-not-deployed", "1.1.0-1700000001-bills.py", *WHY)
    assert database.rows(JOURNAL) == [("marked-not-deployed", "1700000001-bills", "INC-42")]


def test_an_expected_schema(sartor: Command, database: Database) -> None:
    """A database that has it all from elsewhere gets a ledger by being told so."""
    database.run("create schema old", "create table old.users (id int)")
    sartor("repair", "--mark-deployed", "1700000000-users", "--schema", "old", *WHY)
    assert sartor("verify", "--schema", "old", "--json").json["ok"]
    sartor("deploy", "latest", "--schema", "old")
    assert database.tables("old") == {"users", "bills"}


def test_an_invalid_index_is_dropped(sartor: Command, database: Database) -> None:
    """An index that a build by hand left invalid is told by `verify`, dropped, and no drift then."""
    database.run("insert into users values (1), (1)")
    with pytest.raises(Exception, match="could not create unique index"):
        database.run("create unique index concurrently users_id_key on users (id)")
    found = sartor("verify", "--json", expect=4).json
    assert found["invalid_indexes"] == ["users_id_key"]
    assert "--drop-invalid-index users_id_key" in sartor("verify", expect=4).out
    sartor("repair", "--drop-invalid-index", "users_id_key", *WHY)
    assert database.value("select to_regclass('users_id_key')") is None
    assert database.rows(JOURNAL) == [("index-dropped", None, "INC-42")]
    assert "users_id_key" in sartor("history").out
    sartor("verify")
    told = sartor("repair", "--drop-invalid-index", "users_id_key", *WHY, expect=4).err
    assert "there is no invalid index users_id_key in this schema" in told


def test_a_valid_index_is_not(sartor: Command, database: Database) -> None:
    """Only what is invalid goes."""
    database.run("create index users_idx on users (id)")
    told = sartor("repair", "--drop-invalid-index", "users_idx", *WHY, expect=4).err
    assert "error: there is no invalid index users_idx in this schema" in told
    assert database.value("select to_regclass('users_idx') is not null")


def test_drift_is_accepted(sartor: Command, database: Database) -> None:
    """The schema is right as it is from then on; the journal says what had changed. Twice is once."""
    database.run("alter table users add email text")
    sartor("repair", "--accept-drift", *WHY)
    assert database.rows(JOURNAL) == [("drift-accepted", None, "INC-42")]
    objects = database.value("select detail ->> 'objects' from sartor_journal order by seq desc limit 1")
    assert "column public.users.email" in objects
    sartor("verify")
    assert sartor("repair", "--accept-drift", *WHY).out == "Found 0 repair to do\n"
    database.run("alter table users drop email")
    sartor("verify", expect=4)


def test_several_at_once(sartor: Command, database: Database) -> None:
    """What was done by hand is marked and accepted in one go."""
    database.run("create table bills (id int)")
    done = sartor("repair", "--mark-deployed", "1700000001-bills", "--accept-drift", *WHY, "--json").json
    assert [mend["event"] for mend in done["repaired"]] == ["marked-deployed", "drift-accepted"]
    sartor("verify")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ([], 2, "no repair is given"),
        (["--accept-drift", "--yes"], 2, "a repair needs a reason"),
        (["--accept-drift", "--reason", "x"], 2, "without a terminal, confirm with --yes"),
        (["--mark-deployed", "1-x", *WHY], 4, "1-x isn't among the given alterations"),
        (["--mark-not-deployed", "1-x", *WHY], 4, "1-x is neither deployed here nor"),
        (["--accept-edited", "1-x", *WHY], 4, "1-x isn't deployed here, or has no file"),
        (["--accept-drift", "--schema", "none", *WHY], 2, "there is no schema none"),
    ],
)
def test_refused(sartor: Command, database: Database, arguments: list[str], code: int, told: str) -> None:
    """What can't be meant is refused, and leaves no trace."""
    events = database.value("select count(*) from sartor_journal")
    assert told in sartor("repair", *arguments, expect=code).err
    assert database.value("select count(*) from sartor_journal") == events


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 2)])
def test_a_terminal_is_asked(sartor: Command, database: Database, answer: str, code: int) -> None:
    """Why, and whether: it is shown first what will be done. No is the default."""
    with Terminal(sartor, "repair", "--mark-deployed", "1700000001-bills") as terminal:
        terminal.until("Reason for the repair")
        terminal.press("done by hand", ENTER)
        terminal.until("(y/N)")
        terminal.press(answer, ENTER)
        assert terminal.end() == code
        assert "  1.1.0-1700000001-bills.py: marked as deployed" in terminal.lines
    expected = [("marked-deployed", "1700000001-bills", "done by hand")] if answer == "y" else []
    assert [row for row in database.rows(JOURNAL) if row[0] == "marked-deployed"] == expected
