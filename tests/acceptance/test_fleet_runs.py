"""`deploy` and `rollback` of a fleet: waves, canaries, budgets of failures, one question for all, and what is shown."""

from __future__ import annotations

import shlex

import pytest

from support.command import Command, Finished
from support.database import Database
from support.folder import Folder
from support.shapes import check_lines
from support.terminal import DOWN, ENTER, ESCAPE, INTERRUPT, Terminal

TENANTS = [f"tenant_{at}" for at in range(6)]
SCHEMAS = [word for each in TENANTS for word in ("--schema", each)]
LIMIT = 20_000
"""Milliseconds that a script waits in a test for what never comes."""


@pytest.fixture(autouse=True)
def _history(folder: Folder) -> None:
    folder.table("1.0.0-1700000000-a.py")
    folder.table("1.1.0-1700000001-b.py")


def resumed(done: Finished) -> list[str]:
    """The words behind `sartor db alteration` of the command that goes on: the report's last line."""
    return shlex.split(done.out.splitlines()[-1])[3:]


def deployed(database: Database) -> dict[str, int]:
    """How many of the tables `a` and `b` each tenant has."""
    rows = database.rows("select schemaname, count(*) from pg_tables where tablename in ('a', 'b') group by 1")
    return {row[0]: row[1] for row in rows}


def test_the_canaries_come_first(sartor: Command, database: Database) -> None:
    """Without a terminal a run stops behind its canaries with 3; the command that it prints does the others."""
    done = sartor("deploy", "latest", "--canary", "2", *SCHEMAS, expect=3)
    assert deployed(database) == {"tenant_0": 2, "tenant_1": 2}
    assert "2 of 6 destinations done, 4 untouched" in done.out
    assert "stopped behind the canaries" in done.out
    assert resumed(done) == ["deploy", "latest", "--canary", "2", *SCHEMAS, "--approve"]
    done = sartor(*resumed(done))
    assert deployed(database) == dict.fromkeys(TENANTS, 2)
    assert "6 of 6 destinations done (2 had nothing to do)" in done.out
    assert [line for line in done.err.splitlines() if line.startswith("==")] == [
        "== wave 1 of 2: 2 destinations",
        "== wave 2 of 2: 4 destinations",
    ]


def test_a_canary_that_fails_is_approved_by_nobody_in_advance(sartor: Command, database: Database) -> None:
    """`--approve` goes on behind canaries that are done: behind a failed one the others are untouched."""
    database.run("create schema tenant_1", "create table tenant_1.b (id int)")
    done = sartor("deploy", "latest", "--canary", "2", "--approve", *SCHEMAS, expect=1)
    assert deployed(database) == {"tenant_0": 2, "tenant_1": 2}
    assert "1 of 6 destinations done, 1 failed, 4 untouched" in done.out
    database.run("drop table tenant_1.b")
    sartor(*resumed(done))
    assert deployed(database) == dict.fromkeys(TENANTS, 2)


def test_a_canary_of_each_class(sartor: Command, database: Database) -> None:
    """With `classes`, one destination of each history comes first, and one of those that have none."""
    sartor("deploy", "1.0.0", *SCHEMAS[4:8])
    sartor("deploy", "latest", *SCHEMAS[8:10])
    before = deployed(database)
    lines, fleet = check_lines(
        sartor("deploy", "latest", "--canary", "classes", *SCHEMAS, "--json", expect=3), "deploy"
    )
    assert before == {"tenant_2": 1, "tenant_3": 1, "tenant_4": 2}
    done = {line["destination"]["schema"]: len(line["done"]) for line in lines if line["state"] == "done"}
    assert done == {"tenant_0": 2, "tenant_2": 1, "tenant_4": 0}
    sartor(*shlex.split(fleet["resume"])[3:])
    assert deployed(database) == dict.fromkeys(TENANTS, 2)


