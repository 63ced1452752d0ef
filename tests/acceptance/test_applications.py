"""Applications that are connected to the database, in `status` and `check`."""

from __future__ import annotations

import sartor as library
from support.command import Command
from support.database import Database
from support.folder import Folder
from support.sessions import holding

NAME = library.heartbeat("acme", "1.4.0", ">=1.0,<2")["application_name"]


def test_connected(sartor: Command, database: Database, folder: Folder) -> None:
    """`status` shows who is connected and whether the schema fits; `check` whom its deployment wouldn't fit."""
    folder.table("1.0.0-1700000001-a.py")
    folder.table("2.0.0-1700000002-b.py")
    sartor("deploy", "1.0.0")
    hostile = "\x1b[31m 1.0 (schema >=3)"
    with holding(database.url, application=NAME), holding(database.url, application=NAME), holding(database.url):
        with holding(database.url, application=hostile):
            shown = sartor("status").out
            assert "connected:" in shown
            assert "  acme 1.4.0, 2 sessions, fits >=1.0,<2\n" in shown
            assert "1.0, 1 session, fits >=3: not this schema, of 1.0.0" in shown
            assert "\x1b" not in shown
            found = sartor("status", "--json").json["applications"]
            assert {"name": "acme", "release": "1.4.0", "sessions": 2, "wanted": ">=1.0,<2", "fits": True} in found
        notes = sartor("check", "--json", "--plan-only", expect=3).json["notes"]
        assert notes == ["connected, and not fit for release 2.0.0: acme 1.4.0, 2 sessions, fits >=1.0,<2"]
        assert notes[0] in sartor("check", expect=3).err
    assert "connected" not in sartor("status").out
