"""The connection that scripts get, and that nothing of one script's session reaches the next."""

from __future__ import annotations

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder

SHOW = """
    async def up(conn, run):
        import asyncpg
        assert isinstance(conn, asyncpg.Connection)
        path = await conn.fetchval("show search_path")
        run.log(f"{path.replace(chr(34), str())}|{run.database}|{run.schema}|{run.user}|{run.server_version}")
        await conn.execute("create table a (id int)")
    """

WEAR = {
    "on the server": """
        async def up(conn):
            await conn.execute("set work_mem = '77MB'; set search_path = nowhere")
            await conn.execute("set session time zone 'Asia/Tokyo'; set default_transaction_read_only = on")
            await conn.execute("create temp table sartor_ledger (id int) on commit preserve rows")
            await conn.execute("prepare worn as select 1; listen worn; select pg_advisory_lock(4711)")
            await conn.execute("declare worn cursor with hold for select 1")
            await conn.prepare("select 1", name="mine")
        """,
    "in the client": """
        import json

        async def up(conn):
            await conn.set_type_codec("json", schema="pg_catalog", encoder=json.dumps, decoder=lambda _: "worn")
            await conn.add_listener("other", print)
        """,
}

FRESH = """
    async def up(conn):
        assert await conn.fetchval("show work_mem") != "77MB"
        assert await conn.fetchval("show search_path") == "tenant_a, public"
        assert await conn.fetchval("show time zone") != "Asia/Tokyo"
        assert await conn.fetchval("show default_transaction_read_only") == "off"
        assert "fresh" in await conn.fetchval("show application_name")
        assert await conn.fetchval("select to_regclass('pg_temp.sartor_ledger')") is None
        assert await conn.fetchval("select count(*) from pg_prepared_statements where not name like '__asyncpg%'") == 0
        assert await conn.fetchval("select count(*) from pg_cursors where name = 'worn'") == 0
        assert await conn.fetchval("select count(*) from pg_listening_channels()") == 0
        held = "select count(*) from pg_locks where locktype = 'advisory' and objid = 4711"
        assert await conn.fetchval(held) == 0
        assert await conn.fetchval("select '1'::json") == "1"
        await conn.execute("create table fresh (id int)")
    """


LIMITS = ("statement_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout", "transaction_timeout")


@pytest.mark.parametrize("first", ["", "transaction = False"], ids=["in a transaction", "outside"])
def test_no_default_cuts_a_script_off(first: str, sartor: Command, folder: Folder, database: Database) -> None:
    """The time limits that a role, a database or a server has by default are the application's, not a script's."""
    known = [name for (name,) in database.rows("select name from pg_settings where name = any($1)", LIMITS)]
    database.run(*(f"alter database {database.name} set {name} = '500ms'" for name in known))
    folder.write(
        "1.0.0-1-a.py",
        f"""
        import asyncio
        {first}

        async def up(conn):
            await asyncio.sleep(0.7)
            await conn.execute("create table a as select 1 as one from pg_sleep(0.7)")
            async with conn.transaction():
                await asyncio.sleep(0.7)
        """,
    )
    sartor("deploy", "latest")
    assert database.tables() == {"a"}


def test_a_real_connection_with_the_schema_first(sartor: Command, folder: Folder, database: Database) -> None:
    """Scripts get an asyncpg.Connection, its search_path the schema, then public; a 2nd parameter tells the run."""
    folder.write("1.0.0-1-a.py", SHOW)
    version = database.value("select current_setting('server_version_num')")
    done = sartor("deploy", "latest", "--schema", "tenant_a")
    note = f"note: 1.0.0-1-a.py: tenant_a, public|{database.name}|tenant_a|postgres|{version}\n"
    assert note in done.err
    assert (database.tables("tenant_a"), database.tables("public")) == ({"a"}, set())
    assert database.value("select count(*) from tenant_a.sartor_ledger") == 1


