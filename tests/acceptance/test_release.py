"""`release`: files renamed and staged, frozen in the manifest; refusals, and what is left by a kill."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sartor as api
from sartor.alterations import git, manifest, release_files
from sartor.alterations.files import read_lineage
from sartor.domain.manifest import Line
from sartor.domain.proof import Result
from sartor.errors import CatalogueError
from support.command import Command
from support.folder import Folder
from support.repository import ENVIRONMENT, Repository
from support.shapes import check

A, B = "next-1700000000-users.sql", "next-1700000001-groups.sql"
NEW = [name.replace("next", "1.0.0") for name in (A, B)]


def write(folder: Folder, *names: str) -> None:
    for name in names:
        table = name.rpartition("-")[2].removesuffix(".sql")
        folder.write(name, f"-- sartor: up\ncreate table {table} (id int);\n-- sartor: down\ndrop table {table};\n")


def claim_proved(folder: Folder) -> None:
    """Note in the manifest that all files are proved as they are."""
    shipped = read_lineage("main", str(folder.path))
    lines = [Line(a.id, a.release, a.checksum, Result.PROVED, 18) for a in shipped.alterations]
    manifest.add_lines(shipped, lines)


@pytest.fixture(autouse=True)
def _own_git(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def two(folder: Folder) -> Folder:
    """Two alterations that are proved."""
    write(folder, A, B)
    claim_proved(folder)
    return folder


@pytest.fixture
def repository(two: Folder) -> Repository:
    """The two alterations, committed."""
    made = Repository(two.path.parent)
    made.commit()
    return made


def names(folder: Folder) -> list[str]:
    return sorted(file.name for file in folder.path.glob("*.sql"))


def test_from_new_to_a_release(sartor: Command, folder: Folder) -> None:
    """A release asks for proofs by the command that makes them; then it is cut, deployed, frozen and known."""
    write(folder, A, B)
    refused = sartor("release", "1.0.0", expect=1)
    assert "isn't proved in its current form" in refused.err
    command = refused.err.partition("`sartor db alteration ")[2].partition("`")[0]
    assert command == "prove 1700000000-users 1700000001-groups"
    assert names(folder) == [A, B]
    sartor(*command.split())
    assert sartor("release", "1.0.0").out.splitlines() == [
        *(f"{old.ljust(len(B))} -> {new}" for old, new in zip([A, B], NEW, strict=True)),
        "Released 1.0.0: 2 alterations",
    ]
    assert names(folder) == NEW
    assert sartor("deploy", "1.0.0").out.startswith("Deployed 2 alterations")
    assert "no release 1.0.1" in sartor("deploy", "1.0.1", expect=2).err
    folder.write(NEW[0], "-- sartor: up\nselect 1;\n-- sartor: down\nselect 1;\n")
    assert "has changed since the release" in sartor("prove", "--all", expect=4).err
    assert "users.sql has changed since its release" in sartor("release", "1.1.0", expect=4).err


def test_a_dry_run(sartor: Command, two: Folder) -> None:
    """--dry-run shows files, manifest and obstacles, exits as the release would, and writes nothing."""
    before = {file.name: file.read_bytes() for file in two.path.iterdir()}
    found = sartor("release", "1.0.0", "--dry-run")
    assert f"{A.ljust(len(B))} -> {NEW[0]}" in found.out
    assert "manifest: 1700000000-users = 1.0.0, proved on Postgres 18" in found.out
    assert "1.0.0 would be released: 2 alterations; nothing was changed" in found.out
    shown = check(sartor("release", "1.0.0", "--dry-run", "--json"), "release")
    assert (shown["done"], shown["staged"], shown["releases"], shown["obstacles"]) == (False, False, ["1.0.0"], [])
    assert {file.name: file.read_bytes() for file in two.path.iterdir()} == before
    two.write(A, "-- sartor: up\n<statement>;\n")
    kinds = {each["kind"] for each in sartor("release", "1.0.0", "--dry-run", "--json", expect=1).json["obstacles"]}
    assert kinds == {"mistake", "unproved"}
    assert "in the way: next-1700000000-users.sql, line 2: SA105" in sartor("release", "1", "--dry-run", expect=1).out


def test_json(sartor: Command, two: Folder) -> None:
    """--json tells what was renamed and frozen; a refusal is an error with its kind."""
    done = check(sartor("release", "1.0.0", "--json"), "release")
    assert (done["done"], done["staged"]) == (True, False)
    assert [each["to"] for each in done["renamed"]] == NEW
    assert [(each["id"], each["proof"], each["server"]) for each in done["frozen"]] == [
        ("1700000000-users", "proved", 18),
        ("1700000001-groups", "proved", 18),
    ]
    write(two, "next-1700000002-x.sql")
    assert check(sartor("release", "1.1.0", "--json", expect=1), "release")["error"]["kind"] == "ReleaseRefused"


def test_staged(sartor: Command, repository: Repository, two: Folder) -> None:
    """In a repository the release is staged whole: renames, what was never added, and the manifest."""
    write(two, "next-1700000002-later.sql")
    claim_proved(two)
    told = sartor("release", "1.0.0").err
    assert "note: next-1700000002-later.sql isn't committed as it is now; it is released so" in told
    assert "git commit --message 'Release 1.0.0'" in told
    assert repository.status == [
        f"R  alterations/{A} -> alterations/{NEW[0]}",
        f"R  alterations/{B} -> alterations/{NEW[1]}",
        "A  alterations/1.0.0-1700000002-later.sql",
        "M  alterations/manifest.toml",
    ]
    repository("commit", "--quiet", "--message", "Release 1.0.0")
    again = sartor("release", "1.0.0")
    assert (again.out, again.err) == ("", "note: 1.0.0 is released already\n")
    assert repository.status == []
    assert "git commit --message 'Release 1.0.1'" in sartor("release", "1.0.1").err
    assert repository.status == ["M  alterations/manifest.toml"]


def test_an_edit_is_staged_as_it_is_frozen(sartor: Command, repository: Repository, two: Folder) -> None:
    """An edit that isn't committed is staged with the release: a commit has what its manifest says."""
    two.write(A, (two.path / A).read_text() + "-- more\n")
    claim_proved(two)
    assert "isn't committed" in sartor("release", "1.0.0").err
    repository("commit", "--quiet", "--message", "Release 1.0.0")
    assert repository.status == []
    sartor("prove", "--check")


