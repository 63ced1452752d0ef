"""Scripts sent in one message, and what happens in the middle of it: each is still its own transaction."""

from __future__ import annotations

import asyncio
import signal
import time

import pytest

import sartor
from sartor import Destination, Note, RunEvent
from sartor.execution import monitor
from sartor.execution.executors import batch
from support.command import Command, Finished, finish
from support.database import Database, temporary_database, with_name
from support.folder import Folder
from support.proxy import proxy_to
from support.sessions import at_work, backend_waiting, holding, until

BOUND = 10.0
"""Seconds in which an interrupted command ends, two of them its own."""

IDS = [f"170000000{n}-t{n}" for n in range(6)]
MIDDLE = "1.0.0-1700000003-t3.py"
LOCK = "select pg_advisory_lock(7)"
BLOCKED = """
async def up(conn):
    await conn.execute("create table t3 (id int)")
    await conn.execute("select set_config('lock_timeout', '0', true), pg_advisory_xact_lock(7)")


async def down(conn):
    await conn.execute("drop table t3")
"""
STUBBORN = """do $$ begin
    loop
        begin perform pg_sleep(0.1); exception when query_canceled then null; end;
    end loop;
end $$"""


@pytest.fixture(autouse=True)
def scripts(folder: Folder) -> None:
    """Six straight scripts, each making a table; the fourth one waits while someone holds the advisory lock 7."""
    for identity in IDS:
        folder.table(f"1.0.0-{identity}.py")
    folder.write(MIDDLE, BLOCKED)


@pytest.fixture(params=["directly", "pooled"])
def url(request: pytest.FixtureRequest, database: Database, pooler_url: str) -> str:
    """The database's URL, directly or through the pooler."""
    return database.url if request.param == "directly" else with_name(pooler_url, database.name)


def check(ended: Finished, database: Database, code: int) -> None:
    """What was committed before the fourth script stayed and is told, nothing of the rest is there, or comes later."""
    assert ended.code == code, ended
    assert "Traceback" not in ended.err, ended.err
    assert [[a["id"] for a in ended.json[key]] for key in ("done", "remaining")] == [IDS[:3], IDS[3:]]
    until(lambda: not at_work(database), what="the session's end")
    assert database.tables() == {"t0", "t1", "t2"}


def go_on(sartor: Command, database: Database) -> None:
    """The same command does the rest."""
    assert [a["id"] for a in sartor("deploy", "latest", "--json").json["done"]] == IDS[3:]
    assert database.tables() == {f"t{n}" for n in range(6)}


def test_interrupted(sartor: Command, database: Database, url: str) -> None:
    """Ctrl-C ends the statement under way, and nothing behind it runs."""
    with holding(database.url, LOCK):
        process = sartor.start("deploy", "latest", "--json", env={"SARTOR_DB_URL": url})
        until(lambda: backend_waiting(database, "advisory"))
        began = time.monotonic()
        ended = finish(process, signal.SIGINT)
        assert time.monotonic() - began < BOUND
        check(ended, database, 130)
    go_on(sartor, database)


def test_interrupted_in_a_statement_that_swallows_the_cancel(
    sartor: Command, folder: Folder, database: Database, url: str
) -> None:
    """A statement that doesn't give way to a cancel is ended with its server process."""
    folder.add(MIDDLE, up=STUBBORN)
    process = sartor.start("deploy", "latest", "--json", env={"SARTOR_DB_URL": url})
    until(lambda: backend_waiting(database, "PgSleep"))
    began = time.monotonic()
    ended = finish(process, signal.SIGINT)
    assert time.monotonic() - began < BOUND
    check(ended, database, 130)


def test_interrupted_in_a_statement_that_takes_the_cancel_for_its_end(
    sartor: Command, folder: Folder, database: Database, url: str
) -> None:
    """A statement that would go on after a cancel doesn't, and nothing behind it begins."""
    folder.add(MIDDLE, up="do $$ begin perform pg_sleep(60); exception when query_canceled then null; end $$")
    process = sartor.start("deploy", "latest", "--json", env={"SARTOR_DB_URL": url})
    until(lambda: backend_waiting(database, "PgSleep"))
    check(finish(process, signal.SIGINT), database, 130)


