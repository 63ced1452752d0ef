"""What a fingerprint doesn't see: it stays the same wherever the schema does."""

from __future__ import annotations

import asyncio
import re
import subprocess
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sartor import Fingerprint
from sartor.domain.drift import find_differences, without_parts
from sartor.embedded.server import binaries
from sartor.schema.database_snapshot import SnapshotReader
from support.changes import Everything, lines, look
from support.database import temporary_database

QUIET = (
    "insert into app.groups (name) select 'group ' || n from generate_series(1, 100) n",
    "insert into app.users (email, nick, price) select 'user ' || n, n, n from generate_series(1, 100) n",
    "insert into app.measures select date '2020-01-01' + n, n from generate_series(1, 900) n",
    "update app.users set price = price + 1 where price > 3",
    "delete from app.users where price > 90",
    "truncate app.cache",
    "analyze",
    "vacuum",
    "vacuum full app.users",
    "reindex table app.users",
    "reindex index concurrently app.users_born",
    "refresh materialized view app.crowd",
    "refresh materialized view app.crowd with no data",
    "select nextval('app.tickets')",
    "select setval('app.users_id_seq', 5000)",
    "alter sequence app.tickets restart",
    "checkpoint",
)
"""What changes rows, files or statistics, and no definition."""

UNDONE = (
    "grant delete on users to pg_monitor; revoke delete on users from pg_monitor",
    "grant execute on function touch() to pg_monitor; revoke execute on function touch() from pg_monitor",
    "revoke all on cache from current_user; grant all on cache to current_user",
    "grant select (email) on users to pg_monitor; revoke select (email) on users from pg_monitor",
    "grant usage on type mood to pg_monitor; revoke usage on type mood from pg_monitor",
    """alter default privileges in schema app grant usage on types to pg_monitor;
    alter default privileges in schema app revoke usage on types from pg_monitor""",
    "comment on column users.price is 'Much.'; comment on column users.price is null",
    "alter table users add more text; alter table users drop more",
    "alter table users alter price set statistics 7; alter table users alter price set statistics -1",
    "alter table users set (parallel_workers = 2); alter table users reset (parallel_workers)",
    "alter table base set (fillfactor = 50); alter table base reset (fillfactor)",
    "alter table users alter born set not null; alter table users alter born drop not null",
    "alter table users disable trigger all; alter table users enable trigger all",
    "alter table users alter price set default 3; alter table users alter price drop default",
    "alter table groups rename to bands; alter table bands rename to groups",
    "alter view people set (security_barrier = false); alter view people set (security_barrier = true)",
    """drop policy own on users; create policy own on users for select to pg_monitor using (price > 0);
    comment on policy own on users is 'Their own.'""",
    """drop index users_born; create index users_born on users (born desc nulls last) include (nick) where price > 1;
    comment on index users_born is 'By age.'""",
    """drop function tell(int); create function tell(who int) returns int language sql immutable as 'select who';
    revoke execute on function tell(int) from public""",
    "alter table users set (fillfactor = 70)",
    "alter table users reset (fillfactor); alter table users set (fillfactor = 70)",
    "create temp table users (id int); create temp table text (a int); create temp table pg_class (a int)",
)
"""What was done and is undone, in other words or in another order; and what only this session has."""

PATHS = ("", "app", "public, app", "evil, pg_catalog", "app, evil, pg_catalog, public", '"$user", pg_temp')
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "search_path": st.sampled_from(PATHS),
        "quote_all_identifiers": st.just("on"),
        "standard_conforming_strings": st.just("off"),
        "datestyle": st.sampled_from(["German", "SQL, DMY", "Postgres, MDY"]),
        "intervalstyle": st.sampled_from(["sql_standard", "postgres_verbose", "iso_8601"]),
        "timezone": st.sampled_from(["Asia/Tokyo", "America/St_Johns"]),
        "extra_float_digits": st.sampled_from(["-15", "3"]),
        "bytea_output": st.just("escape"),
        "xmlbinary": st.just("hex"),
        "row_security": st.just("off"),
        "transaction_read_only": st.just("on"),
        "enable_hashjoin": st.just("off"),
        "enable_sort": st.just("off"),
        "role": st.sampled_from(["pg_monitor", "pg_signal_backend"]),
    },
)