def test_odd_names(tmp_path: Path) -> None:
    """A folder with quotes, blanks and a line's end in its name, below a repository's top, is staged all the same."""
    top = Repository(tmp_path / "r")
    folder = Folder(tmp_path / "r" / "a'b" / 'x "y\n :(z)*')
    write(folder, A, "next-1700000001-größe.sql")
    claim_proved(folder)
    top.commit()
    cut = api.release(str(folder.path), "1.0.0")
    assert cut.staged
    assert {line[:1] for line in top.status} == {"R", "M"}
    top.commit()
    assert names(folder) == [NEW[0], "1.0.0-1700000001-größe.sql"]


def test_a_locked_index(sartor: Command, repository: Repository, two: Folder) -> None:
    """Where git's index is in use, the release is cut, and a note says how to stage it; again, it is staged."""
    lock = repository.path / ".git" / "index.lock"
    lock.touch()
    told = sartor("release", "1.0.0").err
    assert "git hasn't staged the release" in told
    assert f"git add --all {two.path}" in told
    assert names(two) == NEW
    lock.unlink()
    sartor("release", "1.0.0")
    assert [line[0] for line in repository.status] == ["R", "R", "M"]


def test_an_ignored_folder(sartor: Command, repository: Repository, two: Folder) -> None:
    """What a repository ignores, such as a build's copy, is released without git; a link to a folder is followed."""
    (repository.path / ".gitignore").write_text("build/\n")
    built = Folder(repository.path / "build" / "alterations")
    write(built, A)
    claim_proved(built)
    repository.commit()
    assert "Staged" not in sartor("release", "1.0.0", "--alterations", "build/alterations").err
    assert repository.status == []
    (repository.path / "build" / "link").symlink_to(two.path)
    assert "Staged" in sartor("release", "1.0.0", "--alterations", "build/link").err
    assert [line[0] for line in repository.status] == ["R", "R", "M"]


@pytest.mark.usefixtures("repository")
def test_without_git(sartor: Command, two: Folder) -> None:
    """Where a repository can't be asked, as git isn't installed, the release is cut, and a note says so."""
    told = sartor("release", "1.0.0", env={"PATH": "/nowhere"}).err
    assert "git hasn't staged the release: git isn't installed" in told
    assert names(two) == NEW


