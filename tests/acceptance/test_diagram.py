"""`diagram`: what a release makes, drawn; its files, and what it refuses."""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder
from support.shapes import check

USERS = "create table users (id int primary key, email text, gone int)"
ORDERS = """
alter table users drop column gone;
create table orders (id int primary key, user_id int not null references users on delete cascade);
create schema audit;
create table audit.log (id int);
"""


@pytest.fixture
def history(folder: Folder) -> Folder:
    """Two releases, and an unreleased alteration."""
    folder.add("1.0.0-1700000000-users.py", up=USERS)
    folder.add("2.0.0-1700000001-orders.py", up=ORDERS)
    folder.add("next-1700000002-notes.py", up="create table notes (id int)")
    return folder


def test_a_release(sartor: Command, database: Database, history: Folder) -> None:
    """The schema is what the release makes, with what changed since another one; the destination isn't touched."""
    database.run("create table strangers (id int)")
    shape = check(sartor("diagram", "--release", "2.0.0", "--since", "1.0.0", "--json"), "diagram")
    assert (shape["release"], shape["since"], shape["file"]) == ("2.0.0", "1.0.0", None)
    tables = {(table["schema"], table["name"]): table for table in shape["tables"]}
    assert {key: table["change"] for key, table in tables.items()} == {
        ("audit", "log"): "added",
        ("public", "orders"): "added",
        ("public", "users"): "changed",
    }
    columns = {column["name"]: column for column in tables["public", "users"]["columns"]}
    assert [column["change"] for column in columns.values()] == [None, None, "removed"]
    assert tables["public", "orders"]["keys"] == [{"columns": ["id"], "primary": True}]
    (reference,) = shape["references"]
    assert (reference["to"], reference["single"], reference["on_delete"]) == (
        {"schema": "public", "name": "users"},
        False,
        "cascade",
    )
    assert database.tables() == {"strangers"}
    assert history.path.exists()


@pytest.mark.usefixtures("history")
def test_without_a_release(sartor: Command) -> None:
    """By default all that is on disk is drawn, and with --tables what matches; the others are there by name."""
    drawn = sartor("diagram", "--tables", "orders", "--tables", "n*", "--format", "mermaid").out
    assert 'title: "Schema with what is unreleased (next)"' in drawn
    assert '    "users" ||--o{ "orders" : "user_id"' in drawn
    assert '    "users"\n' in drawn
    assert "email" not in drawn
    assert '"notes" {' in drawn
    assert "no table is named nothing" in sartor("diagram", "--tables", "nothing", expect=2).err


@pytest.mark.usefixtures("history")
def test_the_file(sartor: Command) -> None:
    """A file is known by its name's ending, made anew only where it differs, and replaces nothing but a diagram."""
    file = sartor.directory / "schema.svg"
    arguments = ("diagram", "--release", "latest", "--output", "schema.svg")
    assert sartor(*arguments).out == "wrote schema.svg (3 tables, 1 foreign key)\n"
    assert ET.fromstring(file.read_text("utf-8")).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - as above
    first = file.stat()
    assert sartor(*arguments).out.startswith("unchanged: schema.svg")
    assert file.stat().st_mtime_ns == first.st_mtime_ns
    file.chmod(0o640)
    sartor("diagram", "--release", "1.0.0", "-o", "schema.svg")
    assert ("orders" in file.read_text("utf-8"), file.stat().st_mode & 0o777) == (False, 0o640)
    file.write_text("<svg>by hand</svg>")
    assert "isn't a diagram of Sartor's" in sartor(*arguments, expect=2).err
    assert file.read_text("utf-8") == "<svg>by hand</svg>"
    shape = check(sartor(*arguments, "--force", "--json"), "diagram")
    assert shape["file"] == str(file)
    assert "orders" in file.read_text("utf-8")
    assert sorted(path.name for path in sartor.directory.iterdir()) == ["alterations", "schema.svg"]


@pytest.mark.usefixtures("history")
def test_a_link_and_a_pipe(sartor: Command) -> None:
    """A symbolic link stays one; a device is written to."""
    target = sartor.directory / "docs" / "schema.dbml"
    target.parent.mkdir()
    (sartor.directory / "link.dbml").symlink_to(target)
    sartor("diagram", "--release", "1.0.0", "--output", "link.dbml")
    assert (sartor.directory / "link.dbml").is_symlink()
    assert '\nTable "users" {\n' in target.read_text("utf-8")
    sartor("diagram", "--release", "1.0.0", "--format", "dbml", "--output", os.devnull)


def test_live(sartor: Command, database: Database) -> None:
    """--live draws what stands in the schema, whatever made it, and needs no alterations on disk."""
    database.run("create table strangers (id int); create schema other; create table other.t (id int)")
    shape = check(sartor("diagram", "--live", "--json"), "diagram")
    assert (shape["release"], [table["name"] for table in shape["tables"]]) == (None, ["strangers"])
    assert "Schema other" in sartor("diagram", "--live", "--schema", "other").out
    assert "there is no schema nowhere" in sartor("diagram", "--live", "--schema", "nowhere", expect=2).err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--since 2.0.0 --release 1.0.0", "release 2.0.0 isn't before 1.0.0"),
        ("--since nothing", "there is no release 'nothing'"),
        ("--live --since 1.0.0", "--live excludes --release and --since"),
        ("--live --scratch-url postgresql:///x", "--live and --scratch-url exclude each other"),
        ("--format png", "'png' isn't a format of diagrams"),
        ("--output schema.txt", "doesn't tell the diagram's format"),
        ("--output no/where.svg", "no/where.svg can't be written: No such file or directory"),
        ("--force", "--force needs --output"),
    ],
)
@pytest.mark.usefixtures("history")
def test_refusals(sartor: Command, arguments: str, message: str) -> None:
    """What can't be meant is refused, with the way out."""
    found = check(sartor("diagram", "--json", *arguments.split(), expect=2), "diagram")
    assert message in found["error"]["message"]


def test_a_script_that_fails(sartor: Command, folder: Folder) -> None:
    """An alteration that can't be replayed is reported as a deploy reports it, and no file is written."""
    folder.add("1.0.0-1700000000-bad.py", up="create table t (id nothing)")
    done = sartor("diagram", "--output", "schema.svg", expect=1)
    assert 'type "nothing" does not exist' in done.err
    assert not Path(sartor.directory, "schema.svg").exists()
