"""Targets of a deploy and of a rollback, as someone types them."""

from __future__ import annotations

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder

FILES = ("1.0.0-1-a.py", "1.0.0-2-b.py", "2.0.0_beta.1-3-c.py", "2.0.0-4-d.py", "next-5.5-e.py")


@pytest.fixture
def shipped(folder: Folder) -> Folder:
    for name in FILES:
        folder.table(name)
    return folder


def done(sartor: Command, *arguments: str) -> list[str]:
    """The slugs that a command deployed or rolled back."""
    return [a["id"].partition("-")[2] for a in sartor(*arguments, "--json").json["done"]]


@pytest.mark.usefixtures("shipped")
def test_up_and_down_by_target(sartor: Command, database: Database) -> None:
    """A version, a prerelease in either spelling, `latest`, `next` go up; a version, steps, a timestamp go down."""
    assert done(sartor, "deploy", "1.0.0") == ["a", "b"]
    assert done(sartor, "deploy", "2.0.0_beta.1") == ["c"]
    assert done(sartor, "deploy", "latest") == ["d"]
    assert done(sartor, "deploy", "next") == ["e"]
    assert done(sartor, "rollback", "2.0.0-beta.1") == ["e", "d"]
    assert done(sartor, "rollback", "--steps", "2") == ["c", "b"]
    assert database.tables() == {"a"}
    assert done(sartor, "deploy", "next", "--steps", "2") == ["b", "c"]
    assert done(sartor, "deploy", "--steps", "9") == ["d"]
    assert done(sartor, "deploy", "next") == ["e"]
    assert done(sartor, "rollback", "--to-timestamp", "5.5") == []
    assert done(sartor, "rollback", "--to-timestamp", "5.4") == ["e"]
    assert done(sartor, "rollback", "--to-timestamp", "2") == ["d", "c"]
    assert done(sartor, "rollback", "0") == ["b", "a"]
    assert database.tables() == set()


@pytest.mark.usefixtures("shipped")
def test_targets_that_need_a_word(sartor: Command) -> None:
    """A version without alterations of its own, and one below what is deployed: exit 0, and a note that says so."""
    found = sartor("deploy", "1.5.0")
    assert "note: no alteration belongs to release 1.5.0; 1.5.0 has the schema of 1.0.0" in found.err
    assert found.out.startswith("Deployed 2 alterations")
    sartor("deploy", "latest")
    found = sartor("deploy", "1.0.0")
    assert found.out == "Found 0 alteration to deploy\n"
    assert "note: the database is at 2.0.0, above 1.0.0; to go down, use `rollback 1.0.0`" in found.err
    assert sartor("rollback", "2.0.0").out == "Found 0 alteration to roll back\n"


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["deploy"],
            ["no target is given, and there is no terminal to ask on", "sartor db alteration deploy 1.2.0", "`latest`"],
        ),
        (
            ["rollback"],
            [
                "no target is given, and there is no terminal to ask on",
                "sartor db alteration rollback 1.0.0",
                "--steps 1",
            ],
        ),
        (["deploy", "newest"], ["there is no release 'newest'", "`latest` or `next`"]),
        (["deploy", "1.0.0-nightly"], ["there is no release '1.0.0-nightly'"]),
        (["rollback", "back"], ["there is no release 'back'"]),
        (["rollback", "--to-timestamp", "yesterday"], ["'yesterday' isn't a timestamp"]),
        (["rollback", "1.0.0", "--steps", "1"], ["a rollback needs exactly one of: a target, --steps, --to-timestamp"]),
        (["deploy", "--steps", "0"], ["--steps"]),
    ],
)
def test_targets_that_are_none(sartor: Command, database: Database, arguments: list[str], words: list[str]) -> None:
    """What can't be a target is wrong use, exit 2, and the error says what can; nothing is touched."""
    found = sartor(*arguments, expect=2)
    assert found.out == ""
    for word in words:
        assert word in found.err
    assert database.value("select to_regclass('sartor_ledger')") is None


def test_nothing_is_released(sartor: Command, folder: Folder) -> None:
    """`latest` where all is `next` is wrong use, and the hint is `next`."""
    folder.table("next-1-a.py")
    assert "deploy next" in sartor("deploy", "latest", expect=2).err


LISTED = 'format = 1\nreleases = [\n    "1.0.0",\n    "1.1.0",\n    "2.0.0",\n]\n\n[alterations]\n'


@pytest.mark.parametrize("verb", ["deploy", "rollback", "check", "rehearse", "fresh"])
def test_never_released(sartor: Command, folder: Folder, database: Database, verb: str) -> None:
    """With a list of releases, a target that isn't one is refused by each command alike, with the nearest ones."""
    folder.table("1.0.0-1-a.py")
    folder.write("manifest.toml", LISTED)
    yes = ["--yes"] if verb == "fresh" else []
    refused = sartor(verb, "1.0.7", *yes, expect=2)
    assert "error: there is no release 1.0.7 among the given alterations" in refused.err
    assert "hint: the nearest releases are 1.0.0 and 1.1.0" in refused.err
    assert database.tables() == set()


def test_a_release_without_alterations(sartor: Command, folder: Folder) -> None:
    """A release of the list needs no alterations: a deploy notes that, `latest` is it, `list` has it."""
    folder.table("1.0.0-1-a.py")
    folder.write("manifest.toml", LISTED)
    found = sartor("deploy", "1.1.0")
    assert "note: no alteration belongs to release 1.1.0; 1.1.0 has the schema of 1.0.0" in found.err
    assert "2.0.0 has the schema of 1.0.0" in sartor("deploy", "latest").err
    assert sartor("list").out.splitlines()[2:] == ["1.1.0  (no alterations)", "2.0.0  (no alterations)"]
    assert sartor("list", "--json").json["releases"] == ["1.0.0", "1.1.0", "2.0.0"]