def test_renamed_by_hand(sartor: Command, two: Folder) -> None:
    """Once there is a list, a file that gets a release's name by hand is told, and not deployed."""
    sartor("release", "1.0.0")
    sartor("deploy", "latest")
    write(two, "1.1.0-1700000003-hand.sql")
    claim_proved(two)
    checked = sartor("prove", "--check", expect=4)
    assert "hand.sql has a release that the manifest doesn't list" in checked.err
    assert "hint: sartor db alteration release 1.1.0; or give the file its old name again" in checked.err
    assert "SA009: has release 1.1.0, which the manifest doesn't list" in sartor("lint", expect=1).out
    verified = sartor("verify", expect=4)
    assert "hand.sql: 1.1.0 isn't among the releases that it lists" in verified.out
    assert "renamed by hand" in sartor("deploy", "1.1.0", expect=2).err
    assert "1 alteration" in sartor("release", "1.1.0").out
    sartor("verify")
    assert sartor("deploy", "latest").out.startswith("Deployed 1 alteration")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["0.9"], 2, "0.9 is out of order: 1.0.0 is released here"),
        (["next"], 2, "'next' is a target, and no version"),
        (["1.0.0-nightly"], 2, "isn't a version"),
        (["1.0.0"], 2, "1.0.0 is released already, and can't take in next-1700000002-x.sql"),
        (["1.1.0", "--lineage", "own"], 2, "there is no lineage 'own'"),
        (["1.1.0", "--max-hazard", "worst"], 2, "invalid value 'worst' for --max-hazard"),
        (["1.1.0", "--max-hazard", "safe"], 1, "isn't rehearsed here in its current form"),
        (
            ["1.1.0", "--alterations", "a=alterations", "--alterations", "b=b"],
            2,
            "name the one to release with --lineage",
        ),
    ],
)
def test_refused(sartor: Command, two: Folder, tmp_path: Path, arguments: list[str], code: int, words: str) -> None:
    """What is no version, comes out of order or isn't looked at is refused, and nothing is renamed."""
    sartor("release", "1.0.0")
    write(two, "next-1700000002-x.sql")
    claim_proved(two)
    (tmp_path / "b").mkdir()
    assert words in sartor("release", *arguments, expect=code).err
    assert "next-1700000002-x.sql" in names(two)


def test_hazards(sartor: Command, folder: Folder, tmp_path: Path) -> None:
    """The setting `max-hazard` refuses what a rehearsal saw to be worse, unless the rule is ignored, or didn't see."""
    write(folder, A)
    claim_proved(folder)
    sartor("release", "1.0.0")
    sartor("deploy", "1.0.0")
    folder.write(B, "-- sartor: up\nalter table users alter id type bigint;\n-- sartor: irreversible it is wider\n")
    sartor("prove", "1700000001-groups")
    (tmp_path / "sartor.toml").write_text('max-hazard = "blocks-reads"\n')
    refused = sartor("release", "1.1.0", expect=1)
    assert "isn't rehearsed here in its current form" in refused.err
    assert "on a database of the release before, `sartor db alteration rehearse next`" in refused.err
    assert "at most blocks-reads is allowed" in sartor("rehearse", "next", expect=1).err
    assert "SA303: `alter table users alter ...` rewrites users" in sartor("release", "1.1.0", expect=1).err
    (tmp_path / "sartor.toml").write_text('max-hazard = "blocks-reads"\nlint-ignore = "SA303=1700000001-groups"\n')
    sartor("release", "1.1.0")


@pytest.mark.usefixtures("two")
def test_without_alterations(sartor: Command) -> None:
    """A release without alterations of its own is listed; a later deploy takes it for a target."""
    sartor("release", "1.0.0")
    found = sartor("release", "1.1.0")
    assert found.out == "Released 1.1.0, without alterations\n"
    assert "note: no alteration belongs to release 1.1.0; it has the schema of 1.0.0" in found.err
    assert "no alteration belongs to release 1.1.0" in sartor("deploy", "latest").err


