"""What a careful person sees without any tool: psql on a copy with rows, in a transaction that is rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from comparison.cases import Case
from support.database import Database, with_name
from support.psql import psql

ALTERATION = "-- the alteration"
LOOK = f"""
begin;
select json_object_agg(oid, relfilenode) as files from pg_class
  where relkind = 'r' and relnamespace = 'public'::regnamespace \\gset
{ALTERATION}
select relname || ': ' || string_agg(distinct mode, ', ') from pg_locks join pg_class c on c.oid = relation
  where pid = pg_backend_pid() and mode <> 'AccessShareLock' and jsonb_exists(:'files', c.oid::text)
  group by relname order by relname;
select relname || ' has a new file' from pg_class where relfilenode <> (:'files'::jsonb ->> oid::text)::oid
  order by relname;
select relname || ' was read' from pg_stat_xact_user_tables
  where seq_scan > 0 and jsonb_exists(:'files', relid::text) order by relname;
select relname || ': ' || n_tup_upd || ' rows updated' from pg_stat_xact_user_tables where n_tup_upd > 0
  order by relname;
rollback;
""".lstrip()
"""What is run; ALTERATION stands where the alteration goes."""


def look(cases: list[Case], database: Database, file: Path) -> Iterator[str]:
    """What is seen of each case on a copy of `database`, which holds the rows; `file` is a place for the script."""
    copy = Database(with_name(database.url, f"{database.name}_copy"), f"{database.name}_copy")
    server = Database(with_name(database.url, "postgres"), "postgres")
    server.run(f"create database {copy.name} template {database.name}")
    try:
        for case in cases:
            copy.run(*([case.own(case.earlier)] if case.earlier else []))
            file.write_text(LOOK.replace(ALTERATION, f"{case.own(case.up)};"))
            options = ("--no-align", "--tuples-only", "--quiet", "--set=ON_ERROR_STOP=1")
            found = psql(copy.url, file, *options, expect=3 if case.fails else 0)
            yield case.plain(error_of(found.err) or "; ".join(found.out.splitlines()) or "no lock")
    finally:
        server.run(f"drop database {copy.name} with (force)")


def error_of(text: str) -> str:
    """The message of the error that psql has printed, or nothing."""
    return text.partition("ERROR:  ")[2].partition("\n")[0]
