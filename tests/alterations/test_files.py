"""Folders and import packages read as lineages."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import pytest

from sartor.alterations.files import read_lineage, read_script
from sartor.errors import CatalogueError
from support.folder import Folder


def names(folder: Folder) -> list[str]:
    return [a.name for a in read_lineage("main", str(folder.path)).alterations]


def test_only_alterations_are_read(folder: Folder) -> None:
    """`README.md`, helpers, hidden files and folders aren't alterations; `.py` and `.sql` files are."""
    for name in (
        "README.md",
        "_helpers.py",
        "__init__.py",
        ".hidden.py",
        "__pycache__/x.pyc",
        "seeds/01.py",
        "data.csv",
    ):
        folder.write(name, "")
    folder.table("1.0.0-2-b.py")
    folder.write("1.0.0-1-a.sql", "-- sartor: up\n")
    assert names(folder) == ["1.0.0-1-a.sql", "1.0.0-2-b.py"]


@pytest.mark.parametrize("name", ["users.py", "1.0.0-1-a.PY", "1.0.0_nightly-1-a.sql"])
def test_what_looks_like_an_alteration_and_is_none_is_named(folder: Folder, name: str) -> None:
    """A slip in a file's name must not leave it out silently."""
    folder.table("1.0.0-2-b.py")
    folder.write(name, "")
    with pytest.raises(CatalogueError) as caught:
        names(folder)
    assert name in str(caught.value)


def test_checksums_know_no_line_ends(folder: Folder) -> None:
    """A checkout with CRLF line ends is the same alteration; the file's end counts."""
    file = folder.table("1.0.0-1-a.py")
    (first,) = read_lineage("main", str(folder.path)).alterations
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    (second,) = read_lineage("main", str(folder.path)).alterations
    assert first == second
    file.write_bytes(file.read_bytes() + b"\n")
    assert read_lineage("main", str(folder.path)).alterations[0].checksum != first.checksum


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 200_000])
def test_a_checksum_is_that_of_the_whole_content(folder: Folder, size: int) -> None:
    """However large a file is, its checksum is that of its content, and what is read behind it agrees."""
    content = b"a" * (size - 2) + b"\r\n" if size > 1 else b"a" * size
    folder.path.joinpath("1.0.0-1-a.sql").write_bytes(content)
    (alteration,) = read_lineage("main", str(folder.path)).alterations
    assert alteration.checksum == "sha256:" + hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()
    assert read_script(alteration) == content


def test_a_pipe_is_never_read(folder: Folder) -> None:
    """A pipe with data in it is an error that names it, and keeps its data: they are somebody else's."""
    pipe = folder.path / "1.0.0-1-a.sql"
    os.mkfifo(pipe)
    held = os.open(pipe, os.O_RDWR)
    os.write(held, b"select 1")
    with pytest.raises(CatalogueError, match="not a regular file"):
        names(folder)
    assert os.read(held, 100) == b"select 1"
    os.close(held)


def test_what_runs_is_what_was_listed(folder: Folder) -> None:
    """A file that changes between the plan and its turn is refused: what runs is what is recorded."""
    file = folder.table("1.0.0-1-a.py")
    (alteration,) = read_lineage("main", str(folder.path)).alterations
    assert read_script(alteration) == file.read_bytes()
    file.write_text("# other\n")
    with pytest.raises(CatalogueError, match="was changed during the run"):
        read_script(alteration)


def test_places_that_hold_none(folder: Folder) -> None:
    """A place that is neither a folder nor a package, or a file, is an error that names it; an empty folder is fine."""
    assert names(folder) == []
    with pytest.raises(CatalogueError, match="it is neither a folder nor an import package"):
        read_lineage("main", "nowhere.at_all")
    with pytest.raises(CatalogueError, match="is a file"):
        read_lineage("main", str(folder.table("1.0.0-1-a.py")))


def test_an_import_package(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """`acme.alterations` is the package's folder, whether or not it has an `__init__.py`."""
    monkeypatch.syspath_prepend(str(folder.path))
    folder.write("acme_shop/__init__.py", "")
    folder.table("acme_shop/alterations/1.0.0-1-a.py")
    assert [a.id for a in read_lineage("main", "acme_shop.alterations").alterations] == ["1-a"]
    sys.modules.pop("acme_shop", None)


def test_an_unreadable_file_is_named(folder: Folder) -> None:
    """A file that can't be read is an error that names it."""
    (folder.path / "1.0.0-1-a.py").symlink_to("/proc/self/mem")
    with pytest.raises(CatalogueError, match=r"1\.0\.0-1-a\.py can't be read"):
        names(folder)


def test_a_dead_link_is_told(tmp_path: Path) -> None:
    """A link to nothing, named like an alteration, is an error: the alteration would be missed without a word."""
    (tmp_path / "1.0.0-1700000000-a.py").symlink_to(tmp_path / "gone.py")
    with pytest.raises(CatalogueError, match=r"1\.0\.0-1700000000-a\.py can't be read"):
        read_lineage("main", str(tmp_path))
