"""`tables`: the tables of a product's own name, with every command and beside another product's."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest

import sartor as api
from support.command import Command
from support.database import Database
from support.folder import Folder
from support.psql import psql
from support.roles import temporary_role

KINDS = ("fingerprint", "journal", "ledger")
NAMES = "select tablename::text from pg_tables where schemaname = 'public' order by 1"
ONE, TWO = "1.0.0-1700000000-a.py", "1.1.0-1700000001-b.py"


def names(database: Database) -> list[str]:
    """All tables of the schema."""
    return [row[0] for row in database.rows(NAMES)]


@pytest.fixture
def acme(sartor: Command, folder: Folder) -> Command:
    """A command with the setting, and two releases."""
    folder.table(ONE)
    folder.table(TWO)
    folder.write("repeatable-v.sql", "create or replace view v as select 1 as one;")
    folder.write("../sartor.toml", 'tables = "acme"')
    return sartor


def test_each_command(acme: Command, folder: Folder, database: Database, tmp_path: Path) -> None:
    """Deploys, looks, proves, goes back, repairs, backs up and restores: there is never a table of another name."""
    acme("prove", "--pending")
    acme("deploy", "1.0.0")
    own = [f"acme_{kind}" for kind in KINDS]
    assert names(database) == sorted(["a", *own])
    assert len(acme("check", "latest", "--json", expect=3).json["plan"]) == 2
    acme("rehearse")
    acme("deploy", "latest")
    assert acme("status", "--json").json["release"] == "1.1.0"
    for options in ((), ("--against-replay",)):
        assert acme("verify", "--json", *options).json["ok"]
    assert len(acme("history", "--json").json["events"]) > 3
    acme("rollback", "1.0.0")
    folder.table(TWO.replace("b", "c"))
    acme("repair", "--mark-deployed", "1700000001-c", "--reason", "there", "--yes")
    database.run("create table c (id int)")
    acme("repair", "--accept-drift", "--reason", "there", "--yes")
    file, other = tmp_path / "acme.dump", f"{database.url}_other"
    acme.run("db", "backup", str(file), "--prove")
    acme.run("db", "restore", str(file), "--into", other, "--create")
    try:
        assert acme("status", "--db-url", other, "--json").json["release"] == acme("status", "--json").json["release"]
    finally:
        database.run(f'drop database "{other.rpartition("/")[2]}"')
    acme("deploy", "latest")
    assert asyncio.run(api.require(database.url, ">=1", tables="acme"))
    assert not [name for name in names(database) if name.startswith("sartor")]


def test_the_application_asks(acme: Command, database: Database) -> None:
    """`require` takes the name with a URL, a Destination, a connection and a pool; without it, it says what to give."""
    acme("deploy", "1.0.0")

    async def go() -> None:
        place = api.Destination.parse(database.url, tables="acme")
        async with asyncpg.create_pool(database.url, min_size=0, max_size=2) as pool, pool.acquire() as lent:
            for each in (database.url, place, pool, lent):
                assert str(await api.require(each, ">=1", tables="acme")) == "1.0.0"
            assert str(await api.require(place, ">=1")) == "1.0.0"
            for each in (database.url, pool, lent):
                with pytest.raises(api.UsageError, match=r"is kept in acme_ledger, and there is no sartor_ledger"):
                    await api.require(each, ">=1")

    asyncio.run(go())


def test_no_second_history_by_accident(acme: Command, folder: Folder, database: Database) -> None:
    """Without the setting, nothing is deployed beside a history of another name; with it, two products share a schema.

    Neither counts the other's tables as its product's.
    """
    acme("deploy", "1.0.0")
    folder.write("../sartor.toml", "")
    for words in (["deploy", "latest"], ["status"], ["check"], ["history"], ["baseline", "1.0.0"], ["rollback", "0"]):
        done = acme(*words, expect=2)
        assert "the history of schema public is kept in acme_ledger, and there is no sartor_ledger" in done.err
        assert 'tables = "acme"' in done.err
    assert not [name for name in names(database) if name.startswith("sartor")]
    env = {"SARTOR_TABLES": "sartor", "SARTOR_ALTERATIONS": str(folder.path.parent / "others")}
    Folder(folder.path.parent / "others").table("2.0.0-1700000009-z.py")
    acme("deploy", "latest", env=env)
    for each in (env, {"SARTOR_TABLES": "acme"}):
        assert "_ledger" not in acme("verify", "--json", "--against-replay", env=each, expect=4).out
    assert acme("status", "--json", env=env).json["release"] == "2.0.0"
    assert acme("status", "--json", env={"SARTOR_TABLES": "acme"}).json["release"] == "1.0.0"
    seen = api.Destination.parse(database.url, tables="acme")
    assert str(asyncio.run(api.require(seen, ">=1,<2"))) == "1.0.0"


def test_nothing_of_another_product_is_destroyed(acme: Command, folder: Folder, database: Database) -> None:
    """Where two products share a schema, nothing tells their tables apart: `fresh` and `seed --reset` refuse.

    The statement in the hint removes the other's history, and then they work.
    """
    other = Folder(folder.path.parent / "others")
    other.table("2.0.0-1700000009-z.py")
    acme("deploy", "1.0.0")
    acme("deploy", "latest", env={"SARTOR_TABLES": "other", "SARTOR_ALTERATIONS": str(other.path)})
    database.run("insert into z default values")
    folder.write("seeds/01_a.py", "async def seed(conn): ...\n")
    before = names(database)
    said = acme("fresh", "--yes", expect=2).err
    assert "holds the history of another product, other_ledger, whose tables would be dropped too" in said
    done = acme.run("db", "seed", "--reset", "--yes", expect=2)
    assert "other_ledger, whose tables would be emptied too; nothing was emptied" in done.err
    assert (names(database), database.rows("select count(*) from z")) == (before, [(1,)])
    database.run(said.rpartition("isn't needed: ")[2])
    acme.run("db", "seed", "--reset", "--yes")
    acme("fresh", "--yes")
    assert "z" not in names(database)


def test_a_script_that_takes_the_tables_away(acme: Command, folder: Folder, database: Database) -> None:
    """The tables are guarded under their own name, in a transaction and outside of one; the advice names them."""
    folder.write("1.2.0-1700000002-gone.sql", "-- sartor: up\ndrop table acme_ledger;\n-- sartor: irreversible x\n")
    assert r"not like 'acme\_%'" in acme("deploy", "latest", expect=1).err
    folder.write(
        "1.2.0-1700000002-gone.sql",
        "-- sartor: transaction off\n-- sartor: up\ndrop table acme_ledger;\n-- sartor: irreversible x\n",
    )
    done = acme("deploy", "latest", expect=1)
    assert "drops acme_ledger, a table of Sartor's own" in done.err
    assert r"not like 'acme\_%'" in done.err
    assert len([name for name in names(database) if name.startswith("acme_")]) == len(KINDS)


def test_a_neighbours_tables(acme: Command, database: Database) -> None:
    """A table of a neighbour's under the name isn't trusted, and a trigger on one stops the run."""
    with temporary_role(database) as role:
        database.run(f"grant create, usage on schema public to {role.name}")
        Database(role.url, database.name).run(*(f"create table acme_{kind} (x int)" for kind in KINDS))
        database.run(f"revoke create on schema public from {role.name}")
        assert (
            f"acme_fingerprint in schema public belongs to role {role.name}" in acme("deploy", "latest", expect=4).err
        )
        database.run(*(f"drop table acme_{kind}" for kind in KINDS))
        database.run(f"revoke all on schema public from {role.name}")
    acme("deploy", "1.0.0")
    database.run(
        "create function trap() returns trigger language plpgsql as 'begin return new; end'",
        "create trigger trap before insert on acme_journal for each row execute function trap()",
    )
    assert "acme_journal in schema public has a trigger trap" in acme("deploy", "latest", expect=4).err


def test_a_script_for_psql(acme: Command, database: Database, tmp_path: Path) -> None:
    """The written script records in the same tables."""
    acme("deploy", "1.0.0")
    acme("check", "1.1.0", "--sql", str(tmp_path / "plan.sql"), expect=3)
    psql(database.url, tmp_path / "plan.sql")
    assert acme("status", "--json").json["release"] == "1.1.0"


@pytest.mark.parametrize("given", ["Acme", "1a", "a-b", "a b", 'a"; --', "", "pg_x", "a" * 46])
def test_what_is_no_beginning(acme: Command, folder: Folder, given: str) -> None:
    """A beginning is short, and needs no quotes."""
    folder.write("../sartor.toml", f"tables = '{given}'")
    assert "tables in " in acme("status", expect=2).err


def test_sessions_speak_of_the_product(acme: Command, folder: Folder, database: Database) -> None:
    """`pg_stat_activity` names the product, in batches, in scripts by themselves and outside transactions."""
    record = "insert into seen select application_name from pg_stat_activity where datname = current_database()"
    folder.write("1.0.0-1700000002-seen.sql", f"-- sartor: up\ncreate table seen (name text);\n{record};\n")
    body = f"async def up(conn):\n    await conn.execute('{record}')\n\n\nirreversible = 'no'\n"
    folder.write("1.0.0-1700000003-python.py", body)
    folder.write("1.0.0-1700000004-outside.py", f"transaction = False\n{body}")
    acme("deploy", "1.0.0")
    seen = {name for (name,) in database.rows("select distinct name from seen") if name}
    assert {name.split()[0] for name in seen if "asyncpg" not in name} <= {"acme"}
    assert any("python" in name for name in seen)
