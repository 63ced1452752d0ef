"""What starting a command costs: each imports what it needs, and no more."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from support.command import Command
from support.database import Database
from support.fleet_queue import QueuedFleet
from support.folder import Folder

LISTING = """
import json, sys
sys.argv = ["sartor", *json.loads(sys.argv[1])]
if sys.argv[1:] == ["--version"]:
    from sartor.cli import main
    main()
else:
    from sartor.cli.app import run_command
    assert run_command(sys.argv[1:]) == 0
print("\\n" + json.dumps(sorted(sys.modules)), file=sys.stderr)
"""

COMMANDS_OF = "sartor.cli.commands."
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

SLOW = {"asyncio", "logging", "multiprocessing", "random", "secrets", "socket", "ssl"}
"""Modules of the standard library that take long, among those that might be loaded without anyone noticing."""


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
    """The modules of commands that `sartor ARGUMENTS` loads, and the packages of others."""
    found = modules(sartor, LISTING, json.dumps(arguments.split()))
    ours = {name.removeprefix(COMMANDS_OF) for name in found if name.startswith(COMMANDS_OF)}
    return ours, packages(found) - {"sartor"}


def packages(found: set[str]) -> set[str]:
    """The outermost packages of modules, without the inner parts of others."""
    return {name.partition(".")[0] for name in found if not name.startswith("_")}


def costly(sartor: Command, others: set[str], *may: str) -> set[str]:
    """Those packages that take time, and that code which a command may cost doesn't load."""
    free = {name for code in may for name in packages(modules(sartor, code))}
    return others - free - (sys.stdlib_module_names - SLOW) - {"packaging"}


def test_version_imports_nothing(sartor: Command) -> None:
    """`--version` answers in the time of the interpreter: it imports nothing of others."""
    ours, others = imported(sartor, "--version")
    assert ours == set()
    assert others - packages(modules(sartor, BARE)) <= {"gc"}


@pytest.mark.parametrize(
    ("words", "commands"),
    [
        ("--help", {"init"}),
        ("db alteration deploy --help", {"deploy"}),
        ("db seed --help", {"development"}),
        ("db --help", {"development", "archive", "serve", "psql"}),
        ("fleet --help", {"fleet", "fleet_plan", "fleet_worker"}),
        ("tenant --help", {"tenant"}),
    ],
)
def test_help_needs_typer_alone(sartor: Command, words: str, commands: set[str]) -> None:
    """Help costs Typer and the commands that it shows: no driver, no event loop, nothing for terminals."""
    ours, others = imported(sartor, words)
    assert ours == commands
    assert costly(sartor, others, TYPER) == set()


def test_list_needs_no_driver(sartor: Command, folder: Folder) -> None:
    """`list` reads files: no driver, no event loop, nothing of others but Typer and what a version is."""
    folder.table("1.0.0-1700000000-a.py")
    ours, others = imported(sartor, "db alteration list")
    assert ours == {"look"}
    assert costly(sartor, others, TYPER) == set()


@pytest.mark.parametrize(
    ("command", "needed"),
    [
        ("status", {"look"}),
        ("status --json", {"look"}),
        ("history", {"look"}),
        ("deploy latest", {"deploy"}),
        ("rollback 0", {"rollback", "check"}),  # it has a dry run, as check is one
    ],
)
def test_a_command_needs_typer_and_the_driver(sartor: Command, folder: Folder, command: str, needed: set[str]) -> None:
    """A command loads the module that it is in, and of others Typer and the driver: nothing for terminals."""
    folder.table("1.0.0-1700000000-a.py")
    sartor("deploy", "latest")
    ours, others = imported(sartor, f"db alteration {command}")
    assert ours == needed
    assert costly(sartor, others, TYPER, DRIVER) == set()


@pytest.mark.parametrize(
    "command", ["fleet worker --help", "fleet status", "fleet cancel", "db alteration deploy latest"]
)
def test_the_queue_is_loaded_by_workers_alone(
    sartor: Command, folder: Folder, database: Database, command: str
) -> None:
    """The queue's library, and the dozen that it brings, are loaded by no other command, whether installed or not."""
    fleet = QueuedFleet(sartor, database)
    fleet.upgrade()
    folder.table("1.0.0-1700000000-a.py")
    fleet.plan(1)
    sartor.environment["SARTOR_CONTROL"] = fleet.url
    _, others = imported(sartor, command)
    assert others.isdisjoint({"pgqueuer", "pydantic", "croniter", "anyio", "uvloop"})
