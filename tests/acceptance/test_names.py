"""Names from outside are names, and never a part of a statement, of a script or of a comment."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder
from support.psql import psql

HOSTILE = ["a\n;alter role ta superuser; --", "a\n\\! id\n--", "a\rb", "a\u202eb", "a\u2028b", "\x1b[2Ja"]
ODD = ['it\'s "a" -- {schema} */ :b $$ \\! id', "{0}; drop table x; /*"]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_that_cant_be_shown(name: str, sartor: Command, folder: Folder, database: Database) -> None:
    """A schema or a database whose name holds control characters is refused, and its name shown with escapes."""
    folder.table("1.0.0-1700000001-users.py")
    elsewhere = database.url.replace(database.name, quote(name, safe=""))
    for arguments in (
        ("--schema", name),
        ("--db-url", f"{database.url}?schema={quote(name)}"),
        ("--db-url", elsewhere),
    ):
        done = sartor("deploy", "latest", *arguments, expect=2)
        assert name not in done.err
        assert "contains characters that can't be displayed" in done.err
    for where in (
        sartor("deploy", "latest", "--schema", name, expect=2),
        sartor("check", "--db-url", elsewhere, expect=2),
    ):
        assert repr(name) in where.err
    assert (
        "isn't a valid name of a lineage"
        in sartor("deploy", "latest", "--alterations", f"{name}={folder.path}", expect=2).err
    )


@pytest.mark.parametrize("name", ODD)
def test_odd_names(name: str, sartor: Command, folder: Folder, database: Database, tmp_path: Path) -> None:
    """Any other name works, wherever it stands: in SQL, in a plan for psql, in comments."""
    folder.table("1.0.0-1700000001-users.py")
    folder.table("1.0.0-1700000002-teams.py")
    sartor("deploy", "latest", "--schema", name, "--steps", "1")
    sartor("check", "--schema", name, "--sql", str(tmp_path / "plan.sql"), expect=3)
    psql(database.url, tmp_path / "plan.sql")
    assert database.tables(name) == {"users", "teams"}
    sartor("rollback", "--steps", "2", "--schema", name, "--yes")
