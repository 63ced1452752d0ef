"""`sartor db alteration rehearse`."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from sartor.embedded.server import default_directory
from sartor.rehearsal.squawk import find_squawk
from sartor.scratch.database import COMMENT
from support.command import Command
from support.database import Database, with_name
from support.folder import Folder
from support.roles import Role, temporary_role
from support.sessions import holding, until
from support.shapes import check

BASE = """
    -- sartor: up
    create table users (id bigint primary key, name text, age int);
    create table orders (id bigint primary key, user_id bigint);
    insert into users select i, 'n' || i, i from generate_series(1, 100) i;
    -- sartor: down
    drop table orders, users;
"""


@pytest.fixture
def deployed(sartor: Command, folder: Folder, database: Database) -> Database:
    """A database with two tables and rows in one of them."""
    folder.write("1.0.0-1700000000-base.sql", BASE)
    sartor("deploy", "latest")
    database.run("analyze")
    return database


@pytest.fixture
def deployer(deployed: Database) -> Iterator[Role]:
    """A role that may deploy, and may not make databases."""
    with temporary_role(deployed) as found:
        deployed.run(f"grant create, usage on schema public to {found.name}")
        for table in (
            "users",
            "orders",
            "sartor_ledger",
            "sartor_journal",
            "sartor_fingerprint",
        ):
            deployed.run(f"alter table {table} owner to {found.name}")
        yield found


def rehearse(sartor: Command, *arguments: str, expect: int = 0) -> Any:
    return check(sartor("rehearse", *arguments, "--json", expect=expect), "rehearse")


def statements(found: Any, number: int = 0) -> list[Any]:
    told: list[Any] = found["alterations"][number]["statements"]
    return told


def scratch_databases(database: Database) -> list[Any]:
    return database.rows("select datname from pg_database where datname like 'sartor_scratch_%'")


def test_what_is_told(sartor: Command, folder: Folder, deployed: Database) -> None:
    """Each statement with its place, what it does to tables and for how long, and what to write instead."""
    folder.write(
        "next-1700000001-more.py",
        """
        async def up(conn):
            await conn.execute("create index users_name on users (name)")
            await conn.execute("create table bills (id int)")
        """,
    )
    shown = sartor("rehearse").out
    assert "next-1700000001-more.py: blocks writes\n  line 2  create index users_name on users (name)\n" in shown
    assert "    builds users_name on users (about 100 rows, " in shown
    assert "), blocking writes to it\n    ShareLock on users, held while 1 more statement runs\n" in shown
    assert "    instead: use" in shown
    assert "(docs/rehearse.md#build-an-index)" in shown
    assert shown.endswith("Rehearsed 1 alteration on a clone without data: 1 blocks writes\n")
    (index, table) = statements(rehearse(sartor))
    assert (index["line"], index["locks"]) == (2, [{"relation": "users", "mode": "ShareLock"}])
    assert (table["line"], table["locks"], table["verdict"]) == (3, [], "safe")
    assert deployed.tables() == {"users", "orders"}
    assert scratch_databases(deployed) == []


def test_nothing_is_left(sartor: Command, folder: Folder, deployed: Database) -> None:
    """The ledger and the journal have nothing of it, and the deploy that comes after does what was rehearsed."""
    folder.table("next-1700000001-a.py")
    journal = deployed.rows("select * from sartor_journal")
    rehearse(sartor)
    assert deployed.rows("select * from sartor_journal") == journal
    assert sartor("deploy", "next", "--json").json["done"][0]["id"] == "1700000001-a"
    assert rehearse(sartor)["alterations"] == []
    assert sartor("rehearse").out == "Found 0 alteration to rehearse\n"


@pytest.mark.usefixtures("deployed")
def test_all_ways_to_send_sql(sartor: Command, folder: Folder) -> None:
    """Whichever method sends a statement, it is seen, at its own line."""
    folder.write(
        "next-1700000001-ways.py",
        """
        async def up(conn):
            await conn.execute("select 1 from users; update users set age = 0")
            await conn.execute("update users set age = $1", 1)
            await conn.executemany("update users set age = $1", [(1,), (2,)])
            await conn.fetch("update users set age = 2 returning id")
            await conn.fetchrow("update users set age = 3 returning id")
            await conn.fetchval("update users set age = 4 returning id")
            prepared = await conn.prepare("update users set age = $1 returning id")
            await prepared.fetch(5)
            async for _ in conn.cursor("update users set age = 6 returning id"): pass
            async for _ in prepared.cursor(7): pass
            await conn.copy_records_to_table("users", records=[(1000, "x", 1)])
            await conn.copy_from_table("users", output=lambda data: nothing())
            await conn.copy_from_query("update users set age = 8 returning id", output=lambda data: nothing())
            async with conn.transaction():
                await conn.execute("do $$ begin update users set age = 9; end $$")

        async def nothing():
            pass
        """,
    )
    found = statements(rehearse(sartor, "--with-data"))
    assert [(each["line"], each["rows"]) for each in found] == [
        (2, 0),
        (2, 100),
        (3, 100),
        (4, 200),
        (5, 100),
        (6, 100),
        (7, 100),
        (9, 100),
        (10, 100),
        (11, 100),
        (12, 1),
        (13, 0),
        (14, 101),
        (16, 101),
    ]


@pytest.mark.usefixtures("deployed")
def test_the_line_of_each(sartor: Command, folder: Folder) -> None:
    """Of several statements in one text each has its own line, where the text stands in the file as it is."""
    folder.write(
        "next-1700000001-lines.py",
        """
        async def up(conn):
            await conn.execute(
                \"\"\"
                update users set age = 1;

                -- and then
                update users
                set age = 2
                \"\"\"
            )
        """,
    )
    folder.write("next-1700000002-lines.sql", "-- sartor: up\nselect 1;\n\nselect\n2;\n")
    found = rehearse(sartor)
    assert [each["line"] for number in (0, 1) for each in statements(found, number)] == [4, 7, 2, 4]


@pytest.mark.usefixtures("deployed")
def test_a_loop(sartor: Command, folder: Folder) -> None:
    """A statement that runs again and again is told once."""
    folder.write(
        "next-1700000001-loop.py",
        """
        async def up(conn):
            for number in range(5):
                await conn.execute("update users set age = $1 where id = $1", number)
        """,
    )
    (loop,) = statements(rehearse(sartor, "--with-data"))
    assert (loop["times"], loop["rows"]) == (5, 4)


@pytest.mark.usefixtures("deployed")
def test_a_loop_over_several_statements(sartor: Command, folder: Folder) -> None:
    """Each statement of a loop's body is told once, with every lock that it ran under."""
    folder.write(
        "next-1700000001-loop.py",
        """
        async def up(conn):
            for number in range(41):
                await conn.execute("select count(*) from users")
                await conn.execute("lock table users in exclusive mode")
                await conn.execute("insert into orders values ($1, 1)", number)
        """,
    )
    look, lock, insert = statements(rehearse(sartor, "--with-data"))
    assert [each["times"] for each in (look, lock, insert)] == [41, 41, 41]
    assert {"relation": "users", "mode": "ExclusiveLock"} in look["held"]
    assert look["verdict"] == "blocks-writes"
    assert (insert["rows"], insert["line"]) == (41, 5)


