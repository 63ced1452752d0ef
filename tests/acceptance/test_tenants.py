"""`sartor tenant create` and `drop`: a schema for each tenant, with a role that sees no other's."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from support.command import Command
from support.database import Database, with_name
from support.folder import Folder
from support.roles import temporary_role
from support.shapes import check

PASSWORD = "a-password-of-7-words"  # noqa: S105 - of a test


@pytest.fixture(autouse=True)
def _alterations(folder: Folder) -> None:
    up = "create table users (id int generated always as identity, name text); insert into users (name) values ('ann')"
    folder.add("1.0.0-1700000000-users.py", up=up, down="drop table users")
    folder.table("1.1.0-1710000000-bills.py")


@pytest.fixture
def role(database: Database) -> Iterator[str]:
    """A name for a role, which is gone afterwards."""
    name = f"tenant_{secrets.token_hex(6)}"
    yield name
    gone = f"do $$ begin if to_regrole('{name}') is not null then drop owned by {name} cascade; drop role {name};"
    database.run(f"{gone} end if; end $$")


def refused(database: Database, user: str, statement: str) -> str:
    """The SQLSTATE with which a statement of this user's is refused; "" where it isn't."""
    try:
        Database(database.as_user(user), database.name).run(statement)
    except Exception as error:  # noqa: BLE001 - the driver's
        return str(getattr(error, "sqlstate", error))
    return ""


def test_a_tenant_is_created_at_a_release(sartor: Command, database: Database) -> None:
    """`create` makes the schema and deploys to it, to the latest release or to that which is named; it is closed."""
    done = sartor.run("tenant", "create", "tenant_a")
    assert done.out.splitlines()[-1] == "Created tenant tenant_a, at 1.1.0"
    assert database.tables("tenant_a") == {"users", "bills"}
    found = check(sartor.run("tenant", "create", "tenant_b", "--release", "1.0.0", "--json"), "tenant-create")
    assert found["tenant"] == {"made": True, "role": None, "pending": 0, "release": "1.0.0"}
    assert [each["id"] for each in found["done"]] == ["1700000000-users"]
    assert database.tables("tenant_b") == {"users"}
    acl = "select count(*) from pg_namespace, aclexplode(nspacl) a where nspname like 'tenant%' and a.grantee = 0"
    assert database.value(acl) == 0
    assert sartor("verify", "--schema", "tenant_a", "--schema", "tenant_b").code == 0


def test_a_tenant_that_exists_is_left_as_it_is(sartor: Command, database: Database, folder: Folder) -> None:
    """It says so: with 0 where the tenant has the release, else with 3 and the number of what is pending."""
    sartor.run("tenant", "create", "tenant_a")
    before = database.rows("select * from tenant_a.sartor_journal order by seq")
    assert "Tenant tenant_a exists, at 1.1.0; nothing was done" in sartor.run("tenant", "create", "tenant_a").out
    folder.table("2.0.0-1720000000-more.py")
    told = sartor.run("tenant", "create", "tenant_a", expect=3)
    assert "Tenant tenant_a exists, at 1.1.0; nothing was done; 1 alteration pending" in told.out
    found = check(sartor.run("tenant", "create", "tenant_a", "--json", expect=3), "tenant-create")
    assert (found["tenant"]["made"], found["tenant"]["pending"], found["done"]) == (False, 1, [])
    assert database.rows("select * from tenant_a.sartor_journal order by seq") == before


def test_a_role_may_use_its_schema_alone(sartor: Command, database: Database, role: str) -> None:
    """It reads and writes the rows of its tables, finds them without the schema's name, and has no other right."""
    sartor.run("tenant", "create", "tenant_b")
    sartor.run("tenant", "create", "tenant_a", "--role", role, "--login")
    own = Database(database.as_user(role), database.name)
    assert own.rows("select name from users") == [("ann",)]
    own.run("insert into users (name) values ('bea')", "update users set name = 'eve'", "delete from users")
    for statement in (
        "select from tenant_b.users",
        "create table tenant_a.mine ()",
        "truncate users",
        "select from tenant_a.sartor_ledger",
        "insert into tenant_a.sartor_fingerprint default values",
        "create schema mine",
    ):
        assert refused(database, role, statement) == "42501", statement
    assert refused(database, role, "drop table users") == "42501"
    assert sartor("verify", "--schema", "tenant_a").code == 0


