"""CREATE INDEX CONCURRENTLY and what runs outside a transaction: interrupted, taken up again, valid in the end."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from support.command import Command, finish
from support.database import Database, with_name
from support.folder import Folder
from support.sessions import Holder, backend_running, holding, until

STATEMENTS = {
    "named": "create index concurrently users_id on users (id)",
    "if not exists": "create index concurrently if not exists users_id on users (id)",
    "unnamed": "create index concurrently on users (id)",
}
NAME = "1.0.0-1700000001-index.py"
INDEXES = "select indexrelid::regclass::text, indisvalid from pg_index where indrelid = 'users'::regclass order by 1"

OUTSIDE = """
    transaction = False


    async def up(conn):
        {first}
        await conn.execute({statement!r})


    async def down(conn):
        await conn.execute("drop index concurrently if exists users_id")
"""

BEFORE = """
    async def before_up(conn):
        {first}
        await conn.execute({statement!r})


    async def up(conn):
        await conn.execute("create table b (id int)")


    async def before_down(conn):
        await conn.execute("drop index concurrently if exists users_id")


    async def down(conn):
        await conn.execute("drop table b")
"""

UNWATCHED = (
    "await conn.fetch(\"select set_config(name, '0', false) from pg_settings where name like 'client_conn%_check%'\")"
)
"""Makes the server slow to notice that a client is gone."""


@pytest.fixture
def users(sartor: Command, folder: Folder) -> None:
    """A table that an alteration before the one in question made."""
    folder.add("1.0.0-1700000000-users.py", up="create table users (id int)", down="drop table users")
    sartor("deploy", "1.0.0")


@pytest.fixture
def reader(database: Database) -> Iterator[Holder]:
    """A session with an old snapshot, for which every concurrent build waits before it calls an index valid."""
    with holding(database.url, "begin isolation level repeatable read", "select 1") as found:
        yield found


def kill_in_build(sartor: Command, database: Database) -> int:
    """`kill -9` a deploy whose index is built, and not yet valid; its server process."""
    process = sartor.start("deploy", "1.0.0")
    until(lambda: (False,) in database.rows("select indisvalid from pg_index where indrelid = 'users'::regclass"))
    pid = until(lambda: backend_running(database, "create index"))[0]
    process.kill()
    process.communicate()
    return int(pid)


def check_interrupted(sartor: Command) -> None:
    """`status` tells what happened, and doesn't take the alteration for done."""
    status = sartor("status", "--json").json
    assert [a["name"] for a in status["interrupted"]] == [NAME]
    assert NAME not in [a["name"] for a in status["deployed"]]
    assert f"{NAME} was interrupted" in sartor("status").out


def new_build(database: Database, old: int) -> bool:
    """Whether another server process than the old one builds."""
    return any(pid != old for pid in backend_running(database, "create index"))


@pytest.mark.usefixtures("users")
@pytest.mark.parametrize(
    ("text", "statement"),
    [*((OUTSIDE, statement) for statement in STATEMENTS.values()), (BEFORE, STATEMENTS["if not exists"])],
    ids=[*STATEMENTS, "before_up"],
)
def test_killed_in_a_build(
    statement: str, text: str, sartor: Command, folder: Folder, database: Database, reader: Holder
) -> None:
    """The invalid index that a killed run leaves is dropped and built again; nothing is left of the first one."""
    folder.write(NAME, text.format(statement=statement, first=""))
    orphan = kill_in_build(sartor, database)
    check_interrupted(sartor)
    process = sartor.start("deploy", "1.0.0")
    until(lambda: new_build(database, orphan))
    reader.run("rollback")
    ended = finish(process)
    assert ended.code == 0, ended
    assert "a deploy or rollback resumes it" in ended.err
    assert [valid for _, valid in database.rows(INDEXES)] == [True]
    assert sartor("status", "--json").json["interrupted"] == []
    assert sartor("deploy", "1.0.0").out == "Found 0 alteration to deploy\n"


