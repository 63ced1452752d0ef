"""Scripts that are read once for many destinations."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sartor import list_alterations
from sartor.alterations.loader import load_script
from sartor.alterations.script import Script
from sartor.alterations.shared import sharing_scripts
from sartor.domain.plan import Direction
from sartor.errors import CatalogueError

SQL = "-- sartor: require there is one\nselect true;\n-- sartor: up\nselect 1;\nselect 2;\n-- sartor: down\nselect 3;\n"
STRAIGHT = "async def up(conn):\n    await conn.execute('select 1')\n"
MODULE = "seen = []\n\n\nasync def up(conn):\n    seen.append(1)\n"
COPY = "-- sartor: up\ncopy t from stdin;\n1\n\\.\n"
UP = Direction.DEPLOY


class Sent:
    """A connection that fails at a statement, if one is given."""

    def __init__(self, failing: str = "") -> None:
        self.failing = failing

    async def execute(self, text: str) -> None:
        if text == self.failing:
            raise ValueError(text)


async def invoke(script: Script, failing: str) -> None:
    await script.body(UP)(Sent(failing), None)  # type: ignore[arg-type]  # what is sent asks nothing of its run


def fails(script: Script, text: str) -> int:
    """The line at which a script's body says that it failed."""
    try:
        asyncio.run(invoke(script, text))
    except ValueError as error:
        place = script.locate(error)
        return place[1] if place else 0
    return 0


def load(folder: Path, name: str, text: str, *, times: int = 2) -> list[Script]:
    """The script, loaded as by so many destinations, which list the files each by itself."""
    (folder / f"1.0.0-1700000001-{name}").write_text(text)
    with sharing_scripts():
        return [load_script(next(iter(list_alterations(folder)))) for _ in range(times)]


@pytest.mark.parametrize(("name", "text"), [("a.sql", SQL), ("a.py", STRAIGHT)])
def test_sql_is_read_once(tmp_path: Path, name: str, text: str) -> None:
    """What is known of a script that only sends SQL is found out once."""
    first, second = load(tmp_path, name, text)
    assert second.fragments is first.fragments
    assert first.once("seen", lambda: 1) == 1
    assert second.once("seen", lambda: 2) == 1


@pytest.mark.parametrize(("name", "text"), [("a.py", MODULE), ("a.sql", COPY)])
def test_others_are_loaded_for_each(tmp_path: Path, name: str, text: str) -> None:
    """A module keeps nothing from one destination to the next; and data are read from their file when they are sent."""
    first, second = load(tmp_path, name, text)
    assert second.known is not first.known
    assert second.source == first.source


def test_without_sharing(tmp_path: Path) -> None:
    """Outside of the block each script is read anew."""
    load(tmp_path, "a.sql", SQL)
    alteration = next(iter(list_alterations(tmp_path)))
    assert load_script(alteration).known is not load_script(alteration).known


def test_each_knows_its_own_statement(tmp_path: Path) -> None:
    """Where one destination fails says nothing of the place where another does."""
    first, second = load(tmp_path, "a.sql", SQL)
    assert fails(first, "select 1") == 4
    assert fails(second, "select 2") == 5
    assert first.locate(ValueError()) == (first.alteration.file, 4)


def test_conditions_are_shared(tmp_path: Path) -> None:
    """A condition asks the same query for each destination."""
    first, second = load(tmp_path, "a.sql", SQL)
    assert second.requires[0].query is first.requires[0].query
    assert second.requires[0].body is not first.requires[0].body


def test_an_edit_while_it_runs(tmp_path: Path) -> None:
    """All destinations get what was listed; a file that changes meanwhile isn't mixed in."""
    file = tmp_path / "1.0.0-1700000001-a.sql"
    file.write_text(SQL)
    alteration = next(iter(list_alterations(tmp_path)))
    with sharing_scripts():
        first = load_script(alteration)
        file.write_text(SQL.replace("select 1", "select 9"))
        assert load_script(alteration).fragments is first.fragments
        (edited,) = list_alterations(tmp_path)
        assert load_script(edited).fragments != first.fragments
    with pytest.raises(CatalogueError, match="changed"):
        load_script(alteration)