@pytest.mark.usefixtures("deployed")
def test_an_error_that_the_script_takes(sartor: Command, folder: Folder) -> None:
    """A statement that fails inside a savepoint is told, with what comes after it."""
    folder.write(
        "next-1700000001-tries.py",
        """
        async def up(conn):
            try:
                async with conn.transaction():
                    await conn.execute("alter table users add column name text")
            except Exception:
                await conn.execute("alter table users add column age_2 int")
        """,
    )
    failed, added = statements(rehearse(sartor))
    assert "already exists" in failed["error"]
    assert (added["line"], added["locks"]) == (6, [{"relation": "users", "mode": "AccessExclusiveLock"}])


@pytest.mark.usefixtures("deployed")
def test_a_lock_from_before(sartor: Command, folder: Folder) -> None:
    """A statement that takes its time under a lock of an earlier one blocks what that stops."""
    folder.write(
        "next-1700000001-both.sql",
        "-- sartor: up\nalter table users add column x int;\nupdate users set x = age;\n",
    )
    added, filled = statements(rehearse(sartor))
    assert (added["verdict"], filled["verdict"]) == ("safe", "blocks-reads")
    assert filled["held"] == [{"relation": "users", "mode": "AccessExclusiveLock"}]
    assert filled["instead"]["page"] == "docs/rehearse.md#keep-locks-short"