def test_waves_and_a_rollback(sartor: Command, database: Database) -> None:
    """Waves come one after the other, each with its number in the JSON; a rollback has them too."""
    lines, fleet = check_lines(sartor("deploy", "latest", "--wave", "34%", *SCHEMAS, "--json"), "deploy")
    assert [line["wave"] for line in lines] == [0, 0, 1, 1, 2, 2]
    assert [(wave["wave"], wave["done"]) for wave in fleet["waves"]] == [(0, 2), (1, 2), (2, 2)]
    lines, fleet = check_lines(sartor("rollback", "1.0.0", "--yes", "--wave", "3", *SCHEMAS, "--json"), "rollback")
    assert [(line["wave"], len(line["done"])) for line in lines] == [*[(0, 1)] * 3, *[(1, 1)] * 3]
    assert {(line["from"], line["to"]) for line in lines} == {("1.1.0", "1.0.0")}
    assert deployed(database) == dict.fromkeys(TENANTS, 1)


def test_a_budget_of_failures(sartor: Command, database: Database) -> None:
    """When more failed than may, nothing new begins; what is untouched is told, and the same command resumes."""
    for tenant in TENANTS[:3]:
        database.run(f"create schema {tenant}", f"create table {tenant}.b (id int)")
    words = ("deploy", "latest", "--max-failures", "1", "--jobs", "1", *SCHEMAS)
    lines, fleet = check_lines(sartor(*words, "--json", expect=1), "deploy")
    assert [line["state"] for line in lines] == ["failed", "failed", *["untouched"] * 4]
    assert [line["wave"] for line in lines] == [0, 0, None, None, None, None]
    assert (fleet["stopped"], fleet["failed"], fleet["untouched"]) == ("failures", 2, 4)
    (reason,) = fleet["reasons"]
    assert (reason["message"], len(reason["labels"])) == (
        '1.1.0-1700000001-b.py: relation "b" already exists (SQLSTATE 42P07)',
        2,
    )
    database.run(*(f"drop table {tenant}.b" for tenant in TENANTS[:3]))
    sartor(*shlex.split(fleet["resume"])[3:])
    assert deployed(database) == dict.fromkeys(TENANTS, 2)


def test_a_failure_at_several_is_told_once(sartor: Command, database: Database) -> None:
    """The first is told with its statement; the report names all of them, with the reason and the way on."""
    for tenant in TENANTS[:3]:
        database.run(f"create schema {tenant}", f"create table {tenant}.b (id int)")
    done = sartor("deploy", "latest", *SCHEMAS, expect=1)
    assert done.err.count("SQLSTATE 42P07") == 1
    assert done.err.count("  as in ") == 2
    assert "3 of 6 destinations done, 3 failed" in done.out
    assert 'failed at 3 destinations: 1.1.0-1700000001-b.py: relation "b" already exists (SQLSTATE 42P07)' in done.out
    assert resumed(done) == ["deploy", "latest", *SCHEMAS]


@pytest.mark.parametrize(("option", "value"), [("--wave", "x"), ("--max-failures", "101%"), ("--canary", "x")])
def test_shares_that_are_none(sartor: Command, database: Database, option: str, value: str) -> None:
    """A share that isn't one is refused by its option's name, before anything is done."""
    assert f"error: {option}: '{value}' is " in sartor("deploy", "latest", option, value, *SCHEMAS, expect=2).err
    assert deployed(database) == {}


def test_a_question_behind_the_canaries(sartor: Command, database: Database) -> None:
    """On a terminal the canaries' numbers are told and the others wait for a yes; one question for all destinations."""
    with Terminal(sartor, "deploy", "latest", "--canary", "2", *SCHEMAS) as terminal:
        terminal.until("2 of 2 canaries done in ")
        terminal.until("0 failed. Go on with the other 4 destinations?")
        assert deployed(database) == {"tenant_0": 2, "tenant_1": 2}
        terminal.press("y", ENTER)
        assert terminal.end() == 0
    assert deployed(database) == dict.fromkeys(TENANTS, 2)
    assert any("6 of 6 destinations done" in line for line in terminal.lines)


