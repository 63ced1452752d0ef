"""Where import packages are, and what becomes of those that can't be imported."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sartor.domain.package_folders import package_folders
from sartor.errors import CatalogueError


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise RuntimeError('no licence')", "RuntimeError: no licence"),
        ("import a_library_that_isnt_there", "ModuleNotFoundError: No module named 'a_library_that_isnt_there'"),
        ("raise SystemExit(0)", "SystemExit: 0"),
        ("x = (", "SyntaxError: "),
        ("raise ValueError('x')", "ValueError: x"),
    ],
)
def test_a_parent_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, reason: str) -> None:
    """A package whose parent can't be imported isn't passed over, and is no defect of Sartor's: the reason is told."""
    parent = f"parent_{tmp_path.name.replace('-', '_')}"
    (tmp_path / parent / "alterations").mkdir(parents=True)
    (tmp_path / parent / "__init__.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(CatalogueError) as caught:
        package_folders(f"{parent}.alterations", CatalogueError)
    assert f"{parent}.alterations can't be found" in str(caught.value)
    assert reason in str(caught.value)


@pytest.mark.parametrize("name", ["", ".", "no_such", "no_such.alterations", "json.decoder.x", "a b", "./x", "-"])
def test_no_package(name: str) -> None:
    """A name that is no package's has no folders."""
    assert package_folders(name, CatalogueError) == ()
    assert "no_such" not in sys.modules
