"""What is only looked at, tried out or proved changes nothing that outlasts its scratch database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from support.command import Command
from support.database import Database, temporary_database
from support.folder import Folder
from support.roles import Role, temporary_role
from support.shapes import check

BASE = "create table users (id bigint primary key, name text)"
IT = "1.1.0-1700000001-it"
OUTSIDE = "-- sartor: transaction off\n"


class Scene(NamedTuple):
    """A deployed database; another one, and a role, that stand about on its server."""

    database: Database
    other: Database
    role: Role

    def state(self) -> list[Any]:
        """All that the server has beside its databases."""
        queries = (
            "select rolname, rolcanlogin, rolconnlimit from pg_roles",
            "select roleid::regrole::text, member::regrole::text from pg_auth_members",
            "select datname, datacl::text, shobj_description(oid, 'pg_database') from pg_database",
            "select setdatabase, setrole, setconfig from pg_db_role_setting",
            "select subname from pg_subscription",
            "select spcname, spcacl::text from pg_tablespace",
            "select sourceline, name, setting from pg_file_settings",
        )
        return [sorted(found, key=repr) for found in self.database.answers(*queries)]

    def fill(self, text: str) -> str:
        """The text with the names of this scene's things."""
        return (
            text.replace("$DB", self.database.name).replace("$OTHER", self.other.name).replace("$ROLE", self.role.name)
        )


@pytest.fixture
def scene(sartor: Command, folder: Folder, database: Database, server_url: str) -> Iterator[Scene]:
    """A scene of the test's own, with `sartor` and `folder`."""
    add_base(folder)
    with temporary_database(server_url) as other, temporary_role(database) as role:
        sartor("deploy", "latest")
        yield Scene(database, other, role)


