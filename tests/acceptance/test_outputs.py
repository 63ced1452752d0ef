"""Where the words of a command go, whoever reads them: a run goes on, its end is told, and nobody obeys them."""

from __future__ import annotations

import asyncio
import json
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from sartor import api
from sartor.domain.destination import Destination
from sartor.domain.report import RunEvent
from support.command import Command
from support.database import Database
from support.folder import Folder

COUNT = 12
ALL = {f"t{number}" for number in range(COUNT)}
BASH = shutil.which("bash") or "bash"
SARTOR = shlex.quote(str(Path(sysconfig.get_path("scripts"), "sartor")))


@pytest.fixture(autouse=True)
def _shipped(folder: Folder) -> None:
    for number in range(COUNT):
        folder.table(f"1.0.0-{1700000000 + number}-t{number}.py")


def shell(sartor: Command, line: str) -> subprocess.CompletedProcess[str]:
    """Run a line of the shell, in which `sartor` stands for the command; its code is that of its first part."""
    line = line.replace("sartor", f"{SARTOR} db alteration", 1)
    return subprocess.run(
        [BASH, "-c", f"set -o pipefail; {line}"],
        check=False,
        cwd=sartor.directory,
        env=sartor.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("sartor deploy latest >&-", 1, "the result can't be written to stdout"),
        ("sartor deploy latest >/dev/full", 1, "the result can't be written to stdout"),
        ("sartor deploy latest --json >/dev/full", 1, "the result can't be written to stdout"),
        ("sartor deploy latest 2>&-", 0, ""),
        ("sartor deploy latest 2>/dev/full", 0, ""),
        ("sartor deploy latest --json 2>/dev/full", 0, ""),
        ("sartor deploy latest >&- 2>&-", 1, ""),
        ("sartor deploy latest <&-", 0, ""),
        ("sartor deploy latest <&- >&- 2>&-", 1, ""),
    ],
)
def test_a_stream_that_takes_nothing(sartor: Command, database: Database, line: str, code: int, said: str) -> None:
    """All is deployed; the exit code tells of a result that is lost, and no traceback is seen."""
    done = shell(sartor, line)
    assert done.returncode == code, done.stderr
    assert database.tables() == ALL
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "defect" not in done.stderr


@pytest.mark.parametrize("way", ["", " --no-fuse"])
def test_a_reader_that_goes_away(sartor: Command, database: Database, way: str) -> None:
    """A reader that has seen enough doesn't stop a run."""
    done = shell(sartor, f"sartor deploy latest{way} 2>&1 | head -1")
    assert database.tables() == ALL
    assert done.stdout.count("\n") == 1


def test_a_locale_that_lacks_a_character(sartor: Command, folder: Folder) -> None:
    """A character that the terminal's encoding hasn't is spelled out, and no word is lost."""
    folder.write(
        "1.0.0-1800000000-größe.py",
        "async def up(conn):\n    await conn.execute('select 1')\nasync def down(conn):\n    pass\n",
    )
    done = sartor("deploy", "latest", env={"PYTHONIOENCODING": "ascii"})
    assert "1.0.0-1800000000-gr\\xf6\\xdfe.py" in done.err


HOSTILE = "\x1b]0;owned\x07\u202eevil\n::error::obey\n##[error]obey\x9b2J"


def test_nobody_obeys_the_words_of_others(sartor: Command, folder: Folder) -> None:
    """Control characters of a server's message are shown, and no line of it is a pipeline's command; JSON keeps it."""
    folder.write(
        "1.0.0-1900000000-evil.py",
        f"""
        async def up(conn):
            raise ValueError({HOSTILE!r})
        async def down(conn):
            pass
        """,
    )
    done = sartor("deploy", "latest", expect=1)
    assert "\\x1b]0;owned\\x07\\u202eevil" in done.err
    assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(done.err + done.out)
    assert not [line for line in done.err.splitlines() if line.lstrip().startswith(("::", "##["))]
    told = sartor("deploy", "latest", "--json", expect=1)
    assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(told.out)
    assert HOSTILE in json.loads(told.out)["failed"]["message"]
    history = sartor("history")
    assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(history.out)


def test_an_observer_that_raises(sartor: Command, database: Database, caplog: pytest.LogCaptureFixture) -> None:
    """What an application's observer raises is no error of the run, whatever kind it is; the first is logged."""

    def observer(_event: RunEvent) -> None:
        raise OSError("the disk of the log is full")

    source = api.LineageSource(name="main", location=str(sartor.directory / "alterations"))
    report = asyncio.run(api.deploy(Destination.parse(database.url), [source], "latest", observer=observer))
    assert len(report.done) == COUNT
    assert database.tables() == ALL
    assert [record.name for record in caplog.records] == ["sartor"]
    assert sys.exc_info() == (None, None, None)
