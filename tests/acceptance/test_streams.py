"""What becomes of words that nobody takes: the work goes on, its exit code says where the result was lost."""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

from support.command import EXECUTABLE, Command, Finished
from support.database import Database
from support.folder import Folder
from support.sessions import until

LOST = "error: the result can't be written to stdout: "


@pytest.fixture(autouse=True)
def _scripts(folder: Folder) -> None:
    for number in range(300):
        folder.add(f"1.0.0-{1700000000 + number}-s{number}.py", up=f"select {number}")
    folder.write(
        "1.0.0-1700000300-last.py",
        """
        async def up(conn, run):
            print("printed € by the script")
            run.log("a log line")
            await conn.execute("create table last_one (id int)")

        async def down(conn):
            await conn.execute("drop table last_one")
        """,
    )


def shell(sartor: Command, line: str, *, env: dict[str, str] | None = None) -> Finished:
    """Run a line of shell in which `sartor` is the command; its code is that of the command."""
    with tempfile.TemporaryDirectory() as place:
        code = Path(place, "code")
        script = f'sartor() {{ "{EXECUTABLE}" db alteration "$@"; echo $? > "{code}"; }}; {line}'
        done = subprocess.run(
            ["/bin/bash", "-c", script],
            check=False,
            cwd=sartor.directory,
            env={**sartor.environment, **(env or {})},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert "Traceback" not in done.stderr + done.stdout
        assert "defect" not in done.stderr + done.stdout
        return Finished(int(code.read_text()), done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("redirection", "code", "told"),
    [
        (">&-", 1, f"{LOST}Bad file descriptor; the command itself has succeeded"),
        (">/dev/full", 1, f"{LOST}No space left on device; the command itself has succeeded"),
        ("--json >/dev/full", 1, f"{LOST}No space left on device"),
        ("2>&-", 0, ""),
        ("2>/dev/full", 0, ""),
        ("--json 2>/dev/full", 0, ""),
        ("<&-", 0, ""),
        ("<&- >&- 2>&-", 1, ""),
        (">/dev/full 2>&1", 1, ""),
    ],
)
def test_a_stream_that_takes_nothing(
    sartor: Command, database: Database, redirection: str, code: int, told: str
) -> None:
    """A closed stream or a full disk loses words, and no work; a lost result is exit code 1 and a word elsewhere."""
    done = shell(sartor, f"sartor deploy latest {redirection}")
    assert database.tables() == {"last_one"}
    assert done.code == code
    assert told in done.err
    if code == 0:
        assert '"done"' in done.out if "--json" in redirection else "Deployed 301 alterations" in done.out


@pytest.mark.parametrize(
    ("line", "code"), [("2>&1 | head -1", 1), ("--no-batch 2>&1 | head -1", 1), ("2> >(head -1)", 0)]
)
def test_a_reader_that_goes_away(sartor: Command, database: Database, line: str, code: int) -> None:
    """The run goes on to its end, a script that prints as well."""
    done = shell(sartor, f"sartor deploy latest {line}")
    assert done.code == code
    assert database.tables() == {"last_one"}


@pytest.mark.parametrize(
    "command", ["list", "list --json", "status", "history", "check --plan-only", "lint", "deploy nonsense"]
)
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">/dev/full", "2>/dev/full", "<&- >&- 2>&-"])
def test_no_command_trips_over_a_stream(sartor: Command, command: str, closed: str) -> None:
    """No traceback and no defect; what can't be told has an exit code."""
    lost = ">&-" in closed.replace("2>&-", "") or closed == ">/dev/full"
    done = shell(sartor, f"sartor {command} {closed}")
    if lost and command != "deploy nonsense":
        assert done.code != 0
        assert LOST in done.err or "2>&-" in closed


@pytest.mark.parametrize("words", ["--help", "--version", "db --help"])
def test_help_that_nobody_takes(sartor: Command, words: str) -> None:
    """Help and version, too, end in words."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [EXECUTABLE, *words.split()],
            check=False,
            env=sartor.environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert (done.returncode, "can't be written to stdout: No space" in done.stderr) == (1, True)
    assert "Traceback" not in done.stderr


def test_a_reader_that_is_slow_keeps_no_locks(sartor: Command, database: Database) -> None:
    """A pipe that is full and isn't read (a stopped terminal is the same) holds up nothing: words wait, not the run."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 65536)
    os.set_blocking(writing, True)
    process = subprocess.Popen(
        [EXECUTABLE, "db", "alteration", "deploy", "latest"],
        cwd=sartor.directory,
        env=sartor.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=writing,
    )
    os.close(writing)
    try:
        until(lambda: database.value("select to_regclass('sartor_journal') is not null"), what="the ledger")
        until(
            lambda: database.value("select count(*) from sartor_journal where kind = 'deployed'") == 300, what="the run"
        )
        with os.fdopen(reading, "rb") as reader:
            said = reader.read().lstrip(b"x").decode()
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
    assert said.count("deployed  1.0.0-") == 301


def test_a_pipe_that_does_not_wait(sartor: Command) -> None:
    """Where somebody else has made the pipe non-blocking, all words arrive all the same."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    process = subprocess.Popen(
        [EXECUTABLE, "db", "alteration", "list", "--json"], cwd=sartor.directory, env=sartor.environment, stdout=writing
    )
    os.close(writing)
    with os.fdopen(reading, "rb") as reader:
        said = reader.read()
    assert process.wait(timeout=60) == 0
    assert said.count(b'"lineage": "main"') == 301


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_locale_that_lacks_a_character(sartor: Command, database: Database, folder: Folder, encoding: str) -> None:
    """What can't be spelled there is escaped, and the JSON has the same values."""
    folder.add("1.0.0-1700000400-ключ.py", up="select 1")
    env = {"PYTHONIOENCODING": encoding}
    done = shell(sartor, "sartor deploy latest", env=env)
    assert (done.code, "\\u043a\\u043b\\u044e\\u0447.py" in done.err) == (0, True)
    listed = shell(sartor, "sartor list --json", env=env).json
    assert "1700000400-ключ" in {each["id"] for each in listed["alterations"]}
    assert database.tables() == {"last_one"}
