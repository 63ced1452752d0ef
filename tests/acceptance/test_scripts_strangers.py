"""What a script does to its process: it can't end the run in silence, and the next script finds all as it was."""

from __future__ import annotations

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder

ENDS = {
    "os._exit(0)": "Left: os._exit(0)",
    "os.execv('/bin/true', ['true'])": "Left: os.execv",
    "raise GeneratorExit": "GeneratorExit",
    "raise KeyboardInterrupt": "KeyboardInterrupt",
    "raise asyncio.CancelledError": "CancelledError",
}


@pytest.mark.parametrize("body", ENDS)
def test_an_end_is_a_failure(sartor: Command, folder: Folder, database: Database, body: str) -> None:
    """Exit 1 in words, and nothing deployed."""
    folder.write("1.0.0-1-a.py", f"import asyncio, os\nasync def up(conn):\n    {body}\n")
    assert ENDS[body] in sartor("deploy", "latest", "--json", expect=1).json["failed"]["message"]
    assert database.tables() == set()


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
        "            assert 'has ended' in str(error) or 'is closed' in str(error)\n"
        "        else:\n            raise AssertionError\n",
    )
    assert "the working directory" in sartor("deploy", "latest").err
