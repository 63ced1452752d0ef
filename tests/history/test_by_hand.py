"""The reference history deployed and rolled back by hand: with psql, and with Sartor where only it can go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.command import Command
from support.database import Database
from support.psql import psql
from support.schema import dump

HISTORY = str(Path(__file__).parents[2] / "alterations")


def by_hand(sartor: Command, database: Database, place: tuple[str, ...], verb: str, target: str) -> int:
    """Have scripts written and run them until there is nothing to do; how often Sartor had to go on."""
    checking = ("check", target) if verb == "deploy" else ("rollback", target, "--check")
    stops = 0
    while sartor(*checking, "--sql", "plan.sql", *place, expect=None).code == 3:
        script = sartor.directory / "plan.sql"
        stopped = "stops before it" in script.read_text()
        said = psql(database.url, script, expect=3 if stopped else 0).err
        if stopped:
            assert "is Python, whose SQL is known only when it runs" in said
            sartor(verb, *([target] if verb == "deploy" else []), "--steps", "1", *place)
            stops += 1
    return stops


@pytest.mark.parametrize("schema", ["public", "tenant_a"])
def test_by_hand_it_is_the_same(sartor: Command, database: Database, schema: str) -> None:
    """What psql makes is what Sartor makes, there and back; one alteration of the history needs Sartor."""
    database.run(f"create schema if not exists {schema}")
    place = ("--alterations", HISTORY, "--schema", schema)
    nothing = dump(database.url, schema)
    sartor("deploy", "next", *place)
    made = dump(database.url, schema)
    deployed = [each["id"] for each in sartor("status", "--json", *place).json["deployed"]]
    assert by_hand(sartor, database, place, "rollback", "0") == 1
    assert dump(database.url, schema) == nothing
    assert by_hand(sartor, database, place, "deploy", "next") == 1
    assert dump(database.url, schema) == made
    status = sartor("status", "--json", *place).json
    assert [each["id"] for each in status["deployed"]] == deployed
    assert status["pending"] == status["interrupted"] == []