@pytest.mark.parametrize("keys", [("n", ENTER), (ENTER,), (ESCAPE,), (INTERRUPT,)])
def test_no_stops_behind_the_canaries(sartor: Command, database: Database, keys: tuple[str, ...]) -> None:
    """No is the default, and what Esc and Ctrl-C mean; the command that goes on is told."""
    with Terminal(sartor, "deploy", "latest", "--canary", "2", *SCHEMAS) as terminal:
        terminal.until("Go on with the other 4 destinations?")
        terminal.press(*keys)
        assert terminal.end() == 3
    assert deployed(database) == {"tenant_0": 2, "tenant_1": 2}
    assert terminal.lines[-1].endswith(" --approve")


def test_the_release_is_chosen_once(sartor: Command, database: Database) -> None:
    """Without a target a fleet is asked for one, once: each release says at how many destinations it is pending."""
    sartor("deploy", "1.0.0", *SCHEMAS[:4])
    with Terminal(sartor, "deploy", *SCHEMAS) as terminal:
        terminal.until("Choose the release to deploy at 6 destinations")
        terminal.until("1.1.0  2023-11-14, 1 alteration, at 6 destinations")
        terminal.until("1.0.0  2023-11-14, 1 alteration, at 4 destinations")
        terminal.press(DOWN, ENTER)
        assert terminal.end() == 0
    assert deployed(database) == dict.fromkeys(TENANTS, 1)


def test_a_rollback_is_confirmed_once(sartor: Command, database: Database) -> None:
    """One question is for all, and names what is lost over all destinations, with the number of them."""
    sartor("deploy", "1.0.0", *SCHEMAS[:4])
    sartor("deploy", "latest", *SCHEMAS[4:])
    database.run("insert into tenant_4.b values (1), (2)", "insert into tenant_5.b values (3)")
    database.run("analyze tenant_4.b", "analyze tenant_5.b")
    with Terminal(sartor, "rollback", "0", *SCHEMAS) as terminal:
        terminal.until("Roll back at 6 destinations?")
        lines = terminal.lines
        at = lines.index("This rolls back, newest first:")
        assert lines[at + 1 : at + 6] == [
            "  1.1.0-1700000001-b.py  at 4 destinations",
            "  1.0.0-1700000000-a.py  at 6 destinations",
            "and drops, with the data:",
            "  table a  at 6 destinations",
            "  table b  at 4 destinations  (about 3 rows at 2 of them)",
        ]
        terminal.press("n", ENTER)
        assert terminal.end() == 2
    assert sum(deployed(database).values()) == 10
    with Terminal(sartor, "rollback", "1.0.0", *SCHEMAS) as terminal:
        terminal.until("Roll back at 6 destinations?")
        terminal.press("y", ENTER)
        assert terminal.end() == 0
    assert deployed(database) == dict.fromkeys(TENANTS, 1)
    with Terminal(sartor, "rollback", "1.0.0", *SCHEMAS) as terminal:
        assert terminal.end() == 0
    assert "Roll back at" not in terminal.output


def test_the_question_of_a_rollback_says_what_it_cannot_know(sartor: Command, database: Database) -> None:
    """A destination that can't be asked is named before the question, which says that its losses aren't known."""
    sartor("deploy", "latest", *SCHEMAS)
    words = ("rollback", "1.0.0", *SCHEMAS, "--schema", "tenant_9")
    with Terminal(sartor, *words) as terminal:
        terminal.until("failed at 1 destination: there is no schema tenant_9")
        terminal.until("  table b  at 6 destinations")
        terminal.until("What is lost at 1 destination isn't known.")
        terminal.until("Roll back at 7 destinations?")
        terminal.press("n", ENTER)
        assert terminal.end() == 2
    assert deployed(database) == dict.fromkeys(TENANTS, 2)


