"""`sartor db restore`: what was backed up comes back, whole or not at all."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import sartor as api
from sartor.archive.tools import find_tools
from support.command import Command
from support.database import Database, temporary_database, with_name
from support.folder import Folder
from support.roles import temporary_role
from support.shapes import check


@pytest.fixture
def other(server_url: str) -> Iterator[Database]:
    """Another empty database."""
    with temporary_database(server_url) as found:
        yield found


@pytest.fixture
def dropped(database: Database) -> Iterator[Database]:
    """The database that the printed command makes."""
    name = f"{database.name}_restored"
    yield Database(with_name(database.url, name), name)
    database.run(f"drop database if exists {name} with (force)")


def status(sartor: Command, database: Database) -> Any:
    """What `status --json` says of a database, whatever it is called."""
    return check(sartor("status", "--json", "--db-url", database.url), "status") | {"destination": None}


def test_the_printed_command(
    sartor: Command, folder: Folder, database: Database, dropped: Database, tmp_path: Path
) -> None:
    """A failed deploy prints a command that brings the database of before back, ledger and all, under another name."""
    folder.table("1.0.0-1700000000-a.py")
    sartor("deploy", "latest")
    database.run("insert into a values (1), (2)")
    folder.table("1.1.0-1700000001-b.py")
    folder.add("1.1.0-1700000002-c.py", up="drop table nothing")
    before = status(sartor, database)
    done = sartor("deploy", "latest", "--backup", str(tmp_path), expect=1)
    command = done.err.partition("To restore the previous state: ")[2].splitlines()[0]
    sartor.run(*shlex.split(command)[1:])
    assert status(sartor, dropped) == before
    assert dropped.rows("select id from a order by id") == [(1,), (2,)]
    assert dropped.tables() == {"a"}


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_restored_database_goes_on(
    sartor: Command, folder: Folder, other: Database, tmp_path: Path, jobs: str
) -> None:
    """`status` says there what it said when the backup was taken, and a deploy goes on from that."""
    folder.table("1.0.0-1700000000-a.py")
    sartor("deploy", "latest")
    before = check(sartor("status", "--json"), "status") | {"destination": None}
    file = str(tmp_path / "x.dump")
    sartor.run("db", "backup", file)
    done = sartor.run("db", "restore", file, "--into", other.url, "--jobs", jobs, "--json")
    assert check(done, "restore")["database"] == other.name
    # From 17 on, `pg_restore` sends a setting that older servers don't know.
    version = other.rows("show server_version_num")[0][0]
    newer = find_tools(int(version))[0].major >= 17 > int(version) // 10000
    assert ("restoring with one job" in done.err) == (newer and jobs == "2")
    assert status(sartor, other) == before
    folder.table("1.1.0-1700000001-b.py")
    sartor("deploy", "latest", "--db-url", other.url)
    assert other.tables() == {"a", "b"}


@pytest.mark.parametrize(
    "there", ["create table t (id int)", "create schema s", "create type e as enum ('a')", "create sequence s"]
)
def test_a_database_that_is_not_empty(sartor: Command, other: Database, tmp_path: Path, there: str) -> None:
    """Whatever it holds, nothing is put beside it."""
    file = str(tmp_path / "x.dump")
    sartor.run("db", "backup", file)
    other.run(there)
    done = sartor.run("db", "restore", file, "--into", other.url, "--json", expect=2)
    assert check(done, "restore")["error"]["kind"] == "RefusedError"


def test_extensions_do_not_count(sartor: Command, other: Database, tmp_path: Path) -> None:
    """A database that a template has given an extension is empty."""
    file = str(tmp_path / "x.dump")
    sartor.run("db", "backup", file)
    other.run("create extension pg_trgm")
    sartor.run("db", "restore", file, "--into", other.url)


def test_one_schema_beside_others(sartor: Command, folder: Folder, database: Database, tmp_path: Path) -> None:
    """A backup of a tenant's schema goes back into the database where the others live, once the place is free."""
    folder.table("1.0.0-1700000000-a.py")
    env = {"SARTOR_SCHEMA": "one", "SARTOR_SCHEMA_1": "two"}
    sartor("deploy", "latest", env=env)
    file = str(tmp_path / "x.dump")
    sartor.run("db", "backup", file, "--schema", "one")
    restore = ("db", "restore", file, "--into", database.url, "--schema", "one")
    refused = sartor.run(*restore, expect=2).err
    database.run(refused.partition("rename the schema: ")[2].partition(";")[0])
    sartor.run(*restore)
    assert database.tables("one") == database.tables("one_old") == database.tables("two") == {"a"}
    assert "1 deployed" in sartor("status", "--schema", "one").out


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["x.dump"],
        ["--into", "postgresql://db.invalid/x"],
        ["x.dump", "--into", "postgresql://db.invalid/x", "--maintenance-db", "a"],
    ],
)
def test_words_that_are_missing(sartor: Command, words: list[str]) -> None:
    """Both the file and the database are needed, and an option that another one is for."""
    assert check(sartor.run("db", "restore", *words, "--json", expect=2), "error")["error"]["kind"] == "UsageError"