def test_later_tables_are_the_roles_too(sartor: Command, database: Database, folder: Folder, role: str) -> None:
    """What later alterations make may be used at once, and the ledger stays Sartor's."""
    sartor.run("tenant", "create", "tenant_a", "--role", role, "--login")
    folder.table("2.0.0-1720000000-more.py")
    sartor("deploy", "latest", "--schema", "tenant_a")
    assert refused(database, role, "insert into more values (1)") == ""
    assert refused(database, role, "select from sartor_journal") == "42501"


def test_a_role_is_nobodys_login_unless_it_is_said(sartor: Command, database: Database, role: str) -> None:
    """Without `--login` it can't log in; with it, the password comes from a variable and is shown nowhere."""
    sartor.run("tenant", "create", "tenant_a", "--role", role)
    login = f"select rolcanlogin, rolpassword from pg_authid where rolname = '{role}'"
    assert database.rows(login) == [(False, None)]
    sartor.run("tenant", "drop", "tenant_a", "--role", role, "--confirm", "tenant_a")
    done = sartor.run(
        *("tenant", "create", "tenant_a", "--role", role, "--login", "--verbose"),
        env={"SARTOR_TENANT_PASSWORD": PASSWORD},
    )
    ((may, verifier),) = database.rows(login)
    assert may
    assert verifier.startswith("SCRAM-SHA-256$4096:")
    assert PASSWORD not in done.out + done.err
    assert verifier not in done.out + done.err
    assert PASSWORD not in str(database.rows("select detail from tenant_a.sartor_journal"))


def test_a_password_that_cant_be_kept_is_refused(sartor: Command, role: str) -> None:
    """One of which servers make different things is refused, and not shown."""
    given = {"SARTOR_TENANT_PASSWORD": "naïve-ﬁsh"}
    done = sartor.run("tenant", "create", "tenant_a", "--role", role, "--login", env=given, expect=2)
    assert "SARTOR_TENANT_PASSWORD can't be used" in done.err
    assert "fish" not in done.err.replace("ﬁ", "fi")


@pytest.mark.parametrize("name", ["pg_tenant", "public", "a" * 64, "", "a\u202eb"])
def test_names_that_cant_be_used(sartor: Command, database: Database, name: str) -> None:
    """A reserved, an overlong, an empty name, and one that shows as another, are refused before anything is done."""
    refusal = "everybody's schema" if name == "public" else "the tenant's name can't be used"
    assert refusal in sartor.run("tenant", "create", name, expect=2).err
    assert "role's name can't be used" in sartor.run("tenant", "create", "t", "--role", name or "none", expect=2).err
    assert database.value("select count(*) from pg_namespace where nspname = 't'") == 0


def test_names_are_quoted(sartor: Command, database: Database, role: str) -> None:
    """Any other name is one: nothing in it is SQL."""
    name = 'A "b"; drop schema public; --'
    odd = f"{role} \\\"x'"
    try:
        sartor.run("tenant", "create", name, "--role", odd, "--owner", "--login")
        assert database.tables(name) == {"users", "bills"}
        assert database.value("select count(*) from pg_namespace where nspname = 'public'") == 1
        sartor.run("tenant", "drop", name, "--role", odd, "--confirm", name)
    finally:
        quoted = '"' + odd.replace('"', '""') + '"'
        left = database.value("select count(*) from pg_roles where rolname = $1", odd)
        if left:
            database.run(f"drop owned by {quoted} cascade", f"drop role {quoted}")
    assert not left


def test_public_is_no_tenant(sartor: Command) -> None:
    """The schema `public` is neither created as a tenant nor dropped."""
    assert "everybody's schema" in sartor.run("tenant", "create", "public", expect=2).err
    assert "everybody's schema" in sartor.run("tenant", "drop", "public", "--confirm", "public", expect=2).err