@pytest.mark.usefixtures("deployed")
def test_a_lock_that_is_held_on(sartor: Command, folder: Folder) -> None:
    """What runs while a lock is held on is told with the lock; where that takes long, it isn't for a moment."""
    folder.write(
        "next-1700000001-sleeps.sql",
        """
        -- sartor: up
        lock table users;
        create table made (id int);
        select pg_sleep(1);
        """,
    )
    locked, made, slept = statements(rehearse(sartor))
    assert [each["verdict"] for each in (locked, made, slept)] == ["blocks-reads", "safe", "blocks-reads"]
    assert (locked["later"], made["later"]) == (2, 0)
    assert locked["later_ms"] >= 1000
    assert locked["instead"]["page"] == slept["instead"]["page"] == "docs/rehearse.md#keep-locks-short"
    shown = sartor("rehearse").out
    assert "AccessExclusiveLock on users, held for 1." in shown
    assert " s while 2 more statements run\n" in shown
    assert " s here, blocking reads of users\n" in shown


@pytest.mark.usefixtures("deployed")
def test_the_table_at_work_is_named(sartor: Command, folder: Folder) -> None:
    """Of several tables that are locked alike, the one is named on which the time goes by."""
    folder.write(
        "next-1700000001-key.sql",
        "-- sartor: up\nalter table orders add column x int;\nalter table users alter column id type int;\n",
    )
    shown = sartor("rehearse").out
    assert "rewrites users" in shown
    assert ", blocking reads of it" in shown
    assert "read orders" not in shown


TENANTS = "for row in await conn.fetch('select name from users'): await conn.execute('alter table orders add a int')"
BLOCK = """
    -- sartor: up
    do $$
    declare row record;
    begin
        for row in select name from users where id > 5 loop
            alter table orders alter column user_id type int;
        end loop;
    end $$;
"""
ROUTINE = """
    -- sartor: up
    create function widen(name text) returns void language plpgsql as $$
    begin execute 'alter table ' || name || ' alter column age type bigint'; end $$;
    select widen('orders') from users;
    drop function widen;
"""
PROCEDURE = """
    -- sartor: transaction off
    -- sartor: up
    create or replace procedure fill() language plpgsql as $$
    begin
        loop
            update users set age = 1 where id in (select id from users where age is null limit 10);
            exit when not found;
            commit;
        end loop;
    end $$;
    call fill();
"""
CATCHES = """
    -- sartor: up
    do $$ begin
        alter table users add constraint adult check (age > 17);
    exception when check_violation then
        alter table users add constraint adult check (age > 17) not valid;
    end $$;
"""
ASKS = "if await conn.fetchval('show server_version_num') > '1': await conn.execute('create table made (id int)')"
CATALOGUE = """
    -- sartor: up
    do $$ begin
        if not exists (select from pg_catalog.pg_constraint where conname = 'adult') then
            alter table users add constraint adult check (age > 0) not valid;
        end if;
    end $$;
    do $$ begin
        drop table if exists made;
        update users set age = case when age > 5 then 1 else 2 end;
    end $$;
    create function slug(name text) returns text language plpgsql as $$
    begin if name is null then return ''; end if; return lower(name); end $$;
    update users set name = slug(name);
"""


