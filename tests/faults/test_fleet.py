"""A fleet under blows, in short: each destination that can be reached comes to its target; nothing is done twice."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from support.campaigns import make_chance
from support.command import Command, Finished, finish
from support.database import Database
from support.fleet_campaign import strike_fleet
from support.fleet_shards import strike_shards
from support.folder import Folder
from support.memory import open_folder
from support.roles import temporary_role
from support.sessions import at_work, until
from support.shapes import check_lines
from support.struck_fleet import FIRST, IDS, LAST, QUICK, Fleet, new_fleet


def test_a_fleet_under_blows() -> None:
    """Runs are killed, the server restarts, destinations fail: the rest is done, once, and told truly."""
    chance, seed = make_chance()
    with open_folder() as folder:
        tally = strike_fleet(folder, 40, 6, chance, kinds=QUICK)
    assert tally.violations == [], f"seed {seed}"
    assert tally.counts["kills"] >= 6


def test_parts_under_blows() -> None:
    """Processes that share a run by a control database are killed: the next of its part goes on, nothing is doubled."""
    chance, seed = make_chance()
    with open_folder() as folder:
        tally = strike_shards(folder, 20, 3, chance)
    assert tally.violations == [], f"seed {seed}"
    assert tally.counts["kills"] >= 3


def test_two_processes_share_the_connections_of_a_role(sartor: Command, folder: Folder, database: Database) -> None:
    """Each sees the same room, and more than half of it: the connections run out, and no destination fails for that."""
    folder.add("1.0.0-1700000000-a.py", up="create table a (id int); select pg_sleep(0.1)")
    with temporary_role(database) as role:
        grant = f"grant create on database {database.name} to {role.name}"
        database.run(f"alter role {role.name} connection limit 10", grant)
        words = ("deploy", "latest", "--jobs", "8", "--jobs-per-server", "8", "--db-url", role.url)
        schemas = ([f"t{number}" for number in range(at, 24, 2)] for at in (0, 1))
        options = ([word for each in part for word in ("--schema", each)] for part in schemas)
        ends = [finish(each) for each in [sartor.start(*words, *part) for part in options]]
        assert [end.code for end in ends] == [0, 0], ends
        assert database.value("select count(*) from pg_tables where tablename = 'a'") == 24


@pytest.fixture
def fleet(server_url: str, sartor: Command) -> Iterator[Fleet]:
    """A fleet of 12 destinations; the working directory of `sartor` has its alterations."""
    with new_fleet(server_url, sartor.directory, number=12) as found:
        yield found


def arguments(sartor: Command, fleet: Fleet, target: str) -> list[str]:
    """A deployment to all of the fleet, as it is now."""
    file = sartor.directory / "fleet.urls"
    file.write_text("".join(f"{url}?schema={schema}\n" for url, schema, _ in fleet.places()))
    return ["deploy", target, "--urls-from", str(file), "--json", "--lock-budget", "1s"]


def require_true(done: Finished, fleet: Fleet, before: dict[str, list[str]], target: str) -> dict[str, Any]:
    """Asserts that the lines and the summary of a command are what the ledgers say; returns the summary."""
    lines, summary = check_lines(done, "deploy")
    told: dict[str, Any] = summary
    held = fleet.held()
    ends = {each["destination"]["schema"]: each["state"] for each in lines}
    made = {each["destination"]["schema"]: sorted(done["id"] for done in each.get("done", ())) for each in lines}
    assert made == {schema: sorted(set(held[schema]) - set(before[schema])) for schema in fleet.schemas}
    for schema, end in ends.items():
        complete = tuple(held[schema]) == IDS[target]
        assert {"done": complete, "failed": not complete, "untouched": not made[schema]}[end], schema
    assert {end: told[end] for end in ("done", "failed", "untouched")} == {
        end: list(ends.values()).count(end) for end in ("done", "failed", "untouched")
    }
    assert fleet.violations() == []
    return told


def test_what_the_command_says(sartor: Command, fleet: Fleet) -> None:
    """A line for each destination, and the counts of all, are what the ledgers say, with failures and after Ctrl-C."""
    before = fleet.held()
    process = sartor.start(*arguments(sartor, fleet, FIRST))
    until(lambda: "sartor" in " ".join(at_work(fleet.database)), what="the first statement")
    interrupted = finish(process, signal.SIGINT)
    assert interrupted.code == 130, interrupted
    assert require_true(interrupted, fleet, before, FIRST)["stopped"] == "interrupted"
    before = fleet.held()
    assert require_true(sartor(*arguments(sartor, fleet, FIRST)), fleet, before, FIRST)["done"] == len(fleet.schemas)
    before = fleet.held()
    fleet.break_some(0.25, ("rights", "missing", "locked"), random.Random(1))  # noqa: S311 - a seed
    told = require_true(sartor(*arguments(sartor, fleet, LAST), expect=None), fleet, before, LAST)
    assert told["failed"] == len(fleet.faults)
    fleet.mend()
    before = fleet.held()
    told = require_true(sartor(*arguments(sartor, fleet, LAST), expect=None), fleet, before, LAST)
    assert told["failed"] == len(fleet.faults)
    assert fleet.short_of(LAST) == set(fleet.faults)
