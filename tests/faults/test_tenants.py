"""A tenant's creation and its end, cut off at any statement: the same command finishes, and nothing is half there."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from support.command import Command, finish
from support.database import Database
from support.folder import Folder
from support.proxy import Proxy, proxy_to
from support.sessions import until

CREATING = (
    "pg_try_advisory_lock",
    "create role",
    "create schema",
    "revoke all on schema",
    "grant usage",
    "alter default privileges",
    "search_path = ",
    "_journal (",
    "is 'Sartor: this tenant",
    "create table users",
    "create table bills",
    "id is null",
    " login",
)
"""Of each statement that changes something, a piece by which it is known; the connection is cut before it is sent."""

DROPPING = ("pg_try_advisory_lock", "lock table", "drop schema", "drop role", "COMMIT")

STANDS = """
select (select rolcanlogin from pg_roles where rolname = $1),
    (select array_agg(c.relname::text || ' ' || coalesce(c.relacl::text, '') order by c.relname)
        from pg_class c where c.relnamespace = n.oid and c.relkind = 'r'),
    (select array_agg(d.defaclacl::text order by d.defaclobjtype) from pg_default_acl d
        where d.defaclnamespace = n.oid),
    (select array_agg(s.setconfig::text) from pg_db_role_setting s join pg_roles r on r.oid = s.setrole
        where r.rolname = $1),
    n.nspacl::text, (select count(*) from tenant_a.sartor_ledger),
    col_description('tenant_a.sartor_ledger'::regclass, 2)
from pg_namespace n where n.nspname = 'tenant_a'
"""


@pytest.fixture
def role(database: Database, folder: Folder) -> Iterator[str]:
    folder.table("1.0.0-1700000000-users.py")
    folder.write(
        "1.1.0-1710000000-bills.py",
        "async def up(conn, run):\n    run.log('begins')\n    await conn.execute('create table bills (id int)')\n",
    )
    name = f"tenant_{secrets.token_hex(6)}"
    yield name
    gone = f"do $$ begin if to_regrole('{name}') is not null then drop owned by {name} cascade; drop role {name};"
    database.run(f"{gone} end if; end $$")


def was_cut(proxy: Proxy) -> bool:
    return proxy.cut_before is None


def test_a_creation_cut_anywhere_is_finished_by_the_same_command(
    sartor: Command, database: Database, role: str
) -> None:
    """Cut before each statement in turn: the next call leaves what an undisturbed one leaves, each alteration once."""
    create = ("tenant", "create", "tenant_a", "--role", role, "--login")
    drop = ("tenant", "drop", "tenant_a", "--role", role, "--confirm", "tenant_a")
    sartor.run(*create)
    whole = database.rows(STANDS, role)
    assert whole[0][-2:] == (2, None)
    sartor.run(*drop)
    for piece in CREATING:
        with proxy_to(database.url) as proxy:
            proxy.cut_before = piece.encode()
            sartor.run(*create, env={"SARTOR_DB_URL": proxy.url}, expect=None)
            assert was_cut(proxy), f"nothing was sent that has {piece!r}"
        sartor.run(*create)
        assert database.rows(STANDS, role) == whole, piece
        assert "exists, at 1.1.0" in sartor.run(*create).out
        sartor.run(*drop)


def test_a_drop_cut_anywhere_is_whole_or_nothing(sartor: Command, database: Database, role: str) -> None:
    """Cut before each statement in turn: schema and role are there, both as they were, and the next call drops both."""
    create = ("tenant", "create", "tenant_a", "--role", role, "--login")
    drop = ("tenant", "drop", "tenant_a", "--role", role, "--confirm", "tenant_a")
    for piece in DROPPING:
        sartor.run(*create)
        whole = database.rows(STANDS, role)
        with proxy_to(database.url) as proxy:
            proxy.cut_before = piece.encode()
            sartor.run(*drop, env={"SARTOR_DB_URL": proxy.url}, expect=None)
            assert was_cut(proxy), f"nothing was sent that has {piece!r}"
        if database.value("select count(*) from pg_namespace where nspname = 'tenant_a'"):
            assert database.rows(STANDS, role) == whole, piece
            sartor.run(*drop)
        assert database.value("select count(*) from pg_roles where rolname = $1", role) == 0


def test_two_creations_at_once(sartor: Command, database: Database, role: str) -> None:
    """Whoever comes second finds the tenant, or goes on with it; it is one, with each alteration once."""
    create = ("tenant", "create", "tenant_a", "--role", role, "--login")
    ends = [finish(each) for each in [sartor.launch(*create) for _ in range(4)]]
    assert [end.code for end in ends] == [0] * 4, [end.err for end in ends]
    assert any("Created tenant" in end.out for end in ends)
    whole = database.rows(STANDS, role)
    assert whole[0][-2:] == (2, None)
    kinds = "select kind from tenant_a.sartor_journal order by seq"
    assert [kind for (kind,) in database.rows(kinds)] == ["created", "deployed", "deployed"]


def test_a_drop_waits_for_a_run(sartor: Command, database: Database, folder: Folder, role: str) -> None:
    """While a deployment is under way there, a drop is refused for want of the run lock, and drops nothing."""
    sartor.run("tenant", "create", "tenant_a", "--role", role)
    folder.add("2.0.0-1720000000-slow.py", up="select pg_sleep(600)")
    running = sartor.start("deploy", "latest", "--schema", "tenant_a")
    until(lambda: database.value("select count(*) from pg_stat_activity where wait_event = 'PgSleep'") == 1)
    drop = ("tenant", "drop", "tenant_a", "--confirm", "tenant_a", "--wait", "100ms")
    assert "another run is in progress in schema tenant_a" in sartor.run(*drop, expect=5).err
    running.terminate()
    finish(running)
    assert database.tables("tenant_a") == {"users", "bills"}
    sartor.run(*drop[:-2])
    assert database.tables("tenant_a") == set()
