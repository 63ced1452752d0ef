"""Numbered settings: one command, several destinations, in order."""

from __future__ import annotations

import shlex

from support.command import Command
from support.database import Database, temporary_database
from support.folder import Folder
from support.shapes import check_lines

TENANTS = {"SARTOR_SCHEMA": "one", "SARTOR_SCHEMA_1": "two", "SARTOR_SCHEMA_2": "three"}


def test_each_destination_is_named_once(sartor: Command, folder: Folder) -> None:
    """Where there are several, each one's name stands before what is done there, once."""
    folder.table("1.0.0-1700000000-a.py")
    env = {"SARTOR_SCHEMA": "acme", "SARTOR_SCHEMA_1": "globex"}
    repair = ("repair", "--mark-not-deployed", "1700000000-a", "--reason", "why", "--yes")
    sartor("deploy", "latest", env=env)
    for words in (("status",), ("verify",), ("history",), repair):
        done = sartor(*words, env=env)
        assert [(done.out + done.err).count(f", schema {each}") for each in ("acme", "globex")] == [1, 1], words


def test_each_destination_has_its_run(sartor: Command, folder: Folder, database: Database, server_url: str) -> None:
    """A URL for each: the command runs once on each, and says what it did there."""
    folder.table("1.0.0-1700000000-a.py")
    with temporary_database(server_url) as second:
        done = sartor("deploy", "latest", env={"SARTOR_DB_URL_1": second.url})
        assert database.tables() == second.tables() == {"a"}
        lines = [line for line in done.err.splitlines() if line.startswith("deployed ")]
    assert {name: sum(name in line for line in lines) for name in (database.name, second.name)} == {
        database.name: 1,
        second.name: 1,
    }
    assert done.out.startswith("Deployed 2 alterations in ")
    assert "2 of 2 destinations done" in done.out


def test_json_has_a_line_for_each(sartor: Command, folder: Folder) -> None:
    """A line holds what a single destination gives, with its place; the last line is on all of them."""
    folder.table("1.0.0-1700000000-a.py")
    lines, fleet = check_lines(sartor("deploy", "latest", "--json", env=TENANTS), "deploy")
    assert {run["destination"]["schema"] for run in lines} == {"one", "two", "three"}
    assert [(run["state"], run["wave"], len(run["done"])) for run in lines] == [("done", 0, 1)] * 3
    assert (fleet["done"], fleet["failed"], fleet["untouched"], fleet["resume"]) == (3, 0, 0, None)
    lines, _ = check_lines(sartor("status", "--json", env=TENANTS), "status")
    assert {run["destination"]["schema"] for run in lines} == {"one", "two", "three"}


def test_options_that_are_repeated(sartor: Command, folder: Folder, database: Database, server_url: str) -> None:
    """`--schema` and `--db-url` are given as often as there are destinations; one that is given twice counts once."""
    folder.table("1.0.0-1700000000-a.py")
    sartor("deploy", "latest", "--schema", "one", "--schema=two", "--schema", "one")
    assert (database.tables("one"), database.tables("two"), database.tables()) == ({"a"}, {"a"}, set())
    with temporary_database(server_url) as second:
        done = sartor("deploy", "latest", "--db-url", database.url, "--db-url", second.url, "--db-url", database.url)
        assert database.tables() == second.tables() == {"a"}
    assert done.out.startswith("Deployed 2 alterations in ")


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


def test_a_failure_does_not_stop_the_others(sartor: Command, folder: Folder, database: Database) -> None:
    """The failed one is told, the others are done; the command that resumes touches what isn't done alone."""
    folder.table("1.0.0-1700000000-a.py")
    database.run("create schema two", "create table two.a (id int)")
    done = sartor("deploy", "latest", "--json", env=TENANTS, expect=1)
    lines, fleet = check_lines(done, "deploy")
    runs = {run["destination"]["schema"]: run for run in lines}
    assert {schema: run["state"] for schema, run in runs.items()} == {"one": "done", "two": "failed", "three": "done"}
    assert (runs["two"]["done"], runs["two"]["failed"]["sqlstate"]) == ([], "42P07")
    assert (fleet["done"], fleet["failed"], fleet["stopped"]) == (2, 1, None)
    assert fleet["resume"] == "sartor db alteration deploy latest --json"
    assert [reason["labels"] for reason in fleet["reasons"]] == [[runs["two"]["destination"]["label"]]]
    database.run("drop table two.a")
    lines, fleet = check_lines(sartor(*shlex.split(fleet["resume"])[3:], env=TENANTS), "deploy")
    assert {run["destination"]["schema"]: len(run["done"]) for run in lines} == {"one": 0, "two": 1, "three": 0}
    assert fleet["done"] == 3


def test_an_unreachable_one_is_told(sartor: Command, folder: Folder, database: Database) -> None:
    """An error keeps its exit code, and is the `error` of its line."""
    folder.table("1.0.0-1700000000-a.py")
    env = {"SARTOR_SCHEMA": "one", "SARTOR_SCHEMA_1": "two", "SARTOR_DB_URL_1": database.as_user("no_such_role")}
    done = sartor("deploy", "latest", "--json", env=env, expect=6)
    lines, fleet = check_lines(done, "deploy")
    assert sorted(run["state"] for run in lines) == ["done", "failed"]
    (failed,) = [run for run in lines if run["state"] == "failed"]
    assert (failed["error"]["exit_code"], failed["direction"]) == (6, "deploy")
    assert fleet["failed"] == 1


def test_where_one_comes_after_the_other_an_error_stops(sartor: Command, folder: Folder, database: Database) -> None:
    """What rebuilds or repairs goes on in order, and no further than an error; the others are untouched."""
    folder.table("1.0.0-1700000000-a.py")
    repair = ("repair", "--mark-not-deployed", "1700000000-a", "--reason", "why", "--yes", "--json")
    sartor("deploy", "latest", "--schema", "one")
    database.run("create schema two", "create schema three")
    done = sartor(*repair, env=TENANTS, expect=None)
    lines, fleet = check_lines(done, "repair")
    assert [run["state"] for run in lines] == ["done", "failed", "untouched"]
    assert (fleet["done"], fleet["failed"], fleet["untouched"]) == (1, 1, 1)
    assert "1 destination after it not changed: " in done.err
