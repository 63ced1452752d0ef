"""What starting a command costs: each imports what it needs, and no more."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from support.command import Command
from support.folder import Folder

LISTING = """
import json, sys
sys.argv = ["sartor", *json.loads(sys.argv[1])]
if sys.argv[1:] == ["--version"]:
    from sartor.cli import main
    main()
else:
    from sartor.cli.main import run_command
    assert run_command(sys.argv[1:]) == 0
print("\\n" + json.dumps(sorted(sys.modules)), file=sys.stderr)
"""

TERMINAL = {"prompt_toolkit", "questionary", "rich"}
HELP = {"click", "typer"}
DRIVER = {"asyncio", "asyncpg", "ssl"}


def imported(sartor: Command, arguments: str) -> set[str]:
    """The modules that a process holds when it has run `sartor ARGUMENTS`."""
    done = subprocess.run(
        [sys.executable, "-c", LISTING, json.dumps(arguments.split())],
        check=True,
        cwd=sartor.directory,
        env=sartor.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_version_imports_nothing(sartor: Command) -> None:
    """`--version` answers in the time of the interpreter: of Sartor it imports two modules, of others none."""
    found = imported(sartor, "--version")
    assert {name for name in found if name.startswith("sartor")} == {"sartor", "sartor.cli"}
    assert not found & (TERMINAL | HELP | DRIVER | {"dataclasses", "inspect", "pathlib"})


def test_list_needs_no_driver(sartor: Command, folder: Folder) -> None:
    """`list` reads files: no driver, no event loop, nothing for terminals; the runner stays away."""
    folder.table("1.0.0-1700000000-a.py")
    found = imported(sartor, "db alteration list")
    assert not found & (TERMINAL | HELP | DRIVER)
    assert not {name for name in found if name.startswith(("sartor.runner", "sartor.postgres"))}


@pytest.mark.parametrize("command", ["status", "history", "status --json", "deploy latest"])
def test_reading_needs_no_runner(sartor: Command, folder: Folder, command: str) -> None:
    """What reads, and a deploy that has nothing to do, loads the driver alone."""
    folder.table("1.0.0-1700000000-a.py")
    sartor("deploy", "latest")
    found = imported(sartor, f"db alteration {command}")
    assert "asyncpg" in found
    assert not found & (TERMINAL | HELP)
    assert "sartor.runner.outside" not in found


def test_a_deploy_needs_no_terminal(sartor: Command, folder: Folder) -> None:
    """Nor does a run that isn't on a terminal load what only a terminal needs, there and back."""
    folder.table("1.0.0-1700000000-a.py")
    for command in ("deploy latest", "rollback 0"):
        assert not imported(sartor, f"db alteration {command}") & (TERMINAL | HELP)


COMMANDS = ["db alteration " + name for name in ("deploy", "rollback", "fresh", "list", "status", "history")]


@pytest.mark.parametrize("command", [*COMMANDS, "db seed"])
def test_help(sartor: Command, command: str) -> None:
    """Every command's help has an example of it, and says what its exit codes mean."""
    help_text = sartor.run(*command.split(), "--help").out
    assert f"Example:\n    sartor {command}" in help_text
    codes = re.search(r"Exit codes:\n((?:    \d+ +.+\n)+)", help_text)
    assert codes
    reads = command.endswith(("list", "status", "history"))
    assert ("1" in re.findall(r"^    (\d+)", codes[1], re.MULTILINE)) != reads
    assert "--json" in help_text


@pytest.mark.parametrize("words", ["", "db", "db alteration", "db alt"])
def test_a_command_that_is_missing(sartor: Command, words: str) -> None:
    """A group alone shows what there is, and is an error in a pipeline."""
    done = sartor.run(*words.split(), expect=2)
    assert "Commands:" in done.err
    assert "error: a command is missing" in done.err
    assert done.out == ""


@pytest.mark.parametrize(
    ("line", "offered"), [("sartor db alteration de", "deploy"), ("sartor db alteration list --al", "--alterations")]
)
def test_completion(sartor: Command, line: str, offered: str) -> None:
    """The shell's completion script is there, and offers commands and options."""
    assert "_SARTOR_COMPLETE=complete_bash" in sartor.run("--show-completion", "bash").out
    words = line.split()
    env = {"_SARTOR_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    assert offered in sartor.run(env=env).out.split()