def test_one_that_its_files_are_named_after(sartor: Command, folder: Folder) -> None:
    """The latest release that was cut by hand is listed with its alterations."""
    write(folder, NEW[0])
    assert sartor("release", "1.0.0").out == "Released 1.0.0: 1 alteration\n"


def test_held_back(sartor: Command, two: Folder) -> None:
    """What a later release ships keeps its name, and a note says when to rename it."""
    write(two, "_next-1700000003-contract.sql")
    told = sartor("release", "1.0.0").err
    assert "once no version before 1.0.0 is running: rename it to next-1700000003-contract.sql" in told
    assert (two.path / "_next-1700000003-contract.sql").exists()


def test_several_lineages(sartor: Command, two: Folder, tmp_path: Path) -> None:
    """--lineage names the one that is released; the hint's command names them as the command line does."""
    own = Folder(tmp_path / "own")
    write(own, "next-1700000009-own.sql")
    given = ["--alterations", "alterations", "--alterations", "own=own"]
    refused = sartor("release", "7.0", *given, "--lineage", "own", expect=1)
    command = refused.err.partition("`sartor db alteration ")[2].partition("`")[0]
    sartor(*command.split())
    sartor("release", "7.0", *given, "--lineage", "own")
    assert (names(own), names(two)) == (["7.0-1700000009-own.sql"], [A, B])


def test_a_name_that_is_taken(sartor: Command, repository: Repository, two: Folder) -> None:
    """Where a file can't be renamed nothing is, and the error names it."""
    (two.path / NEW[1]).mkdir()
    told = sartor("release", "1.0.0", expect=2).err
    assert f"1.0.0 isn't released: a file of that name is there: {two.path / NEW[1]}" in told
    assert names(two) == [NEW[1], A, B]
    assert repository.status == []


def test_a_folder_that_cannot_be_written_to(sartor: Command) -> None:
    """An installed package's files are refused by their place."""
    told = sartor("release", "1.0.0", "--alterations", "/proc", expect=2).err
    assert "/proc" in told
    assert "isn't released" in told


def cut(folder: Folder, dies_at: int) -> bool:
    """Cut 1.0.0 in a process that is killed at its nth line of what writes; returns whether it was killed."""
    child = os.fork()
    if child == 0:
        try:
            sys.settrace(_killer(dies_at))
            api.release(str(folder.path), "1.0.0")
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def _killer(dies_at: int) -> Callable[..., Any]:
    left = dies_at
    traced = {module.__file__ for module in (manifest, release_files, git)}

    def trace(frame: Any, event: str, _: object) -> Any:
        nonlocal left
        if frame.f_code.co_filename not in traced:
            return None
        if event == "line" and (left := left - 1) < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    return trace


def test_killed_at_any_line(tmp_path: Path) -> None:
    """A release that is killed anywhere is finished by the same call, and ends as one that wasn't killed."""
    ends, deaths, was_killed = set(), 0, True
    for dies_at in range(0, 1000, 11):
        repository = Repository(tmp_path / str(dies_at))
        folder = Folder(repository.path / "alterations")
        write(folder, A, B)
        claim_proved(folder)
        repository.commit()
        was_killed = cut(folder, dies_at)
        deaths += was_killed
        kept = sorted(name.partition("-")[2] for name in names(folder))
        assert kept == [name.partition("-")[2] for name in (A, B)], dies_at
        (repository.path / ".git" / "index.lock").unlink(missing_ok=True)
        api.release(str(folder.path), "1.0.0")
        assert names(folder) == NEW
        leftover = [file.name for file in folder.path.iterdir() if file.name not in {*NEW, "manifest.toml"}]
        for name in leftover:  # the half of a file that a kill leaves
            assert name.startswith(".")
            (folder.path / name).unlink()
        ends.add((tuple(repository.status), (folder.path / "manifest.toml").read_text()))
        if not was_killed:
            break
    assert not was_killed
    assert deaths > 8
    assert len(ends) == 1


def test_changed_meanwhile(two: Folder) -> None:
    """A file that is edited between the decision and the lock stops the release: what is frozen was looked at."""
    plan = api.preview_release(str(two.path), "1.0.0")
    two.write(A, "-- sartor: up\nselect 1;\n-- sartor: down\nselect 1;\n")
    with pytest.raises(CatalogueError, match="has changed meanwhile"):
        release_files.cut_release(plan)
    assert names(two) == [A, B]