def test_the_losses_of_a_rollback_are_checked(sartor: Command, database: Database) -> None:
    """`rollback --check` of a fleet ends with what is lost over all destinations, as text and as JSON."""
    sartor("deploy", "1.0.0", *SCHEMAS[:4])
    sartor("deploy", "latest", *SCHEMAS[4:])
    database.run("insert into tenant_4.b values (1)", "analyze tenant_4.b")
    done = sartor("rollback", "1.0.0", "--check", *SCHEMAS, expect=3)
    assert done.out.splitlines()[-4:] == [
        "This rolls back, newest first:",
        "  1.1.0-1700000001-b.py  at 4 destinations",
        "and drops, with the data:",
        "  table b  at 4 destinations  (about 1 row at 1 of them)",
    ]
    _, fleet = check_lines(sartor("rollback", "1.0.0", "--check", "--json", *SCHEMAS, expect=3), "check")
    assert fleet["losses"] == [{"table": "b", "column": None, "destinations": 4, "rows": 1, "counted": 1}]
    _, fleet = check_lines(sartor("check", "--json", *SCHEMAS, expect=3), "check")
    assert fleet["losses"] == []


def test_production_is_confirmed_once(sartor: Command, database: Database) -> None:
    """Unreleased alterations in production need one yes for the whole fleet."""
    env = {"SARTOR_ENVIRONMENT": "production"}
    with Terminal(sartor, "deploy", "next", *SCHEMAS, env=env) as terminal:
        terminal.until("Deploy unreleased alterations to 6 destinations, environment production?")
        terminal.press("y", ENTER)
        assert terminal.end() == 0
    assert deployed(database) == dict.fromkeys(TENANTS, 2)


def test_interrupted_everything_is_whole(sartor: Command, folder: Folder, database: Database) -> None:
    """Ctrl-C ends what is at work at a whole alteration; the report says so, and the command resumes."""
    folder.add("1.1.0-1700000002-c.py", up=f"set local statement_timeout = {LIMIT}; select pg_sleep(600)")
    with Terminal(sartor, "deploy", "latest", "--jobs", "2", *SCHEMAS) as terminal:
        terminal.until("2 at work")
        terminal.until("1.1.0-1700000002-c.py")
        terminal.press(INTERRUPT)
        terminal.until("SIGINT: stopping")
        assert terminal.end() == 130
    assert deployed(database) == dict.fromkeys(TENANTS[:2], 2)
    assert "interrupted; each destination is at a whole alteration; resume with:" in terminal.lines[-3]
    folder.add("1.1.0-1700000002-c.py", up="select 1")
    sartor(*shlex.split(terminal.lines[-2])[3:])
    assert deployed(database) == dict.fromkeys(TENANTS, 2)


def test_the_table_is_taken_away(sartor: Command) -> None:
    """At the end of a run its table is gone: the report stands where it was."""
    with Terminal(sartor, "deploy", "latest", *SCHEMAS) as terminal:
        assert terminal.end() == 0
    assert "at work" in terminal.output
    assert not any("at work" in line for line in terminal.lines)


@pytest.mark.parametrize("env", [{"TERM": "dumb"}, {"TERM": "unknown"}])
def test_a_terminal_without_a_cursor_gets_lines(sartor: Command, env: dict[str, str]) -> None:
    """Where no table can be drawn, there are lines as in a pipeline."""
    with Terminal(sartor, "deploy", "latest", *SCHEMAS, env=env) as terminal:
        assert terminal.end() == 0
    assert sum(line.startswith("deployed  ") for line in terminal.lines) == 6
    assert "at work" not in terminal.output


def test_no_colour(sartor: Command) -> None:
    """With NO_COLOR the table has none."""
    with Terminal(sartor, "deploy", "latest", *SCHEMAS, env={"NO_COLOR": "1"}) as terminal:
        assert terminal.end() == 0
    assert "at work" in terminal.output
    assert "\x1b[36m" not in terminal.output
    assert "\x1b[1m" not in terminal.output


@pytest.mark.parametrize("option", ["--canary=x", "--wave=200%", "--max-failures=-1", "--shard=8/8"])
def test_what_cant_be_used_is_told_before_a_database_is_asked(sartor: Command, option: str) -> None:
    """A wrong value is an error of the command line, whether the databases can be reached or not."""
    done = sartor("deploy", "latest", "--db-url", "postgresql://127.0.0.1:1/x", "--schemas", "t_*", option, expect=2)
    assert option.partition("=")[0] in done.err
