"""What a script starts and doesn't see to its end fails it: nothing of it is deployed, and nothing of it goes on."""

from __future__ import annotations

import textwrap

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder

NAME = "1.0.0-2-b.py"
HEAD = """
import asyncio, os, subprocess, sys, threading, time
kept = []
async def fill(conn):
    await conn.execute("create table filled (id int)")
async def forever():
    await asyncio.sleep(3600)
async def numbers():
    yield 1
    yield 2
async def stubborn():
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            break
async def failing():
    raise LookupError("no such colour")
async def up(conn):
    await conn.execute("create table left_behind (id int)")
"""
FIRST = HEAD.count("\n")


def script(body: str) -> str:
    """A script whose `up` makes a table first, so that one sees whether it is undone."""
    return HEAD.lstrip("\n") + textwrap.indent(textwrap.dedent(body).strip("\n"), "    ") + "\n"


LEFT: dict[str, tuple[str, str]] = {
    "a task": ("asyncio.create_task(fill(conn))", "one of its tasks was running: fill"),
    "a task that is kept": ("kept.append(asyncio.create_task(forever()))", "one of its tasks was running: forever"),
    "a task that swallows its cancel": ("asyncio.create_task(stubborn())", "one of its tasks was running: stubborn"),
    "a task of a task": (
        "async def outer():\n    asyncio.create_task(forever())\nawait asyncio.create_task(outer())",
        "one of its tasks was running: forever",
    ),
    "a task of a callback": (
        "asyncio.get_running_loop().call_soon(lambda: asyncio.create_task(fill(conn)))",
        "one of its tasks was running: fill",
    ),
    "a task of a callback to come": (
        "asyncio.get_running_loop().call_later(3600, lambda: asyncio.create_task(fill(conn)))",
        "ended before a callback that it scheduled in the event loop",
    ),
    "a task group that is kept open": (
        "kept.append(group := asyncio.TaskGroup())\nawait group.__aenter__()\ngroup.create_task(forever())",
        "one of its tasks was running: forever",
    ),
    "a gathering": ("kept.append(asyncio.gather(forever(), forever()))", "one of its tasks was running: forever"),
    "a coroutine": ("fill(conn)", "the script doesn't await fill()"),
    "a coroutine in a variable": ("later = fill(conn)", "the script doesn't await fill()"),
    "a query of a statement": (
        "statement = await conn.prepare('select 1')\nstatement.fetch()",
        "the script doesn't await PreparedStatement.fetch()",
    ),
    "a task that has failed": (
        "task = asyncio.create_task(failing())\nawait asyncio.sleep(0)\nawait asyncio.sleep(0)",
        "LookupError: no such colour",
    ),
    "a thread": ("threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()", "left a thread running"),
    "a thread that uses the connection": (
        """
        loop = asyncio.get_running_loop()
        def work():
            while True:
                asyncio.run_coroutine_threadsafe(conn.execute("select pg_sleep(0.01)"), loop).result()
        threading.Thread(target=work, daemon=True).start()
        """,
        "left a thread running",
    ),
    "a thread that has failed": (
        "thread = threading.Thread(target=lambda: 1 / 0)\nthread.start()\nthread.join()",
        "a thread of the script failed",
    ),
    "a thread of a pool": (
        "asyncio.get_running_loop().run_in_executor(None, time.sleep, 3600)",
        "left a thread running",
    ),
    "a process": ("subprocess.Popen(['sleep', '3600'])", "left a process running"),
    "a process of the event loop": (
        "kept.append(await asyncio.create_subprocess_exec('sleep', '3600'))",
        "left a process running",
    ),
    "a process that it forked": (
        "if os.fork() == 0:\n    time.sleep(3600)",
        "left a process running",
    ),
}


@pytest.mark.parametrize("what", LEFT)
def test_what_goes_on_fails_the_script(sartor: Command, folder: Folder, database: Database, what: str) -> None:
    """Exit 1 with words and the script's file; it is rolled back, and the script after it finds nothing of it."""
    body, said = LEFT[what]
    folder.table("1.0.0-1-a.py")
    folder.write(NAME, script(body))
    done = sartor("deploy", "latest", "--json", expect=1)
    failed = done.json["failed"]
    assert said in failed["message"]
    assert failed["file"].endswith(NAME)
    assert failed["rolled_back"]
    assert database.tables() == {"a"}


