"""Errors: their code, what they are about, and their words for each kind of caller."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import sartor
from sartor import AlterationEdited, AlterationFailed, Limits, RunEvent, RunHeld, SartorError, Started
from sartor.cli.words import WORDS
from support.command import Command
from support.database import Database
from support.folder import Folder

PACKAGE = Path(sartor.__file__).parent
TEXTS_OF_COMMANDS = {
    "cli",
    "settings",
    "postgres/psql.py",
    "execution/executors/psql.py",
    "testing/plugin.py",
    "domain/diagram.py",
}
"""What speaks to users of the command line, or of its words: settings, the script that `check` writes, drawings."""
OF_POSTGRES = {"--create", "--jobs", "--no-owner", "--schema"}
"""Options that Postgres's own programs have, too."""


def _texts() -> Iterator[tuple[Path, str]]:
    """Every literal of the library's that isn't a docstring, f-strings in one."""
    for file in PACKAGE.rglob("*.py"):
        place = file.relative_to(PACKAGE)
        if not {str(place), place.parts[0]} & TEXTS_OF_COMMANDS:
            tree = ast.parse(file.read_text("utf-8"))
            docs = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            for node in ast.walk(tree):
                if node not in docs and isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield place, node.value


def test_the_library_names_no_command() -> None:
    """No text of the library tells its caller to run a command: the command line says that in its own words."""
    words = {word for text in WORDS.values() for word in re.findall(r"--[a-z-]+", text)} - OF_POSTGRES
    named = [(place, text) for place, text in _texts() if "sartor db" in text or words & set(text.split())]
    assert named == []


def test_words() -> None:
    """Each term that the command line has another word for is in a text of the library's."""
    library = "\0".join(file.read_text("utf-8") for file in PACKAGE.rglob("*.py") if "cli" not in file.parts)
    assert [term for term in WORDS if term not in library.replace('\\"', '"')] == []


def test_codes() -> None:
    """Each error has a code of its own, which is what --json shows as its kind."""
    classes = [value for name in sartor.__all__ if inspect.isclass(value := getattr(sartor, name))]
    errors = [each for each in classes if issubclass(each, SartorError)]
    assert len(errors) > 30
    assert {each.code for each in errors} == {each.__name__ for each in errors}


def test_the_same_error_for_both(database: Database, folder: Folder, sartor: Command) -> None:
    """A program gets the facts, and a hint in the words of its language; a user of the command line gets an option."""
    from sartor import deploy  # noqa: PLC0415 - the fixture has the package's name

    folder.table("1.0.0-1700000001-a.py")
    asyncio.run(deploy(database.url, folder.path))
    folder.add("1.0.0-1700000001-a.py", up="select 1")
    with pytest.raises(AlterationEdited) as caught:
        asyncio.run(deploy(database.url, folder.path))
    assert (caught.value.code, caught.value.about) == ("AlterationEdited", ("1700000001-a",))
    assert caught.value.hint.endswith("`accepted` 1700000001-a")
    error = sartor("deploy", "latest", "--json", expect=4).json["error"]
    assert (error["kind"], error["message"]) == (caught.value.code, str(caught.value))
    assert error["hint"].endswith("--accept-edited 1700000001-a")
    assert asyncio.run(deploy(database.url, folder.path, accepted=caught.value.about)).plan is not None


def test_a_failure_is_about_its_alteration(database: Database, folder: Folder) -> None:
    """A script's failure says by identity which one it was."""
    folder.add("1.0.0-1700000001-a.py", up="select 1/0")
    with pytest.raises(AlterationFailed) as caught:
        asyncio.run(sartor.deploy(database.url, folder.path))
    assert caught.value.about == ("1700000001-a",)


def test_who_is_in_the_way(database: Database, folder: Folder) -> None:
    """A run that finds another one at work says which session that is, as facts and in words."""
    folder.add("1.0.0-1700000001-a.py", up="select pg_sleep(600)")

    async def run_two() -> RunHeld:
        begun = asyncio.Event()

        def observer(event: RunEvent) -> None:
            if isinstance(event, Started):
                begun.set()

        first = asyncio.create_task(sartor.deploy(database.url, folder.path, observer=observer))
        await asyncio.wait_for(begun.wait(), 60)
        with pytest.raises(RunHeld) as caught:
            await sartor.deploy(database.url, folder.path, limits=Limits(wait=0.2))
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        return caught.value

    found = asyncio.run(run_two())
    (blocker,) = found.blockers
    assert (blocker.application or "").startswith("sartor deploy ")
    assert f"pid {blocker.pid}" in str(found)
