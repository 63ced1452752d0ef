"""Loading scripts: what is wrong with one is found without running it, and told by file and line."""

from __future__ import annotations

import pytest

from sartor.alterations.files import read_lineage
from sartor.alterations.loader import load_script
from sartor.alterations.script import Script
from sartor.domain.plan import Direction
from sartor.errors import ScriptError
from support.folder import Folder

PY, SQL = "1.0.0-1-a.py", "1.0.0-1-a.sql"
UP = "async def up(conn): ...\n"


def load(folder: Folder, name: str, text: str) -> Script:
    folder.write(name, text)
    (alteration,) = read_lineage("main", str(folder.path)).alterations
    return load_script(alteration)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x = 1\nasync def up(conn)\n", f"{PY}, line 2: expected ':'"),
        ("x = 1\nimport nowhere_at_all\n", f"{PY}, line 2: ModuleNotFoundError while loading"),
        ("1 / 0\n", f"{PY}, line 1: ZeroDivisionError while loading"),
        ("raise SystemExit(3)\n", f"{PY}, line 1: SystemExit while loading"),
        ("def up(conn): ...\n", f"{PY}: `up` isn't async"),
        ("up = 1\n", f"{PY}: `up` isn't a function"),
        ("async def up(): ...\n", f"{PY}: `up` takes 0 parameters"),
        ("async def up(a, b, c): ...\n", f"{PY}: `up` takes 3 parameters"),
        ("async def up(conn):\n    yield\n", f"{PY}: `up` isn't async"),
        (UP + "def down(conn): ...\n", f"{PY}: `down` isn't async"),
        (UP + "def before_up(conn): ...\n", f"{PY}: `before_up` isn't async"),
        (UP + "def require(conn): ...\n", f"{PY}: `require` isn't async"),
        (UP + "async def ensure(): ...\n", f"{PY}: `ensure` takes 0 parameters"),
        (UP + "transaction = 'off'\n", f"{PY}: `transaction` is 'off'; it must be of type bool"),
        (UP + "irreversible = True\n", f"{PY}: `irreversible` is True; it must be of type str"),
    ],
)
def test_a_python_script_that_is_none(folder: Folder, text: str, reason: str) -> None:
    """What can't be run is told at loading, with the file and, where there is one, the line."""
    with pytest.raises(ScriptError) as caught:
        load(folder, PY, text)
    assert str(caught.value).startswith(reason)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("-- sartor: up\nselect 1;\n-- sartor: upp\n", f"{SQL}, line 3: unknown directive `-- sartor: upp`"),
        ("-- sartor: up\n-- sartor: up\n", f"{SQL}, line 2: the section `up` is there twice"),
        ("-- why\nselect 1;\n-- sartor: up\n", f"{SQL}, line 2: SQL stands before the first"),
        ("-- sartor: up\nselect 1;\n  -- x\ncommit;\n", f"{SQL}, line 4: COMMIT: Sartor runs each script"),
        ("-- sartor: up\n-- sartor: down\n\nbegin;\n", f"{SQL}, line 4: BEGIN: Sartor runs each script"),
        ("-- sartor: up\n-- sartor: irreversible\n", f"{SQL}, line 2: unknown directive"),
        (
            "-- sartor: before_up\n-- sartor: transaction off\nselect 1",
            f"{SQL}, line 2: `transaction` is in the section `before_up`",
        ),
        (
            "-- sartor: up\n-- sartor: transaction off\nbegin;\n-- sartor: down\nbegin;",
            f"{SQL}, line 5: BEGIN: Sartor runs each script",
        ),
        ("-- sartor: require it\n-- sartor: up\n", f"{SQL}, line 1: the condition `-- sartor: require` has no query"),
        (
            "-- sartor: ensure it\nselect true; select true;",
            f"{SQL}, line 1: the condition `-- sartor: ensure` has more than one statement",
        ),
        ("-- sartor: require it\ndelete from a;", f"{SQL}, line 1: the condition `-- sartor: require` isn't a query"),
        ("-- sartor: requires it\n", f"{SQL}, line 1: unknown directive `-- sartor: requires it`"),
        ("-- sartor: require it\n-- up\nselect true", f"{SQL}, line 2: `-- up` is in the section `require`"),
    ],
)
def test_an_sql_script_that_is_none(folder: Folder, text: str, reason: str) -> None:
    """What can't be run is told at loading, with the file and its own line."""
    with pytest.raises(ScriptError) as caught:
        load(folder, SQL, text)
    assert str(caught.value).startswith(reason)


