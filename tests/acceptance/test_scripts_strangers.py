"""What a script does to its process: it can't end the run in silence, and the next script finds all as it was."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from support.command import LIMIT, Command, finish
from support.database import Database
from support.folder import Folder

UNSPEAKABLE = "class E(Exception):\n    def __str__(self):\n        {}\nraise E"
PASSWORD = "it's p@ss/w\\rd"  # noqa: S105 - a test's own

ENDS = {
    "os._exit(0)": "Left: os._exit(0)",
    "os.execv('/bin/true', ['true'])": "Left: os.execv",
    "raise GeneratorExit": "GeneratorExit",
    "raise KeyboardInterrupt": "KeyboardInterrupt",
    "raise asyncio.CancelledError": "CancelledError",
    "raise BaseExceptionGroup('both', [SystemExit(0), KeyboardInterrupt()])": "SystemExit: 0; KeyboardInterrupt",
    "raise StopIteration": "StopIteration",
    "raise MemoryError": "MemoryError",
    "def f():\n    f()\nf()": "RecursionError",
    "input()": "EOFError",
    "raise ValueError('\\udc80 a\\0b')": "ValueError: \\udc80 a\\x00b",
    "raise ValueError('x' * 20_000_000)": "(truncated; 20000000 characters)",
    UNSPEAKABLE.format("raise LookupError"): "E: (no text: LookupError)",
    UNSPEAKABLE.format("raise SystemExit(0)"): "E: (no text: SystemExit)",
    UNSPEAKABLE.format("raise KeyboardInterrupt"): "E: (no text: KeyboardInterrupt)",
    UNSPEAKABLE.format("os._exit(0)"): "E: (no text: Left)",
    UNSPEAKABLE.format("return 5"): "E: (no text: TypeError)",
    "class T(str):\n    def encode(self, *a):\n        raise SystemExit(0)\nraise ValueError(T('x'))": "ValueError: x",
    "asyncio.current_task().cancel()": "CancelledError",
    "asyncio.current_task().cancel()\nawait asyncio.sleep(3600)": "CancelledError",
    "loop.stop()": "loop.stop() is refused",
    "loop.stop()\nawait asyncio.sleep(3600)": "loop.stop() is refused",
    "loop.close()": "Cannot close a running event loop",
    "asyncio.run(asyncio.Event().wait())": "cannot be called from a running event loop",
    "loop.set_task_factory(None)": "replaced the event loop's task factory",
    "await conn.close()": "the script runs conn.close()",
    "conn.terminate()": "the script runs conn.terminate()",
}


def script(body: str) -> str:
    """A script whose `up` makes a table first, so that one sees whether it is undone."""
    lines = ["loop = asyncio.get_running_loop()", "await conn.execute('create table undone ()')", *body.split("\n")]
    return "import asyncio, os\nasync def up(conn):\n" + "".join(f"    {line}\n" for line in lines)


@pytest.mark.parametrize("body", ENDS)
def test_an_end_is_a_failure(sartor: Command, folder: Folder, database: Database, body: str) -> None:
    """Exit 1 in words, and nothing deployed."""
    folder.write("1.0.0-1-a.py", script(body))
    done = sartor("deploy", "latest", "--json", expect=1)
    assert ENDS[body] in done.json["failed"]["message"]
    assert len(done.err) < 20_000
    assert database.tables() == set()


@pytest.mark.parametrize("own", ["", " - {asyncio.current_task()}"])
def test_a_script_that_cancels_the_run(sartor: Command, folder: Folder, database: Database, own: str) -> None:
    """All tasks of the event loop are the run's as well: it ends with words that name the script, and exit 1."""
    folder.table("1.0.0-1-a.py")
    folder.write("1.0.0-2-b.py", script(f"for task in asyncio.all_tasks(){own}:\n    task.cancel()"))
    done = sartor("deploy", "latest", "--json", expect=1)
    assert "1.0.0-2-b.py: the script cancelled the run" in done.err
    assert [each["name"] for each in done.json["done"]] == ["1.0.0-1-a.py"]
    assert database.tables() == {"a"}


LOADED = {
    "import os\nos._exit(0)": "line 2: Left while loading",
    "raise SystemExit(0)": "SystemExit while loading",
    "raise GeneratorExit": "GeneratorExit while loading",
    "raise MemoryError": "MemoryError while loading",
    UNSPEAKABLE.format("raise SystemExit(0)"): "(no text: SystemExit)",
    "import threading, time\nthreading.Thread(target=time.sleep, args=(3600,)).start()": "left a thread running",
    "import subprocess\nsubprocess.Popen(['sleep', '3600'])": "left a process running",
}


@pytest.mark.parametrize("body", LOADED)
def test_an_end_while_loading(sartor: Command, folder: Folder, database: Database, body: str) -> None:
    """As in a function, and before anything of the plan has run."""
    folder.table("1.0.0-1-a.py")
    folder.write("1.0.0-2-b.py", f"{body}\nasync def up(conn):\n    pass\n")
    assert LOADED[body] in sartor("deploy", "latest", expect=1).err
    assert database.tables() == set()


ENDLESS = {
    "a module": "endless()\n",
    "a function": "async def up(conn):\n    endless()\n",
    "an error's text": "class E(Exception):\n    __str__ = endless\nasync def up(conn):\n    raise E\n",
}