@pytest.mark.parametrize(
    ("name", "text", "in_doubt"),
    [
        ("a.py", f"async def up(conn):\n    {TENANTS}\n", True),
        ("a.sql", BLOCK, True),
        ("a.sql", ROUTINE, True),
        ("a.sql", PROCEDURE, True),
        ("a.sql", CATCHES, True),
        ("a.py", f"async def up(conn):\n    {ASKS}\n", False),
        (
            "a.py",
            "async def up(conn):\n    for n in 'ab': await conn.execute(f'alter table users add {n} int')\n",
            False,
        ),
        ("a.sql", CATALOGUE, False),
        ("a.sql", "-- sartor: up\nupdate users set age = 1;\nalter table users alter age type bigint;\n", False),
    ],
)
@pytest.mark.usefixtures("deployed")
def test_what_depends_on_rows(sartor: Command, folder: Folder, name: str, text: str, *, in_doubt: bool) -> None:
    """Without rows a script that may go by them is in doubt, and no gate lets it pass; straight SQL isn't."""
    folder.write(f"next-1700000001-{name}", text)
    found = rehearse(sartor, "--max-hazard", "loses-data", expect=int(in_doubt))
    assert found["alterations"][0]["in_doubt"] is in_doubt
    shown = sartor("rehearse", "--max-hazard", "loses-data", expect=int(in_doubt))
    assert ("the clone has none" in shown.out) is ("in doubt" in shown.out) is in_doubt
    assert ("hint: rehearse with --with-data" in shown.err) is in_doubt


@pytest.mark.usefixtures("deployed")
def test_rows_end_the_doubt(sartor: Command, folder: Folder) -> None:
    """With the rows of the destination, and on itself, what a script does is what it would do."""
    folder.write("next-1700000001-a.sql", BLOCK)
    for way in ("--with-data", "--live"):
        (each,) = rehearse(sartor, way, "--max-hazard", "rewrites")["alterations"]
        assert (each["in_doubt"], each["verdict"]) == (False, "rewrites")


@pytest.mark.usefixtures("deployed")
def test_a_gate(sartor: Command, folder: Folder) -> None:
    """`--max-hazard` ends with 1 where an alteration is worse than it allows."""
    folder.add("next-1700000001-a.py", up="create index on users (name)")
    rehearse(sartor, "--max-hazard", "blocks-writes")
    rehearse(sartor, "--max-hazard", "safe", expect=1)
    error = sartor("rehearse", "--max-hazard", "safe", expect=1).err
    assert "next-1700000001-a.py: blocks-writes, but at most safe is allowed" in error
    folder.add("next-1700000002-b.py", up="alter table users add column b int")
    folder.add("next-1700000003-c.py", up="drop table users cascade")
    folder.add("next-1700000004-d.py", up="alter table orders add check (user_id > 0)")
    error = sartor("rehearse", "--max-hazard", "safe", expect=1).err
    assert "at most safe is allowed, but 3 alterations are worse:" in error
    named = ("next-1700000001-a.py (blocks-writes)", "next-1700000003-c.py (loses-data)", "next-1700000004-d.py")
    assert all(text in error for text in named)
    assert "give a higher --max-hazard" in error
    assert "--max-hazard loses-data and deploy with --backup" in error
    assert (
        "invalid value 'fast' for --max-hazard; use one of safe, blocks-writes"
        in sartor("rehearse", "--max-hazard", "fast", expect=2).err
    )


@pytest.mark.usefixtures("deployed")
def test_a_script_that_fails(sartor: Command, folder: Folder) -> None:
    """It and those after it aren't rehearsed; the command ends with 1 and tells the failure in full."""
    folder.add("next-1700000001-a.py", up="alter table users add column a int")
    folder.add("next-1700000002-b.py", up="insert into nowhere values (1)")
    folder.add("next-1700000003-c.py", up="alter table users add column c int")
    found = rehearse(sartor, expect=1)
    assert [each["verdict"] for each in found["alterations"]] == ["safe", "not-rehearsed", "not-rehearsed"]
    assert found["failed"]["sqlstate"] == "42P01"
    assert found["alterations"][1]["reason"] == 'the alteration failed: relation "nowhere" does not exist'
    shown = sartor("rehearse", expect=1).out
    assert "    failed, which ended the script\n" in shown
    assert "the script went on" not in shown
    assert "an earlier alteration couldn't be rehearsed" in shown
    assert "2 not rehearsed; next-1700000002-b.py stopped the rehearsal, 1 alteration after it not rehearsed\n" in shown
    folder.add("next-1700000002-b.py", up="insert into orders select max(id) from users")
    shown = sartor("rehearse", expect=1).out
    assert "rows may be missing: to copy the rows of the destination, use --with-data\n" in shown


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize(
    ("up", "wants"),
    [
        ("insert into orders values ((select max(id) from users), 1)", True),
        ("do $$ begin if not exists (select from users) then raise 'nobody'; end if; end $$", True),
        ("select 1 / count(*) from users", True),
        ("select 1 from nowhere", False),
        ("alter table users add column name text", False),
        ("create table a (id int references orders (user_id))", False),
    ],
)
def test_a_want_of_rows(up: str, wants: bool, sartor: Command, folder: Folder) -> None:
    """`--with-data` is advised where a script may have failed for want of rows, and nowhere else."""
    folder.add("next-1700000001-a.py", up=up)
    reason = rehearse(sartor, expect=1)["alterations"][0]["reason"]
    assert ("--with-data" in reason) is wants


