"""Files that aren't what their names say, and who may read those that Sartor writes."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest

from sartor.embedded.server import serve
from support.command import Command
from support.database import Database
from support.folder import Folder


@pytest.mark.parametrize("command", [["list"], ["status"], ["deploy", "latest"], ["check"], ["lint"]], ids=" ".join)
def test_a_pipe_among_the_alterations(sartor: Command, folder: Folder, command: list[str]) -> None:
    """A pipe that is named like an alteration is refused by name: nobody waits for somebody to write into it."""
    folder.table("1.0.0-1700000000-a.py")
    os.mkfifo(folder.path / "1.0.0-1700000001-b.sql")
    done = sartor(*command, expect=2)
    assert "1.0.0-1700000001-b.sql can't be read: not a regular file" in done.err


def test_a_pipe_where_a_backup_is_to_be(sartor: Command, tmp_path: Path, database: Database) -> None:
    """One that is named like a part of a backup is left alone; one in place of a backup isn't restored."""
    database.run("create table kept (id int)")
    os.mkfifo(tmp_path / ".b.dump.0123abcd.sartor-part")
    sartor.run("db", "backup", str(tmp_path / "b.dump"))
    os.mkfifo(tmp_path / "pipe.dump")
    pipe = str(tmp_path / "pipe.dump")
    assert "not a regular file" in sartor.run("db", "restore", pipe, "--into", database.url, expect=6).err


def test_a_plan_is_for_its_owner(sartor: Command, folder: Folder, tmp_path: Path) -> None:
    """A plan may hold what is secret: nobody else may read it, also where the file was there before."""
    folder.table("1.0.0-1700000000-a.py")
    plan = tmp_path / "plan.sql"
    plan.touch(0o666)
    sartor("check", "--sql", str(plan), expect=3)
    assert stat.S_IMODE(plan.stat().st_mode) == 0o600


def test_an_embedded_server_is_its_owners() -> None:
    """Its locks and its log are its owner's, whatever the umask."""
    before = os.umask(0)
    try:
        with tempfile.TemporaryDirectory() as directory:
            Path(directory).chmod(0o755)
            with serve(Path(directory, "server")):
                modes = {name: stat.S_IMODE(Path(directory, "server", name).stat().st_mode) for name in FILES}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(FILES, 0o600)


FILES = ("starting", "users", "log")
