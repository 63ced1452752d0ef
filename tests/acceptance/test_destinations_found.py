"""Destinations that a server names: by patterns of schemas and databases, by a query; all of it read only."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

import sartor
from sartor import Flags, SettingsError
from support.command import EXECUTABLE, Command, finish
from support.database import Database, temporary_database
from support.folder import Folder
from support.roles import temporary_role

TENANTS = [f"create schema tenant_{number}" for number in (1, 2, 3)]
REGISTRY = [
    "create table tenants (schema_name text, region text, tier int, live bool)",
    "insert into tenants values ('tenant_1', 'eu', 1, true), ('tenant_2', 'us', null, false), ('new', 'eu', 2, null)",
]


def _schemas(sartor: Command, *words: str, **env: str) -> list[str]:
    """The schemas that `status` finds, in order; they are asked at once, and answer in any."""
    done = sartor("status", "--json", *words, env=env)
    one = json.loads(done.out) if done.out.startswith("{\n") else None
    found = [one] if one else [line for line in map(json.loads, done.out.splitlines()) if "destination" in line]
    return sorted(each["destination"]["schema"] for each in found)


def _find(database: Database, **flags: Any) -> dict[str, dict[str, str]]:
    """The schemas that are found, with their labels."""
    settings = sartor.load_settings(Flags(db_url=(database.url,), **flags), environ={}, directory=Path("/"))
    return {each.schema: dict(each.labels) for each in asyncio.run(sartor.find_destinations(settings))}


def test_schemas_by_a_pattern(sartor: Command, folder: Folder, database: Database) -> None:
    """Each schema that fits is a destination, and no other; `--only` takes one of them."""
    folder.table("1.0.0-1700000000-a.py")
    database.run(*TENANTS, 'create schema "Tenant_4"', "create schema other")
    sartor("deploy", "latest", "--schemas", "tenant_*")
    assert [database.tables(f"tenant_{number}") for number in (1, 2, 3)] == [{"a"}] * 3
    assert database.tables("Tenant_4") == database.tables("other") == database.tables() == set()
    (sartor.directory / "sartor.toml").write_text('schemas = ["tenant_[12]", "other"]\n')
    assert _schemas(sartor) == ["other", "tenant_1", "tenant_2"]
    assert _schemas(sartor, "--only", "schema=tenant_2") == ["tenant_2"]
    assert _schemas(sartor, "--schema", "tenant_3") == ["tenant_3"]
    assert _schemas(sartor, SARTOR_SCHEMAS="*_4, tenant_3") == ["Tenant_4", "tenant_3"]


def test_the_control_database_is_no_tenant(database: Database) -> None:
    """A pattern that fits all leaves out the schema that holds the runs of a fleet."""
    database.run("create schema sartor_fleet", "create schema runs", "create schema tenant_1")
    assert list(_find(database, schemas=("*",))) == ["public", "runs", "tenant_1"]
    assert list(_find(database, schemas=("*",), control=f"{database.url}?schema=runs")) == ["public", "tenant_1"]


def test_schemas_by_a_query(sartor: Command, folder: Folder, database: Database) -> None:
    """The first column names the schema, which needn't exist yet; the others are labels."""
    folder.table("1.0.0-1700000000-a.py")
    database.run(*TENANTS, *REGISTRY)
    query = "select schema_name, region, tier, live from tenants order by 1; -- all of them"
    assert _find(database, schemas_from=query) == {
        "new": {"region": "eu", "tier": "2"},
        "tenant_1": {"region": "eu", "tier": "1", "live": "true"},
        "tenant_2": {"region": "us", "live": "false"},
    }
    sartor("deploy", "latest", "--schemas-from", query, "--only", "region=eu")
    assert (database.tables("new"), database.tables("tenant_1"), database.tables("tenant_2")) == ({"a"}, {"a"}, set())
    none = sartor("status", "--schemas-from", query, "--only", "region=ap", expect=2)
    assert "none of 3 destinations has region=ap\n  hint: the labels are region=eu, region=us, tier=1" in none.err