def test_materialized_views(sartor: Command, folder: Folder, deployed: Database) -> None:
    """Those of the destination that hold rows may be read in the clone, and refreshed concurrently; others mayn't."""
    deployed.run(
        "create materialized view names as select id, name from users",
        "create unique index on names (id)",
        "create materialized view again as select * from names",
        "create materialized view nothing as select id from users with no data",
    )
    folder.write(
        "next-1700000001-views.sql",
        "-- sartor: up\nrefresh materialized view concurrently names;\ncreate table kept as select * from again;\n",
    )
    found = rehearse(sartor)
    assert found["alterations"][0]["reason"] is None
    assert found["notes"] == []
    folder.add("next-1700000002-b.py", up="select * from nothing")
    assert "has not been populated" in rehearse(sartor, expect=1)["alterations"][1]["reason"]


@pytest.mark.usefixtures("deployed")
def test_with_data(sartor: Command, folder: Folder) -> None:
    """`--with-data` gives the clone the rows, so that what depends on them can be rehearsed."""
    folder.write(
        "next-1700000001-a.py",
        """
        async def up(conn):
            assert await conn.fetchval("select count(*) from users") == 100
            await conn.execute("update users set age = 0")
        """,
    )
    rehearse(sartor, expect=1)
    found = rehearse(sartor, "--with-data")
    assert (found["place"], statements(found)[1]["rows"]) == ("a clone with data", 100)


def test_live(sartor: Command, folder: Folder, deployed: Database) -> None:
    """`--live` runs each script on the destination, rolls it back, and says what that costs."""
    folder.add("next-1700000001-a.py", up="alter table users alter column age type bigint")
    folder.add("next-1700000002-b.py", up="alter table users alter column age set not null")
    folder.write("next-1700000003-c.sql", "-- sartor: transaction off\n-- sartor: up\nvacuum users;\n")
    before = deployed.rows("select relfilenode, relname from pg_class where oid >= 16384 order by 2")
    found = rehearse(sartor, "--live")
    assert [each["verdict"] for each in found["alterations"]] == ["rewrites", "blocks-reads", "not-rehearsed"]
    assert "outside a transaction" in found["alterations"][2]["reason"]
    assert "sequences have advanced" in found["notes"][0]
    assert deployed.rows("select relfilenode, relname from pg_class where oid >= 16384 order by 2") == before
    assert "--live makes no clone" in sartor("rehearse", "--live", "--with-data", expect=2).err


@pytest.mark.usefixtures("deployed")
def test_what_the_server_says(sartor: Command, folder: Folder) -> None:
    """The server's warnings are shown, on a clone as on the destination itself; its notices with `--verbose`."""
    says = "do $$ begin raise warning 'careful'; raise notice 'by the way'; end $$"
    folder.write("next-1700000001-says.sql", f"-- sartor: up\n{says};\n")
    for way in ([], ["--live"]):
        quiet, told = sartor("rehearse", *way).err, sartor("rehearse", *way, "--verbose").err
        assert "warning: next-1700000001-says.sql: careful\n" in quiet
        assert "by the way" not in quiet
        assert "notice: next-1700000001-says.sql: by the way\n" in told


