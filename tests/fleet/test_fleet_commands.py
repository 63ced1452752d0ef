"""`sartor fleet`: a run that processes share is shown, approved and cancelled."""

from __future__ import annotations

import asyncio

import pytest

from sartor import Destination, Limits
from sartor.domain.fleet_run import FleetWork, Shard
from sartor.fleet.control import Control
from sartor.fleet.control_rows import NewRun
from sartor.fleet.control_tables import prepare
from support.command import Command
from support.database import Database
from support.shapes import check


@pytest.fixture
def paused(database: Database, sartor: Command) -> Command:
    """A run of which one canary failed, that waits for approval; the command knows its control database."""
    place = Destination.parse(database.url, schema="sartor_fleet")
    fleet = [Destination.parse(f"postgresql://app@db{each}.example.com/app") for each in range(5)]
    new = NewRun(FleetWork("deploy", "1.2.0"), [fleet[:2], fleet[2:]], "me", "night", budget=1, canary=True)

    async def begin() -> None:
        await prepare(place, limits=Limits())
        async with Control(place) as control:
            run, _ = await control.plan(new)
            for turn, error in zip(await control.turns(run.id, Shard()), (None, "no such table"), strict=True):
                claimed = await control.claim(run.id, turn.destination)
                assert claimed
                await control.end(run.id, claimed, error=error)

    asyncio.run(begin())
    return Command(sartor.directory, {"SARTOR_CONTROL": database.url})


def test_a_run_is_shown(paused: Command) -> None:
    """`status` counts by wave and state, and lists the failures; without a number it is of the newest run."""
    done = paused.run("fleet", "status")
    assert done.out.startswith("run 1: deploy 1.2.0, waits behind its canaries; begun ")
    assert "  to go on: sartor fleet approve 1\n2 of 5 destinations ended\n" in done.out
    assert [line.split() for line in done.out.splitlines() if line.strip()[:1].isdigit()][-2:] == [
        ["0", "1", "1", "0"],
        ["1", "0", "0", "3"],
    ]
    assert "failed: app@db1.example.com:5432/app, schema public: no such table" in done.out
    found = check(paused.run("fleet", "status", "night", "--json"), "fleet")
    assert (found["run"]["state"], found["run"]["wave"], len(found["failures"])) == ("paused", 0, 1)


def test_a_run_is_approved_and_cancelled(paused: Command) -> None:
    """`approve` lets it go on and says who did, `cancel` ends it; both once."""
    approved = check(paused.run("fleet", "approve", "--json"), "fleet")["run"]
    assert (approved["state"], approved["wave"], "@" in approved["approved_by"]) == ("running", 1, True)
    assert "doesn't wait for approval: it is running" in paused.run("fleet", "approve", "1", expect=2).err
    assert "cancelled" in paused.run("fleet", "cancel", "night").out
    assert "run 1 is over: it is cancelled" in paused.run("fleet", "cancel", expect=2).err


def test_a_run_that_is_not_there(sartor: Command, paused: Command, database: Database) -> None:
    """Without a control database, in an empty one, and for an unknown run, the error says so; nothing is made."""
    assert "no control database is given" in sartor.run("fleet", "status", expect=2).err
    assert "there is no run called 'day'" in paused.run("fleet", "status", "day", expect=2).err
    elsewhere = f"{database.url}?schema=elsewhere"
    done = sartor.run("fleet", "status", "--control", elsewhere, "--json", expect=2)
    assert "no run was ever begun here" in check(done, "fleet")["error"]["message"]
    assert database.value("select count(*) from pg_namespace where nspname = 'elsewhere'") == 0


def test_the_password_of_the_control_database_is_hidden(sartor: Command, database: Database) -> None:
    """No message and no listing shows it."""
    url = database.as_user("nobody_here", "sesame-street")
    done = sartor.run("fleet", "status", "--control", url, "--verbose", expect=6)
    shown = sartor.run("config", "show", env={"SARTOR_CONTROL": url})
    assert "sesame-street" not in done.out + done.err + shown.out + shown.err
    assert "nobody_here" in shown.out
