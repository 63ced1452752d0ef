"""Rows of a COPY that stay in their file."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.domain.check import SqlScript
from sartor.domain.rows import BLOCK, Rows
from sartor.errors import CatalogueError

DATA = b"1\ta\n2\tb\n"


def held(file: Path, data: bytes = DATA, *, count: int = 2) -> Rows:
    """The rows of a file that has a line before them and one behind."""
    file.write_bytes(b"copy;\n" + data + b"\\.\n")
    digest = hashlib.sha256(data).digest()
    return Rows(file=str(file), start=6, size=len(data), line=2, count=count, end=b"\\.\n", digest=digest)


@given(size=st.sampled_from([0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 7]))
def test_all_is_read_and_no_more(tmp_path_factory: pytest.TempPathFactory, size: int) -> None:
    """What is read is what was loaded, however many blocks it takes, and nothing around it."""
    data = b"x" * size
    blocks = list(held(tmp_path_factory.mktemp("rows") / "a.sql", data).read())
    assert b"".join(blocks) == data
    assert all(0 < len(block) <= BLOCK for block in blocks)


@pytest.mark.parametrize("changed", [b"copy;\n9\ta\n2\tb\n\\.\n", b"copy;\n1\ta", b""])
def test_a_changed_file_is_noticed(tmp_path: Path, changed: bytes) -> None:
    """Rows that aren't those that were loaded are an error before the last of them is passed on."""
    found = held(tmp_path / "a.sql")
    (tmp_path / "a.sql").write_bytes(changed)
    passed: list[bytes] = []
    with pytest.raises(CatalogueError, match=r"a\.sql was changed during the run") as caught:
        passed.extend(found.read())
    assert caught.value.hint == "run the command again"
    assert b"".join(passed) != DATA
    assert len(b"".join(passed)) < len(DATA)


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    """A file that can't be read any more is an error with the system's reason."""
    found = held(tmp_path / "a.sql")
    (tmp_path / "a.sql").unlink()
    with pytest.raises(CatalogueError, match=r"a\.sql can't be read: No such file") as caught:
        list(found.read())
    assert isinstance(caught.value.__cause__, OSError)


class Refused(Exception):
    """An error with the server's context."""

    def __init__(self, context: str | None) -> None:
        self.context = context


@pytest.mark.parametrize(
    ("context", "line"),
    [
        ('COPY t, line 1, column a: "x"', 2),
        ('COPY t, line 2, column a: "x"', 3),
        ("COPY t, line 3", 4),
        ("COPY t, line 4", None),
        ("COPY t, line 0", None),
        ("SQL function f\nCOPY t, Zeile 2", 3),
        ("COPY u, line 1\nCOPY t, line 2", 3),
        ("PL/pgSQL function f() line 2", None),
        (None, None),
    ],
)
def test_the_line_of_an_error(tmp_path: Path, context: str | None, line: int | None) -> None:
    """The server counts lines of the data, and what is told is the file's; the line that ends them may be meant."""
    assert held(tmp_path / "a.sql").line_of(Refused(context)) == line


def test_an_error_without_context(tmp_path: Path) -> None:
    """An error that is none of the server's says no line."""
    assert held(tmp_path / "a.sql").line_of(ValueError("x")) is None


def test_a_place(tmp_path: Path) -> None:
    """People are shown the lines, from the first to the last."""
    file = tmp_path / "a.sql"
    assert held(file).place == f"{file}, lines 2 to 3"
    assert held(file, b"", count=0).place == f"{file}: none"


def test_a_script_for_psql_holds_them(tmp_path: Path) -> None:
    """A script is its SQL, with the rows and the line that ends them where they belong."""
    script = SqlScript(parts=("copy t from stdin;\n", held(tmp_path / "a.sql"), "select 'ü';\n"))
    assert b"".join(script.blocks()) == b"copy t from stdin;\n" + DATA + b"\\.\n" + "select 'ü';\n".encode()
