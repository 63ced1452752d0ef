"""A server whose disk is full: what was under way is undone, and said in words."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.command import Command
from support.database import Database, with_name
from support.folder import Folder

SIZE = "24m"
"""Of the disk: an empty database has 7 to 9 MB."""
ROWS = "create table big as select md5(g::text) || md5(g::text) as text from generate_series(1, 300000) g"
"""About 30 MB."""


@pytest.fixture
def small(database: Database) -> Iterator[Database]:
    """A database on a small disk. Skips where none can be mounted for the server."""
    owner = Path(str(database.value("show data_directory")))
    if os.geteuid() != 0 or not owner.exists():
        pytest.skip("only root may mount a disk, for a server of this machine")
    with tempfile.TemporaryDirectory(prefix="sartor-disk-", dir="/tmp") as place:
        options = f"size={SIZE},mode=700,uid={owner.stat().st_uid}"
        mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", place]
        if subprocess.run(mount, check=False).returncode:
            pytest.skip("no disk can be mounted here")
        name = f"{database.name}_small"
        try:
            database.run(f"create tablespace {name} location '{place}'", f"create database {name} tablespace {name}")
            yield Database(with_name(database.url, name), name)
        finally:
            database.run(f"drop database if exists {name} with (force)", f"drop tablespace if exists {name}")
            subprocess.run(["umount", place], check=True)  # noqa: S607 - as above


def test_a_restore(sartor: Command, database: Database, small: Database) -> None:
    """Exit 6 in words, and nothing of it is there."""
    database.run("create table little (id int)", ROWS)
    sartor.run("db", "backup", "x.dump")
    done = sartor.run("db", "restore", "x.dump", "--into", small.url, expect=6)
    assert "No space left on device" in done.err
    assert small.tables() == set()


def test_a_run(sartor: Command, folder: Folder, small: Database) -> None:
    """The script fails and is rolled back; what was done before it stays, and there is room for the next."""
    folder.table("1.0.0-1-a.py")
    folder.add("1.0.0-2-b.py", up=ROWS)
    done = sartor("deploy", "latest", "--json", "--db-url", small.url, expect=1)
    assert (done.json["failed"]["sqlstate"], done.json["failed"]["rolled_back"]) == ("53100", True)
    assert small.tables() == {"a"}
    folder.table("1.0.0-2-b.py")
    sartor("deploy", "latest", "--db-url", small.url)
    assert small.tables() == {"a", "b"}