@pytest.mark.usefixtures("users")
def test_a_build_waits_without_a_limit(sartor: Command, folder: Folder, database: Database, reader: Holder) -> None:
    """What a concurrent build waits for is named, and no lock budget is told of: it has none."""
    folder.write(NAME, OUTSIDE.format(statement=STATEMENTS["named"], first=""))
    process = sartor.start("deploy", "1.0.0", "--lock-budget", "1s")
    assert process.stderr
    line = next((line for line in process.stderr if "waiting for a lock" in line), "")
    assert line.startswith(f"{NAME}: ")
    assert f"pid {reader.pid}" in line
    assert line.endswith("; this statement waits without a limit\n")
    reader.run("rollback")
    assert finish(process).code == 0
    assert database.rows(INDEXES) == [("users_id", True)]


@pytest.mark.usefixtures("users")
def test_the_orphan_lives_on(sartor: Command, folder: Folder, database: Database, reader: Holder) -> None:
    """While the killed run's server process is at work, nobody works beside it: with --wait over, exit 5 says whom."""
    folder.write(NAME, OUTSIDE.format(statement=STATEMENTS["if not exists"], first=UNWATCHED))
    orphan = kill_in_build(sartor, database)
    held = sartor("deploy", "1.0.0", "--wait", "1s", expect=5)
    assert f"pg_terminate_backend({orphan})" in held.err
    assert f"waiting for the server process {orphan}" in held.err
    check_interrupted(sartor)
    process = sartor.start("deploy", "1.0.0")
    assert process.stderr
    assert any(f"waiting for the server process {orphan}" in line for line in process.stderr)
    reader.run("rollback")
    assert finish(process).code == 0
    assert database.rows(INDEXES) == [("users_id", True)]


@pytest.mark.usefixtures("users")
@pytest.mark.parametrize("statement", [STATEMENTS["named"], STATEMENTS["if not exists"]])
def test_an_invalid_index_from_elsewhere(statement: str, sartor: Command, folder: Folder, database: Database) -> None:
    """An invalid index of the script's name isn't taken for the script's work, whoever left it."""
    database.run("insert into users values (1), (1)")
    with pytest.raises(Exception, match="could not create unique index"):
        database.run("create unique index concurrently users_id on users (id)")
    assert database.rows(INDEXES) == [("users_id", False)]
    folder.write(NAME, OUTSIDE.format(statement=statement, first=""))
    assert "dropping the invalid index users_id" in sartor("deploy", "1.0.0").err
    assert database.rows(INDEXES) == [("users_id", True)]


@pytest.mark.usefixtures("users")
@pytest.mark.parametrize("if_not_exists", ["", "if not exists "])
def test_a_unique_build_that_finds_duplicates(
    if_not_exists: str, sartor: Command, folder: Folder, database: Database
) -> None:
    """A build that fails says why and what stays; when the data is mended, the same command builds a valid index."""
    database.run("insert into users values (1), (1)")
    statement = f"create unique index concurrently {if_not_exists}users_id on users (id)"
    folder.write(NAME, OUTSIDE.format(statement=statement, first=""))
    for _ in range(2):
        failed = sartor("deploy", "1.0.0", expect=1).err
        assert "could not create unique index" in failed
        assert "Key (id)=(1) is duplicated" in failed
        assert "its changes outside a transaction stay" in failed
        check_interrupted(sartor)
    database.run("delete from users")
    sartor("deploy", "1.0.0")
    assert database.rows(INDEXES) == [("users_id", True)]


@pytest.mark.parametrize("text", [OUTSIDE, BEFORE], ids=["transaction = False", "before_up"])
def test_a_pooler_is_refused(text: str, sartor: Command, folder: Folder, database: Database, pooler_url: str) -> None:
    """What needs a server session of its own isn't begun through a pooler, nor is anything before it."""
    folder.table("1.0.0-1700000000-users.py")
    folder.write(NAME, text.format(statement=STATEMENTS["named"], first=""))
    there = {"SARTOR_DB_URL": with_name(pooler_url, database.name)}
    refused = sartor("deploy", "1.0.0", env=there, expect=6).err
    assert "pgbouncer" in refused
    assert NAME in refused
    assert database.rows("select relname from pg_class where relnamespace = 'public'::regnamespace") == []


