"""Numbered settings: one command, several destinations, in order."""

from __future__ import annotations

from support.command import Command
from support.database import Database, temporary_database
from support.folder import Folder

TENANTS = {"SARTOR_SCHEMA": "one", "SARTOR_SCHEMA_1": "two", "SARTOR_SCHEMA_2": "three"}


def test_each_destination_is_named_once(sartor: Command, folder: Folder) -> None:
    """Where there are several, each one's name stands before what is done there, once."""
    folder.table("1.0.0-1700000000-a.py")
    env = {"SARTOR_SCHEMA": "acme", "SARTOR_SCHEMA_1": "globex"}
    repair = ("repair", "--mark-not-deployed", "1700000000-a", "--reason", "why", "--yes")
    for words in (("deploy", "latest"), ("status",), ("verify",), ("history",), repair):
        done = sartor(*words, env=env)
        assert [(done.out + done.err).count(f", schema {each}") for each in ("acme", "globex")] == [1, 1], words


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
    assert status["remaining"] == []


def test_options_that_are_repeated(sartor: Command, folder: Folder, database: Database, server_url: str) -> None:
    """`--schema` and `--db-url` are given as often as there are destinations; one that is given twice counts once."""
    folder.table("1.0.0-1700000000-a.py")
    sartor("deploy", "latest", "--schema", "one", "--schema=two", "--schema", "one")
    assert (database.tables("one"), database.tables("two"), database.tables()) == ({"a"}, {"a"}, set())
    with temporary_database(server_url) as second:
        done = sartor("deploy", "latest", "--db-url", database.url, "--db-url", second.url, "--db-url", database.url)
        assert database.tables() == second.tables() == {"a"}
    assert done.out.count("Deployed 1 alteration") == 2


def test_a_run_says_where_and_how_far(sartor: Command, folder: Folder, database: Database) -> None:
    """The first line names the destination, the release that it has and the one that it gets; so does the JSON."""
    folder.table("1.0.0-1700000000-a.py")
    folder.table("1.1.0-1700000001-b.py")
    ways = {"deploy 1.0.0": "nothing -> 1.0.0", "deploy 1.1.0": "1.0.0 -> 1.1.0", "deploy latest": "1.1.0"}
    ways["rollback 0 --yes"] = "1.1.0 -> nothing"
    for command, way in ways.items():
        first = sartor(*command.split()).err.splitlines()[0]
        assert (database.name in first, first.partition(", schema public: ")[2]) == (True, way)
    done = sartor("deploy", "1.0.0", "--json").json
    assert (done["from"], done["to"], done["destination"]["database"]) == (None, "1.0.0", database.name)
    done = sartor("deploy", "latest", "--json", "--steps", "1").json
    assert (done["from"], done["to"], done["destination"]["schema"]) == ("1.0.0", "1.1.0", "public")


def test_the_first_failure_stops(sartor: Command, folder: Folder, database: Database) -> None:
    """What was done stays, the failed one is told, those after it aren't touched."""
    folder.table("1.0.0-1700000000-a.py")
    database.run("create schema two", "create table two.a (id int)")
    done = sartor("deploy", "latest", "--json", env=TENANTS, expect=1)
    first, second = done.json["runs"]
    assert (len(first["done"]), first["failed"]) == (1, None)
    assert (second["done"], second["failed"]["sqlstate"]) == ([], "42P07")
    assert "stopped at " in done.err
    assert done.err.endswith("schema three\n")
    assert "schema two; 1 destination after it not changed: " in done.err
    assert [place["schema"] for place in done.json["remaining"]] == ["three"]
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
