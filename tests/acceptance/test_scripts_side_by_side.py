"""Scripts of several destinations at once in one process: none of them meets what another does to it."""

from __future__ import annotations

import json
import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import support.side_by_side
from support.command import Command, Finished, finish, warm
from support.database import Database
from support.folder import Folder

PROGRAM = support.side_by_side.__file__

HEAD = """
import asyncio, builtins, os, subprocess, sys, threading, time, contextlib, io
shared = vars(builtins).setdefault("shared", {})
kept = []
def event(name):
    return shared.setdefault(name, asyncio.Event())
async def forever():
    await asyncio.sleep(3600)
async def up(conn, run):
    await globals()[run.schema](conn)
"""
"""The first script runs the function that is named as its schema; `event` is one for both destinations."""
SECOND = """
import builtins
async def up(conn, run):
    builtins.shared.setdefault(run.schema + " is over", __import__("asyncio").Event()).set()
"""


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(sartor: Command, folder: Folder, database: Database) -> Start:
    """Starts a deploy to several schemas at once."""

    def go(*schemas: str) -> subprocess.Popen[str]:
        database.run(*(f"create schema if not exists {each}" for each in schemas))
        words = (database.url, str(folder.path), *schemas)
        return warm().start(words, directory=sartor.directory, environment=sartor.environment, program=PROGRAM)

    return go


def write(folder: Folder, **bodies: str) -> None:
    """A first script with these functions, one a schema, and a second one that tells that the first is over."""
    functions = [
        f"async def {name}(conn):\n" + textwrap.indent(textwrap.dedent(body).strip("\n"), "    ") + "\n"
        for name, body in bodies.items()
    ]
    folder.write("next-1-first.py", HEAD.lstrip("\n") + "".join(functions))
    folder.write("next-2-second.py", SECOND)


def told(done: Finished) -> dict[str, Any]:
    """How each schema's run ended."""
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out.splitlines()[-1])
    return found


BOTH_WELL: dict[str, tuple[str, str]] = {
    "the working directory": (
        "os.chdir('/')\nevent('on').set()\nawait event('b is over').wait()\nassert os.getcwd() == '/'",
        "await event('on').wait()\nassert os.getcwd() != '/'\nawait asyncio.sleep(0)\nassert os.getcwd() != '/'",
    ),
    "what both change": (
        (
            "os.environ['WHO'] = 'a'\nevent('on').set()\nawait event('b too').wait()\nassert os.environ['WHO'] == 'a'\n"
            "event('off').set()"
        ),
        (
            "await event('on').wait()\nassert 'WHO' not in os.environ\nos.environ['WHO'] = 'b'\nevent('b too').set()\n"
            "await event('off').wait()\nawait event('a is over').wait()\nassert os.environ['WHO'] == 'b'"
        ),
    ),
    "a task's step": (
        (
            "async def change():\n    os.chdir('/')\n    await asyncio.sleep(0)\n    assert os.getcwd() == '/'\n"
            "await asyncio.create_task(change())\nevent('on').set()\nawait event('b is over').wait()\n"
            "assert os.getcwd() == '/'"
        ),
        "await event('on').wait()\nassert os.getcwd() != '/'",
    ),
    "a stream that is replaced": (
        (
            "with contextlib.redirect_stdout(io.StringIO()) as text:\n    event('on').set()\n"
            "    await event('b has printed').wait()\n    print('of a')\nassert text.getvalue() == 'of a\\n'"
        ),
        "await event('on').wait()\nprint('of b')\nevent('b has printed').set()",
    ),
    "a process": (
        (
            "child = subprocess.Popen(['sleep', '3600'])\nevent('on').set()\nawait event('b is over').wait()\n"
            "child.terminate()\nassert child.wait() == -15"
        ),
        "await event('on').wait()",
    ),
    "a process that begins after the other script": (
        "event('a has begun').set()\nawait event('on').wait()\nawait event('b is over').wait()",
        (
            "await event('a has begun').wait()\nchild = await asyncio.create_subprocess_exec('sleep', '3600')\n"
            "event('on').set()\nfor _ in range(9):\n    await asyncio.sleep(0.01)\nchild.terminate()\n"
            "assert await child.wait() == -15"
        ),
    ),
    "a thread": (
        (
            "end = threading.Event()\nthread = threading.Thread(target=end.wait)\nthread.start()\nevent('on').set()\n"
            "await event('b is over').wait()\nend.set()\nthread.join()"
        ),
        "await event('on').wait()",
    ),
    "a thread of the pool": (
        (
            "end = threading.Event()\nwork = asyncio.create_task(asyncio.to_thread(end.wait))\nawait asyncio.sleep(0)\n"
            "event('on').set()\nawait event('b is over').wait()\nend.set()\nawait work"
        ),
        "await event('on').wait()\nassert await asyncio.to_thread(lambda: 7) == 7",
    ),
    "the task factory": (
        (
            "loop = asyncio.get_running_loop()\nbefore = loop.get_task_factory()\nloop.set_task_factory(None)\n"
            "event('on').set()\nawait event('b is over').wait()\nloop.set_task_factory(before)"
        ),
        "await event('on').wait()\nawait asyncio.create_task(asyncio.sleep(0))",
    ),
    "a global": (
        "kept.append('a')\nevent('on').set()\nawait event('b is over').wait()\nassert kept == ['a']",
        "await event('on').wait()\nassert kept == []",
    ),
}


