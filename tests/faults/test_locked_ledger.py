"""A ledger that somebody holds locked: what only looks ends in time as well."""

from __future__ import annotations

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder
from support.sessions import holding


@pytest.mark.parametrize("command", [["status"], ["deploy", "latest"]], ids=" ".join)
def test_nothing_waits_for_ever(sartor: Command, folder: Folder, database: Database, command: list[str]) -> None:
    """Exit 5 within seconds, with what to do: `status` and `deploy` alike don't wait behind a lock on the ledger."""
    folder.table("1.0.0-1700000000-a.py")
    sartor("deploy", "latest")
    folder.table("1.0.0-1700000001-b.py")
    with holding(database.url, "begin", "lock table sartor_ledger"):
        done = sartor(*command, expect=5)
    assert "lock timeout" in done.err
    assert "pg_terminate_backend" in done.err
    assert database.tables() == {"a"}