def test_a_schema_that_isnt_ours_is_refused(sartor: Command, database: Database, role: str) -> None:
    """One that holds objects and has no ledger, or belongs to somebody else, is refused with the way out."""
    database.run("create schema theirs", "create table theirs.x ()")
    done = sartor.run("tenant", "create", "theirs", expect=2)
    assert "schema theirs exists, and holds theirs.x, but has no ledger; nothing was done" in done.err
    assert "sartor db alteration baseline VERSION" in done.err
    database.run(f"create role {role}", f"create schema hers authorization {role}")
    assert (
        f"schema hers exists, and belongs to role {role}, not to"
        in sartor.run("tenant", "create", "hers", expect=2).err
    )
    for name in ("theirs", "hers"):
        database.value("select count(*) from pg_namespace where nspname = $1", name)
    assert "isn't a tenant's" in sartor.run("tenant", "drop", "theirs", "--confirm", "theirs", expect=2).err


def test_an_empty_schema_is_taken(sartor: Command, database: Database) -> None:
    """One that this role made and that holds nothing is the tenant's: a creation may have ended there."""
    database.run("create schema tenant_a")
    assert "Created tenant tenant_a, at 1.1.0" in sartor.run("tenant", "create", "tenant_a").out


def test_a_creation_that_failed_goes_on(sartor: Command, database: Database, folder: Folder, role: str) -> None:
    """What an alteration's failure leaves is no tenant yet: the same command goes on, and afterwards there is one."""
    folder.add("1.2.0-1715000000-bad.py", up="select 1/0")
    create = ("tenant", "create", "tenant_a", "--role", role)
    failed = sartor.run(*create, "--json", expect=1)
    assert check(failed, "tenant-create")["failed"]["sqlstate"] == "22012"
    assert f"resume with: sartor tenant create tenant_a --role {role}" in failed.err
    assert "division by zero" in sartor.run(*create, expect=1).err
    folder.table("1.2.0-1715000000-bad.py")
    assert f"Created tenant tenant_a, at 1.2.0, with role {role}" in sartor.run(*create).out
    assert "exists, at 1.2.0" in sartor.run(*create).out
    assert database.tables("tenant_a") == {"users", "bills", "bad"}
    assert sartor("verify", "--schema", "tenant_a").code == 0


def test_a_release_that_isnt_there_makes_nothing(sartor: Command, database: Database, role: str) -> None:
    """A target that can't be reached is found before schema and role are made."""
    sartor.run("tenant", "create", "tenant_a", "--release", "seven", "--role", role, expect=2)
    assert database.value("select count(*) from pg_namespace where nspname = 'tenant_a'") == 0
    assert database.value(f"select count(*) from pg_roles where rolname = '{role}'") == 0


def test_roles_that_arent_fit(sartor: Command, database: Database, role: str) -> None:
    """A role that owns something else, has another's rights or those of a superuser is no tenant's; nothing is done."""
    sartor.run("tenant", "create", "tenant_b")
    database.run(f"create role {role}", "create table public.hers ()", f"alter table public.hers owner to {role}")
    create = ("tenant", "create", "tenant_a", "--role", role)
    assert "can't be the role of a tenant: it owns table public.hers" in sartor.run(*create, expect=2).err
    database.run("drop table public.hers", f"grant usage on schema tenant_b to {role}")
    assert "it has rights on tenant_b, the schema of another tenant" in sartor.run(*create, expect=2).err
    database.run(f"revoke usage on schema tenant_b from {role}", f"grant pg_read_all_data to {role}")
    assert "it has the rights of pg_read_all_data" in sartor.run(*create, expect=2).err
    database.run(f"revoke pg_read_all_data from {role}", f"alter role {role} createrole")
    assert "may create roles" in sartor.run(*create, expect=2).err
    database.run(f"alter role {role} nocreaterole")
    user = database.value("select current_user::text")
    assert "it is the role of this session" in sartor.run(*create[:-1], user, expect=2).err
    assert database.value("select count(*) from pg_namespace where nspname = 'tenant_a'") == 0
    sartor.run(*create)


