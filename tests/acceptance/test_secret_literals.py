"""A secret in a statement that fails is shown nowhere."""

from __future__ import annotations

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder

SECRET = "hunter2-swordfish"  # noqa: S105 - nobody's
FAILING = {
    "a role": f"create role nobody_at_all password '{SECRET}' nonsense",
    "a role twice": f"create role postgres login password '{SECRET}'",
    "a user mapping": f"create user mapping for current_user server none options (user 'app', password '{SECRET}')",
    "a subscription": f"create subscription s connection 'host=none password={SECRET}' publication none",
    "a block": f"do $$begin execute 'create user mapping for x server none options (password ''{SECRET}'')'; end$$",
    "near the secret": f"alter role postgres password password '{SECRET}'",
}


@pytest.mark.parametrize("what", FAILING)
def test_it_is_not_shown(sartor: Command, folder: Folder, database: Database, what: str) -> None:
    """Neither in words nor in JSON, with --debug or without, nor in the journal; the statement is there without it."""
    folder.add("1.0.0-1700000000-a.py", up="select 1")
    folder.write("1.0.0-1700000001-b.sql", f"-- sartor: up\n{FAILING[what]};\n-- sartor: down\nselect 1;\n")
    told = [
        sartor("deploy", "latest", expect=1),
        sartor("deploy", "latest", "--json", expect=1),
        sartor("deploy", "latest", "--no-batch", expect=1),
        sartor("history", "--json"),
    ]
    assert not [each for each in told if SECRET in each.out + each.err]
    assert "*" * len(SECRET) in told[0].err
    assert SECRET not in str(database.rows("select detail from sartor_journal"))
