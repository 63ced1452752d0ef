"""`lint --against`: a branch compared with its base, in real repositories."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import sartor as api
from support.command import Command
from support.folder import Folder
from support.repository import ENVIRONMENT, Repository

A, B, C = "1.0.0-1700000000-a.sql", "next-1700000001-b.sql", "next-1700000002-c.sql"


@pytest.fixture(autouse=True)
def _own_git(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def write(folder: Folder, *names: str) -> None:
    for name in names:
        folder.write(name, f"-- sartor: up\nselect '{name[-5]}';\n-- sartor: down\nselect 1;\n")


@pytest.fixture
def repository(folder: Folder) -> Repository:
    """A branch `work` with `b`, of a `main` that has got `c` since."""
    made = Repository(folder.path.parent)
    write(folder, A)
    made.commit()
    made("switch", "--quiet", "--create", "work")
    write(folder, B)
    made.commit()
    made("switch", "--quiet", "main")
    write(folder, C)
    made.commit()
    made("switch", "--quiet", "work")
    return made


def test_a_late_one(sartor: Command, folder: Folder, repository: Repository) -> None:
    """What would arrive late is a warning at its file; --strict fails; a comment or the new timestamp ends it."""
    found = sartor("lint", "--against", "main")
    assert found.out.startswith(f"alterations/{B}: warning SA501: comes before {C}, which main has already\n")
    sartor("lint", "--against", "main", "--strict", expect=1)
    assert "SA501 arrives-late" in sartor("lint", "--against", "main", "--format", "github").out
    (result,) = json.loads(sartor("lint", "--against", "main", "--format", "sarif").out)["runs"][0]["results"]
    assert result["ruleId"] == "SA501"
    (folder.path / B).rename(folder.path / "next-1700000009-b.sql")
    sartor("lint", "--against", "main", "--strict")
    assert repository.status


def test_released_ones(sartor: Command, folder: Folder, repository: Repository) -> None:
    """An edit of a released file that isn't committed counts, and so does its removal, with --above too."""
    (folder.path / A).write_text("-- sartor: up\nselect 2;\n-- sartor: down\nselect 1;\n")
    found = sartor("lint", "--against", "main", "--above", "1.0.0", expect=1)
    assert f"error SA502: is released at main as {A}, and was edited here" in found.out
    (folder.path / A).unlink()
    gone = sartor("lint", "--against", repository("rev-parse", "main").strip()[:12], "--json", expect=1).json[
        "findings"
    ]
    assert [(each["code"], Path(each["file"]).name, each["id"]) for each in gone if each["severity"] == "error"] == [
        ("SA503", A, "1700000000-a")
    ]
    sartor("lint", "--against", "main", "--ignore", "SA503=1700000000-a")


def test_another_form_of_line_ends(sartor: Command, folder: Folder, repository: Repository) -> None:
    """What git or a checkout changes of line ends is no edit."""
    (folder.path / A).write_bytes((folder.path / A).read_bytes().replace(b"\n", b"\r\n"))
    assert "SA502" not in sartor("lint", "--against", "main").out
    repository("config", "core.autocrlf", "true")
    assert "SA502" not in sartor("lint", "--against", "main").out


@pytest.mark.parametrize("revision", ["nowhere", "--output=x", "", "main:alterations", "-x", "main..work", "@{-9}"])
def test_an_unknown_revision(sartor: Command, repository: Repository, revision: str) -> None:
    """What is no commit is refused, with the way out, and never taken for an option."""
    refused = sartor("lint", f"--against={revision}", expect=2)
    assert "error: " in refused.err
    assert "hint: " in refused.err
    assert repository.status == []


def test_a_shallow_clone(sartor: Command, repository: Repository, tmp_path: Path) -> None:
    """A clone without the history says how to get it."""
    clone = tmp_path / "clone"
    repository("clone", "--quiet", "--depth", "1", "--branch", "work", f"file://{repository.path}", str(clone))
    given = ["--alterations", str(clone / "alterations")]
    refused = sartor("lint", "--against", "origin/main", *given, expect=2)
    assert (
        "git fetch origin; the clone is shallow: in a pipeline, give actions/checkout `fetch-depth: 0`" in refused.err
    )
    inside = Command(clone, sartor.environment)
    repository("-C", str(clone), "fetch", "--quiet", "--depth", "1", "origin", "main")
    refused = inside("lint", "--against", "FETCH_HEAD", expect=2)
    assert "no common ancestor of this branch and FETCH_HEAD" in refused.err
    assert "git fetch --unshallow; the clone is shallow" in refused.err
    repository("-C", str(clone), "fetch", "--quiet", "--unshallow", "origin", "+refs/heads/*:refs/remotes/origin/*")
    assert "SA501" in inside("lint", "--against", "origin/main").out


def test_without_a_repository(sartor: Command, folder: Folder) -> None:
    """Outside a repository, and without git, it says so."""
    write(folder, A)
    told = sartor("lint", "--against", "main", expect=2).err
    assert f"git can't tell which repository {folder.path} is in: not a git repository" in told
    told = sartor("lint", "--against", "main", env={"PATH": "/nowhere"}, expect=2).err
    assert "git isn't installed" in told
    Repository(folder.path.parent)
    assert "git knows no" in sartor("lint", "--against", "HEAD", expect=2).err


def test_odd_names(tmp_path: Path) -> None:
    """Folders and files of any name are read as they are, of their own repository; other files don't count."""
    top = Repository(tmp_path / 'o"dd\n:(x) *' / "re'po")
    folder = Folder(top.path / "a:b" / "größe\t")
    write(folder, "1.0.0-1700000000-größe.sql")
    write(folder, "broken.sql")
    folder.write("manifest.toml", "no manifest\n[")
    (folder.path / "1.0.0-1700000001-link.sql").symlink_to("1.0.0-1700000000-größe.sql")
    (folder.path / "1.0.0-1700000002-folder.sql").mkdir()
    write(folder, "1.0.0-1700000002-folder.sql/x.sql")
    top.commit()
    (folder.path / "broken.sql").unlink()
    (folder.path / "manifest.toml").unlink()
    assert api.lint(str(folder.path), against="main").findings == ()
    write(folder, "1.0.0-1700000000-größe.sql", "next-1700000003-größe.sql")
    (folder.path / "1.0.0-1700000000-größe.sql").write_text("-- sartor: up\nselect 7;\n-- sartor: down\nselect 1;\n")
    found = api.lint(str(folder.path), against="main").findings
    assert [each.rule.code for each in found] == ["SA502"]


def test_in_a_hook(sartor: Command, repository: Repository, tmp_path: Path) -> None:
    """The repository is that of the alterations, also within a hook of another one."""
    other = Repository(tmp_path / "other")
    hooked = {"GIT_DIR": str(other.path / ".git"), "GIT_INDEX_FILE": "index", "GIT_WORK_TREE": str(other.path)}
    assert "SA501" in sartor("lint", "--against", "main", env=hooked).out
    assert repository.status == ["?? other/"]


def test_a_folder_that_the_base_lacks(sartor: Command, repository: Repository, tmp_path: Path) -> None:
    """Alterations whose folder is new are all new; several lineages are compared, each with its own."""
    own = Folder(tmp_path / "own")
    write(own, "1.0.0-1700000005-d.sql")
    given = ["--alterations", "alterations", "--alterations", "own=own"]
    found = sartor("lint", "--against", "main", *given, "--json").json["findings"]
    assert [(each["code"], each["lineage"]) for each in found] == [("SA501", "main")]
    assert repository.status == ["?? own/"]