PLACES = {
    "a task": ("\nasyncio.create_task(forever())", 6),
    "a coroutine": ("\n\nfill(conn)", FIRST + 2),
}


@pytest.mark.parametrize("what", PLACES)
def test_the_place_is_told(sartor: Command, folder: Folder, what: str) -> None:
    """The line where the task stands, or where the coroutine was made."""
    body, line = PLACES[what]
    folder.write(NAME, HEAD.lstrip("\n") + "".join(f"    {each}\n" for each in body.split("\n")))
    assert sartor("deploy", "latest", "--json", expect=1).json["failed"]["line"] == line


ENDED: dict[str, str] = {
    "a task": "await asyncio.create_task(fill(conn))",
    "a task that has nothing to wait for": "async def nothing():\n    pass\nasyncio.create_task(nothing())",
    "a task that was cancelled": "task = asyncio.create_task(forever())\nawait asyncio.sleep(0)\ntask.cancel()",
    "a task group": "async with asyncio.TaskGroup() as group:\n    group.create_task(fill(conn))",
    "a timeout": "async with asyncio.timeout(3600):\n    await fill(conn)",
    "a statement that took too long": """
        try:
            async with conn.transaction():
                await conn.execute("select pg_sleep(3600)", timeout=0.01)
        except TimeoutError:
            pass
        """,
    "an asynchronous generator that is left": "async for _ in numbers():\n    break",
    "a cursor": "async for _ in conn.cursor('select generate_series(1, 500)'):\n    break",
    "a thread": "await asyncio.to_thread(time.sleep, 0)",
    "a thread that is joined": "thread = threading.Thread(target=print)\nthread.start()\nthread.join()",
    "a thread that uses the connection": """
        loop = asyncio.get_running_loop()
        def work():
            asyncio.run_coroutine_threadsafe(fill(conn), loop).result()
        await asyncio.to_thread(work)
        """,
    "a process": "subprocess.run(['true'], check=True)",
    "a process of the event loop": "await (await asyncio.create_subprocess_exec('true')).wait()",
    "a process that it forked": "if (pid := os.fork()) == 0:\n    os._exit(3)\nos.waitpid(pid, 0)",
    "a process of multiprocessing": """
        import multiprocessing
        child = multiprocessing.get_context("fork").Process(target=print)
        child.start()
        child.join()
        """,
}


@pytest.mark.parametrize("what", ENDED)
def test_what_is_seen_to_its_end_fails_nothing(sartor: Command, folder: Folder, database: Database, what: str) -> None:
    """Tasks, threads and processes that a script waits for are its own affair."""
    folder.write(NAME, script(ENDED[what]))
    folder.table("1.0.0-3-c.py")
    done = sartor("deploy", "latest")
    assert "of the process" not in done.err
    assert {"left_behind", "c"} <= database.tables()


def test_a_process_that_a_script_forked_is_not_the_run(sartor: Command, folder: Folder, database: Database) -> None:
    """A child that comes back from the script, or uses its connection, sends nothing: its parent alone deploys."""
    folder.write(
        "1.0.0-1-returns.py",
        "import os\nasync def up(conn):\n    pid = os.fork()\n    if pid:\n        os.waitpid(pid, 0)\n",
    )
    folder.write(
        "1.0.0-2-awaits.py",
        "import asyncio, os\nasync def up(conn):\n    pid = os.fork()\n"
        "    if pid:\n        os.waitpid(pid, 0)\n    else:\n        await asyncio.sleep(0)\n",
    )
    folder.write(
        "1.0.0-3-sends.py",
        "import os\nasync def up(conn):\n    pid = os.fork()\n    if pid:\n        os.waitpid(pid, 0)\n"
        "    else:\n        await conn.execute('create table twice ()')\n",
    )
    folder.table("1.0.0-4-d.py")
    done = sartor("deploy", "latest", "--json")
    assert len(done.json["done"]) == 4
    assert database.tables() == {"d"}