def test_a_view_without_data(sartor: Command, database: Database, other: Database, tmp_path: Path) -> None:
    """A materialized view that has no data is no table whose rows are missing: how to fill it is said."""
    database.run("create table a (id int)", "create materialized view m as select * from a with no data")
    sartor.run("db", "backup", str(tmp_path / "x.dump"))
    done = sartor.run("db", "restore", str(tmp_path / "x.dump"), "--into", other.url)
    assert "without the rows" not in done.out
    assert "note: materialized view public.m has no data, as in the backup: refresh materialized view public.m;" in (
        done.err
    )


def test_a_role_that_is_gone(sartor: Command, database: Database, other: Database, tmp_path: Path) -> None:
    """A restore that fails halfway has restored nothing, and a database that it has made is gone."""
    file = str(tmp_path / "x.dump")
    database.run("create table a (id int)", "create role sartor_gone", "create table b (id int)")
    try:
        database.run("alter table b owner to sartor_gone")
        sartor.run("db", "backup", file)
    finally:
        database.run("drop owned by sartor_gone", "drop role sartor_gone")
    done = sartor.run("db", "restore", file, "--into", other.url, expect=6)
    assert 'role "sartor_gone" does not exist' in done.err
    assert "hint: create the roles first (pg_dumpall --roles-only), or restore with --no-owner" in done.err
    assert not other.tables()
    made = with_name(other.url, f"{other.name}_made")
    sartor.run("db", "restore", file, "--into", made, "--create", "--jobs", "2", expect=6)
    assert not other.rows("select 1 from pg_database where datname = $1", f"{other.name}_made")
    sartor.run("db", "restore", file, "--into", other.url, "--no-owner")
    assert other.tables() == {"a", "b"}


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_function_without_a_path(
    sartor: Command, database: Database, other: Database, tmp_path: Path, jobs: str
) -> None:
    """A restore that fails names the object, and what to do about a function without a search_path."""
    file = str(tmp_path / "x.dump")
    database.run(
        "create function n(text) returns text language sql immutable as 'select lower($1)'",
        "create function nn(text) returns text language sql immutable as 'select n($1)'",
        "create table t (a text check (nn(a) > ''))",
        "insert into t values ('x')",
    )
    sartor.run("db", "backup", file)
    failed = sartor.run("db", "restore", file, "--into", other.url, "--jobs", jobs, expect=6).err
    assert "function n(text) does not exist" in failed
    assert ("at: COPY public.t (a) FROM stdin" if jobs == "1" else 'COPY failed for table "t"') in failed
    assert "hint: a function that the object calls finds only what it names with its schema" in failed
    assert "alter function NAME set search_path = SCHEMA" in failed
    if jobs == "1":
        assert not other.tables()


MADE = """select pg_encoding_to_char(encoding), datcollate, datctype, to_jsonb(d)->>'datlocprovider',
    coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale'), to_jsonb(d)->>'daticurules'
from pg_database d where datname = $1"""


