"""Servers that don't speak English, and databases whose text isn't UTF-8: every command works, its advice too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.command import Command
from support.database import Database, temporary_database
from support.folder import Folder
from support.german import find_german, german_server

UP = """
-- sartor: up
create table "größe" (id int primary key, "länge" text default 'ü');
comment on table "größe" is 'größer';
insert into "größe" values (1, 'schön');
-- sartor: down
drop table "größe";
"""
DOWN = 'drop view "schön"'
COMMANDS = (
    ("alteration", "deploy", "1.0.0"),
    ("backup", "bk/all.dump", "--prove"),
    ("alteration", "deploy", "latest", "--backup", "bk", "--tables", "affected"),
    ("alteration", "status"),
    ("alteration", "history"),
    ("alteration", "verify"),
    ("alteration", "verify", "--against-replay"),
    ("alteration", "check", "latest"),
    ("seed", "--yes"),
    ("alteration", "repair", "--reason", "größe", "--mark-not-deployed", "1700000001-b", "--yes"),
    ("alteration", "repair", "--reason", "größe", "--mark-deployed", "1700000001-b", "--yes"),
    ("alteration", "rollback", "--steps", "1", "--yes"),
    ("alteration", "check", "latest", "--sql", "plan.sql"),
    ("alteration", "rehearse", "--with-data"),
    ("alteration", "prove", "--all"),
    ("alteration", "fresh", "latest", "--yes"),
)
OK = (0, 3)
"""The exit codes of what was done, and of what is pending."""


@pytest.fixture(scope="module")
def german() -> Iterator[str]:
    """The URL of a server whose messages are German."""
    if (binaries := find_german()) is None:
        pytest.skip("needs a distribution's Postgres with German messages")
    with german_server(binaries) as url:
        yield url


@pytest.mark.parametrize(
    ("encoding", "schema"), [("LATIN1", "schön"), ("EUC_JP", "表"), ("SQL_ASCII", "public"), ("UTF8", "My schön")]
)
def test_every_command(german: str, tmp_path: Path, folder: Folder, encoding: str, schema: str) -> None:
    """Names and texts beyond ASCII are written and read in any encoding, in a schema whose name must be quoted."""
    folder.write("1.0.0-1700000000-größe.sql", UP)
    folder.add("1.1.0-1700000001-b.py", up='create view "schön" as select "länge" from "größe"', down=DOWN)
    folder.write("seeds/010.py", "async def seed(conn):\n    await conn.execute(" + repr(SEED) + ")\n")
    (tmp_path / "bk").mkdir()
    options = f"encoding '{encoding}' template template0 lc_collate 'C' lc_ctype 'C'"
    with temporary_database(german, options) as found:
        sartor = Command(tmp_path, {"SARTOR_DB_URL": found.url, "SARTOR_SCHEMA": schema})
        for command in COMMANDS:
            done = sartor.run("db", *command, expect=None)
            assert done.code in OK, f"{command}: exit code {done.code}\n{done.out}\n{done.err}"
        there = f"{found.url}_restored"
        sartor.run("db", "restore", "bk/all.dump", "--create", "--schema", schema, "--into", there)
        copy = Database(there, f"{found.name}_restored")
        assert copy.value(f'select "länge" from "{schema}"."größe"') == "schön"
        Database(german, "postgres").run(f"drop database {copy.name} with (force)")


SEED = """insert into "größe" values (2, 'grün') on conflict do nothing"""
PATHLESS = """
create function inner_one(text) returns text language sql immutable as 'select lower($1)';
create function outer_one(text) returns text language sql immutable as 'select inner_one($1)';
create table t (a text); insert into t values ('X'); create index i on t (outer_one(a))
"""


def test_advice(german: str, tmp_path: Path, folder: Folder) -> None:
    """The way out is found by SQLSTATE or by the catalogue, whatever the server speaks; the object is named."""
    with temporary_database(german) as source, temporary_database(german) as other:
        Database(german, "postgres").run("create role de_app login", "create role de_owner")
        sartor = Command(tmp_path, {})
        app = {"SARTOR_DB_URL": source.as_user("de_app")}
        source.run("create table o (a int); alter table o owner to de_owner")
        denied = sartor.run("db", "backup", "a.dump", env=app, expect=6).err
        assert "keine Berechtigung" in denied
        assert 'hint: give the role the right to read all tables: grant pg_read_all_data to "de_app";' in denied

        source.run("grant all on schema public to de_app; alter table o owner to de_app")
        source.run("alter table o enable row level security, force row level security")
        denied = sartor.run("db", "backup", "a.dump", env=app, expect=6).err
        assert 'alter role "de_app" bypassrls;' in denied

        source.run("alter table o disable row level security; alter table o owner to de_owner")
        sartor.run("db", "backup", "a.dump", env={"SARTOR_DB_URL": source.url})
        other.run("grant all on schema public to de_app")
        for jobs in ((), ("--jobs", "2")):
            refused = sartor.run("db", "restore", "a.dump", "--into", other.as_user("de_app"), *jobs, expect=6).err
            assert "ALTER TABLE public.o OWNER TO de_owner" in refused
            assert "hint: restore as a superuser, or with --no-owner" in refused

        other.run("drop table o")  # several jobs are no transaction
        source.run("drop table o", *PATHLESS.split(";\n"))
        sartor.run("db", "backup", "b.dump", env={"SARTOR_DB_URL": source.url})
        for command in (("backup", "c.dump", "--prove"), ("restore", "b.dump", "--into", other.url)):
            refused = sartor.run("db", *command, env={"SARTOR_DB_URL": source.url}, expect=6).err
            assert "error: the backup can't be restored: Funktion inner_one(text) existiert nicht" in refused
            assert "at: CREATE INDEX i ON public.t USING btree (public.outer_one(a))" in refused
            assert "alter function NAME set search_path" in refused

        folder.table("1.0.0-1700000000-a.py")
        unknown = sartor("status", env={"SARTOR_DB_URL": f"{source.url}?options=-cfoo%3D1"}, expect=6).err
        assert "hint: check the spelling of the parameters" in unknown