EVIL = """
    create schema evil;
    create type evil.text as enum ('a');
    create function evil.format_type(oid, int) returns text language sql as $$select 'evil'$$;
    create function evil.aclexplode(aclitem[]) returns int language sql as $$select 666$$;
    create table evil.pg_class (oid oid);
    create operator evil.|| (leftarg = text, rightarg = text, function = textlike);
"""


@pytest.mark.parametrize("statement", QUIET)
def test_data(everything: Everything, runner: asyncio.Runner, statement: str) -> None:
    """Rows, statistics, files, where a sequence stands: nothing of that is the schema's."""
    before = runner.run(everything.look())
    runner.run(everything.connection.execute(statement))
    after = runner.run(everything.look())
    assert lines(before, after) == []
    assert (before.logical, before.exact) == (after.logical, after.exact)


@pytest.mark.parametrize("statements", UNDONE)
def test_undone(everything: Everything, runner: asyncio.Runner, statements: str) -> None:
    """What was done and undone leaves no trace, whatever the catalogue keeps of it."""
    assert lines(*runner.run(everything.undergo(statements))) == []


def test_made_again(everything: Everything, runner: asyncio.Runner) -> None:
    """A column that was dropped and made again is a note, for it is the last one now."""
    statements = "truncate cache; alter table cache drop key, add key text primary key"
    before, after = runner.run(everything.undergo(statements))
    assert {d.label for d in find_differences(before, after)} == {"column order app.cache"}
    assert (before.logical == after.logical, before.exact == after.exact) == (True, False)


@pytest.mark.parametrize("where", ["", "after 'ok'", "before 'sad'"])
def test_a_label_more(everything: Everything, runner: asyncio.Runner, where: str) -> None:
    """One more label of an enum is a change of the type alone, wherever it stands: the others keep their order."""
    before, after = runner.run(everything.undergo(f"alter type mood add value 'glad' {where}"))
    assert [d.label for d in without_parts(find_differences(before, after))] == ["type app.mood"]


def test_a_name_that_the_server_chose(everything: Everything, runner: asyncio.Runner) -> None:
    """The name of a NOT NULL constraint is a note where it is of the server's making, over renames and in copies."""
    if everything.server < 18:
        pytest.skip("since Postgres 18")
    for name, logical in (("more_a_not_null1", True), ("filled", False)):
        statement = f"alter table base rename constraint base_a_not_null to {name}"
        before, after = runner.run(everything.undergo(statement))
        assert (before.logical == after.logical, before.exact == after.exact) == (logical, False)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chosen=SETTINGS)
def test_session(everything: Everything, runner: asyncio.Runner, chosen: dict[str, str]) -> None:
    """A session's settings, role and search path change nothing, not even one that hides the catalogue's own names."""

    async def under() -> tuple[Fingerprint, Fingerprint]:
        transaction = everything.connection.transaction()
        await transaction.start()
        try:
            await everything.connection.execute(EVIL)
            before = await everything.look()
            for name, value in chosen.items():
                await everything.connection.fetchval("select pg_catalog.set_config($1, $2, true)", name, value)
            return before, await everything.look()
        finally:
            await transaction.rollback()

    before, after = runner.run(under())
    assert lines(before, after) == []
    assert before.exact == after.exact


def test_names_tell_apart(everything: Everything, runner: asyncio.Runner) -> None:
    """No two objects share kind and name, whatever they are."""
    objects = runner.run(everything.look()).objects
    assert len({(o.kind, o.name) for o in objects}) == len(objects)


def test_parents(everything: Everything, runner: asyncio.Runner) -> None:
    """Each parent that an object names is there."""
    objects = runner.run(everything.look()).objects
    assert {o.parent for o in objects} - {""} <= {o.label for o in objects}


def test_restored(everything: Everything, server_url: str) -> None:
    """A dump and its restore give an equal schema, down to the exact hash."""
    dumped = _run("pg_dump", "--schema-only", everything.url)
    with temporary_database(server_url) as other:
        # A newer pg_dump sets what an older server doesn't know.
        _run("psql", "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", other.url,
             given=re.sub(r"^SET transaction_timeout.*$", "", dumped, flags=re.MULTILINE))  # fmt: skip
        before, after = asyncio.run(look(everything.url)), asyncio.run(look(other.url))
    assert lines(before, after) == []
    assert (before.logical, before.exact) == (after.logical, after.exact)


