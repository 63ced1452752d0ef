"""What goes where: results to stdout, the rest to stderr; a bar on a terminal, plain lines in a pipe."""

from __future__ import annotations

import re
import subprocess

import pytest

from support.command import EXECUTABLE, Command
from support.folder import Folder
from support.terminal import Terminal

ESCAPE = "\x1b"


def test_a_pipe_gets_plain_lines(sartor: Command, folder: Folder) -> None:
    """A line for the run and each alteration on stderr, the sum on stdout, and no control characters."""
    folder.table("1.0.0-1700000000-a.py")
    folder.table("1.0.0-1700000001-b.py")
    done = sartor("deploy", "latest")
    assert re.fullmatch(r"Deployed 2 alterations in \d+ ms\n", done.out)
    where = r".+, schema public: nothing -> 1\.0\.0\n"
    lines = r"deployed  1.0.0-1700000000-a.py  \d+ ms\ndeployed  1.0.0-1700000001-b.py  \d+ ms\n"
    assert re.fullmatch(where + lines, done.err)


@pytest.mark.parametrize("option", ["--verbose", "-v"])
def test_verbose(sartor: Command, folder: Folder, option: str) -> None:
    """With --verbose, stderr has the connections and the statements with their times; the result is the same."""
    folder.table("1.0.0-1700000000-a.py")
    done = sartor("deploy", "latest", option)
    assert re.fullmatch(r"Deployed 1 alteration in \d+ ms\n", done.out)
    assert re.search(r"^\d+\.\d{3}: \[\d+\] connected to ", done.err, re.MULTILINE)
    assert re.search(r"^\d+\.\d{3}: \[\d+\] \d+\.\d ms: .*create table a", done.err, re.MULTILINE)


@pytest.mark.parametrize("env", [{}, {"NO_COLOR": "1"}])
def test_a_terminal_gets_a_bar(sartor: Command, folder: Folder, env: dict[str, str]) -> None:
    """The bar counts alterations while they run, and is gone afterwards; NO_COLOR takes its colours away."""
    folder.table("1.0.0-1700000000-a.py")
    folder.table("1.0.0-1700000001-b.py")
    with Terminal(sartor, "deploy", "latest", env=env) as terminal:
        assert terminal.end() == 0
    assert "2/2" in terminal.output
    assert terminal.lines[0].endswith("schema public: nothing -> 1.0.0")
    assert [re.sub(r"\d+ ms", "", line) for line in terminal.lines[1:]] == [
        "deployed  1.0.0-1700000000-a.py  ",
        "deployed  1.0.0-1700000001-b.py  ",
        "Deployed 2 alterations in ",
    ]
    coloured = re.search(r"\x1b\[[\d;]*\b(3|9)\d[;m]", terminal.output) is not None
    assert coloured == (not env)


def test_long_lines_break_at_words(sartor: Command, folder: Folder) -> None:
    """On a terminal, a line that is too long for it goes on in the next one, behind more blanks."""
    folder.table("1.0.0-1700000000-a.py")
    with Terminal(sartor, "status", env={"SARTOR_ZZZZZZZZ": "1"}) as terminal:
        assert terminal.end() == 0
    note, rest, *_ = terminal.lines
    assert note.startswith("note: SARTOR_ZZZZZZZZ isn't a setting of Sartor, and is ignored: the settings are ")
    assert note.endswith(",")
    assert len(note) <= 160
    assert re.match("  SARTOR_", rest)


def test_an_error_is_bold_where_colour_is_wanted(sartor: Command, folder: Folder) -> None:
    """NO_COLOR leaves no control character in what is plain text."""
    folder.table("1.0.0-1700000000-a.py")
    with Terminal(sartor, "deploy", "one") as terminal:
        assert terminal.end() == 2
    assert f"{ESCAPE}[1merror:{ESCAPE}[0m there is no release 'one'" in terminal.output
    with Terminal(sartor, "deploy", "one", env={"NO_COLOR": "1"}) as terminal:
        assert terminal.end() == 2
    assert ESCAPE not in terminal.output


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_a_reader_that_leaves(sartor: Command, folder: Folder, flags: list[str]) -> None:
    """`sartor ... | head -1` ends without a word."""
    for number in range(1500):
        folder.write(f"1.0.0-{1700000000 + number}-a-name-of-some-length.py", "")
    process = subprocess.Popen(
        [EXECUTABLE, "db", "alteration", "list", *flags],
        cwd=sartor.directory,
        env=sartor.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stderr
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=60) == 1