def test_an_owner_deploys_by_itself(sartor: Command, database: Database, folder: Folder, role: str) -> None:
    """With `--owner` all in the schema is the role's, and a later alteration is deployed with its own login."""
    folder.write(
        "1.1.0-1710000001-logged.py",
        "async def up(conn, run):\n    run.log('x')\n    await conn.execute('create table logged ()')\n",
    )
    folder.table("1.1.0-1710000002-last.py")
    sartor.run("tenant", "create", "tenant_a", "--role", role, "--owner", "--login")
    owners = "select distinct relowner::regrole::text from pg_class where relnamespace = 'tenant_a'::regnamespace"
    assert database.rows(owners) == [(role,)]
    folder.table("2.0.0-1720000000-more.py")
    sartor("deploy", "latest", "--schema", "tenant_a", "--db-url", database.as_user(role))
    assert "more" in database.tables("tenant_a")
    assert database.rows(owners) == [(role,)]
    assert "exists, at 2.0.0" in sartor.run("tenant", "create", "tenant_a", "--role", role, "--owner").out
    sartor.run("tenant", "drop", "tenant_a", "--role", role, "--confirm", "tenant_a")
    assert database.value(f"select count(*) from pg_roles where rolname = '{role}'") == 0


@pytest.mark.parametrize("owner", [(), ("--owner",)], ids=["", "owner"])
def test_an_operator_needs_no_superuser(
    sartor: Command, database: Database, folder: Folder, role: str, owner: tuple[str, ...]
) -> None:
    """A role that may create roles, and schemas in the database, creates tenants, deploys to them and drops them."""
    create = ("tenant", "create", "tenant_a", "--role", role, "--login", *owner)
    with temporary_role(database) as operator:
        env = {"SARTOR_DB_URL": operator.url}
        told = sartor.run(*create, env=env, expect=6).err
        assert f'grant create on database "{database.name}" to' in told
        database.run(f"grant create on database {database.name} to {operator.name}")
        told = sartor.run(*create, env=env, expect=6).err
        assert "may not create the tenant: permission denied to create role" in told
        assert "for a role of the tenant's CREATEROLE" in told
        assert database.value("select count(*) from pg_namespace where nspname = 'tenant_a'") == 0
        database.run(f"alter role {operator.name} createrole")
        sartor.run(*create, env=env)
        assert refused(database, role, "insert into users (name) values ('bea')") == ""
        folder.table("2.0.0-1720000000-more.py")
        who = {"SARTOR_DB_URL": database.as_user(role)} if owner else env
        sartor("deploy", "latest", "--schema", "tenant_a", env=who)
        sartor.run("tenant", "drop", "tenant_a", "--role", role, "--confirm", "tenant_a", env=env)
        assert database.value(f"select count(*) from pg_roles where rolname = '{role}'") == 0


def test_a_drop_wants_the_name(sartor: Command, database: Database) -> None:
    """Without a terminal, and in production everywhere, only `--confirm NAME` drops; it says what would be lost."""
    sartor.run("tenant", "create", "tenant_a")
    database.run("insert into tenant_a.users (name) select 'x' from generate_series(1, 999)", "analyze tenant_a.users")
    done = sartor.run("tenant", "drop", "tenant_a", expect=2)
    assert "schema tenant_a, with all data (2 tables, about 1,000 rows, " in done.err
    assert "to confirm: --confirm tenant_a" in done.err
    assert (
        "is tenant_a, not tenant_b"
        in sartor.run(*("tenant", "drop", "tenant_a", "--confirm", "tenant_b"), expect=2).err
    )
    production = {"SARTOR_ENVIRONMENT": "production"}
    assert "the environment is production" in sartor.run("tenant", "drop", "tenant_a", env=production, expect=2).err
    assert database.tables("tenant_a") == {"users", "bills"}
    dropped = sartor.run("tenant", "drop", "tenant_a", "--confirm", "tenant_a", "--json", env=production)
    found = check(dropped, "tenant-drop")["dropped"]
    assert (found["tables"], found["rows"], found["role"], found["bytes"] > 0) == (2, 1000, None, True)
    again = sartor.run("tenant", "drop", "tenant_a", "--confirm", "tenant_a", "--json", expect=2)
    assert check(again, "tenant-drop")["error"]["kind"] == "SchemaMissing"


