"""A ledger in hostile or unlucky hands: nothing of a neighbour's runs as the deployer, and nothing is told wrongly."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.command import Command, finish
from support.database import Database
from support.folder import Folder
from support.psql import psql
from support.roles import Role, temporary_role
from support.sessions import backend_waiting, holding, until

READING = (["status"], ["history"], ["verify"], ["check"], ["rollback", "0", "--check"], ["rehearse"])
WRITING = (
    ["deploy", "latest"],
    ["rollback", "0"],
    ["repair", "--accept-drift", "--reason", "x", "--yes"],
    ["baseline", "latest"],
)

TRAP = """
    create table public.ran (by_whom text);
    grant insert on public.ran to public;
    create function public.trap() returns trigger language plpgsql as
        'begin insert into public.ran values (current_user); return new; end';
"""


@pytest.fixture
def role(database: Database) -> Iterator[Role]:
    """A neighbour."""
    with temporary_role(database) as found:
        yield found


@pytest.fixture
def two(folder: Folder) -> Folder:
    """Two alterations."""
    folder.table("1.0.0-1700000000-a.py")
    folder.table("1.1.0-1700000001-b.py")
    return folder


def planted(database: Database, role: Role) -> None:
    """The neighbour's own ledger, whole and with a trap."""
    tables = "sartor_journal, sartor_ledger, sartor_fingerprint"
    database.run(
        TRAP,
        *(f"alter table {table} owner to {role.name}" for table in tables.split(", ")),
        "create trigger trap before insert on sartor_journal for each row execute function trap()",
    )


def test_a_planted_ledger(sartor: Command, database: Database, role: Role, two: Folder) -> None:
    """A stranger's ledger is refused by whatever reads or writes it, by name; its code never runs."""
    sartor("deploy", "1.0.0")
    planted(database, role)
    two.write("seeds/1-x.py", "async def seed(conn):\n    await conn.execute('create table seeded ()')\n")
    fresh, seed = ["alteration", "fresh", "--yes", "latest"], ["seed"]
    for arguments in (*(["alteration", *each] for each in (*READING, *WRITING)), fresh, seed):
        done = sartor.run("db", *arguments, expect=4)
        assert f"belongs to role {role.name}" in done.err, arguments
        assert r'\d+ "public".sartor_' in done.err
        assert "Traceback" not in done.err
    assert f"belongs to role {role.name}" in sartor.run("db", "backup", "x.dump", expect=4).err
    assert (sartor.directory / "x.dump").exists()
    assert database.rows("select * from ran") == []
    assert database.tables() == {"a", "ran"}


@pytest.mark.usefixtures("two")
def test_a_trusted_stranger(sartor: Command, database: Database, role: Role) -> None:
    """The statement in the hint makes a ledger usable that another role owns."""
    sartor("deploy", "1.0.0")
    for table in ("journal", "ledger", "fingerprint"):
        database.run(f"alter table sartor_{table} owner to {role.name}")
    hint = re.search(r"(grant \S+ to \S+;)", sartor("deploy", "latest", expect=4).err)
    assert hint
    database.run(hint[1])
    assert "Deployed 1 alteration" in sartor("deploy", "latest").out


@pytest.mark.usefixtures("two")
def test_a_trigger_on_the_ledger(sartor: Command, database: Database) -> None:
    """A trigger on a table of the deployer's own is named before it runs, with the statement that drops it."""
    sartor("deploy", "1.0.0")
    database.run(TRAP, "create trigger trap before insert on sartor_journal for each row execute function trap()")
    for arguments in (["verify"], ["check"], ["rollback", "0"]):
        assert "has a trigger trap, which would run as" in sartor(*arguments, expect=4).err
    done = sartor("deploy", "latest", expect=4)
    assert database.rows("select * from ran") == []
    found = re.search(r"(drop trigger .*;)", done.err)
    assert found
    database.run(found[1])
    sartor("deploy", "latest")


@pytest.mark.usefixtures("two")
def test_a_trigger_behind_a_plan(sartor: Command, database: Database, tmp_path: Path) -> None:
    """A plan for psql stops where the ledger has a trigger by the time that it is run."""
    sartor("deploy", "1.0.0")
    sartor("check", "--sql", "plan.sql", expect=3)
    database.run(TRAP, "create trigger trap before insert on sartor_journal for each row execute function trap()")
    done = psql(database.url, tmp_path / "plan.sql", expect=3)
    assert "has changed since this script was written" in done.err
    assert database.rows("select * from ran") == []
    database.run("drop trigger trap on sartor_journal")
    psql(database.url, tmp_path / "plan.sql")
    assert "b" in database.tables()


