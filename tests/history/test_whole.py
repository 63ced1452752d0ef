"""The reference history as its users run it: from nothing to `next` and back, and its seeds."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from support.command import Command
from support.database import Database
from support.schema import count_rows, dump

HISTORY = ("--alterations", str(Path(__file__).parents[2] / "alterations"))


@pytest.mark.parametrize("schema", ["public", "tenant_a"])
def test_from_nothing_to_next_and_back(sartor: Command, database: Database, schema: str) -> None:
    """All releases are deployed at once and rolled back to nothing; release by release, it is the same schema."""
    database.run(f"create schema if not exists {schema}")
    place = (*HISTORY, "--schema", schema)
    nothing = dump(database.url, schema)
    sartor("deploy", "next", *place)
    at_once = dump(database.url, schema)
    assert sartor("status", "--json", *place).json["pending"] == []
    sartor("rollback", "0", *place)
    assert dump(database.url, schema) == nothing
    for release in ("1.0.0", "1.1.0", "1.2.0", "2.0.0-beta.1", "2.0.0", "2.1.0", "next"):
        assert sartor("deploy", release, "--json", *place).json["done"]
    assert dump(database.url, schema) == at_once


def test_the_seeds(sartor: Command, database: Database) -> None:
    """Seeding again changes nothing, `--reset` puts the same rows in anew, and the history rolls back under them."""
    sartor("deploy", "next", *HISTORY)
    bare = asyncio.run(count_rows(database.url))
    sartor.run("db", "seed", *HISTORY)
    seeded = asyncio.run(count_rows(database.url))
    assert sum(seeded.values()) > sum(bare.values())
    sartor.run("db", "seed", *HISTORY)
    assert asyncio.run(count_rows(database.url)) == seeded
    newest = database.value("select max(created_at) from users")
    sartor.run("db", "seed", "--reset", "--yes", *HISTORY)
    assert asyncio.run(count_rows(database.url)) == seeded
    assert database.value("select max(created_at) from users") > newest
    sartor("rollback", "0", *HISTORY)
    assert database.tables() == set()
