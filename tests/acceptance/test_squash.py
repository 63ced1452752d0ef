"""`squash`: files removed for which a snapshot stands, and the way of a database that lacks some of them."""

from __future__ import annotations

import subprocess

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder
from support.shapes import check

FIRST, SECOND = "1.0.0-1700000000-users.sql", "1.1.0-1700000001-notes.sql"


@pytest.fixture(autouse=True)
def shipped(folder: Folder) -> None:
    """Two releases, and what comes behind them."""
    folder.write(FIRST, "-- sartor: up\ncreate table users (id int);\n-- sartor: down\ndrop table users;\n")
    folder.write(SECOND, "-- sartor: up\ncreate table notes (id int);\n-- sartor: down\ndrop table notes;\n")
    folder.table("next-1700000002-more.py")


def names(folder: Folder) -> list[str]:
    """The alterations that have a file."""
    return sorted(file.name for file in folder.path.glob("*-*") if file.is_file())


def git(folder: Folder, *arguments: str) -> str:
    """What git prints for the folder."""
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-C", str(folder.path), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_the_files_go_and_the_ways_stay(sartor: Command, folder: Folder, database: Database) -> None:
    """Databases that have all of it go on, and back by their ledgers; one below is told its way; new ones are built."""
    git(folder, "init", "--quiet")
    sartor("prove", "--all")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "all")
    sartor("deploy", "latest", "--schema", "whole")
    sartor("deploy", "1.0.0", "--schema", "below")
    planned = check(sartor("squash", "--to", "1.1.0", "--dry-run", "--json"), "squash")
    assert (planned["snapshot"], planned["done"], len(planned["removed"])) == (None, False, 2)
    assert "confirm with --yes" in sartor("squash", "--to", "1.1.0", expect=2).err
    done = check(sartor("squash", "--to", "1.1.0", "--yes", "--json"), "squash")
    assert [each["name"] for each in done["removed"]] == [FIRST, SECOND]
    assert (done["done"], done["staged"], names(folder)) == (True, True, ["next-1700000002-more.py"])
    assert f"D  {FIRST}" in git(folder, "status", "--porcelain", "--", ".").replace("alterations/", "")
    sartor("prove", "--check")
    sartor("lint")
    assert f"{FIRST}  squashed" in sartor("list").out
    deployed = sartor("deploy", "next", "--json", "--schema", "whole").json["done"]
    assert [a["id"] for a in deployed] == ["1700000002-more"]
    refused = sartor("deploy", "next", "--schema", "below", expect=4).err
    assert "this database is at release 1.0.0, and 1.1.0-1700000001-notes.sql was squashed" in refused
    assert "deploy 1.1.0 first, with a package that still has them as files" in refused
    assert database.tables("below") == {"users"}
    assert "deploy 1.1.0 first" in sartor("status", "--schema", "below").out
    for schema in ("new", "replayed"):
        options = ["--replay"] if schema == "replayed" else []
        assert sartor("deploy", "next", "--json", "--schema", schema, *options).json["snapshot"] == "1.1.0"
        assert sartor("verify", "--against-replay", "--json", "--schema", schema).json["drift"] == []
    assert "can't be built" in sartor("deploy", "1.0.0", "--schema", "early", expect=4).err
    sartor("check", "next", "--schema", "early", expect=3)
    for schema in ("whole", "new"):
        undone = sartor("rollback", "0", "--yes", "--json", "--schema", schema).json["done"]
        assert [a["id"] for a in undone][-2:] == ["1700000001-notes", "1700000000-users"]
        assert database.tables(schema) == set()


def test_what_an_interrupted_one_leaves(sartor: Command, folder: Folder) -> None:
    """With the list written and files still there, all is as before; the same command removes the rest."""
    text = (folder.path / SECOND).read_text()
    sartor("squash", "--to", "latest", "--yes")
    folder.write(SECOND, text)
    assert [a["id"] for a in sartor("list", "--json").json["alterations"]][:2] == [
        "1700000000-users",
        "1700000001-notes",
    ]
    assert sartor("deploy", "latest", "--json", "--schema", "new").json["snapshot"] == "1.1.0"
    left = sartor("squash", "--to", "latest", "--yes", "--json").json["removed"]
    assert ([a["name"] for a in left], names(folder)) == ([SECOND], ["next-1700000002-more.py"])
    assert check(sartor("squash", "--to", "latest", "--yes", "--json"), "squash")["removed"] == []
    folder.table("1.2.0-1700000003-later.py")
    sartor("snapshot", "1.2.0")
    assert len(sartor("squash", "--to", "1.2.0", "--yes", "--json").json["removed"]) == 1
    assert sartor("deploy", "latest", "--json", "--schema", "newer").json["snapshot"] == "1.2.0"