@pytest.mark.parametrize("what", BOTH_WELL)
def test_neither_meets_what_the_other_does(folder: Folder, start: Start, what: str) -> None:
    """A script finds the process as if it were alone; what is another's isn't ended, put back or blamed on it."""
    a, b = BOTH_WELL[what]
    write(folder, a=a, b=b)
    ended = told(finish(start("a", "b")))
    for each in ended.values():
        assert (each["failed"], each["done"]) == ("", ["1-first", "2-second"])


LEFT: dict[str, tuple[str, str]] = {
    "a process": ("subprocess.Popen(['sleep', '3600'])", "left a process running"),
    "a process of a thread": (
        "await asyncio.to_thread(lambda: kept.append(subprocess.Popen(['sleep', '3600'])))",
        "left a process running",
    ),
    "a process that it forked": ("if os.fork() == 0:\n    time.sleep(3600)", "left a process running"),
    "a thread": ("threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()", "left a thread running"),
    "a thread of the pool": (
        "asyncio.get_running_loop().run_in_executor(None, time.sleep, 3600)",
        "left a thread running",
    ),
    "a thread that has failed": (
        "thread = threading.Thread(target=lambda: 1 / 0)\nthread.start()\nthread.join()",
        "a thread of the script failed",
    ),
    "a task": ("kept.append(asyncio.create_task(forever()))", "one of its tasks was running: forever"),
    "the task factory": ("asyncio.get_running_loop().set_task_factory(None)", "replaced the event loop's task factory"),
}


@pytest.mark.parametrize("what", LEFT)
def test_the_one_who_leaves_something_is_blamed(folder: Folder, start: Start, what: str) -> None:
    """What a script leaves fails it, and not the one beside it, whichever of them ends first."""
    left, said = LEFT[what]
    first = f"event('on').set()\n{left}\nawait event('c is in').wait()"
    beside = "await event('on').wait()\nevent('c is in').set()\nfor _ in range(9):\n    await asyncio.sleep(0.02)"
    write(folder, a=first, b="await event('on').wait()", c=beside)
    ended = told(finish(start("a", "b", "c")))
    assert said in ended["a"]["failed"]
    assert [ended[each]["failed"] for each in ("b", "c")] == ["", ""]


def test_a_change_is_told_to_who_made_it(folder: Folder, start: Start) -> None:
    """The note that a script changed something is that of its own run."""
    write(folder, a="os.chdir('/')\nevent('on').set()\nawait event('b is over').wait()", b="await event('on').wait()")
    ended = told(finish(start("a", "b")))
    assert [each for each in ended["a"]["notes"] if "changed" in each] == [
        "next-1-first.py: changed the working directory of the process; Sartor restored the previous state"
    ]
    assert not any("changed" in each for each in ended["b"]["notes"])


def test_a_script_that_blocks_is_told_once(folder: Folder, start: Start, database: Database) -> None:
    """Of runs that are blocked, one line says which script blocks them, and at which destination."""
    write(folder, a="event('on').set()\ntime.sleep(5)", b="await event('on').wait()", c="await event('on').wait()")
    done = finish(start("a", "b", "c"))
    assert told(done)["a"]["failed"] == ""
    (line,) = [each for each in done.err.splitlines() if "blocks Python" in each]
    number = (folder.path / "next-1-first.py").read_text().splitlines().index("    time.sleep(5)") + 1
    assert line.startswith(f"note: next-1-first.py, line {number}: blocks Python for more than 3 s"), line
    assert f"{database.name}, schema a" in line


def test_helpers_of_two_folders(sartor: Command, tmp_path: Path, database: Database) -> None:
    """Lineages of one name in two folders, deployed at once, import each its own helpers."""
    words: list[str] = []
    for name in ("a", "b"):
        here = Folder(tmp_path / name)
        here.write("_helpers.py", f"NAME = {name!r}\n")
        here.write(
            "next-1-first.py",
            """
            import asyncio, builtins
            async def up(conn, run):
                barrier = vars(builtins).setdefault("barrier", asyncio.Barrier(2))
                await barrier.wait()
                from ._helpers import NAME
                assert run.schema == NAME
            """,
        )
        database.run(f"create schema {name}")
        words += [f"{here.path}={name}"]
    started = warm().start(
        (database.url, "", *words), directory=sartor.directory, environment=sartor.environment, program=PROGRAM
    )
    assert [each["failed"] for each in told(finish(started)).values()] == ["", ""]
