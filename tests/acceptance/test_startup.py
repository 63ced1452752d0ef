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

BARE = "import sys, json; print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
DRIVER = """
import asyncio, asyncpg, json, os, sys
async def main():
    connection = await asyncpg.connect(os.environ["SARTOR_DB_URL"])
    await connection.fetchval("select 1")
    await connection.close()
asyncio.run(main())
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""
TYPER = "import json, sys, typer; print(json.dumps(sorted(sys.modules)), file=sys.stderr)"

STANDARD = {"copy", "dataclasses", "gc", "hashlib", "importlib", "packaging", "pwd", "queue", "shlex", "unicodedata"}
"""What a command may load besides Sartor and what it can't do without: the driver, or Typer."""

SLOW = {"asyncio", "asyncpg", "logging", "multiprocessing", "random", "secrets", "shutil", "socket", "ssl"}
"""What `list` has no use for, among what it might load without anyone noticing."""

FLOORS = {"archive", "embedded", "execution", "footprint", "lint", "prove", "rehearse", "schema", "scratch"}
"""The packages of Sartor's that neither help nor a command that reads has use for."""


def modules(sartor: Command, code: str, *arguments: str) -> set[str]:
    """The modules that a process holds when it has run this code, which prints them."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        check=True,
        cwd=sartor.directory,
        env=sartor.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


def imported(sartor: Command, arguments: str) -> tuple[set[str], set[str]]:
    """What `sartor ARGUMENTS` loads: packages of Sartor's, and those of others."""
    found = modules(sartor, LISTING, json.dumps(arguments.split()))
    ours = packages({name.removeprefix("sartor.") for name in found if name.startswith("sartor.")})
    return ours, packages(found) - {"sartor"}


def packages(found: set[str]) -> set[str]:
    """The outermost packages of modules, without the inner parts of others."""
    return {name.partition(".")[0] for name in found if not name.startswith("_")}


def test_version_imports_nothing(sartor: Command) -> None:
    """`--version` answers in the time of the interpreter: of Sartor it imports two modules, of others none."""
    ours, others = imported(sartor, "--version")
    assert ours == {"cli"}
    assert others - packages(modules(sartor, BARE)) <= {"gc"}


@pytest.mark.parametrize("words", ["--help", "db --help", "db alteration deploy --help", "db seed --help"])
def test_help_needs_typer_alone(sartor: Command, words: str) -> None:
    """Help costs Typer and Sartor's own commands: no driver, no event loop, nothing for terminals."""
    ours, others = imported(sartor, words)
    assert not ours & {*FLOORS, "postgres"}
    assert others - packages(modules(sartor, TYPER)) <= STANDARD


def test_list_needs_no_driver(sartor: Command, folder: Folder) -> None:
    """`list` reads files: no driver, no event loop, nothing of others but what a version is."""
    folder.table("1.0.0-1700000000-a.py")
    ours, others = imported(sartor, "db alteration list")
    assert not ours & {*FLOORS, "postgres"}
    assert others - sys.stdlib_module_names <= {"packaging"}
    assert not others & SLOW


@pytest.mark.parametrize("command", ["status", "status --json", "history", "deploy latest"])
def test_reading_needs_the_driver_alone(sartor: Command, folder: Folder, command: str) -> None:
    """What reads, and a deploy that has nothing to do, loads what the bare driver does, and nothing that won't run."""
    folder.table("1.0.0-1700000000-a.py")
    sartor("deploy", "latest")
    ours, others = imported(sartor, f"db alteration {command}")
    assert not ours & (FLOORS - {"execution"})
    assert others - packages(modules(sartor, DRIVER)) <= STANDARD


def test_a_deploy_needs_no_terminal(sartor: Command, folder: Folder) -> None:
    """Nor does a run that isn't on a terminal load what only a terminal needs, there and back."""
    folder.table("1.0.0-1700000000-a.py")
    for command in ("deploy latest", "rollback 0"):
        _, others = imported(sartor, f"db alteration {command}")
        assert not others & {"prompt_toolkit", "questionary", "rich", "typer"}


NAMES = "deploy rollback fresh check rehearse list status history lint verify repair"
COMMANDS = ["db alteration " + name for name in NAMES.split()]


@pytest.mark.parametrize("command", [*COMMANDS, "db seed", "db backup", "db restore"])
def test_help(sartor: Command, command: str) -> None:
    """Every command's help has an example of it, and says what its exit codes mean."""
    help_text = sartor.run(*command.split(), "--help").out
    assert f"Example:\n    sartor {command}" in help_text
    codes = re.search(r"Exit codes:\n((?:    \d+ +.+\n)+)", help_text)
    assert codes
    runs_none = command.endswith(("list", "status", "history", "backup", "restore", "verify", "repair"))
    assert ("1" in re.findall(r"^    (\d+)", codes[1], re.MULTILINE)) != runs_none
    assert "--json" in help_text


@pytest.mark.parametrize(
    ("command", "said"),
    [("check", "an alteration can't be loaded"), ("rehearse", "an alteration failed, or is worse than --max-hazard")],
)
def test_what_exit_code_1_means(sartor: Command, command: str, said: str) -> None:
    """A command that deploys nothing says what its own failure is."""
    assert f"    1    {said}" in sartor(command, "--help").out


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