@pytest.mark.usefixtures("users")
def test_killed_in_a_rollback(sartor: Command, folder: Folder, database: Database) -> None:
    """A DROP INDEX CONCURRENTLY that was killed is taken up again by the next rollback."""
    folder.write(NAME, OUTSIDE.format(statement=STATEMENTS["named"], first=""))
    sartor("deploy", "1.0.0")
    with holding(database.url, "begin", "select * from users"):
        process: subprocess.Popen[str] = sartor.start("rollback", "--steps", "1", "--yes")
        until(lambda: database.rows(INDEXES) == [("users_id", False)])
        process.kill()
        process.communicate()
        check_interrupted(sartor)
    sartor("rollback", "--steps", "1", "--yes")
    assert database.rows(INDEXES) == []
    assert sartor("status", "--json").json["interrupted"] == []


@pytest.mark.usefixtures("users")
def test_the_orphan_is_known_in_any_time_zone(
    sartor: Command, folder: Folder, database: Database, reader: Holder
) -> None:
    """The killed run's server process is found where the sessions of the next run have another TimeZone."""
    folder.write(NAME, OUTSIDE.format(statement=STATEMENTS["if not exists"], first=UNWATCHED))
    orphan = kill_in_build(sartor, database)
    database.run(f"alter database {database.name} set timezone = 'Asia/Tokyo'")
    assert f"waiting for the server process {orphan}" in sartor("deploy", "1.0.0", "--wait", "1s", expect=5).err
    reader.run("rollback")


@pytest.mark.usefixtures("users")
@pytest.mark.parametrize("statement", [STATEMENTS["named"], STATEMENTS["if not exists"]])
def test_a_build_that_loses_a_deadlock(statement: str, sartor: Command, folder: Folder, database: Database) -> None:
    """The build is tried again within the same run, and not over the invalid index of the first time."""
    folder.write(NAME, OUTSIDE.format(statement=statement, first=""))
    # The first to look for the deadlock is the one that loses it: the rival doesn't look.
    with holding(database.url, "set deadlock_timeout = '1h'", "begin", "insert into users values (1)") as rival:
        process = sartor.start("deploy", "1.0.0")
        until(lambda: (False,) in database.rows("select indisvalid from pg_index where indrelid = 'users'::regclass"))
        rival.run("lock table users in access exclusive mode")
        rival.run("commit")
    ended = finish(process)
    assert ended.code == 0, ended
    assert "dropping the invalid index users_id" in ended.err
    assert database.rows(INDEXES) == [("users_id", True)]


@pytest.mark.usefixtures("users")
def test_another_event_in_between(sartor: Command, folder: Folder) -> None:
    """A run whose plan goes stale while its script is at work outside doesn't wait for itself to be gone."""
    event = """insert into sartor_journal (seq, prev, token, kind, by_user, host, sartor, format)
        select max(seq) + 1, max(seq), '', 'seeded', '', '', '', 1 from sartor_journal
        having bool_and(kind <> 'seeded')"""
    folder.write(NAME, OUTSIDE.format(statement=STATEMENTS["if not exists"], first=f"await conn.execute({event!r})"))
    sartor("deploy", "1.0.0", "--wait", "1s")
    assert sartor("status", "--json").json["interrupted"] == []


@pytest.mark.usefixtures("users")
def test_the_word_in_a_comment_makes_nobody_wait(sartor: Command, folder: Folder, database: Database) -> None:
    """Only a statement that waits for others by its nature has no lock_timeout; its script's others have."""
    folder.write(
        "1.0.0-1700000001-index.sql",
        """
        -- sartor: transaction off
        -- sartor: up
        -- not concurrently
        create index concurrently if not exists users_id on users (id);
        create table if not exists seen (what text);
        insert into seen values (current_setting('lock_timeout'));
        /* concurrently */ alter table users add column if not exists "concurrently" int default 1;
        """,
    )
    sartor("check", "--sql", "plan.sql", expect=3)
    plan = (sartor.directory / "plan.sql").read_text()
    assert plan.count("lock_timeout = '0ms'") + plan.count("lock_timeout = 0;") == 1
    with holding(database.url, "begin", "select from users"):
        sartor("deploy", "1.0.0", "--lock-budget", "500ms", expect=5)
    assert database.rows("select distinct what from seen") == [("300ms",)]
    sartor("deploy", "1.0.0")
