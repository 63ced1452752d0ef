"""An alteration that runs for one tenant, by the tenant's own role, can't touch another one."""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import asyncpg
import pytest

from sartor.postgres.lock_monitor import lock_key
from support.command import Command, finish
from support.database import Database
from support.folder import Folder
from support.sessions import until

TRIES = {
    "reads": "select * from tenant_b.users",
    "writes": "insert into tenant_b.users (name) values ('mallory')",
    "deletes": "delete from tenant_b.users",
    "truncates": "truncate tenant_b.users",
    "drops": "drop schema tenant_b cascade",
    "drops a table": "drop table tenant_b.users",
    "creates": "create table tenant_b.mine ()",
    "alters": "alter table tenant_b.users add column mine int",
    "locks": "lock table tenant_b.users",
    "refers": "create table mine (id int references tenant_b.users)",
    "views": "create view spy as select * from tenant_b.users",
    "copies": "do $$ begin execute 'copy tenant_b.users to program ''cat''; '; end $$",
    "the ledger": "update tenant_b.sartor_ledger set checksum = ''",
    "by the path": "set search_path = tenant_b; update users set name = 'mallory' where name = 'bob'; select 1 / 0",
    "by a local path": "set local search_path = tenant_b; select secret from users",
    "calls": "select tenant_b.wipe()",
    "grants": "grant all on schema tenant_b to {a}",
    "owns": "alter schema tenant_b owner to {a}",
    "set role": "set role {b}",
    "set role none": "set role none; delete from tenant_b.users",
    "reset role": "reset role; delete from tenant_b.users",
    "set session authorization": "set session authorization {b}",
    "as a superuser": "set session authorization {superuser}",
    "reset session authorization": "reset session authorization; delete from tenant_b.users",
    "member": "grant {b} to {a}",
    "its settings": "alter role {b} set search_path = tenant_a",
    "its password": "alter role {b} password 'x'",
    "its default privileges": "alter default privileges for role {b} grant all on tables to public",
    "its objects": "drop owned by {b}",
    "reassigned": "reassign owned by {b} to {a}",
    "the database": "alter database {database} set search_path = tenant_a",
    "the server": "do $$ begin execute 'alter system set search_path = tenant_a'; end $$",
    "event trigger": "create function f() returns event_trigger language plpgsql as $$ begin end $$;"
    " create event trigger mine on ddl_command_start execute function f()",
    "untrusted code": "create function g() returns int language c as 'libc', 'getpid'",
    "catalog": "update pg_catalog.pg_namespace set nspacl = null where nspname = 'tenant_b'",
    "public": "create table public.users ()",
    "ends its sessions": "select pg_terminate_backend({pid})",
    "cancels its statements": "select pg_cancel_backend({pid})",
    "comments": "comment on schema tenant_b is 'mine'",
}


class Tenants(NamedTuple):
    """Two tenants with owners of their own, who may log in."""

    a: str
    b: str


@pytest.fixture
def tenants(sartor: Command, database: Database, folder: Folder) -> Iterator[Tenants]:
    database.run("revoke create on schema public from public")
    folder.add("1.0.0-1700000000-users.py", up="create table users (id int primary key, name text, secret text)")
    tail = secrets.token_hex(6)
    found = Tenants(f"tenant_a_{tail}", f"tenant_b_{tail}")
    for name, role in zip(("tenant_a", "tenant_b"), found, strict=True):
        sartor.run("tenant", "create", name, "--role", role, "--owner", "--login")
    b = Database(database.as_user(found.b), database.name)
    b.run(
        "insert into users values (1, 'bob', 'of b')",
        "create function wipe() returns void language sql security definer as 'delete from tenant_b.users'",
    )
    yield found
    for name, role in zip(("tenant_a", "tenant_b"), found, strict=True):
        sartor.run("tenant", "drop", name, "--role", role, "--confirm", name)


WHOLE = """
select (select jsonb_agg(u) from tenant_b.users u), (select jsonb_agg(l) from tenant_b.sartor_ledger l),
    (select jsonb_agg(to_jsonb(n) - 'oid') from pg_namespace n where nspname in ('tenant_b', 'public')),
    (select jsonb_agg(relname order by relname) from pg_class where relnamespace = 'tenant_b'::regnamespace),
    (select jsonb_agg(d) from pg_default_acl d where defaclnamespace <> 'tenant_a'::regnamespace),
    (select jsonb_agg(a order by rolname) from pg_roles a where rolname like 'tenant_%'),
    (select jsonb_agg(s order by setrole) from pg_db_role_setting s where setdatabase in (0, (
        select oid from pg_database where datname = current_database()))),
    (select count(*) from pg_auth_members m join pg_roles r on r.oid = m.member where r.rolname like 'tenant_%'),
    (select count(*) from pg_event_trigger), obj_description('tenant_b'::regnamespace)
"""