def test_live_and_in_the_way(sartor: Command, folder: Folder, deployed: Database) -> None:
    """A live rehearsal doesn't wait long for a lock: whoever comes behind it would."""
    folder.add("next-1700000001-a.py", up="alter table users add column x int")
    with holding(deployed.url, "begin", "lock table users in access share mode"):
        found = rehearse(sartor, "--live", "--lock-timeout", "1h", expect=1)
    assert "lock timeout" in found["alterations"][0]["reason"]


@pytest.mark.usefixtures("deployed")
def test_live_and_failing(sartor: Command, folder: Folder) -> None:
    """A script that fails ends a live rehearsal with 1 as well; those behind it are rehearsed all the same."""
    folder.add("next-1700000001-a.py", up="insert into nowhere values (1)")
    folder.add("next-1700000002-b.py", up="alter table users add column b int")
    found = rehearse(sartor, "--live", expect=1)
    assert [each["verdict"] for each in found["alterations"]] == ["not-rehearsed", "safe"]
    assert (found["failed"]["sqlstate"], found["failed"]["id"]) == ("42P01", "1700000001-a")


def test_another_server(sartor: Command, folder: Folder, deployed: Database, deployer: Role, server_url: str) -> None:
    """`--scratch-url` has the clone made there, by another role."""
    folder.add("next-1700000001-a.py", up="alter table users add column x int")
    found = rehearse(sartor, "--db-url", deployer.url, "--scratch-url", server_url)
    assert found["verdict"] == "safe"
    assert scratch_databases(deployed) == []


def test_the_name_of_the_database(sartor: Command, folder: Folder, deployed: Database) -> None:
    """A script is told the destination's name, and `current_database()` is what the URL of the clone's server names."""
    folder.write(
        "next-1700000001-a.py",
        """
        async def up(conn, run):
            await conn.execute(f'create table "of {run.database}" ()')
            await conn.execute('create table "in %s" ()' % await conn.fetchval("select current_database()"))
        """,
    )
    named = f"{deployed.name}_clone"
    url = with_name(deployed.url, named)
    for _ in range(2):
        found = [each["sql"] for each in statements(rehearse(sartor, "--db-url", deployed.url, "--scratch-url", url))]
        assert f'create table "of {deployed.name}" ()' in found
        assert f'create table "in {named}" ()' in found
        assert not deployed.rows("select from pg_database where datname = $1", named)
        # Such a one of a killed process is dropped by the next; another's isn't touched.
        deployed.run(f"create database {named}", f"comment on database {named} is '{COMMENT}somebody'")
    deployed.run(f"comment on database {named} is null")
    found = [each["sql"] for each in statements(rehearse(sartor, "--db-url", deployed.url, "--scratch-url", url))]
    assert f'create table "in {named}" ()' not in found
    assert deployed.rows("select from pg_database where datname = $1", named)
    deployed.run(f"drop database {named}")


def test_the_embedded_server(sartor: Command, folder: Folder, deployer: Role) -> None:
    """Where the destination's role may make no database, the clone is on the embedded server, with the same roles."""
    folder.add("next-1700000001-a.py", up=f"grant select on users to {deployer.name}")
    for _ in range(2):
        found = rehearse(sartor, "--db-url", deployer.url)
        assert found["verdict"] == "safe"
        assert "has no right to create databases" in found["notes"][0]
        assert not any("lacks roles" in note for note in found["notes"])
    folder.add("next-1700000002-b.py", up=f"alter role {deployer.name} connection limit 7")
    assert "changes server-wide objects" in rehearse(sartor, "--db-url", deployer.url)["alterations"][1]["reason"]


def test_no_place_for_a_clone(sartor: Command, folder: Folder, deployer: Role) -> None:
    """Where no server can hold a clone, the hint has every way out: the right, another server, the embedded one."""
    folder.add("next-1700000001-a.py", up="alter table users add column x int")
    place = default_directory(sartor.directory)
    place.parent.mkdir(exist_ok=True)
    place.touch()
    try:
        told = sartor("rehearse", "--db-url", deployer.url, expect=6).err
    finally:
        place.unlink()
    assert f'as a superuser, run: alter role "{deployer.name}" createdb;' in told
    assert "or give a server on which the role can create databases with --scratch-url" in told
    assert "or for a server of Sartor's own: " in told


