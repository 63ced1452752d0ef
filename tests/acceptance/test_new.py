"""`new`: the files that it writes, and templates that hold what they promise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sartor import TEMPLATES
from support.command import Command
from support.database import Database
from support.folder import Folder
from support.shapes import check

BASE = """
    -- sartor: up
    create table customers (id bigint primary key, email text, name text, "Region" text);
    create table orders (id bigint primary key, customer bigint, state text, owner name not null default current_user);
    create table accounts (id bigint primary key, title text, score int);
    create table leftovers (id bigint);
    create type kind as enum ('a');
    create table events (at timestamptz not null, what text) partition by range (at);
    insert into customers select n, n || '@example.com', 'n', null from generate_series(1, 12000) n;
    insert into orders select n, n, 'open' from generate_series(1, 100) n;
    insert into accounts select n, 't', n from generate_series(1, 12000) n;
    insert into leftovers select 1;

    -- sartor: down
    drop table customers, orders, accounts, leftovers, events;
    drop type kind;
"""
FILLED = {
    "table": "table=notes",
    "add-column": "table=customers column=order type=text",
    "add-not-null": "table=customers column=name",
    "add-foreign-key": "table=orders column=customer references=customers",
    "index-concurrently": "table=orders column=state",
    "unique-key": "table=customers column=email",
    "backfill": "table=customers key=id column=Region expression='eu'",
    "enum-value": "enum=kind label=it's",
    "partition": "table=events partition=events_26 column=at lower='2026-01-01' upper='2027-01-01'",
    "row-level-security": "table=orders condition=owner=current_user",
    "rename-by-expand-contract": "table=accounts column=title to=Caption type=text key=id",
    "change-type-by-expand-contract": "table=accounts column=score type=bigint key=id",
    "drop-safely": "table=leftovers",
}
"""Each template with values for all that it asks for."""
HELD_BACK = 3


def write_all(sartor: Command, *options: str) -> list[dict[str, Any]]:
    """Write every template, filled in; returns the files, in their order."""
    written = [
        check(sartor("new", name, *values.split(), "--template", name, "--json", *options), "new")
        for name, values in FILLED.items()
    ]
    return [file for each in written for file in each["files"]]


@pytest.mark.parametrize("options", [("--sql",), ()], ids=["sql", "python"])
def test_templates(sartor: Command, folder: Folder, database: Database, options: tuple[str, ...]) -> None:
    """Each template, filled in, is rehearsed as safe, is proved, and does its work on rows.

    What a later release ships is held back; then it loses what it says, and no more.
    """
    assert FILLED.keys() == set(TEMPLATES)
    folder.write("1.0.0-1700000000-base.sql", BASE)
    sartor("deploy", "latest")
    files = write_all(sartor, *options)
    assert not any(file["unfilled"] for file in files)
    assert sartor("lint").out.startswith("Found no mistakes")

    rehearsed = check(sartor("rehearse", "--with-data", "--json"), "rehearse")
    assert {each["verdict"] for each in rehearsed["alterations"]} == {"safe"}
    proofs = check(sartor("prove", "--pending", "--json"), "prove")["proofs"]
    assert [proof["name"].split("-", 2)[2] for proof in proofs if proof["result"] != "proved"] == [
        f"enum-value.{'sql' if options else 'py'}"
    ]
    sartor("deploy", "next")
    assert database.value('select count(*) from customers where "Region" is null') == 0
    assert database.value('select count(*) from accounts where "Caption" is null or score_new is null') == 0
    database.run(
        """update accounts set title = 'old' where id = 1; update accounts set "Caption" = 'new' where id = 2"""
    )
    shown = database.rows('select title, "Caption" from accounts where id < 3 order by id')
    assert shown == [("old", "old"), ("new", "new")]

    held_back = [Path(file["file"]) for file in files if file["later"]]
    assert len(held_back) == HELD_BACK
    for file in held_back:
        file.rename(file.with_name(file.name.removeprefix("_")))
    rehearsed = check(sartor("rehearse", "--json"), "rehearse")
    assert {each["verdict"] for each in rehearsed["alterations"]} == {"loses-data"}
    sartor("deploy", "next")
    assert database.value('select "Caption" || score from accounts where id = 2') == "new2"


def test_without_a_template(sartor: Command, folder: Folder) -> None:
    """A file has an empty `up` and `down`, comes behind all others, and fails by name until it is filled in."""
    folder.table("next-1999999999-far.py")
    sartor("new", "Ann's  e-mail: länger")
    (file,) = folder.path.glob("next-2000000000-*")
    assert file.name == "next-2000000000-anns-e-mail-länger.py"
    assert sartor("lint", expect=1).out.count("SA105: `<") == 2
    failed = sartor("deploy", "next", expect=1)
    assert 'syntax error at or near "<"' in failed.err
    sartor("new", "another", "--sql")
    assert (folder.path / "next-2000000001-another.sql").read_text() == (
        "-- sartor: up\n<statement>;\n\n-- sartor: down\n<undo>;\n"
    )


REFUSED = {
    ("a", "--template", "tabel"): "did you mean table?",
    ("a", "--template", "nothing-like-it"): "the templates are add-column, ",
    ("a", "--template", "table", "tabel=x"): "did you mean table?",
    ("a", "--template", "table", "table=app.x"): "leave the schema out",
    ("a", "--template", "table", "table="): "is empty",
    ("a", "--template", "table", "table=x\ny"): "isn't a line",
    ("a", "table=x"): "name a template with --template",
    ("two", "words"): "write the name as one word",
    ("...",): "name the change in a few words",
    ("a", "--alterations", "a=alterations", "--alterations", "b=alterations"): "name one with --alterations",
    ("a", "--alterations", "nowhere"): "no alterations found at ",
}


@pytest.mark.parametrize("arguments", REFUSED, ids=" ".join)
def test_refused(sartor: Command, folder: Folder, arguments: tuple[str, ...]) -> None:
    """A wrong name, template or parameter is an error with the way out, and no file is written."""
    refused = sartor("new", *arguments, expect=2)
    assert REFUSED[arguments] in refused.err
    assert not list(folder.path.iterdir())


def test_a_folder_that_cannot_be_written_to(sartor: Command, folder: Folder) -> None:
    """The folder and the reason are named, and what is there isn't overwritten."""
    sartor("new", "a", "--alterations", "/proc", expect=2)
    assert "/proc can't be written to" in sartor("new", "a", "--alterations", "/proc", expect=2).err
    assert not list(folder.path.iterdir())