QUERIES = {
    "insert into tenants values ('x') returning 1": "isn't a single SELECT",
    "select 1; select 2": "isn't a single SELECT",
    "": "isn't a single SELECT",
    "with gone as (delete from tenants returning *) select schema_name from gone": "fails at",
    "select nextval('numbers')": "read-only transaction (SQLSTATE 25006)",
    "select set_config('transaction_read_only', 'off', true)": "SQLSTATE 25001",
    "select schema_name from nowhere": 'relation "nowhere" does not exist (SQLSTATE 42P01)',
    "select 'a' from tenants) found; drop table tenants; --": "isn't a single SELECT",
    "select 'a' from tenants) found --": "SQLSTATE 42601",
    "select null::text": "row 1 has null in its first column",
    "select tier from tenants where tier = 1": "row 1 has no text in its first column",
    "select 'a' from tenants": "schema 'a' comes twice",
    "select schema_name, tier as database from tenants": "has a column 'database', which can't be a label",
    'select schema_name, tier as "a b" from tenants': "has a column 'a b', which can't be a label",
    "select schema_name, tier, tier from tenants": "has a column 'tier', twice",
    "select from tenants": "returns no column",
    "select schema_name from tenants where false": "returned no row",
    "select pg_sleep(60)::text": "statement timeout (SQLSTATE 57014)",
}


@pytest.mark.parametrize("query", QUERIES)
def test_queries_that_cant_be_used(sartor: Command, folder: Folder, database: Database, query: str) -> None:
    """One that writes, fails, takes too long, or names no schema or one twice is an error; nothing has changed."""
    folder.table("1.0.0-1700000000-a.py")
    database.run(*REGISTRY, "create sequence numbers")
    timeout = ("--statement-timeout", "200ms") if "sleep" in query else ()
    done = sartor("deploy", "latest", "--schemas-from", query, *timeout, expect=2)
    assert QUERIES[query] in done.err
    assert "error: --schemas-from" in done.err
    assert database.value("select count(*) from tenants") == 3
    assert database.value("select is_called from numbers") is False
    assert database.tables() == {"tenants"}


def test_names_of_neighbours(sartor: Command, folder: Folder, database: Database) -> None:
    """A name is never SQL; one that Sartor can't use is told with the reason, and the others are found."""
    folder.table("1.0.0-1700000000-a.py")
    names = ['tenant_"; drop table keep; --', "tenant_'", "tenant_*", "tenant_\\", "tenant_ö", "tenant_ x"]
    unusable = ["tenant_\n== forged", "tenant_\x1b[2J", "tenant_\u202e"]
    database.run("create table keep ()", *(f'create schema "{name.replace(chr(34), chr(34) * 2)}"' for name in names))
    database.run(*(f'create schema "{name}"' for name in unusable))
    done = sartor("deploy", "latest", "--schemas", "tenant_*")
    for name in names:
        assert database.tables(name) == {"a"}, name
    for name in unusable:
        assert database.tables(name) == set(), name
    assert done.err.count("note: left out: schema 'tenant_") == 3
    assert "\n== forged" not in done.err
    assert "\x1b" not in done.err
    assert database.tables() == {"keep"}
    database.run("create table t (name text)")
    given = [*unusable, "pg_catalog", "information_schema", "x" * 64, "", "tenant_1"]
    for name in given:
        literal = name.replace("'", "''")
        database.run(f"insert into t values ('{literal}')")
    assert list(_find(database, schemas_from="select name from t")) == ["tenant_1"]