def test_another_schema(sartor: Command, folder: Folder, database: Database) -> None:
    """Relations of the destination's schema are named without it, others with theirs."""
    database.run("create schema other", "create table other.t (id int)")
    folder.write("1.0.0-1700000000-base.sql", BASE)
    sartor("deploy", "latest", "--schema", "acme")
    folder.add("next-1700000001-a.py", up="create index on users (age); create index on other.t (id)")
    found = statements(rehearse(sartor, "--schema", "acme"))
    assert [each["locks"][0]["relation"] for each in found] == ["users", "other.t"]


def test_a_killed_rehearsal(sartor: Command, folder: Folder, deployed: Database) -> None:
    """Ctrl-C drops the clone; what `kill -9` leaves, the next rehearsal drops."""
    folder.add("next-1700000001-a.py", up="select pg_sleep(60)")
    sleeping = "select exists (select from pg_stat_activity where query = 'select pg_sleep(60)')"
    for number, left in ((signal.SIGINT, 0), (signal.SIGKILL, 1)):
        process = sartor.start("rehearse")
        until(lambda: deployed.value(sleeping))
        process.send_signal(number)
        process.communicate(timeout=30)
        assert process.returncode == {signal.SIGINT: 130, signal.SIGKILL: -signal.SIGKILL}[number]
        assert len(scratch_databases(deployed)) == left
    until(lambda: not deployed.value("select count(*) from pg_stat_activity where datname like 'sartor_scratch_%'"))
    folder.add("next-1700000001-a.py", up="select 1")
    rehearse(sartor)
    assert scratch_databases(deployed) == []


@pytest.mark.usefixtures("deployed")
def test_outside_a_transaction(sartor: Command, folder: Folder) -> None:
    """A procedure that commits, a transaction of the script's own and a concurrent build run as they do in a deploy."""
    folder.write(
        "next-1700000001-outside.py",
        """
        transaction = False

        async def up(conn):
            await conn.execute("create or replace procedure p() language plpgsql as 'begin commit; end'")
            await conn.execute("call p()")
            async with conn.transaction():
                await conn.execute("alter table users add column x int")
                await conn.execute("update users set x = 1")
            await conn.execute("create index concurrently if not exists users_x on users (x)")
            await conn.execute("begin; lock table users; update users set x = 2; commit")
        """,
    )
    found = rehearse(sartor, "--with-data")
    (_, _, _, update, index, lock, again) = statements(found)
    assert (lock["verdict"], again["verdict"]) == ("safe", "blocks-reads")
    assert (update["verdict"], update["rows"], update["held"][0]["mode"]) == (
        "blocks-reads",
        100,
        "AccessExclusiveLock",
    )
    assert index["builds"] == [{"name": "users_x", "table": "users"}]
    assert index["held"] == []


@pytest.mark.usefixtures("deployed")
def test_before_up(sartor: Command, folder: Folder) -> None:
    """What runs before the transaction is told first."""
    folder.write(
        "next-1700000001-before.py",
        """
        async def before_up(conn):
            await conn.execute("create index concurrently if not exists users_age on users (age)")

        async def up(conn):
            await conn.execute("alter table users add column x int")
        """,
    )
    assert [each["line"] for each in statements(rehearse(sartor))] == [2, 5]


@pytest.mark.usefixtures("deployed")
def test_what_a_savepoint_undid(sartor: Command, folder: Folder) -> None:
    """What was rolled back to a savepoint isn't told of the statements behind it."""
    folder.write(
        "next-1700000001-undone.py",
        """
        async def up(conn):
            try:
                async with conn.transaction():
                    await conn.execute("alter table users alter column age type bigint")
                    raise ValueError
            except ValueError:
                pass
            await conn.execute("alter table users add column x int")
        """,
    )
    first, last = statements(rehearse(sartor))
    assert (first["verdict"], last["verdict"]) == ("rewrites", "safe")
    assert (last["held"], last["rewrites"]) == ([], [])