def test_interrupted_with_the_network_gone(sartor: Command, database: Database, url: str) -> None:
    """Ctrl-C ends the command even where nothing passes any more, and tells what it knows to be committed."""
    with holding(database.url, LOCK), proxy_to(url) as proxy:
        process = sartor.start("deploy", "latest", "--json", env={"SARTOR_DB_URL": proxy.url})
        assert process.stderr
        # The server is ahead of what the command has heard: it tells that line by line.
        assert any(IDS[2] in line for line in process.stderr)
        until(lambda: backend_waiting(database, "advisory"))
        proxy.stall()
        began = time.monotonic()
        ended = finish(process, signal.SIGINT)
        assert time.monotonic() - began < BOUND
        proxy.cut()
        check_held(ended, database, 130)


def check_held(ended: Finished, database: Database, code: int) -> None:
    """As `check`, where the server's process may be left behind: it doesn't outlive the lock that it waits for."""
    for pid in backend_waiting(database, "advisory"):
        database.run(f"select pg_terminate_backend({pid})")
    check(ended, database, code)


def test_a_commit_fails_in_the_middle(sartor: Command, folder: Folder, database: Database, url: str) -> None:
    """An error between a script's statements and the next one's is the COMMIT's where that isn't in the journal."""
    folder.add(
        MIDDLE,
        up="create table t3 (id int unique deferrable initially deferred); insert into t3 values (1), (1)",
    )
    ended = sartor("deploy", "latest", "--json", env={"SARTOR_DB_URL": url}, expect=1)
    check(ended, database, 1)
    assert ended.json["failed"]["sqlstate"] == "23505"


def test_a_claim_fails_in_the_middle(sartor: Command, folder: Folder, database: Database, url: str) -> None:
    """An error between a script's statements and the next one's is the claim's where the COMMIT is in the journal."""
    folder.add(
        MIDDLE,
        up="""create table t3 (id int);
            insert into sartor_journal (seq, prev, token, kind, by_user, host, sartor, format)
            select seq + 1, seq, 'another', 'backup', by_user, host, sartor, format
            from sartor_journal order by seq desc limit 1""",
    )
    ended = sartor("deploy", "latest", "--json", env={"SARTOR_DB_URL": url})
    assert [a["id"] for a in ended.json["done"]] == IDS
    assert database.tables() == {f"t{n}" for n in range(6)}
    assert database.rows("select seq from sartor_journal order by seq") == [(n,) for n in range(8)]


def test_the_connection_is_cut(sartor: Command, database: Database, url: str) -> None:
    """A run whose connection is lost ends with 6 and the truth: the server doesn't go on with the rest of the batch."""
    with holding(database.url, LOCK) as holder, proxy_to(url) as proxy:
        process = sartor.start("deploy", "latest", "--json", env={"SARTOR_DB_URL": proxy.url})
        until(lambda: backend_waiting(database, "advisory"))
        proxy.cut()
        ended = finish(process)
        holder.run("select pg_advisory_unlock_all()")
        check(ended, database, 6)
    assert "rolled back" in ended.json["error"]["message"]
    go_on(sartor, database)


@pytest.mark.parametrize("way", [(), ("--no-batch",)], ids=["batched", "apart"])
def test_the_session_is_terminated(way: tuple[str, ...], sartor: Command, database: Database, url: str) -> None:
    """A session that an administrator ends changed nothing of the script under way."""
    with holding(database.url, LOCK):
        process = sartor.start("deploy", "latest", "--json", *way, env={"SARTOR_DB_URL": url})
        (pid,) = until(lambda: backend_waiting(database, "advisory"))
        database.run(f"select pg_terminate_backend({pid})")
        check(finish(process), database, 6)
    go_on(sartor, database)


def test_killed(sartor: Command, database: Database, url: str) -> None:
    """`kill -9` in the middle: what was committed stays, and the same command goes on once the server has noticed."""
    with holding(database.url, LOCK):
        process = sartor.start("deploy", "latest", env={"SARTOR_DB_URL": url})
        until(lambda: backend_waiting(database, "advisory"))
        process.kill()
        process.communicate()
        until(lambda: not at_work(database))
    assert database.tables() == {"t0", "t1", "t2"}
    go_on(sartor, database)


def test_each_script_is_told_of_as_it_commits(sartor: Command, database: Database, url: str) -> None:
    """While a script late in the batch waits, the lines about those before it are there already."""
    with holding(database.url, LOCK) as holder:
        process = sartor.start("deploy", "latest", env={"SARTOR_DB_URL": url})
        until(lambda: backend_waiting(database, "advisory"))
        assert process.stderr
        told = [process.stderr.readline().split()[1] for _ in range(4)]
        assert told[1:] == [f"1.0.0-{identity}.py" for identity in IDS[:3]]
        holder.run("select pg_advisory_unlock_all()")
        assert finish(process).code == 0