@pytest.mark.parametrize("what", ENDLESS)
def test_ctrl_c_ends_what_never_ends(sartor: Command, folder: Folder, database: Database, what: str) -> None:
    """Python that waits for nothing is broken into: exit 130 after one Ctrl-C, nothing deployed."""
    begun = sartor.directory / "begun"
    head = f"def endless(*_):\n    open({str(begun)!r}, 'w').close()\n    while True:\n        pass\n"
    folder.write("1.0.0-1-a.py", head + ENDLESS[what])
    process = sartor.start("deploy", "latest")
    wait_for(begun)
    done = finish(process, signal.SIGINT)
    assert (done.code, "Traceback" in done.err) == (130, False), done.err
    assert database.tables() == set()


def wait_for(file: Path) -> None:
    """Wait until a script has made this file."""
    deadline = time.monotonic() + LIMIT
    while not file.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_script_that_sends_itself_a_signal(sartor: Command, folder: Folder, database: Database) -> None:
    """SIGTERM ends the run as if somebody else had sent it."""
    folder.write("1.0.0-1-a.py", script("import signal\nos.kill(os.getpid(), signal.SIGTERM)"))
    assert "SIGTERM: stopped" in sartor("deploy", "latest", expect=130).err
    assert database.tables() == set()


def test_a_password_in_an_errors_text(sartor: Command, folder: Folder, database: Database) -> None:
    """Whichever way it is spelled in a script's error, it isn't shown, nor written to the journal."""
    forms = [PASSWORD, quote(PASSWORD, safe=""), quote(PASSWORD)]
    folder.write("1.0.0-1-a.py", f"async def up(conn):\n    raise ValueError(*{[*forms, {'p': PASSWORD}]!r})\n")
    url = database.url.replace("postgres@", f"postgres:{forms[1]}@", 1)
    done = sartor("deploy", "latest", "--json", "--db-url", url, expect=1)
    told = f"{done.out}{done.err}{sartor('history', '--json').out}"
    assert "ValueError" in told
    assert not [form for form in (*forms, repr(PASSWORD)[1:-1], "ss/w") if form in told]


def test_the_next_script_finds_all_as_it_was(sartor: Command, folder: Folder) -> None:
    """Directory, environment, path, umask and handlers are put back; a handle that was kept is dead."""
    folder.write(
        "1.0.0-1-a.py",
        "import os, signal, sys, builtins\nasync def up(conn):\n"
        "    builtins.kept = conn, await conn.prepare('select 1')\n"
        "    os.chdir('/')\n    os.environ['STRANGE'] = 'yes'\n    sys.path.append('/strange')\n    os.umask(0)\n"
        "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n",
    )
    folder.write(
        "1.0.0-2-b.py",
        "import asyncpg, os, signal, sys, builtins\nasync def up(conn):\n"
        "    assert os.getcwd() != '/' and 'STRANGE' not in os.environ and '/strange' not in sys.path\n"
        "    assert os.umask(0o22) != 0 and signal.getsignal(signal.SIGTERM) is not signal.SIG_IGN\n"
        "    assert isinstance(conn, asyncpg.Connection)\n    handle, statement = builtins.kept\n"
        "    for use in (lambda: handle.fetch('select 1'), statement.fetch):\n"
        "        try:\n            await use()\n        except asyncpg.InterfaceError as error:\n"
        "            assert '1.0.0-1-a.py' in str(error) and 'has ended' in str(error)\n"
        "        else:\n            raise AssertionError\n",
    )
    assert "the working directory" in sartor("deploy", "latest").err


CHANGES = {
    "loop.set_exception_handler(print)": "the event loop's settings",
    "loop.set_debug(True)": "the event loop's settings",
    "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})": "blocked signals",
    "signal.alarm(3600)": "a timer",
    "signal.setitimer(signal.ITIMER_PROF, 3600)": "a timer",
    "sys.setrecursionlimit(10_000)": "Python's hooks",
    "for number in (0, 1, 2):\n    os.close(number)": "the standard file descriptors",
    "sys.stdout.close()": "sys.stdin, sys.stdout or sys.stderr",
    "locale.setlocale(locale.LC_ALL, 'C')\nlocale.setlocale(locale.LC_NUMERIC, 'C.UTF-8')": "the locale",
    "logging.disable()": "logging",
    "gc.disable()": "garbage collection",
}


@pytest.mark.parametrize("body", CHANGES)
def test_a_change_is_told_and_put_back(sartor: Command, folder: Folder, body: str) -> None:
    """A note names what a script changed of its process; the next script that does the same changes it again."""
    head = "import gc, locale, logging, os, signal, sys\n"
    for name in ("1.0.0-1-a.py", "1.0.0-2-b.py"):
        folder.write(name, head + script(body).replace("create table", "create table if not exists"))
    assert sartor("deploy", "latest").err.count(f"changed {CHANGES[body]} of the process") == 2


def test_what_would_end_the_process_later(sartor: Command, folder: Folder, database: Database) -> None:
    """A timer of faulthandler's ends nothing that comes after its script; an exit handler is called at the end."""
    folder.write(
        "1.0.0-1-a.py",
        script(
            "import atexit, faulthandler\nfaulthandler.dump_traceback_later(0.2, exit=True)\n"
            "atexit.register(os._exit, 7)\natexit.register(print, 'handled')"
        ),
    )
    folder.add("1.0.0-2-b.py", "select pg_sleep(0.4)")
    done = sartor("deploy", "latest")
    assert done.err.splitlines()[-2:] == ["handled", "note: Python ignored an error: Left: os._exit(7)"]
    assert database.tables() == {"undone"}