def test_no_alteration_of_one_tenant_touches_another(
    sartor: Command, database: Database, folder: Folder, tenants: Tenants
) -> None:
    """Each of these tries fails as SQL and as Python, and afterwards the other tenant is as it was."""
    before = database.rows(WHOLE)
    superuser = database.value("select quote_ident(current_user)")
    ends: dict[str, set[int]] = defaultdict(set)
    with asyncio.Runner() as runner:
        session = runner.run(asyncpg.connect(database.as_user(tenants.b)))
        words = {
            **tenants._asdict(),
            "superuser": superuser,
            "database": database.name,
            "pid": session.get_server_pid(),
        }
        for at, (what, given) in enumerate(TRIES.items()):
            statement = given
            for name, text in words.items():
                statement = statement.replace("{" + name + "}", str(text))
            is_sql = at % 2 == 0
            file = folder.path / f"2.0.0-1720000000-try.{'sql' if is_sql else 'py'}"
            if is_sql:
                file.write_text(f"-- sartor: up\n{statement};\n-- sartor: down\n")
            else:
                file.write_text(f"async def up(conn, run):\n    await conn.execute({statement!r})\n")
            for more in ((), ("--no-batch",)):
                deploy = ("deploy", "latest", "--schema", "tenant_a", *more)
                ends[what] |= {sartor(*deploy, env=url(database, tenants.a), expect=None).code}
            file.unlink()
        assert runner.run(session.fetchval("select count(*) from users")) == 1
        runner.run(session.close())
    assert {what: codes for what, codes in ends.items() if codes != {1}} == {}
    assert database.rows(WHOLE) == before


def url(database: Database, role: str) -> dict[str, str]:
    return {"SARTOR_DB_URL": database.as_user(role)}


def test_what_a_tenant_may_do_is_of_no_effect_on_another(
    sartor: Command, database: Database, folder: Folder, tenants: Tenants
) -> None:
    """Its own defaults, temporary objects and path are its own: the other tenant's alterations find theirs."""
    mess = (
        "alter default privileges grant all on tables to public; create temp table users (id int);"
        " alter default privileges in schema tenant_b grant all on tables to public;"
        " set search_path = tenant_b, pg_temp; set my.note = 'of a'; listen of_a; select pg_advisory_lock(4711)"
    )
    file = folder.add("2.0.0-1720000000-mess.py", up=mess)
    sartor("deploy", "latest", "--schema", "tenant_a", env=url(database, tenants.a))
    file.unlink()
    folder.add("2.0.0-1720000001-more.py", up="alter table users add column more int; create table later ()")
    sartor("deploy", "latest", "--schema", "tenant_b", env=url(database, tenants.b))
    columns = "select count(*) from pg_attribute where attrelid = 'tenant_b.users'::regclass and attname = 'more'"
    assert database.value(columns) == 1
    assert database.value("select relacl is null from pg_class where oid = 'tenant_b.later'::regclass")


def test_another_tenants_run_lock_delays_and_no_more(
    sartor: Command, database: Database, folder: Folder, tenants: Tenants
) -> None:
    """Numbers of advisory locks are everybody's: who takes another's is named, and its end lets the run go on."""
    held = f"select pg_advisory_lock({lock_key('tenant_b')}); select pg_sleep(600)"
    file = folder.add("2.0.0-1720000000-holds.py", up=held)
    holder = sartor.start("deploy", "latest", "--schema", "tenant_a", env=url(database, tenants.a))
    taken = f"select count(*) from pg_locks where locktype = 'advisory' and objid = {lock_key('tenant_b') % 2**32}"
    until(lambda: database.value(taken) == 1)
    file.unlink()
    folder.table("2.0.0-1720000001-more.py")
    deploy = ("deploy", "latest", "--schema", "tenant_b")
    refused = sartor(*deploy, "--wait", "100ms", env=url(database, tenants.b), expect=5)
    assert "another run is in progress in schema tenant_b" in refused.err
    holder.terminate()
    finish(holder)
    sartor(*deploy, env=url(database, tenants.b))
    assert "more" in database.tables("tenant_b")
