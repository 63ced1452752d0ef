"""The first deployment to a schema that isn't empty: a note, a refusal, or a question."""

from __future__ import annotations

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder
from support.shapes import check
from support.terminal import DOWN, ENTER, Terminal

NOTE = "there is no ledger, but the schema has"
OTHERS = {
    "dbmate": ("create table schema_migrations (version varchar primary key)", "dbmate"),
    "golang-migrate": ("create table schema_migrations (version bigint primary key, dirty boolean)", "golang-migrate"),
    "Flyway": ("create table flyway_schema_history (installed_rank int, version text, success bool)", "flyway"),
    "Liquibase": (
        "create table databasechangelog (id int, author int, filename int); create table databasechangeloglock ()",
        "",
    ),
}


@pytest.fixture(autouse=True)
def _shipped(folder: Folder) -> None:
    folder.table("1.0.0-1700000000-users.py")
    folder.table("1.1.0-1700000001-bills.py")


def test_a_pipeline_has_a_warning(sartor: Command, database: Database) -> None:
    """Status, check and deploy say what is there, and the ways out, and go on; the second deployment has a ledger."""
    database.run("create table jobs ()", "create view busy as select 1 as one", "create type mood as enum ('ok')")
    told = f"{NOTE} public.busy, public.jobs, public.mood"
    assert told in sartor("status").out
    assert told in check(sartor("check", "latest", "--json", expect=3), "check")["notes"][0]
    done = sartor("deploy", "1.0.0")
    (line,) = [line for line in done.err.splitlines() if NOTE in line]
    assert line.startswith(f"warning: {told}: if a release made them, record that: `sartor db alteration baseline")
    assert done.err.index(NOTE) < done.err.index("deployed  1.0.0")
    assert NOTE not in sartor("deploy", "latest").err


def test_the_setting_refuses(sartor: Command, database: Database) -> None:
    """`existing = "refuse"` refuses before anything is written, with the ways out; what is ignored doesn't count."""
    database.run("create table jobs ()", "create function twice(int) returns int language sql as 'select 2'")
    (sartor.directory / "sartor.toml").write_text('existing = "refuse"\n')
    for arguments in (("deploy", "latest"), ("deploy", "latest", "--yes"), ("check", "latest")):
        refused = sartor(*arguments, expect=2).err
        assert f"error: {NOTE} public.jobs, public.twice(integer)" in refused
        assert (
            "hint: if a release made them, record that: `sartor db alteration baseline VERSION`; if they are" in refused
        )
    shown = check(sartor("deploy", "latest", "--json", expect=2), "deploy")
    assert (shown["error"]["kind"], shown["done"]) == ("SchemaNotEmpty", [])
    assert database.tables() == {"jobs"}
    sartor("deploy", "latest", env={"SARTOR_EXISTING": "note"})
    sartor("deploy", "latest", "--schema", "empty")
    wrong = sartor("deploy", "latest", env={"SARTOR_EXISTING": "x"}, expect=2).err
    assert "invalid value 'x' for SARTOR_EXISTING; use one of note, refuse" in wrong


def test_what_does_not_count(sartor: Command, database: Database) -> None:
    """Extensions' objects, another tool's own table and what the settings ignore are no reason for a word."""
    database.run(
        "create extension pg_trgm",
        "create table schema_migrations (version varchar primary key)",
        "create table jobs (id serial primary key, at timestamptz default now())",
    )
    (sartor.directory / "sartor.toml").write_text('existing = "refuse"\nignore-objects = ["public.jobs"]\n')
    assert NOTE not in sartor("deploy", "latest").err
    sartor("verify")


@pytest.mark.parametrize("tool", OTHERS)
def test_other_tools(sartor: Command, database: Database, tool: str) -> None:
    """A database of another tool is known by that tool's table, with the command that takes it over."""
    table, name = OTHERS[tool]
    database.run(table, "create table users (id int)")
    told = sartor("status").out
    assert f"{NOTE} public.users, and {tool}'s own table: " in told
    command = f"sartor db alteration import {name} PATH --release VERSION --baseline"
    assert (command in told) == bool(name)


@pytest.mark.parametrize("answer", ["stop", "baseline", "differs", "deploy"])
def test_a_terminal_is_asked(sartor: Command, database: Database, answer: str) -> None:
    """It stops, deploys beside what is there, or records a release and then deploys the rest."""
    made = {"baseline": "create table users (id int)", "differs": "create table users (name text)"}
    database.run(made.get(answer, "create table jobs ()"))
    with Terminal(sartor, "deploy", "1.1.0") as terminal:
        terminal.until("What is to be done in")
        terminal.until("beside them")
        assert f"{NOTE} public." in terminal.output
        terminal.press(*{"stop": (), "baseline": (DOWN,), "differs": (DOWN,), "deploy": (DOWN, DOWN)}[answer], ENTER)
        if answer in made:
            terminal.until("Choose the release that")
            terminal.until("1.0.0")
            terminal.press(DOWN, ENTER)
        assert terminal.end() == {"stop": 2, "differs": 4}.get(answer, 0)
    tables = {"stop": "jobs", "baseline": "users bills", "differs": "users", "deploy": "jobs users bills"}
    assert database.tables() == {*tables[answer].split()}
    assert ("column public.users.name: added" in terminal.output) == (answer == "differs")
    if answer == "baseline":
        assert "Recorded 1 alteration as deployed, up to release 1.0.0" in terminal.output
        assert terminal.lines[-1].startswith("Deployed 1 alteration in")
