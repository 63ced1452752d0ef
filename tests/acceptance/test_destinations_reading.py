"""Commands that read: they write nothing, and need no right but to read the ledger."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder
from support.roles import Role, temporary_role
from support.terminal import ENTER, Terminal


@pytest.fixture
def role(database: Database) -> Iterator[Role]:
    """A role without rights on the test's database."""
    with temporary_role(database) as found:
        yield found


@pytest.fixture
def reader(sartor: Command, role: Role, folder: Folder) -> Command:
    """The command as that role; one alteration is deployed, one pending."""
    folder.table("1.0.0-1700000000-a.py")
    sartor("deploy", "latest")
    folder.table("1.1.0-1700000001-b.py")
    return Command(sartor.directory, {"SARTOR_DB_URL": role.url})


def test_status_needs_nothing_but_the_ledger(reader: Command, database: Database, role: Role) -> None:
    """SELECT on `sartor_ledger` alone is enough for `status`."""
    database.run(f"grant select on sartor_ledger to {role.name}")
    found = reader("status", "--json").json
    assert [a["id"] for a in found["deployed"]] == ["1700000000-a"]
    assert [a["id"] for a in found["pending"]] == ["1700000001-b"]


def test_history_reads_the_journal(reader: Command, database: Database, role: Role) -> None:
    """`history` needs SELECT on `sartor_journal` too, and says so."""
    database.run(f"grant select on sartor_ledger to {role.name}")
    done = reader("history", expect=6)
    assert f"role {role.name} has no right to read the journal" in done.err
    database.run(f"grant select on sartor_journal to {role.name}")
    assert "1.0.0-1700000000-a.py" in reader("history").out


def test_reading_writes_nothing(sartor: Command, database: Database, folder: Folder) -> None:
    """On a database where nothing was ever deployed, reading leaves nothing behind."""
    folder.table("1.0.0-1700000000-a.py")
    database.run(f"alter database {database.name} set default_transaction_read_only = on")
    assert "no ledger" in sartor("status").out
    assert sartor("status", "--json").json["ledger"] is False
    assert sartor("history", "--json").json["events"] == []
    assert database.rows("select 1 from pg_class where relname like 'sartor%'") == []


def test_previews_write_nothing(sartor: Command, reader: Command, database: Database) -> None:
    """What a rollback or a deploy asks is asked without a write: a role that only reads gets as far."""
    assert reader.directory == sartor.directory
    rows = "select xmin::text, ctid::text, seq from sartor_journal union all"
    rows += " select xmin::text, ctid::text, seq from sartor_ledger order by 1, 2"
    before = database.rows(rows)
    with Terminal(sartor, "rollback", "0") as terminal:
        terminal.until("Roll back 1 alteration")
        terminal.press("n", ENTER)
        assert terminal.end() == 2
    with Terminal(sartor, "deploy") as terminal:
        terminal.until("Choose the release to deploy")
        terminal.press("\x03")
        assert terminal.end() == 130
    assert database.rows(rows) == before


@pytest.mark.parametrize("scope", ["role", "database"])
def test_read_only_by_default(sartor: Command, folder: Folder, database: Database, scope: str) -> None:
    """`default_transaction_read_only` is found before anything is done; the statement that is printed undoes it."""
    folder.table("1.0.0-1700000000-a.py")
    name = database.name if scope == "database" else f"reader_{database.name}"
    if scope == "role":
        database.run(f"create role {name} superuser login")
    database.run(f"alter {scope} {name} set default_transaction_read_only = on")
    try:
        env = {"SARTOR_DB_URL": database.as_user(name) if scope == "role" else database.url}
        done = sartor("deploy", "latest", env=env, expect=6)
        assert "is read-only" in done.err
        assert database.tables() == set()
        hint = re.search(r"hint: (alter role .*?;)", done.err)
        assert hint, done.err
        database.run("set default_transaction_read_only = off", hint[1])
        sartor("deploy", "latest", env=env)
        assert database.tables() == {"a"}
    finally:
        if scope == "role":
            database.run(f"drop owned by {name} cascade", f"drop role {name}")
        else:
            database.run("set default_transaction_read_only = off", "alter role current_user reset all")


def test_a_ledger_of_a_newer_format(sartor: Command, folder: Folder, database: Database) -> None:
    """An older Sartor reads a newer ledger, and refuses to write it."""
    folder.table("1.0.0-1700000000-a.py")
    sartor("deploy", "latest")
    folder.table("1.1.0-1700000001-b.py")
    database.run("update sartor_ledger set format = 99", "update sartor_journal set format = 99")
    assert len(sartor("status", "--json").json["deployed"]) == 1
    sartor("history")
    events = database.value("select count(*) from sartor_journal")
    for arguments in (["deploy", "latest"], ["rollback", "0"]):
        done = sartor(*arguments, expect=6)
        assert "written by a newer version of Sartor: its format is 99" in done.err
        assert "install that version of Sartor or a later one" in done.err
    assert database.tables() == {"a"}
    assert database.value("select count(*) from sartor_journal") == events