def test_nothing_is_found(sartor: Command, folder: Folder, database: Database) -> None:
    """That no name fits is an error which tells the names that there are."""
    folder.table("1.0.0-1700000000-a.py")
    database.run(*TENANTS)
    for words, said in {
        ("--schemas", "tenants_*"): "no schema matches 'tenants_*'\n  hint: the other schemas are public, tenant_1,",
        ("--databases", "none_*"): "no database matches 'none_*'\n  hint: its databases are ",
        ("--databases", "template*"): "no database matches 'template*'",
        ("--schemas", "pg_*"): "no schema matches 'pg_*'",
        ("--schemas", "information_schema"): "no schema matches",
    }.items():
        assert said in sartor("deploy", "latest", *words, expect=2).err


def test_databases_by_a_pattern(sartor: Command, folder: Folder, database: Database, server_url: str) -> None:
    """Each database that fits and takes connections is one; with patterns of schemas, each of its schemas."""
    folder.table("1.0.0-1700000000-a.py")
    closed = f"{database.name}_closed"
    with temporary_database(server_url) as second:
        database.run(f"create database {closed} with allow_connections false")
        try:
            names = ("--databases", f"{database.name}*", "--databases", second.name)
            sartor("deploy", "latest", *names)
            assert (database.tables(), second.tables()) == ({"a"}, {"a"})
            database.run(*TENANTS)
            second.run("create schema tenant_9")
            done = sartor("deploy", "latest", *names, "--schemas", "tenant_*", "--only", f"database={second.name}")
            assert (database.tables("tenant_1"), second.tables("tenant_9")) == (set(), {"a"})
            assert done.out.count("Deployed 1 alteration") == 1
            sartor("deploy", "latest", *names, "--schemas", "tenant_*")
            assert database.tables("tenant_1") == {"a"}
        finally:
            database.run(f"drop database {closed}")


def test_a_database_that_cant_be_asked(sartor: Command, folder: Folder, database: Database, server_url: str) -> None:
    """Where a database's schemas can't be read it is named, and nothing is done: none is left out in silence."""
    folder.table("1.0.0-1700000000-a.py")
    with temporary_database(server_url) as second, temporary_role(database) as role:
        second.run("create schema tenant_9", f"revoke connect on database {second.name} from public")
        database.run(*TENANTS)
        words = ("--databases", database.name, "--databases", second.name, "--schemas", "tenant_*")
        done = sartor("status", *words, env={"SARTOR_DB_URL": role.url}, expect=6)
        assert f"/{second.name}, schema public: the server refused the connection" in done.err
        assert _schemas(sartor, *words, "--only", f"database={database.name}", SARTOR_DB_URL=role.url) == [
            "tenant_1",
            "tenant_2",
            "tenant_3",
        ]
        sartor(
            "status", "--databases", "*", "--schemas", "tenant_*", "--db-url", "postgresql://127.0.0.1:1/x", expect=6
        )


def test_a_place_that_only_leaves_out_is_not_reached(
    sartor: Command, folder: Folder, database: Database, tmp_path: Path
) -> None:
    """A server that `--only` leaves out may be down: it isn't asked."""
    folder.table("1.0.0-1700000000-a.py")
    database.run(*TENANTS)
    (tmp_path / "urls").write_text(f"{database.url} region=eu\npostgresql://127.0.0.1:1/x region=us\n")
    where = ("--urls-from", "urls", "--schemas", "tenant_[12]")
    assert _schemas(sartor, *where, "--only", "region=eu") == ["tenant_1", "tenant_2"]
    assert "connection refused" in sartor("status", *where, expect=6).err


def test_ten_thousand_schemas(database: Database) -> None:
    """A database of very many tenants is listed with one connection."""
    database.run("do $$ begin for n in 1..10000 loop execute 'create schema t' || n; end loop; end $$")
    before = database.value("select sessions from pg_stat_database where datname = current_database()")
    assert len(_find(database, schemas=("t*",))) == 10_000
    assert len(_find(database, schemas_from="select nspname from pg_namespace where nspname ~ '^t[0-9]'")) == 10_000
    found = "select sessions from pg_stat_database where datname = current_database()"
    assert database.value(found) - before <= 4


