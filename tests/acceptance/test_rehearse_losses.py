"""`rehearse` reports data that a plan takes away: in words, in JSON, as a level, and to `lint`."""

from __future__ import annotations

from typing import Any

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder
from support.shapes import check

NAME = "1.0.0-1700000001-less.sql"
LESS = """
    -- sartor: up
    delete from orders where id > 10;
    update orders set note = 'x' where id = 1;
    -- sartor: irreversible rows are gone
"""


@pytest.fixture(autouse=True)
def _orders(folder: Folder, database: Database) -> None:
    database.run(
        "create table orders (id int primary key, note text)",
        "insert into orders select i, 'n' from generate_series(1, 40) i",
        "analyze orders",
    )
    folder.write(NAME, LESS)


def losses(sartor: Command, *ways: str) -> list[tuple[str, Any, str]]:
    found = check(sartor("rehearse", *ways, "--json"), "rehearse")
    (alteration,) = found["alterations"]
    assert alteration["verdict"] == "loses-data"
    told = [loss for statement in alteration["statements"] for loss in statement["losses"]]
    return [(loss["how"], loss["rows"], loss["precision"]) for loss in told]


@pytest.mark.parametrize("way", ["--with-data", "--live"])
def test_rows_are_counted(sartor: Command, database: Database, way: str) -> None:
    """Where there are rows, just those that go are told; and they are there afterwards."""
    assert losses(sartor, way) == [("deletes", 30, "counted"), ("overwrites", 1, "counted")]
    assert database.value("select count(*) from orders where note = 'n'") == 40


def test_rows_are_estimated(sartor: Command) -> None:
    """Without them, no more than all of the table's is told."""
    assert losses(sartor) == [("deletes", 40, "at-most"), ("overwrites", 40, "at-most")]
    told = sartor("rehearse").out
    assert "deletes up to about 40 rows of orders" in told
    assert "overwrites up to about 40 rows of orders" in told


def test_the_level(sartor: Command) -> None:
    """Lost data pass no level below their own, however short the locks are."""
    told = sartor("rehearse", "--max-hazard", "rewrites", expect=1).err
    assert NAME in told
    assert "loses-data" in told
    sartor("rehearse", "--max-hazard", "loses-data")


def test_what_lint_repeats(sartor: Command) -> None:
    """`lint` has it as a finding of its own after a rehearsal."""
    sartor("rehearse")
    findings = check(sartor("lint", "--strict", "--json", expect=1), "lint")["findings"]
    assert [(each["code"], each["line"]) for each in findings if each["code"] == "SA304"] == [
        ("SA304", 2),
        ("SA304", 3),
    ]
