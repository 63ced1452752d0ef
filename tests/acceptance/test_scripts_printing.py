"""What a script prints: standard output holds results and nothing else, whichever way it is written to."""

from __future__ import annotations

import pytest

from support.command import Command
from support.folder import Folder

NOISE = """
import ctypes, logging, os, subprocess, sys, threading


def noise(where):
    print("drop table print;", where)
    os.write(1, b"drop table descriptor;\\n")
    sys.__stdout__.write("drop table held back;")
    logging.basicConfig(stream=sys.stdout, force=True)
    logging.error("drop table logged;")
    subprocess.run(["sh", "-c", "echo 'drop table child;'"], check=True)
    ctypes.CDLL(None).printf(b"drop table c;\\n")
    thread = threading.Thread(target=print, args=("drop table thread;",))
    thread.start()
    thread.join()


noise("at load")


async def up(conn):
    noise("in up")
    await conn.execute("create table a (id int)")


async def down(conn):
    noise("in down")
    await conn.execute("drop table a")
"""

SAID = ("print; at load", "descriptor;", "held back;", "logged;", "child;", "thread;")


@pytest.mark.parametrize("command", ["deploy next", "check next", "rehearse next", "prove --all", "status"])
def test_json_is_all_that_stands_on_stdout(sartor: Command, folder: Folder, command: str) -> None:
    """With `--json` there is one object, whatever scripts print while they are loaded or run: that is on stderr."""
    folder.write("next-1-a.py", NOISE)
    done = sartor(*command.split(), "--json", expect=None)
    assert done.json["version"]
    assert "drop table" not in done.out
    if command != "status":  # which runs none
        assert [text for text in SAID if text not in done.err] == []


def test_sql_is_all_that_stands_on_stdout(sartor: Command, folder: Folder) -> None:
    """The SQL that `check` prints, for psql to run, has nothing in it that a script printed."""
    folder.write("1.0.0-1-a.py", NOISE)
    done = sartor("check", "latest", expect=3)
    assert "create table a (id int)" in done.out
    assert [text for text in SAID if text in done.out] == []


def test_a_script_that_closes_its_output(sartor: Command, folder: Folder) -> None:
    """A script may close file descriptor 1, or `sys.stdout`: the results are still told."""
    folder.write("1.0.0-1-a.py", "import os, sys\nasync def up(conn):\n    os.close(1)\n    sys.stdout.close()\n")
    folder.table("1.0.0-2-b.py")
    done = sartor("deploy", "latest", "--json")
    assert [each["id"] for each in done.json["done"]] == ["1-a", "2-b"]
