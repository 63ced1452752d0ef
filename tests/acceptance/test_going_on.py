"""The command that is printed after a failure does what is left of what was asked, and no more."""

from __future__ import annotations

import shlex

import pytest

from support.command import Command, Finished
from support.database import Database
from support.folder import Folder

NAMES = [f"1.0.0-{1700000000 + number}-{letter}.py" for number, letter in enumerate("abcd")]


def going_on(done: Finished) -> list[str]:
    """The words behind `sartor db alteration` of the one command that goes on."""
    (line,) = [line.partition("resume with: ")[2] for line in done.err.splitlines() if "resume with: " in line]
    return shlex.split(line)[3:]


def each_going_on(done: Finished) -> list[list[str]]:
    """The words behind `sartor db alteration` of the commands that go on at several destinations, in order."""
    lines = done.out.splitlines()
    ways = lines[next(at for at, line in enumerate(lines) if "resume with" in line) + 1 :]
    return [shlex.split(line)[3:] for line in ways]


def fails(folder: Folder, name: str, direction: str) -> None:
    """Let an alteration fail in one direction."""
    slug = name.split("-")[2].removesuffix(".py")
    sql = {"up": f"create table {slug} (id int)", "down": f"drop table {slug}"}
    folder.add(name, **(sql | {direction: "select 1/0"}))


@pytest.mark.parametrize("words", [["--steps", "3"], ["--steps=3"], ["--steps", "9", "--steps=3"]])
def test_steps_of_a_rollback(sartor: Command, folder: Folder, database: Database, words: list[str]) -> None:
    """`rollback --steps 3` that undid one goes on with `--steps 2`."""
    for name in NAMES:
        folder.table(name)
    sartor("deploy", "latest")
    fails(folder, NAMES[2], "down")
    failed = sartor("rollback", "--accept-edited", "1700000002-c", *words, expect=1)
    folder.table(NAMES[2])
    assert going_on(failed) == ["rollback", "--steps", "2", "--accept-edited", "1700000002-c"]
    sartor(*going_on(failed))
    assert database.tables() == {"a"}


def test_steps_of_a_deployment(sartor: Command, folder: Folder, database: Database) -> None:
    """`deploy --steps 3` that deployed one goes on with `--steps 2`."""
    for name in NAMES:
        folder.table(name)
    fails(folder, NAMES[1], "up")
    failed = sartor("deploy", "latest", "--steps", "3", expect=1)
    folder.table(NAMES[1])
    sartor(*going_on(failed))
    assert database.tables() == {"a", "b", "c"}


def test_steps_of_several_destinations(sartor: Command, folder: Folder, database: Database) -> None:
    """What is done at the first isn't done again there: the command that goes on is for the one that failed."""
    for name in NAMES:
        folder.table(name)
    folder.write(
        NAMES[1],
        """
        async def up(conn, run):
            await conn.execute("create table b (id int)")
            if run.schema == "globex":
                raise ValueError

        async def down(conn): ...
        """,
    )
    env = {"SARTOR_SCHEMA": "acme", "SARTOR_SCHEMA_1": "globex"}
    failed = sartor("deploy", "latest", "--steps", "2", env=env, expect=1)
    folder.table(NAMES[1])
    (words,) = each_going_on(failed)
    sartor(*words, "--accept-edited", "1700000001-b", env=env)
    tables = database.rows("select schemaname, count(*) from pg_tables where tablename ~ '^.$' group by 1 order by 1")
    assert [tuple(row) for row in tables] == [("acme", 2), ("globex", 2)]


LISTS = {
    "--schemas": "tenant_*",
    "--schemas-from": "select 'tenant_' || n from generate_series(1, 2) n",
    "--urls-from": "urls",
}


@pytest.mark.parametrize("option", LISTS)
def test_one_of_a_list_goes_on_alone(sartor: Command, folder: Folder, database: Database, option: str) -> None:
    """Of destinations that a list names, each that failed is named by its own URL and schema."""
    folder.table(NAMES[0])
    fails(folder, NAMES[1], "up")
    database.run("create schema tenant_1", "create schema tenant_2")
    (sartor.directory / "urls").write_text(f"{database.url}?schema=tenant_1\n{database.url}?schema=tenant_2\n")
    failed = sartor("deploy", "latest", "--steps", "2", option, LISTS[option], expect=1)
    folder.table(NAMES[1])
    both = each_going_on(failed)
    assert len(both) == 2
    for words in both:
        assert option not in words
        sartor(*words)
    assert database.tables("tenant_1") == database.tables("tenant_2") == {"a", "b"}


def test_what_was_accepted_is_no_mistake(sartor: Command, folder: Folder, database: Database) -> None:
    """After `--accept-missing` and a failure, the same words go on: what is forgotten by now is told as that."""
    for name in NAMES[:2]:
        folder.table(name)
    sartor("deploy", "latest")
    (folder.path / NAMES[1]).unlink()
    fails(folder, NAMES[2], "up")
    failed = sartor("deploy", "latest", "--accept-missing", "1700000001-b", expect=1)
    folder.table(NAMES[2])
    done = sartor(*going_on(failed))
    assert "note: 1700000001-b isn't deployed here, so there is nothing to accept" in done.err
    assert database.tables() == {"a", "b", "c"}


def test_fresh_goes_on_as_a_deployment(sartor: Command, folder: Folder, database: Database) -> None:
    """`fresh` that failed has dropped what it drops: what goes on deploys, and drops nothing."""
    folder.table(NAMES[0])
    fails(folder, NAMES[1], "up")
    failed = sartor("fresh", "--yes", expect=1)
    assert going_on(failed) == ["deploy", "next"]
    database.run("insert into a values (1)")
    folder.table(NAMES[1])
    sartor(*going_on(failed))
    assert database.rows("select count(*) from a")[0][0] == 1


def test_a_password_has_to_be_put_in(sartor: Command, folder: Folder, database: Database) -> None:
    """A password on the command line is hidden in the command that goes on, and that is said."""
    fails(folder, NAMES[0], "up")
    url = database.url.replace("postgres@", "postgres:S3cr3t@", 1)
    failed = sartor("deploy", "latest", "--db-url", url, expect=1)
    assert "postgres:***@" in going_on(failed)[3]
    assert "(replace *** with the password)" in failed.err
    assert "S3cr3t" not in failed.err


@pytest.mark.parametrize(
    "words",
    [
        ["deploy", "--", "1.0.0"],
        ["deploy", "1.0.0", "--"],
        ["status", "--"],
        ["list", "--"],
        ["check", "--plan-only", "--"],
    ],
)
def test_two_dashes(sartor: Command, folder: Folder, words: list[str]) -> None:
    """`--` ends the options, as everywhere."""
    folder.table(NAMES[0])
    sartor(*words, expect=3 if words[0] == "check" else 0)