@pytest.mark.usefixtures("two")
def test_row_security_hides_nothing(sartor: Command, database: Database, role: Role) -> None:
    """Where row-level security would hide rows from a role, that is said; who isn't held by it goes on."""
    sartor("deploy", "1.0.0")
    database.run(
        f"grant usage on schema public to {role.name}",
        f"grant select on sartor_ledger, sartor_journal to {role.name}",
        "alter table sartor_ledger enable row level security",
        "alter table sartor_journal enable row level security",
    )
    for arguments in (["status"], ["history"], ["verify"], ["check"]):
        done = sartor(*arguments, env={"SARTOR_DB_URL": role.url}, expect=6)
        assert "row-level security hides rows of sartor_" in done.err
    assert "1 deployed, 1 pending" in sartor("status").out
    sartor("deploy", "latest")


def test_an_owner_under_forced_row_security(sartor: Command, database: Database, role: Role, two: Folder) -> None:
    """A policy on the journal alone, forced on its owner, doesn't make a script run again."""
    database.run(f"grant usage, create on schema public to {role.name}")
    env = {"SARTOR_DB_URL": role.url}
    sartor("deploy", "1.0.0", env=env)
    database.run(
        "alter table sartor_journal enable row level security, force row level security",
        "create policy p on sartor_journal using (seq < 1) with check (true)",
    )
    two.add("1.0.0-1700000000-a.py", up="create table if not exists a (id int)")
    done = sartor("deploy", "latest", env=env, expect=6)
    assert "row-level security hides rows of sartor_journal" in done.err
    assert database.value("select count(*) from sartor_journal") == 2


@pytest.mark.parametrize("by_hand", [False, True])
@pytest.mark.usefixtures("two")
def test_default_privileges(sartor: Command, database: Database, role: Role, tmp_path: Path, *, by_hand: bool) -> None:
    """What default privileges give away of new tables isn't given of the ledger, whoever makes it, and when."""
    if by_hand:
        sartor("check", "--sql", "plan.sql", expect=3)
    database.run(
        "alter default privileges in schema public grant all on tables to public",
        f"alter default privileges in schema public grant all on tables to {role.name} with grant option",
    )
    if by_hand:
        psql(database.url, tmp_path / "plan.sql")
    else:
        sartor("deploy", "latest")
    others = """select c.relname, a.grantee from pg_class c, aclexplode(c.relacl) a
        where c.relname like 'sartor\\_%' and c.relkind = 'r' and a.grantee <> c.relowner"""
    assert database.rows(others) == []
    assert database.value("select has_table_privilege($1, 'a', 'insert')", role.name) is True
    assert sartor("verify", "--json").json["writers"] == []


@pytest.mark.usefixtures("two")
def test_a_role_that_may_write_everything(sartor: Command, database: Database, role: Role) -> None:
    """Such a role is named by the first deployment, too."""
    database.run(f"grant pg_write_all_data to {role.name}")
    assert f"role {role.name} can write to Sartor's tables" in sartor("deploy", "latest").err


def test_who_else_may_write(sartor: Command, database: Database, role: Role, two: Folder) -> None:
    """Whoever may write the ledger besides is named by `deploy` and `verify`, with the statement that ends it."""
    sartor("deploy", "1.0.0")
    database.run(
        f"grant all on all tables in schema public to {role.name}",
        "grant update (state), insert on sartor_ledger to public",
    )
    told = sartor("deploy", "latest").err
    assert f"role {role.name} can write to Sartor's tables" in told
    assert "every role (public) can write" in told
    found = sartor("verify", "--json").json
    assert [writer["role"] for writer in found["writers"]] == [None, role.name]
    assert found["writers"][0]["rights"] == {"sartor_ledger": ["insert", "update"]}
    assert len([note for note in found["notes"] if "can write" in note]) == 2
    database.run(*(writer["revoke"] for writer in found["writers"]))
    assert sartor("verify", "--json").json["writers"] == []
    assert database.value("select has_table_privilege($1, 'sartor_ledger', 'select')", role.name) is True
    database.run(f"grant pg_write_all_data to {role.name}")
    (writer,) = sartor("verify", "--json").json["writers"]
    database.run(writer["revoke"])
    two.table("1.2.0-1700000002-c.py")
    assert "can write" not in sartor("deploy", "latest").err


@pytest.mark.usefixtures("two")
def test_an_emptied_journal(sartor: Command, database: Database) -> None:
    """A journal that was emptied under its ledger is told, and ends whatever reads it; nothing tries for ever."""
    sartor("deploy", "1.0.0")
    database.run("truncate sartor_journal")
    for arguments in (["status"], ["verify"], ["check"], *WRITING[:2]):
        assert "the journal of schema public is empty" in sartor(*arguments, expect=4).err
    assert database.tables() == {"a"}


