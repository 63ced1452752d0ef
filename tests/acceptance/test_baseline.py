"""`baseline`: a database that was made otherwise is adopted, once it is seen to be what a release makes."""

from __future__ import annotations

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder
from support.shapes import check

USERS = "-- sartor: up\ncreate table users (id int primary key);\n-- sartor: down\ndrop table users;\n"
BILLS = "-- sartor: up\ncreate table bills (id int references users);\n-- sartor: down\ndrop table bills;\n"
MADE = ("create table users (id int primary key)", "create table bills (id int references users)")
EVENTS = "select kind, id, detail ->> 'reason' from sartor_journal order by seq"
WHY = "the database was made otherwise"


@pytest.fixture(autouse=True)
def shipped(folder: Folder) -> None:
    """Two releases, and what comes behind them."""
    folder.write("1.0.0-1700000000-users.sql", USERS)
    folder.write("1.1.0-1700000001-bills.sql", BILLS)
    folder.table("next-1700000002-notes.py")


def test_what_another_tool_made(sartor: Command, database: Database) -> None:
    """All up to the release is recorded in one run, with downs and the expected schema; the tool's ledger stays."""
    database.run(*MADE, "create table schema_migrations (version varchar primary key)")
    done = check(sartor("baseline", "1.1.0", "--json"), "baseline")
    assert [a["id"] for a in done["recorded"]] == ["1700000000-users", "1700000001-bills"]
    assert [d["object"] for d in done["ignored"]] == ["public.schema_migrations"]
    assert database.rows(EVENTS) == [
        ("created", None, None),
        ("baseline", None, WHY),
        ("baseline", "1700000000-users", WHY),
        ("baseline", "1700000001-bills", WHY),
    ]
    for options in ((), ("--against-replay",)):
        assert check(sartor("verify", "--json", *options), "verify")["ok"]
    assert sartor("baseline", "1.1.0").out == "Found 0 alteration to record\n"
    sartor("deploy", "next")
    sartor("rollback", "1.1.0")
    sartor("rollback", "0")
    assert database.tables() == {"schema_migrations"}