def test_bytes_that_are_no_text(folder: Folder) -> None:
    """A file that isn't UTF-8 is named, with the line."""
    (folder.path / SQL).write_bytes(b"-- sartor: up\nselect '\xff';\n")
    (alteration,) = read_lineage("main", str(folder.path)).alterations
    with pytest.raises(ScriptError, match=r"1\.0\.0-1-a\.sql, line 2: the text isn't UTF-8"):
        load_script(alteration)


def test_directives_of_an_sql_script(folder: Folder) -> None:
    """Options may stand anywhere between sections; what looks like a directive inside a string is none."""
    script = load(
        folder,
        SQL,
        """
        --sartor:transaction off
        -- sartor: up
        select '
        -- sartor: down
        ';
        -- sartor: irreversible money was spent
        """,
    )
    assert (script.outside, script.irreversible) == (frozenset(Direction), "money was spent")
    assert set(script.bodies) == {Direction.DEPLOY}


BOTH = frozenset(Direction)
ONE_WAY = "-- sartor: transaction {}\n-- sartor: up\n-- sartor: transaction {}\nselect 1;\n-- sartor: down\nselect 1;\n"


@pytest.mark.parametrize(
    ("name", "text", "outside"),
    [
        (SQL, "-- sartor: up\nselect 1;\n-- sartor: down\n-- sartor: transaction off\n", {Direction.ROLLBACK}),
        (SQL, ONE_WAY.format("on", "off"), {Direction.DEPLOY}),
        (SQL, ONE_WAY.format("off", "off"), BOTH),
        (SQL, ONE_WAY.format("off", "on"), {Direction.ROLLBACK}),
        (PY, UP + "transaction_down = False", {Direction.ROLLBACK}),
        (PY, UP + "transaction = False\ntransaction_down = True", {Direction.DEPLOY}),
        (PY, UP + "transaction = False", BOTH),
        (PY, UP + "transaction_up = not True", {Direction.DEPLOY}),
    ],
)
def test_outside_a_transaction(folder: Folder, name: str, text: str, outside: set[Direction]) -> None:
    """A script says it for both directions, or for one of them."""
    assert load(folder, name, text).outside == outside


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        (PY, UP, f"{PY} has no `down`: write `async def down(conn)`"),
        (SQL, "-- sartor: up\nselect 1;\n", f"{SQL} has no `down`: write a section `-- sartor: down`"),
        (PY, UP + "irreversible = 'money was spent'\n", f"{PY} can't be rolled back: money was spent"),
        (SQL, "-- sartor: up\nselect 1;\n-- sartor: irreversible so it is\n", f"{SQL} can't be rolled back: so it is"),
    ],
)
def test_what_has_no_down(folder: Folder, name: str, text: str, reason: str) -> None:
    """No `down`, or an irreversible script, is told with what is missing or why; going up it is fine."""
    script = load(folder, name, text)
    assert script.body(Direction.DEPLOY) is script.bodies[Direction.DEPLOY]
    with pytest.raises(ScriptError) as caught:
        script.body(Direction.ROLLBACK)
    assert str(caught.value) == reason


def test_helpers_belong_to_their_folder(folder: Folder) -> None:
    """`from ._helpers import x` takes the folder's own helpers, whatever another folder of the process has."""
    for place in ("one", "two"):
        folder.write(f"{place}/_helpers.py", f"PLACE = {place!r}\n")
        folder.write(f"{place}/{PY}", "from ._helpers import PLACE as irreversible\n" + UP)
        (alteration,) = read_lineage("main", str(folder.path / place)).alterations
        assert load_script(alteration).irreversible == place


def test_a_script_is_a_module(folder: Folder) -> None:
    """Dataclasses, future imports and `__file__` work as in any module; nothing of it stays importable."""
    text = """
        from __future__ import annotations
        from dataclasses import dataclass
        from pathlib import Path

        @dataclass
        class Row:
            name: str

        irreversible = Row(Path(__file__).name).name

        async def up(conn: Undefined) -> None: ...
        """
    assert load(folder, PY, text).irreversible == PY
