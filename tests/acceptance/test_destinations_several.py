"""Numbered settings: one command, several destinations, in order."""

from __future__ import annotations

from support.command import Command
from support.database import Database, temporary_database
from support.folder import Folder

TENANTS = {"SARTOR_SCHEMA_1": "one", "SARTOR_SCHEMA_2": "two", "SARTOR_SCHEMA_3": "three"}


def test_each_destination_has_its_run(sartor: Command, folder: Folder, database: Database, server_url: str) -> None:
    """A URL for each: the command runs once on each, and says on which it is at work."""
    folder.table("1.0.0-1700000000-a.py")
    with temporary_database(server_url) as second:
        done = sartor("deploy", "latest", env={"SARTOR_DB_URL_1": second.url})
        assert database.tables() == second.tables() == {"a"}
        headings = [line for line in done.err.splitlines() if line.startswith("==")]
    assert [database.name in headings[0], second.name in headings[1], len(headings)] == [True, True, 2]
    assert done.out.count("Deployed 1 alteration") == 2


def test_json_has_a_run_for_each(sartor: Command, folder: Folder) -> None:
    """`runs` holds what a single destination gives, with the label of each."""
    folder.table("1.0.0-1700000000-a.py")
    deployed = sartor("deploy", "latest", "--json", env=TENANTS).json
    assert [run["label"].partition("schema ")[2] for run in deployed["runs"]] == ["one", "two", "three"]
    assert [len(run["done"]) for run in deployed["runs"]] == [1, 1, 1]
    status = sartor("status", "--json", env=TENANTS).json
    assert [run["destination"]["schema"] for run in status["runs"]] == ["one", "two", "three"]


def test_the_first_failure_stops(sartor: Command, folder: Folder, database: Database) -> None:
    """What was done stays, the failed one is told, those after it aren't touched."""
    folder.table("1.0.0-1700000000-a.py")
    database.run("create schema two", "create table two.a (id int)")
    done = sartor("deploy", "latest", "--json", env=TENANTS, expect=1)
    first, second = done.json["runs"]
    assert (len(first["done"]), first["failed"]) == (1, None)
    assert (second["done"], second["failed"]["sqlstate"]) == ([], "42P07")
    assert "stopped at " in done.err
    assert "schema two; 1 destination after it not changed" in done.err
    assert database.rows("select 1 from pg_namespace where nspname = 'three'") == []


def test_an_unreachable_one_stops_too(sartor: Command, folder: Folder, database: Database) -> None:
    """An error keeps its exit code and is the last run's `error`."""
    folder.table("1.0.0-1700000000-a.py")
    url = database.as_user("no_such_role")
    done = sartor("deploy", "latest", "--json", env={"SARTOR_DB_URL_1": url}, expect=6)
    first, second = done.json["runs"]
    assert len(first["done"]) == 1
    assert second["error"]["exit_code"] == 6
    assert second["direction"] == "deploy"