def test_a_neighbour_isnt_dropped(sartor: Command, database: Database) -> None:
    """Where an object outside the schema depends on it, or an extension stands in it, all stays, and it is named."""
    drop = ("tenant", "drop", "tenant_a", "--confirm", "tenant_a")
    for name in ("tenant_a", "tenant_b"):
        sartor.run("tenant", "create", name)
    database.run("create view tenant_b.spy as select * from tenant_a.users")
    done = sartor.run(*drop, expect=2)
    assert "would be dropped too: view tenant_b.spy; nothing was dropped" in done.err
    database.run("drop view tenant_b.spy", "alter table tenant_a.users add primary key (id)")
    database.run("alter table tenant_b.users add foreign key (id) references tenant_a.users")
    assert "users_id_fkey on tenant_b.users" in sartor.run(*drop, expect=2).err
    database.run("alter table tenant_b.users drop constraint users_id_fkey")
    database.run("create type tenant_a.kind as enum ('x')", "alter table tenant_b.users add kind tenant_a.kind")
    assert "table column tenant_b.users.kind" in sartor.run(*drop, expect=2).err
    database.run("alter table tenant_b.users drop kind", "create extension hstore schema tenant_a")
    assert "alter extension NAME set schema public;" in sartor.run(*drop, expect=2).err
    assert database.tables("tenant_a") == {"users", "bills"}
    database.run("alter extension hstore set schema public")
    sartor.run(*drop)
    assert database.tables("tenant_a") == set()
    assert database.tables("tenant_b") == {"users", "bills"}


def test_a_role_goes_with_its_tenant_alone(sartor: Command, database: Database, role: str) -> None:
    """A role that isn't the tenant's, or owns something elsewhere, isn't dropped, and then nothing is."""
    sartor.run("tenant", "create", "tenant_a", "--role", role)
    sartor.run("tenant", "create", "tenant_b")
    drop = ("tenant", "drop", "tenant_b", "--role", role, "--confirm", "tenant_b")
    assert "isn't the role of this tenant: it has no right on schema tenant_b" in sartor.run(*drop, expect=2).err
    assert "there is no such role" in sartor.run(*drop[:4], "nobody_here", *drop[5:], expect=2).err
    database.run("create table public.hers ()", f"alter table public.hers owner to {role}")
    drop = ("tenant", "drop", "tenant_a", "--role", role, "--confirm", "tenant_a")
    assert "can't be dropped: it owns table public.hers" in sartor.run(*drop, expect=2).err
    assert database.tables("tenant_a") == {"users", "bills"}
    database.run("drop table public.hers", f"grant connect on database {database.name} to {role}")
    assert check(sartor.run(*drop, "--json"), "tenant-drop")["dropped"]["role"] == role
    assert database.value(f"select count(*) from pg_roles where rolname = '{role}'") == 0
    assert database.tables("tenant_b") == {"users", "bills"}


def test_several_databases_are_too_many(sartor: Command, database: Database) -> None:
    """A tenant is created in one database."""
    urls = ("--db-url", database.url, "--db-url", with_name(database.url, "other"))
    for command in (("create",), ("drop", "--confirm", "tenant_a")):
        told = sartor.run("tenant", *command, "tenant_a", *urls, expect=2).err
        assert f"`tenant {command[0]}` needs one database, but there are 2" in told
        assert "name one: --db-url" in told


def test_the_name_counts_before_the_settings(sartor: Command) -> None:
    """Whatever schemas the settings name, by names or by patterns: the command works on its own tenant."""
    for given in ({"SARTOR_SCHEMA": "x", "SARTOR_SCHEMA_1": "y"}, {"SARTOR_SCHEMAS": "nothing_*"}):
        sartor.run("tenant", "create", "tenant_a", env=given)
        sartor.run("tenant", "drop", "tenant_a", "--confirm", "tenant_a", env=given)