def test_a_journal_that_takes_no_event(sartor: Command, database: Database, folder: Folder) -> None:
    """Where an event is refused and nobody else has written one, the run ends instead of planning again for ever."""
    script = """
        transaction = False

        async def up(conn):
            await conn.execute("update sartor_journal set duration_ms = 0")
            await conn.execute("alter table sartor_journal alter column duration_ms set not null")

        irreversible = "a test"
    """
    folder.write("1.0.0-1700000000-a.py", script)
    folder.table("1.1.0-1700000001-b.py")
    done = sartor("deploy", "latest", expect=4)
    assert "the journal of schema public doesn't accept event 2, although 1 is its last" in done.err
    assert database.tables() == set()


@pytest.mark.usefixtures("two")
def test_a_lock_of_a_strangers(sartor: Command, database: Database) -> None:
    """An advisory lock that anybody may hold doesn't keep the ledger from being made."""
    with holding(database.url, "select pg_advisory_lock(hashtext('sartor:public'))"):
        sartor("deploy", "latest", "--wait", "1")


@pytest.mark.usefixtures("two")
def test_a_ledger_in_the_making(sartor: Command, database: Database) -> None:
    """Who is about to make a table of that name is named, and waited for no longer than `--wait`; it isn't adopted."""
    with holding(database.url, "begin; create table sartor_journal (id int)", application="someone") as held:
        done = sartor("deploy", "latest", "--wait", "1", expect=5)
        assert "someone" in done.err
        assert f"pg_terminate_backend({held.pid})" in done.err
        process = sartor.start("deploy", "latest")
        until(lambda: backend_waiting(database, "transactionid"), what="the wait for the other's table")
        held.run("commit")
        done = finish(process)
    assert done.code == 4
    assert "are incomplete" in done.err


@pytest.mark.parametrize("table", ["sartor_journal", "sartor_ledger", "sartor_fingerprint"])
@pytest.mark.usefixtures("two")
def test_a_table_that_is_gone(sartor: Command, database: Database, table: str) -> None:
    """A table of Sartor's that somebody dropped is named by all commands; none goes on without it or makes it anew."""
    sartor("deploy", "1.0.0")
    database.run(f"drop table {table} cascade")
    for arguments in (["status"], ["verify"], ["deploy", "latest"]):
        assert f"{table} doesn't exist" in sartor(*arguments, expect=4).err
    sartor("fresh", "--yes", "latest")
    assert "as expected" in sartor("verify").out


@pytest.mark.usefixtures("two")
def test_words_that_arent_known(sartor: Command, database: Database) -> None:
    """A kind, a state or a release that isn't known is told with its row, and how to look at it."""
    sartor("deploy", "1.0.0")
    database.run("update sartor_journal set kind = 'odd' where seq = 1")
    told = sartor("history", expect=4).err
    assert 'event 1 of "public".sartor_journal' in told
    assert "'odd'" in told
    database.run("alter table sartor_ledger drop constraint sartor_ledger_state_check")
    database.run("update sartor_ledger set state = 'odd'")
    for arguments in (["status"], ["verify"], ["deploy", "latest"]):
        assert "'odd'" in sartor(*arguments, expect=4).err
    database.run("update sartor_ledger set state = 'deployed', release = 'a b'")
    assert "'a b'" in sartor("status", expect=4).err
    database.run("update sartor_ledger set format = 99", "update sartor_journal set format = 99")
    assert "it was written by a newer version of Sartor" in sartor("status", expect=6).err


READERS = (
    ["status"],
    ["history"],
    ["verify"],
    ["rollback", "0"],
    ["rollback", "0", "--check"],
    ["repair", "--accept-drift", "--reason", "x", "--yes"],
)


@pytest.mark.usefixtures("two")
def test_a_schema_that_isnt_there(sartor: Command, database: Database) -> None:
    """Whatever reads says that the schema isn't there, and which is near; what deploys says that it makes it."""
    database.run("create schema tenant_one")
    for arguments in READERS:
        done = sartor(*arguments, "--schema", "tenant_onne", expect=2)
        assert f"there is no schema tenant_onne in database {database.name}" in done.err, arguments
        assert "did you mean tenant_one?" in done.err
    sartor.run("db", "seed", "--schema", "tenant_onne", expect=2)
    sartor("check", "--schema", "tenant_onne", expect=3)
    sartor("rehearse", "--schema", "tenant_onne")
    assert database.rows("select 1 from pg_namespace where nspname = 'tenant_onne'") == []
    assert (
        "schema tenant_onne doesn't exist and is created" in sartor("deploy", "latest", "--schema", "tenant_onne").err
    )
