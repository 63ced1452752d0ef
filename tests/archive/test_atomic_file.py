"""Files that are there when they are whole, and not before."""

from __future__ import annotations

from pathlib import Path

import pytest

from sartor.archive.atomic_file import SUFFIX, atomic_file


def names(folder: Path) -> list[str]:
    """What a folder holds."""
    return sorted(file.name for file in folder.iterdir())


def test_it_has_its_name_in_the_end(tmp_path: Path) -> None:
    """Under its name there is nothing before `publish`, and nothing else is left afterwards."""
    with atomic_file(tmp_path / "x") as file:
        file.path.write_bytes(b"whole")
        assert "x" not in names(tmp_path)
        assert file.size == 5
        file.publish()
    assert names(tmp_path) == ["x"]
    assert (tmp_path / "x").read_bytes() == b"whole"


def test_an_error_leaves_nothing(tmp_path: Path) -> None:
    """What wasn't published goes with the block."""
    with pytest.raises(ValueError, match="no"), atomic_file(tmp_path / "x"):
        raise ValueError("no")
    assert not names(tmp_path)


def test_it_writes_over_nothing(tmp_path: Path) -> None:
    """Somebody else's file of that name, made meanwhile, stays as it is."""
    with atomic_file(tmp_path / "x") as file:
        (tmp_path / "x").write_text("dear to somebody")
        with pytest.raises(FileExistsError):
            file.publish()
    assert names(tmp_path) == ["x"]
    assert (tmp_path / "x").read_text() == "dear to somebody"


def test_the_first_free_name_is_taken(tmp_path: Path) -> None:
    """Where several names would do, the file has the first one that nobody took meanwhile."""
    (tmp_path / "y").write_text("dear to somebody")
    with atomic_file(tmp_path / "x") as file:
        (tmp_path / "x").write_text("dear to somebody, too")
        assert file.publish([tmp_path / "y", tmp_path / "z", tmp_path / "a"]) == tmp_path / "z"
    assert names(tmp_path) == ["x", "y", "z"]


def test_what_was_left_is_removed(tmp_path: Path) -> None:
    """The next one removes what nobody holds any more, and leaves alone what is being written, or is none of ours."""
    left, other = tmp_path / f".x.0123{SUFFIX}", tmp_path / ".x.part"
    left.touch()
    other.touch()
    with atomic_file(tmp_path / "x") as one, atomic_file(tmp_path / "y"):
        assert one.path.exists()
        assert not left.exists()
    assert names(tmp_path) == [".x.part"]