def _run(program: str, *arguments: str, given: str = "") -> str:
    done = subprocess.run(
        [binaries() / program, *arguments], input=given, check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout


def test_other_order(server_url: str) -> None:
    """The order in which objects, grants and options came changes nothing."""
    one = (
        "create table a (id int primary key) with (fillfactor = 80, autovacuum_enabled = off)",
        "create table b (id int, a int references a (id), gone int)",
        "alter table b drop gone",
        "grant select on a to pg_monitor",
        "grant insert on a to public",
        "create policy p on a to pg_monitor, pg_signal_backend using (true)",
        "create index i on b (id)",
        "create function f() returns int language sql as 'select 1'",
        "create function f(int) returns int language sql as 'select 1'",
    )
    other = (
        "create function f(int) returns int language sql as 'select 1'",
        "create function f() returns int language sql as 'select 1'",
        "create table b (id int, gone int, a int)",
        "alter table b drop gone",
        "create index i on b (id)",
        "create table a (id int primary key) with (autovacuum_enabled = off, fillfactor = 80)",
        "create policy p on a to pg_signal_backend, pg_monitor using (true)",
        "alter table b add constraint b_a_fkey foreign key (a) references a",
        "grant insert on a to public",
        "grant select on a to pg_monitor",
    )
    found = []
    for statements in (one, other):
        with temporary_database(server_url) as database:
            database.run(*statements)
            found.append(asyncio.run(look(database.url)))
    assert lines(*found) == []
    assert found[0].exact == found[1].exact


ODD = r"""
    create table U&"tab\0009line\000Aend" ("€" int, "é" int, "z" int, "\N" int);
    create table "€" ("Ž" int, "\n" int);
    create table "é" ("\\." int);
    comment on table "€" is E'\b\f\n\r\t\v \\. \\N \\\\';
"""
"""Names that are other bytes in other encodings, and what a line must not hold as it is."""


@pytest.mark.parametrize("encoding", ["LATIN9", "SQL_ASCII"])
def test_other_encoding(server_url: str, encoding: str) -> None:
    """The encoding of a database changes nothing."""
    found = []
    for each in ("UTF8", encoding):
        with temporary_database(server_url, f"encoding '{each}' locale 'C' template template0") as database:
            database.run(ODD)
            found.append(asyncio.run(look(database.url)))
    assert lines(*found) == []
    assert found[0] == found[1]


def test_lines(everything: Everything, runner: asyncio.Runner) -> None:
    """What the server writes and sorts is what comes of the objects by themselves."""
    for found in (runner.run(everything.look()), *runner.run(everything.undergo(ODD))):
        assert Fingerprint.of(found.objects, schemas=found.schemas, scope=found.scope, server=found.server) == found


def test_read_again_and_again(everything: Everything, runner: asyncio.Runner) -> None:
    """A query that is prepared once sees each change, and the same as one that isn't."""

    async def changed() -> None:
        transaction, reader = everything.connection.transaction(), SnapshotReader(everything.connection, rows=False)
        await transaction.start()
        try:
            for statement in (
                "select 1",
                "alter table app.users add more int",
                "create schema more",
                "drop schema more",
            ):
                await everything.connection.execute(statement)
                found = (await reader.read()).fingerprint
                assert found == replace(await everything.look(), schemas=found.schemas)
        finally:
            await transaction.rollback()

    runner.run(changed())


def test_owner(everything: Everything, runner: asyncio.Runner) -> None:
    """Another owner is a note, and what the owner may do is the owner's, whoever it is."""
    statements = "alter table groups owner to pg_signal_backend; alter function tell(int) owner to pg_signal_backend"
    before, after = runner.run(everything.undergo(statements))
    assert {d.label for d in find_differences(before, after)} == {
        "owner function app.tell(integer)", "owner sequence app.groups_id_seq", "owner table app.groups",
    }  # fmt: skip
    assert before.logical == after.logical


def test_leaves_the_session_alone(everything: Everything, runner: asyncio.Runner) -> None:
    """A fingerprint leaves no setting behind, in a transaction of its own or in another's."""

    async def show() -> list[str]:
        return [await everything.connection.fetchval(f"show {name}") for name in ("search_path", "datestyle", "jit")]

    async def around() -> tuple[list[str], list[str]]:
        await everything.connection.execute("set search_path = app; set datestyle = german")
        outside = await show()
        await everything.look()
        assert await show() == outside
        async with everything.connection.transaction():
            await everything.connection.execute("set local search_path = public")
            inside = await show()
            await everything.look()
            return inside, await show()

    inside, after = runner.run(around())
    assert inside == after
    runner.run(everything.connection.execute("reset all"))