def test_the_embedded_server(tmp_path: Path) -> None:
    """Schemas are looked for on the embedded server as well."""
    Folder(tmp_path / "alterations").table("1.0.0-1700000000-a.py")
    here = Command(tmp_path, {})
    here("deploy", "latest", "--embedded", "--schema", "tenant_1", "--schema", "tenant_2")
    assert _schemas(here, "--embedded", "--schemas", "tenant_*") == ["tenant_1", "tenant_2"]
    assert "exclude each other" in here("status", "--embedded", "--urls-from", "x", expect=2).err


def test_standard_input(sartor: Command, folder: Folder, database: Database) -> None:
    """`--urls-from -` reads the pipe, once; one that is closed is an error."""
    folder.table("1.0.0-1700000000-a.py")
    command = [EXECUTABLE, "db", "alteration", "deploy", "latest", "--urls-from", "-"]
    given = {"cwd": sartor.directory, "env": sartor.environment, "capture_output": True, "text": True, "timeout": 60}
    urls = f"{database.url}?schema=one region=eu\n{database.url}?schema=two # the second\n"
    done = subprocess.run(command, input=urls, check=False, **given)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
    assert (database.tables("one"), database.tables("two")) == ({"a"}, {"a"})
    closed = subprocess.run(["sh", "-c", 'exec "$@" <&-', "sh", *command], check=False, **given)  # type: ignore[call-overload]  # noqa: S607
    assert (closed.returncode, closed.stdout) == (2, "")
    assert "error: --urls-from: standard input is closed" in closed.stderr


def test_a_password_in_a_list_is_never_shown(sartor: Command, folder: Folder, tmp_path: Path) -> None:
    """Neither where its line can't be used, nor where the database can't be reached, nor in JSON."""
    folder.table("1.0.0-1700000000-a.py")
    for line, code in (
        ("postgresql://app:s3cret-word@127.0.0.1:1/app", 6),
        ("postgresql://app:s3cret-word@127.0.0.1:port/app", 2),
        ("postgresql://app:s3cret-word @127.0.0.1/app", 2),
        ("postgresql//app:s3cret-word@127.0.0.1/app", 2),
    ):
        (tmp_path / "urls").write_text(line)
        for words in (("status",), ("deploy", "latest"), ("status", "--schemas", "a*"), ("status", "--verbose")):
            done = sartor(*words, "--urls-from", "urls", "--json", expect=code)
            assert "s3cret-word" not in done.out + done.err
        shown = sartor.run("config", "show", "--urls-from", "urls", expect=None)
        assert "s3cret-word" not in shown.out + shown.err


def test_commands_of_one_database(sartor: Command, folder: Folder, database: Database) -> None:
    """A command that needs one database says so; one that is the same anywhere asks no server for schemas."""
    folder.table("1.0.0-1700000000-a.py")
    database.run(*TENANTS)
    several = ("--schemas", "tenant_*")
    assert "needs one database, but there are 3" in sartor.run("db", "psql", *several, expect=2).err
    (sartor.directory / "sartor.toml").write_text('schemas = "none_*"\n')
    sartor("prove", "--all")
    assert "no schema matches" in sartor("prove", "--pending", expect=2).err


def test_find_destinations_of_settings_that_name_all(database: Database) -> None:
    """Without anything to ask a server for, the settings' own destinations are all."""
    settings = sartor.load_settings(Flags(db_url=(database.url,)), environ={})
    assert asyncio.run(sartor.find_destinations(settings)) == settings.destinations
    with pytest.raises(SettingsError, match="no schema matches"):
        _find(database, schemas=("nothing",))