def test_who_is_in_the_way_is_named(sartor: Command, folder: Folder, database: Database, url: str) -> None:
    """A wait for a lock in the middle is told of, tried again by itself, and the rest goes on."""
    database.run("create table held (id int)")
    folder.add(MIDDLE, up="create table t3 (id int); alter table held add column body text")
    with holding(database.url, "begin", "select count(*) from held") as holder:
        process = sartor.start("deploy", "latest", env={"SARTOR_DB_URL": url})
        assert process.stderr
        line = next((text for text in process.stderr if "waiting for a lock" in text), "")
        assert "nightly-report" in line
        assert f"pid {holder.pid}" in line
        assert database.tables() == {"held", "t0", "t1", "t2"}
        holder.run("rollback")
        assert finish(process).code == 0
    assert database.tables() == {"held", *(f"t{n}" for n in range(6))}


def test_what_takes_long_is_the_scripts(database: Database, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement that takes long is told of as the script's own, named, and again when that has doubled."""
    monkeypatch.setattr(monitor, "LONG", 0.3)
    folder.write(
        MIDDLE,
        'async def up(conn):\n    await conn.execute("select 1")\n    await conn.execute("select pg_sleep(60)")\n',
    )
    notes: list[str] = []

    async def deploy_until_told_twice() -> None:
        told = asyncio.Event()

        def observer(event: RunEvent) -> None:
            if isinstance(event, Note) and "running for" in event.text:
                notes.append(event.text)
                if len(notes) == 2:
                    told.set()

        sources = [sartor.LineageSource(name="main", location=str(folder.path))]
        run = asyncio.create_task(sartor.deploy(Destination.parse(database.url), sources, observer=observer))
        await asyncio.wait_for(told.wait(), 20)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    asyncio.run(deploy_until_told_twice())
    for note in notes:
        assert note.startswith(f"{MIDDLE}: running for ")
        assert note.endswith("select pg_sleep(60)")


@pytest.mark.parametrize(
    "setting",
    [
        "standard_conforming_strings = off",
        "client_min_messages = error",
        "default_transaction_isolation = serializable",
        "default_transaction_deferrable = on",
        "statement_timeout = '5s'",
        "search_path = nowhere",
        "idle_in_transaction_session_timeout = '1s'",
        "check_function_bodies = off",
        "backslash_quote = on",
        "track_activities = off",
    ],
)
def test_settings_of_the_database(setting: str, sartor: Command, database: Database) -> None:
    """Whatever the database's own settings are: up and down as without them."""
    database.run(f"alter database {database.name} set {setting}")
    assert [a["id"] for a in sartor("deploy", "latest", "--json").json["done"]] == IDS
    assert [a["id"] for a in sartor("rollback", "0", "--yes", "--json").json["done"]] == IDS[::-1]


def test_a_database_without_an_encoding(sartor: Command, folder: Folder, server_url: str) -> None:
    """Where the server counts bytes, the place of an error is still told: its line, behind what isn't ASCII."""
    folder.add(MIDDLE, up="select 'größe, länge, höhe'")
    folder.write("1.0.0-1700000009-t9.sql", "-- sartor: up\nselect 1,\n 2,\n nowhere;")
    with temporary_database(server_url, "encoding 'SQL_ASCII' locale 'C' template template0") as database:
        there = {"SARTOR_DB_URL": database.url}
        failed = sartor("deploy", "latest", "--json", env=there, expect=1).json["failed"]
    assert failed["line"] == 4
    assert failed["statement"][failed["position"] :] == "nowhere"


def test_an_event_trigger(sartor: Command, database: Database) -> None:
    """Event triggers fire for a batch's statements as for others, and see the script's settings."""
    database.run(
        "create table seen (tag text, path text)",
        """create function note() returns event_trigger language plpgsql as $$ begin
            insert into public.seen values (tg_tag, current_setting('search_path')); end $$""",
        "create event trigger noting on ddl_command_end execute function note()",
    )
    sartor("deploy", "latest")
    assert (
        database.rows("select tag, path from seen where tag = 'CREATE TABLE'")[-6:] == [("CREATE TABLE", "public")] * 6
    )


def test_an_event_trigger_that_a_script_makes(sartor: Command, folder: Folder, database: Database) -> None:
    """What an event trigger leaves in the session is gone for the next script, also where the same run has made it."""
    folder.write(
        "1.0.0-1600000000-trigger.sql",
        """
        -- sartor: up
        create table seen (tag text, memory text);
        create function note() returns event_trigger language plpgsql as $$ begin
            insert into public.seen values (tg_tag, current_setting('work_mem'));
            perform set_config('work_mem', '77MB', false); end $$;
        create event trigger noting on ddl_command_end execute function note();
        """,
    )
    sartor("deploy", "latest")
    assert database.rows("select distinct memory = '77MB' from seen where tag = 'CREATE TABLE'") == [(False,)]


def test_without_plpgsql(sartor: Command, database: Database) -> None:
    """A database without PL/pgSQL, in which a batch can't tell how far it is, is deployed to all the same."""
    database.run("drop extension plpgsql")
    assert [a["id"] for a in sartor("deploy", "latest", "--json").json["done"]] == IDS
    assert [a["id"] for a in sartor("rollback", "0", "--yes", "--json").json["done"]] == IDS[::-1]


def test_a_script_drops_plpgsql(sartor: Command, folder: Folder) -> None:
    """A script that drops PL/pgSQL takes the way of telling how far a batch is with it, and isn't blamed for that."""
    folder.add(MIDDLE, up="drop extension plpgsql", down="create extension plpgsql")
    assert [a["id"] for a in sartor("deploy", "latest", "--json").json["done"]] == IDS
    assert [a["id"] for a in sartor("rollback", "0", "--yes", "--json").json["done"]] == IDS[::-1]


def test_a_role_without_plpgsql(sartor: Command, folder: Folder, database: Database) -> None:
    """A script may do some of its work as a role that may not use PL/pgSQL."""
    database.run("revoke usage on language plpgsql from public")
    folder.write(
        "1.0.0-1700000004-t4.sql",
        """
        -- sartor: up
        set role pg_monitor;
        select 1;
        reset role;
        -- sartor: down
        """,
    )
    (folder.path / "1.0.0-1700000004-t4.py").unlink()
    assert [a["id"] for a in sartor("deploy", "latest", "--json").json["done"]] == IDS


SEEN = "insert into seen values ('{0}', current_query()); create table t{0} (id int)"


def test_strings_with_backslashes(sartor: Command, folder: Folder, database: Database) -> None:
    """Where a backslash escapes a quote, scripts aren't read as if it didn't: each is a message of its own."""
    database.run(
        "create table seen (script text, message text)",
        f"alter database {database.name} set standard_conforming_strings = off",
    )
    for number, identity in enumerate(IDS):
        folder.add(f"1.0.0-{identity}.py", up=SEEN.format(number))
    sartor("deploy", "latest")
    assert database.rows("select script, message from seen order by 1") == [
        (str(number), SEEN.format(number)) for number in range(len(IDS))
    ]


def test_a_message_has_an_end(sartor: Command, folder: Folder, database: Database) -> None:
    """Large scripts aren't all sent in one message, however few they are."""
    database.run("create table seen (script text, message text)")
    for number, identity in enumerate(IDS):
        folder.add(f"1.0.0-{identity}.py", up=f"{SEEN.format(number)} /* {'x' * batch.LONGEST} */")
    sartor("deploy", "latest")
    assert database.value("select max(length(message)) from seen") < 3 * batch.LONGEST


def test_a_script_begins_with_the_defaults(sartor: Command, folder: Folder, database: Database) -> None:
    """Defaults of a session that one script changed aren't those of the transaction behind it in the message."""
    level = "create table t{} as select current_setting('transaction_isolation') as level"
    for number, identity in enumerate(IDS):
        folder.add(
            f"1.0.0-{identity}.py",
            up=f"{level.format(number)}; set default_transaction_isolation = serializable",
            down=f"drop table t{number}",
        )
    sartor("deploy", "latest")
    levels = " union ".join(f"select level from t{number}" for number in range(len(IDS)))
    assert database.rows(levels) == [("read committed",)]


def test_a_script_plans_as_the_database_says(sartor: Command, folder: Folder, database: Database, url: str) -> None:
    """The setting by which claims and records are planned once isn't a script's, whatever was before it."""
    database.run(f"alter database {database.name} set plan_cache_mode = force_custom_plan")
    folder.add(MIDDLE, up="create table t3 as select current_setting('plan_cache_mode') as mode")
    folder.add("1.0.0-1700000004-t4.py", up="create table t4 as select current_setting('plan_cache_mode') as mode")
    sartor("deploy", "latest", env={"SARTOR_DB_URL": url})
    assert database.rows("select mode from t3 union all select mode from t4") == [("force_custom_plan",)] * 2