@pytest.fixture(scope="module")
def lasting(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One scene for all of the scripts that are to change nothing of it."""
    folder = Folder(tmp_path_factory.mktemp("lasting") / "alterations")
    add_base(folder)
    with (
        temporary_database(server_url) as database,
        temporary_database(server_url) as other,
        temporary_role(database) as role,
    ):
        Command(folder.path.parent, {"SARTOR_DB_URL": database.url})("deploy", "latest")
        yield Scene(database, other, role)


@pytest.fixture
def there(lasting: Scene, tmp_path: Path) -> Command:
    """`sartor` on the lasting scene, with a folder of the test's own."""
    return Command(tmp_path, {"SARTOR_DB_URL": lasting.database.url})


def add_base(folder: Folder) -> None:
    folder.add("1.0.0-1700000000-base.py", up=BASE, down="drop table users")


BEYOND = {
    "a role": "create role $ROLE_2",
    "a role dropped": "drop role $ROLE",
    "a role altered": "alter role $ROLE connection limit 7",
    "a role set": "alter role $ROLE set work_mem = '17MB'",
    "a member": "grant pg_monitor to $ROLE",
    "a database's setting": "alter database $DB set work_mem = '17MB'",
    "a database's rights": "grant connect on database $DB to $ROLE",
    "a database's comment": "comment on database $DB is 'seen'",
    "a tablespace's rights": "grant create on tablespace pg_default to $ROLE",
    "in a function": "do $$ begin execute 'create role $ROLE_2'; end $$",
    "a subscription": "create subscription s connection '' publication p with (connect = false)",
}
BARE = {
    "a database": "create database $OTHER_2",
    "a database dropped": "drop database $OTHER",
    "the server's setting": "alter system set work_mem = '17MB'",
    "a DO that commits": "do $$ begin create role $ROLE_2; commit; end $$",
    "a transaction of its own": "begin;\ncreate role $ROLE_2;\ncommit",
}
CASES = {
    **{name: ("", sql) for name, sql in BEYOND.items()},
    **{name: (OUTSIDE, sql) for name, sql in BARE.items()},
    "a role, outside": (OUTSIDE, BEYOND["a role"]),
    "a database's rights, outside": (OUTSIDE, BEYOND["a database's rights"]),
}


def write(folder: Folder, scene: Scene, case: str) -> None:
    options, sql = CASES[case]
    sql = scene.fill(sql)
    add_base(folder)
    folder.write(f"{IT}.sql", f"{options}-- sartor: up\ncreate table t (id int);\n{sql};\n-- sartor: down\nselect 1;\n")


@pytest.mark.parametrize("case", CASES)
def test_what_belongs_to_the_server(case: str, there: Command, folder: Folder, lasting: Scene) -> None:
    """A script that changes more than its database isn't rehearsed, and the server is as it was."""
    write(folder, lasting, case)
    before = lasting.state()
    (found,) = check(there("rehearse", "--json"), "rehearse")["alterations"]
    assert found["verdict"] == "not-rehearsed"
    assert lasting.state() == before


@pytest.mark.parametrize("case", ["a role", "a database's rights", "a role, outside", "a database dropped"])
def test_what_cant_be_proved(case: str, there: Command, folder: Folder, lasting: Scene) -> None:
    """Nor is it proved."""
    write(folder, lasting, case)
    before = lasting.state()
    (proof,) = check(there("prove", "1700000001-it", "--json", expect=1), "prove")["proofs"]
    assert proof["result"] == "fails"
    assert lasting.state() == before


def test_what_is_said_of_it(sartor: Command, folder: Folder, scene: Scene) -> None:
    """The reason names what it is; no script behind it is vouched for, and no failure is told."""
    folder.add(f"{IT}.py", up=f"alter role {scene.role.name} set work_mem = '17MB'")
    folder.add("1.1.0-1700000002-after.py", up="create table after (id int)")
    first, second = check(sartor("rehearse", "--json"), "rehearse")["alterations"]
    said = "the script changes server-wide objects from a scratch database: the settings of a database or a role"
    assert (first["reason"], second["reason"]) == (said, "an earlier alteration couldn't be rehearsed")
    sartor("rehearse", "--max-hazard", "rewrites", expect=1)


def test_what_is_so_already(sartor: Command, folder: Folder, scene: Scene) -> None:
    """What changes nothing of the server is no change: it is rehearsed, and proved. What does has no SQLSTATE."""
    again = scene.fill(
        "grant pg_monitor to $ROLE; alter role $ROLE set work_mem = '17MB'; comment on role $ROLE is 'known'"
    )
    scene.database.run(*again.split("; "))
    folder.write(f"{IT}.sql", f"-- sartor: up\n{again};\n-- sartor: down\n{again};\n")
    assert check(sartor("rehearse", "--json"), "rehearse")["alterations"][0]["reason"] is None
    assert check(sartor("prove", "1700000001-it", "--json"), "prove")["proofs"][0]["result"] == "proved"
    folder.write("1.1.0-1700000002-not.sql", f"-- sartor: up\n{scene.fill('revoke pg_monitor from $ROLE')};\n")
    (proof,) = check(sartor("prove", "1700000002-not", "--json", expect=1), "prove")["proofs"]
    assert "the members of a role" in proof["failed"]["message"]
    assert proof["failed"]["sqlstate"] is None


INSIDE = """
    grant select on users to $ROLE;
    alter default privileges grant select on tables to $ROLE;
    alter table users owner to $ROLE;
    do $$ begin execute format('grant connect on database %I to $ROLE', current_database()); end $$;
    analyze;
"""
BARE_INSIDE = """
    vacuum;
    create index concurrently users_name on users (name);
    reindex (verbose) index concurrently users_name;
    do $$ begin insert into users values (1); commit; end $$;
    drop index concurrently users_name;
"""


@pytest.mark.parametrize("sql", [f"-- sartor: up\n{INSIDE}", f"{OUTSIDE}-- sartor: up\n{INSIDE}{BARE_INSIDE}"])
def test_what_belongs_to_the_database(sql: str, sartor: Command, folder: Folder, scene: Scene) -> None:
    """Rights that name roles, and what refuses a transaction, are rehearsed and proved: they stay in the database."""
    folder.write(f"{IT}.sql", scene.fill(sql) + "-- sartor: irreversible it is a test\n")
    (rehearsed,) = check(sartor("rehearse", "--json"), "rehearse")["alterations"]
    assert rehearsed["reason"] is None
    (proof,) = check(sartor("prove", "1700000001-it", "--json"), "prove")["proofs"]
    assert proof["result"] == "irreversible"


@pytest.mark.parametrize(
    "sends", ["execute('{}')", "fetch('{}')", "executemany('{}', [()])", "prepare('{}')", "execute('{}; select 1')"]
)
def test_whichever_way_it_is_sent(sends: str, there: Command, folder: Folder, lasting: Scene) -> None:
    """No method gets round it, and neither does a script that takes the error and goes on."""
    call = sends.format(f"drop role {lasting.role.name}")
    add_base(folder)
    folder.write(
        f"{IT}.py",
        f"""
        transaction = False
        async def up(conn):
            try:
                async with conn.transaction():
                    sent = await conn.{call}
                    if hasattr(sent, "fetch"):
                        await sent.fetch()
            except Exception:
                pass
            await conn.execute("create table t (id int)")

        async def down(conn):
            await conn.execute("drop table t")
        """,
    )
    before = lasting.state()
    (rehearsed,) = check(there("rehearse", "--json"), "rehearse")["alterations"]
    assert "changes server-wide objects" in rehearsed["reason"]
    there("prove", "1700000001-it", expect=1)
    assert lasting.state() == before


LOOP = """
    async def up(conn):
        for name in ["{0}"]:
            await conn.execute(f"alter role {{name}} connection limit 7")

    async def down(conn):
        for name in ["{0}"]:
            await conn.execute(f"drop role {{name}}")
"""


def test_check(sartor: Command, folder: Folder, scene: Scene) -> None:
    """`check`, and `rollback --check`, change nothing of the server, and say where their rehearsal ended."""
    folder.write(f"{IT}.py", LOOP.format(scene.role.name))
    before = scene.state()
    done = sartor("check", "latest", expect=3)
    assert f"the rehearsal stopped at {IT}.py: the script changes server-wide objects" in done.err
    assert f"{IT}.py is Python" in done.out
    assert scene.state() == before
    sartor("deploy", "latest")
    before = scene.state()
    done = sartor("rollback", "--steps", "1", "--check", expect=3)
    assert f"the rehearsal stopped at {IT}.py: the script changes server-wide objects" in done.err
    assert scene.state() == before


def test_check_rehearses_what_it_has_to(sartor: Command, folder: Folder, scene: Scene) -> None:
    """What comes after the last script that can tell its SQL isn't run for it."""
    telling = LOOP.format(scene.role.name).replace(
        "alter role {name} connection limit 7", "create table {name} (id int)"
    )
    folder.write("1.1.0-1700000001-telling.py", telling)
    folder.add("1.1.0-1700000002-b.py", up=f"alter role {scene.role.name} connection limit 7")
    done = sartor("check", "latest", expect=3)
    assert "the rehearsal stopped at" not in done.err
    assert f"create table {scene.role.name}" in done.out


@pytest.mark.parametrize("sql", ["create role {}_2", "alter role {} connection limit 7"])
def test_a_replay(sql: str, sartor: Command, folder: Folder, scene: Scene) -> None:
    """What belongs to the server isn't done again for a replay: a note says that it can't be told."""
    folder.add(f"{IT}.py", up=sql.format(scene.role.name))
    sartor("deploy", "latest")
    scene.database.run(f"alter role {scene.role.name} connection limit 3")
    try:
        before = scene.state()
        done = sartor("verify", "--against-replay")
        assert f"note: the difference from a replay can't be determined: {IT}.py: " in done.out + done.err
        assert scene.state() == before
    finally:
        scene.database.run(f"drop role if exists {scene.role.name}_2")


def test_a_seed(sartor: Command, folder: Folder, scene: Scene) -> None:
    """Neither does a seed for proofs change the server."""
    folder.add(f"{IT}.py", up="create table t (id int)", down="drop table t")
    seed = folder.path.parent / "seed.sql"
    seed.write_text(f"alter role {scene.role.name} connection limit 7;\n")
    before = scene.state()
    assert "changes server-wide objects" in sartor("prove", "1700000001-it", "--seed", str(seed), expect=1).err
    assert scene.state() == before


def test_live(sartor: Command, folder: Folder, scene: Scene) -> None:
    """On the destination itself each script is rolled back, so there is nothing that it mayn't change."""
    folder.add(f"{IT}.py", up=f"alter role {scene.role.name} connection limit 7")
    before = scene.state()
    (rehearsed,) = check(sartor("rehearse", "--live", "--json"), "rehearse")["alterations"]
    assert rehearsed["verdict"] == "safe"
    assert scene.state() == before


def test_foreign_tables(sartor: Command, folder: Folder, scene: Scene) -> None:
    """Nothing gets from the clone to where foreign tables lead."""
    port, host, user = scene.database.rows("select inet_server_port(), host(inet_server_addr()), current_user")[0]
    scene.other.run("create table archive (id int)")
    scene.database.run(
        "create extension postgres_fdw",
        f"create server elsewhere foreign data wrapper postgres_fdw options (dbname '{scene.other.name}',"
        f" host '{host}', port '{port}')",
        f"create user mapping for current_user server elsewhere options (user '{user}')",
        "create user mapping for public server elsewhere",
        "create foreign table archive (id int) server elsewhere",
        "insert into archive values (1)",
    )
    folder.add(f"{IT}.py", up="insert into archive values (2)")
    found = check(sartor("rehearse", "--json", expect=1), "rehearse")
    assert "user mapping not found" in found["alterations"][0]["reason"]
    assert "the clone has no user mappings for elsewhere, so it can't reach them" in found["notes"]
    assert scene.other.rows("select id from archive") == [(1,)]