def test_further_schemas_of_the_search_path(sartor: Command, folder: Folder, database: Database) -> None:
    """Names are found in the schemas of `search-path` too: by a run, on a clone and in a plan by hand."""
    database.run("create schema extensions", "create function extensions.one() returns int language sql as 'select 1'")
    for number, head in enumerate(["", "-- sartor: transaction off\n"]):
        folder.write(
            f"1.0.0-170000000{number}-a.sql", f"{head}-- sartor: up\ncreate table t{number} (a int default one());\n"
        )
    folder.add("1.0.0-1700000002-b.py", "create table t2 (a int default one())")
    assert "one() does not exist" in sartor("deploy", "latest", expect=1).err
    path = {"SARTOR_SEARCH_PATH": "extensions"}
    assert 'search_path = "public", "extensions"' in sartor("check", env=path, expect=3).out
    sartor("rehearse", env=path)
    sartor("deploy", "latest", env=path)
    assert database.tables() == {"t0", "t1", "t2"}


@pytest.mark.parametrize("side", WEAR)
def test_a_session_does_not_leak(sartor: Command, folder: Folder, database: Database, side: str) -> None:
    """Settings, temporary tables, prepared statements, cursors, locks, listeners, codecs: the next has none."""
    folder.write("1.0.0-1-wear.py", WEAR[side])
    folder.write("1.0.0-2-fresh.py", FRESH)
    sartor("deploy", "latest", "--schema", "tenant_a")
    assert database.tables("tenant_a") == {"fresh"}


def test_a_failed_scripts_session_does_not_leak(sartor: Command, folder: Folder, database: Database) -> None:
    """What a failing script did to its session doesn't reach the record of its failure."""
    folder.write("1.0.0-1-wear.py", WEAR["on the server"].rstrip() + "\n            raise LookupError\n")
    sartor("deploy", "latest", expect=1)
    assert database.rows("select kind, name from public.sartor_journal where seq > 0") == [
        ("failed", "1.0.0-1-wear.py")
    ]


def test_a_table_may_be_altered_after_it_was_queried(sartor: Command, folder: Folder, database: Database) -> None:
    """A history that alters what it queried works: neither within a script nor between scripts is a plan cached."""
    query = "await conn.fetch('select * from a where id = $1', 1)"
    folder.table("1.0.0-1-a.py")
    for number, kind in enumerate(["text", "int", "bigint"], start=2):
        change = f"await conn.execute('alter table a add c{number} {kind}; alter table a alter c2 type varchar')"
        change = change if number == 2 else change.partition(";")[0] + "')"
        folder.write(f"1.0.0-{number}-b.py", f"async def up(conn):\n    {query}\n    {change}\n    {query}\n")
    sartor("deploy", "latest")
    assert database.value("select count(*) from pg_attribute where attrelid = 'a'::regclass and attnum > 0") == 4


def test_a_default_that_no_text_shows(sartor: Command, folder: Folder, database: Database) -> None:
    """A setting that the default of a domain leaves in the session doesn't reach the next script."""
    database.run(
        "create function leak() returns int language plpgsql as $$ begin"
        " perform set_config('work_mem', '77MB', false); return 1; end $$",
        "create domain leaking as int default leak()",
        "create table t (id int)",
        "insert into t values (1)",
    )
    folder.write("1.0.0-1700000000-a.sql", "-- sartor: up\nalter table t add column c leaking;\n")
    folder.write(
        "1.0.0-1700000001-b.sql", "-- sartor: up\ncreate table seen as select current_setting('work_mem') as found;\n"
    )
    sartor("deploy", "latest")
    assert database.rows("select found from seen") != [("77MB",)]


def test_an_event_trigger_that_no_text_shows(sartor: Command, folder: Folder, database: Database) -> None:
    """A setting that the function of an event trigger leaves in the session doesn't reach the next script."""
    database.run(
        "create function leak() returns event_trigger language plpgsql as $$ begin"
        " perform set_config('work_mem', '77MB', false); end $$",
        "create event trigger leaking on ddl_command_end execute function leak()",
    )
    folder.write("1.0.0-1700000000-a.sql", "-- sartor: up\ncreate table t (a int);\n")
    folder.write(
        "1.0.0-1700000001-b.sql", "-- sartor: up\ncreate table seen as select current_setting('work_mem') as found;\n"
    )
    sartor("deploy", "latest")
    assert database.rows("select found from seen") != [("77MB",)]