@pytest.mark.parametrize(
    "options",
    [
        "encoding latin1 locale 'C'",
        "encoding euc_jp lc_collate 'C' lc_ctype 'C'",
        "encoding utf8 locale_provider icu icu_locale 'de' locale 'C'",
        "encoding utf8 locale_provider icu icu_locale 'de' icu_rules '&V << w' locale 'C'",
        "encoding utf8 locale_provider builtin builtin_locale 'C' locale 'C'",
    ],
)
def test_a_database_is_made_as_it_was(server_url: str, dropped: Database, tmp_path: Path, options: str) -> None:
    """`create` makes it with the encoding, the locale and the provider of the one that was backed up."""
    provider = "" if "provider" in options or not knows_providers(server_url) else "locale_provider libc"
    try:
        with temporary_database(server_url, f"template template0 {options} {provider}") as source:
            source.run("create table \u00e4 (t text)" if "latin1" in options else "create table t (t text)")
            before = source.rows(MADE, source.name)
            file = str(tmp_path / "x.dump")

            async def there_and_back() -> None:
                await api.backup(source.url, file)
                await api.restore(dropped.url, file, create=True)

            asyncio.run(there_and_back())
    except (asyncpg.PostgresSyntaxError, asyncpg.FeatureNotSupportedError) as error:
        pytest.skip(f"this server: {error}")
    assert dropped.rows(MADE, dropped.name) == before


def test_a_locale_that_the_server_lacks(
    sartor: Command, server_url: str, database: Database, dropped: Database, tmp_path: Path
) -> None:
    """What is missing is named, with a statement that makes the database with another locale."""
    provider = "locale_provider libc" if knows_providers(server_url) else ""
    with temporary_database(server_url, f"template template0 encoding utf8 {provider} locale 'C.utf8'") as source:
        sartor.run("db", "backup", str(tmp_path / "x.dump"), "--db-url", source.url)
    (tmp_path / "x.dump").write_bytes((tmp_path / "x.dump").read_bytes().replace(b"C.utf8", b"Q.utf8"))
    restore = ("db", "restore", str(tmp_path / "x.dump"), "--into", dropped.url)
    done = sartor.run(*restore, "--create", expect=6)
    assert "can't be created with encoding UTF8, locale_provider libc, locale Q.utf8: " in done.err
    assert "and restore into it, without --create" in done.err
    database.run(done.err.partition("or run: ")[2].partition(";")[0])
    sartor.run(*restore)


def test_where_databases_are_made(sartor: Command, database: Database, dropped: Database, tmp_path: Path) -> None:
    """Where `postgres` is closed to the role, it is `template1`, or the one that is named; else both are told."""
    file = str(tmp_path / "x.dump")
    with temporary_role(database) as role:
        sartor.run("db", "backup", file)
        restore = ("db", "restore", file, "--into", dropped.as_user(role.name), "--no-owner", "--create")
        refused = sartor.run(*restore, expect=6).err
        grant, _, way_out = refused.partition("as a superuser, run: ")[2].partition(";")
        assert "or restore into an empty database that exists, without --create" in way_out
        database.run(grant)
        with closed(database, "postgres"):
            sartor.run(*restore)
            database.run(f"drop database {dropped.name}")
            with closed(database, "template1"):
                done = sartor.run(*restore, expect=6)
                assert 'permission denied for database "postgres"' in done.err
                assert 'permission denied for database "template1"' in done.err
                assert "name one with --maintenance-db" in done.err
                sartor.run(*restore, "--maintenance-db", database.name)
            exists = sartor.run(*restore, expect=6).err
            assert "hint: give another name, or leave --create out and restore into it" in exists
        database.run(f"drop database {dropped.name}")


def knows_providers(server_url: str) -> bool:
    """Whether `create database` can be told a provider of locales."""
    return int(Database(server_url, "postgres").value("show server_version_num")) >= 150000


@contextmanager
def closed(database: Database, name: str) -> Iterator[None]:
    """A database that only superusers may connect to."""
    database.run(f"revoke connect on database {name} from public")
    try:
        yield
    finally:
        database.run(f"grant connect on database {name} to public")
