"""A neighbour's code in a clone that a superuser makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder
from support.roles import temporary_role

TRAP = """
    create schema trap authorization {role};
    set role {role};
    create function trap.spring() returns int language plpgsql as $$
    begin
        if current_setting('is_superuser') = 'on' or (select rolsuper from pg_roles where rolname = current_user) then
            execute 'alter role {role} superuser';
        end if;
        return 1;
    exception when insufficient_privilege then
        return 1;
    end $$;
    create function trap.still(x int) returns int language plpgsql immutable as $$ begin return trap.spring(); end $$;
    create table trap.rows (a int check (trap.spring() > 0), b int generated always as (trap.still(2)) stored);
    create index on trap.rows (trap.still(a)) where trap.still(1) > 0;
    insert into trap.rows values (1);
    create view trap.v as select trap.spring() as a from trap.rows;
    create materialized view trap.m as select a from trap.v;
    create procedure trap.p() language plpgsql security definer as $$ begin perform trap.spring(); end $$;
    reset role;
"""

WRITING = """
    set role {role};
    create table trap.wrote (a int check (case current_setting('is_superuser')
        when 'on' then length(ts_rewrite('a'::tsquery,
            'select ''a''::tsquery, ''b''::tsquery from lo_export(lo_from_bytea(0, ''x''), ''{file}'')')::text)
        else 1 end > 0));
    insert into trap.wrote values (1);
    reset role;
"""


@pytest.mark.parametrize("way", ["", "--with-data"])
def test_a_neighbours_code(sartor: Command, folder: Folder, database: Database, tmp_path: Path, way: str) -> None:
    """Code that a neighbour's view, index, check or column calls never has the rights of the role that rehearses."""
    folder.write("next-1700000001-a.sql", "-- sartor: up\nrefresh materialized view trap.m; analyze; call trap.p();")
    with temporary_role(database) as role:
        written = tmp_path / "written"
        database.run(TRAP.format(role=role.name), WRITING.format(role=role.name, file=written))
        try:
            told = sartor("rehearse", *filter(None, [way]))
            assert not database.value(f"select rolsuper from pg_roles where rolname = '{role.name}'")
            assert not written.exists()
            assert told.out.startswith("next-1700000001-a.sql: ")
            assert ("lacks the rows of trap.wrote, which" in told.err) is bool(way)
        finally:
            database.run(f"drop schema trap cascade; alter role {role.name} nosuperuser")


def test_a_neighbours_code_in_a_proof(sartor: Command, database: Database, tmp_path: Path) -> None:
    """A backup is proved without it either, or isn't where a check may do what a superuser may."""
    with temporary_role(database) as role:
        written = tmp_path / "written"
        database.run(TRAP.format(role=role.name))
        try:
            sartor.run("db", "backup", str(tmp_path / "proved.dump"), "--prove")
            assert not database.value(f"select rolsuper from pg_roles where rolname = '{role.name}'")
            database.run(WRITING.format(role=role.name, file=written))
            told = sartor.run("db", "backup", str(tmp_path / "unproved.dump"), "--prove", expect=6)
            assert "a check constraint of trap.wrote, which belongs to another role" in told.err
            assert not written.exists()
        finally:
            database.run(f"drop schema trap cascade; alter role {role.name} nosuperuser")
