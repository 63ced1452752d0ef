"""`import --baseline` where the other tool's table is a neighbour's: nothing of theirs runs as the deployer."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.command import Command
from support.database import Database
from support.roles import temporary_role

TRAP = """
    create table public.ran (by_whom text);
    grant insert on public.ran to public;
    create function public.trap() returns text language plpgsql volatile as
        $$begin insert into public.ran values (current_user); return '1'; end$$;
    create function public.trap_of(anyelement) returns text language sql as 'select public.trap()';
    create function public.trap_number(int) returns int language plpgsql immutable as
        $$begin raise log 'ran'; return 1; end$$;
"""
TABLES = {
    "a view": "create view schema_migrations as select public.trap() as version",
    "a policy": "create table schema_migrations (version text);"
    " alter table schema_migrations enable row level security, force row level security;"
    " create policy p on schema_migrations using (public.trap() is not null)",
    "a type": "create type public.kind as enum ('1'); create table schema_migrations (version public.kind);"
    " create function public.as_text(public.kind) returns text language sql as 'select public.trap()';"
    " create cast (public.kind as text) with function public.as_text(public.kind);"
    " insert into schema_migrations values ('1'); alter type public.kind owner to ROLE",
    "a heir": "create table schema_migrations (version text); create table heir () inherits (schema_migrations)",
    "statistics": "create table schema_migrations (version text, n int);"
    " create index on schema_migrations ((n + public.trap_number(1)))",
}


@pytest.mark.parametrize("what", TABLES)
def test_a_planted_table(sartor: Command, database: Database, tmp_path: Path, what: str) -> None:
    """A table that runs code when it is read is refused, by name and reason, before anything is written."""
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "1_t.sql").write_text("-- migrate:up\ncreate table t ();\n")
    with temporary_role(database) as role:
        database.run(TRAP, *TABLES[what].replace("ROLE", role.name).split("; "))
        database.run("delete from public.ran", f"alter table schema_migrations owner to {role.name}")
        with temporary_role(database) as deployer:
            database.run(f"grant select on schema_migrations to {deployer.name}")
            done = sartor(
                *("import", "dbmate", "db", "--release", "1.0.0", "--baseline", "--yes", "--db-url", deployer.url),
                expect=2,
            )
        assert "public.schema_migrations" in done.err
        assert "isn't read, as that may run another role's code" in done.err
        assert database.rows("select * from public.ran") == []
        assert not (tmp_path / "alterations").exists()
        database.run("drop table if exists heir")


ODD = {
    "golang-migrate": ("1_a.up.sql", "schema_migrations", "'x' as version, 'maybe' as dirty"),
    "sqlx": ("1_a.sql", "_sqlx_migrations", "1 as version, true as success, 'x'::text as checksum"),
    "flyway": (
        "V1__a.sql",
        "flyway_schema_history",
        "1 as installed_rank, 'x.y' as version, 'd' as description, null::text as type, 1 as checksum, true as success",
    ),
    "logto": ("1.0.0-1-a.ts", "systems", "'alterationState' as key, '{\"timestamp\": Infinity}' as value"),
    "dbmate": ("1_a.sql", "schema_migrations", "unnest(array[null, E'\\x1b[31mred\\nrefused: 1']) as version"),
}
TEXTS = {
    "dbmate": "-- migrate:up\nselect 1;\n",
    "logto": "const alteration = { up: async (pool) => { await pool.query(sql`select 1`); }, down: async () => {} };\n",
}


def test_odd_rows(sartor: Command, database: Database, tmp_path: Path) -> None:
    """A row that the tool wouldn't write is an error that names the table, and its text is told in one line."""
    for tool, (name, table, row) in ODD.items():
        (tmp_path / tool).mkdir()
        (tmp_path / tool / name).write_text(TEXTS.get(tool, "select 1;\n"))
        database.run(f"drop table if exists {table}", f"create table {table} as select {row}")
        err = sartor("import", tool, tool, "--release", "1.0.0", "--baseline", "--yes", expect=2).err
        assert f"public.{table}" in err or tool == "logto", err
        assert not any(text in err for text in ("unexpected", "\x1b", "\nrefused: 1", "Traceback")), err
    assert not (tmp_path / "alterations").exists()