@pytest.mark.usefixtures("deployed")
def test_what_the_run_made_itself(sartor: Command, folder: Folder) -> None:
    """Nobody waits for a table that the run has made, in this alteration or in one before."""
    folder.add("next-1700000001-a.py", up="create table made (id int); create index on made (id)")
    folder.add("next-1700000002-b.py", up="alter table made alter column id type bigint")
    found = rehearse(sartor)
    assert found["verdict"] == "safe"
    assert [each["locks"] for number in (0, 1) for each in statements(found, number)] == [[], [], []]


def test_tables_that_it_may_not_read(sartor: Command, folder: Folder, deployed: Database, deployer: Role) -> None:
    """The error names the grant that is missing."""
    deployed.run("create table secrets (id int)", f"alter role {deployer.name} createdb")
    folder.table("next-1700000001-a.py")
    error = sartor("rehearse", "--db-url", deployer.url, expect=6).err
    assert "the schema can't be cloned" in error
    assert f'grant pg_read_all_data to "{deployer.name}"' in error
    assert scratch_databases(deployed) == []


@pytest.mark.skipif(find_squawk() is None, reason="squawk-cli isn't installed")
@pytest.mark.usefixtures("deployed")
def test_a_second_opinion(sartor: Command, folder: Folder) -> None:
    """What `squawk` says of a statement stands with it."""
    folder.write("next-1700000001-a.sql", "-- sartor: up\nselect 1;\ncreate index i\n  on users (age);\nselect 2;\n")
    rules = [[opinion["rule"] for opinion in each["opinions"]] for each in statements(rehearse(sartor))]
    assert rules == [[], ["require-concurrent-index-creation"], []]


def test_what_lint_repeats(sartor: Command, folder: Folder, deployed: Database) -> None:
    """The hazards of the last rehearsal are findings, at their lines, until the file changes or a comment spares it."""
    assert deployed.tables() == {"users", "orders"}
    file = folder.write(
        "next-1700000001-more.sql",
        """
        -- sartor: up
        create table bills (id int);
        create index users_name on users (name);
        alter table users alter column age type bigint;
        -- sartor: down
        drop index users_name;
        """,
    )
    assert sartor("lint", "--strict").out == "Found no mistakes in 2 files\n"
    sartor("rehearse")
    findings = check(sartor("lint", "--strict", "--json", expect=1), "lint")["findings"]
    assert [(each["code"], each["line"], each["id"]) for each in findings] == [
        ("SA301", 3, "1700000001-more"),
        ("SA303", 4, "1700000001-more"),
    ]
    assert findings[0]["message"].startswith("`create index users_name on ...` blocks writes to users; use")
    assert "SA303 rewrites: the last rehearsal showed" in sartor("lint").out
    file.rename(folder.path / "1.1.0-1700000001-more.sql")
    assert "(docs/rehearse.md#change-a-type)" in sartor("lint", "--ignore", "SA301").out
    folder.write(
        "1.1.0-1700000001-more.sql",
        "-- sartor: up\ncreate index users_name on users (name);\n-- sartor: down\ndrop index users_name;\n",
    )
    sartor("lint", "--strict")
    sartor("rehearse", "--live")
    assert "1.1.0-1700000001-more.sql:2: warning SA301" in sartor("lint").out
    folder.table("next-1700000002-a.py")
    sartor("rehearse")
    assert "SA301" in sartor("lint").out
    assert (sartor.directory / ".sartor" / ".gitignore").read_text() == "*\n"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 2}', '{"version": 1, "alterations": [{}]}'])
def test_what_lint_cant_read(sartor: Command, folder: Folder, text: str) -> None:
    """What another Sartor has kept, or nobody can read, is nothing to `lint`, and makes way for the next rehearsal."""
    kept = sartor.directory / ".sartor" / "rehearsed.json"
    kept.parent.mkdir()
    kept.write_text(text)
    folder.table("1.0.0-1700000000-a.py")
    sartor("lint", "--strict")
    sartor("rehearse")
    assert '"id": "1700000000-a"' in kept.read_text()


def test_what_cant_be_kept(sartor: Command, folder: Folder) -> None:
    """A rehearsal where nothing can be written is a rehearsal, and says so."""
    (sartor.directory / ".sartor").write_text("")
    folder.table("1.0.0-1700000000-a.py")
    assert "note: the result wasn't saved for `sartor db alteration lint`: " in sartor("rehearse").err