def test_a_registry_that_is_installed(sartor: Command, folder: Folder, database: Database, tmp_path: Path) -> None:
    """A package's function names the destinations, where a setting names the function, and is called once a command."""
    folder.table("1.0.0-1700000000-a.py")
    site = tmp_path / "site"
    (site / "acme-1.0.dist-info").mkdir(parents=True)
    (site / "acme-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (site / "acme-1.0.dist-info" / "entry_points.txt").write_text("[sartor.destinations]\nacme = acme:tenants\n")
    (site / "acme.py").write_text(
        "import os, pathlib\n"
        "def tenants():\n"
        "    with pathlib.Path(os.environ['CALLS']).open('a') as calls:\n"
        "        calls.write('called\\n')\n"
        "    for name in ('one', 'two'):\n"
        "        yield {'schema': name, 'labels': {'name': name}}\n"
    )
    env = {"PYTHONPATH": str(site), "CALLS": str(tmp_path / "calls")}
    sartor("deploy", "latest", env=env)
    assert not (tmp_path / "calls").exists()
    (sartor.directory / "sartor.toml").write_text('destinations-from = "acme"\n')
    sartor("deploy", "latest", "--only", "name=two", env=env)
    assert (database.tables("one"), database.tables("two")) == (set(), {"a"})
    assert (tmp_path / "calls").read_text() == "called\n"
    assert "there is no registry 'acme'" in sartor("status", expect=2).err


def test_rows_that_a_policy_hides(sartor: Command, folder: Folder, database: Database) -> None:
    """Row-level security leaves no tenant out in silence: the query is refused."""
    folder.table("1.0.0-1700000000-a.py")
    database.run(*REGISTRY, "alter table tenants enable row level security")
    with temporary_role(database) as role:
        database.run(f"create policy mine on tenants using (region = 'eu'); grant select on tenants to {role.name}")
        query = "select schema_name from tenants"
        done = sartor("status", "--schemas-from", query, env={"SARTOR_DB_URL": role.url}, expect=2)
        assert "(SQLSTATE 42501)" in done.err
        assert "row-level security" in done.err


def test_ctrl_c_while_a_server_is_asked(sartor: Command, folder: Folder, database: Database) -> None:
    """It ends the query, and nothing had begun."""
    folder.table("1.0.0-1700000000-a.py")
    process = sartor.start("deploy", "latest", "--schemas-from", "select pg_sleep(60)::text", env={})
    asked = "select count(*) from pg_stat_activity where query ~ 'pg_sleep' and datname = current_database()"
    ends = time.monotonic() + 30
    while database.value(f"{asked} and pid <> pg_backend_pid()") == 0:
        assert time.monotonic() < ends
    done = finish(process, signal.SIGINT)
    assert done.code == 130
    assert "stopped; no run had begun" in done.err


def test_names_that_arent_text(database: Database, server_url: str) -> None:
    """A name of bytes that aren't UTF-8, which SQL_ASCII allows, is left out, and ends nothing."""
    with temporary_database(server_url, "template template0 encoding 'SQL_ASCII' locale 'C'") as other:
        strange = r"execute 'create schema \"t_' || convert_from('\xe9'::bytea, 'SQL_ASCII') || '\"'"
        other.run("create schema t_1", f"do $$ begin {strange.replace(chr(92) + chr(34), chr(34))}; end $$")
        assert list(_find(other, schemas=("t_*",))) == ["t_1"]
    assert list(_find(database, schemas=("public",))) == ["public"]


def test_names_of_databases(sartor: Command, folder: Folder, database: Database) -> None:
    """A database's name is never part of a URL as it is: each is reached, or told where it can't be."""
    folder.table("1.0.0-1700000000-a.py")
    start = database.name
    names = [f"{start}/%41?a=b&c#d", f"{start} x@y:z", f"{start}ö'\\", f'{start}"']
    unusable = f"{start}\n"
    quoted = [f'"{name.replace(chr(34), chr(34) * 2)}"' for name in [*names, unusable]]
    try:
        for name in quoted:
            database.run(f"create database {name}")
        done = sartor("deploy", "latest", "--databases", f"{start}?*")
        assert f"{len(names)} of {len(names)} destinations done" in done.out
        assert done.err.count("note: left out: the database name") == 1
        assert database.tables() == set()
    finally:
        for name in quoted:
            database.run(f"drop database if exists {name} with (force)")
