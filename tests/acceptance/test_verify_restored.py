"""A restored database is as it should be: what Postgres writes out in another way after a dump is no drift."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.command import Command
from support.database import Database, temporary_database
from support.folder import Folder

ZOO = (Path(__file__).parents[1] / "support" / "zoo.sql").read_text("utf-8")

CHANGES = (
    "alter table t drop constraint one, add constraint one check (a in ('x', 'it''s'))",
    "alter table t drop constraint two, add constraint two check (a not in ('x', b, lower(b)))",
    "alter table t drop constraint two, add constraint two check ((a)::text <> all ((array['x', b])::text[]))",
    "alter table t drop constraint six, add constraint six check (tags && array['x'::varchar, 'y, z']::text[])",
    "drop index part; create index part on t (id) where a in ('x', 'z') and b not in ('p')",
    "drop policy mine on t; create policy mine on t using (a in ('x', 'y')) with check (b in ('x'))",
    "create or replace view seen as select a, case b when 'x' then 1 end as k from t where a in ('x', 'z')",
    "alter domain word drop constraint word_check; alter domain word add constraint word_check check (value in ('x'))",
    "create or replace function wake() returns trigger language plpgsql as $$begin return ARRAY[('x')::text]; end$$",
    "create or replace function atomic(v varchar) returns boolean language sql begin atomic select v in ('x'); end",
    "alter table part_1 alter at set default now()",
    "alter table part_1 alter name set default 'NULL::text'",
    "alter table t alter d set default null",
    "create or replace trigger waking before update on t for each row when (new.a in ('x')) execute function wake()",
)


@pytest.fixture
def restored(sartor: Command, folder: Folder, server_url: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a database that holds what a proved backup of the test's database held."""
    folder.write("1.0.0-1700000000-zoo.sql", f"-- sartor: up\n{ZOO}\n-- sartor: irreversible a zoo\n")
    sartor("deploy", "latest")
    file = str(tmp_path / "x.dump")
    sartor.run("db", "backup", file, "--prove")
    with temporary_database(server_url) as other:
        sartor.run("db", "restore", file, "--into", other.url)
        yield other.url


def test_it_is_as_it_should_be(sartor: Command, restored: str) -> None:
    """A proof of the backup, `verify` and `check` find no difference."""
    done = sartor("verify", "--db-url", restored, expect=None)
    assert done.code == 0, done.out + done.err
    sartor("check", "latest", "--db-url", restored)


def test_what_was_changed_is_seen(sartor: Command, restored: str) -> None:
    """Behind the other spelling no change can hide, before a restore or after it."""
    there = Database(restored, "")
    for change in CHANGES:
        before = sartor("verify", "--db-url", restored, expect=None).out
        there.run(change)
        done = sartor("verify", "--db-url", restored, expect=4)
        assert done.out != before, change


def test_a_constraint_added_as_it_is_shown(sartor: Command, folder: Folder) -> None:
    """A `down` that adds what `up` dropped, in the words of psql, brings it back."""
    folder.add("1.0.0-1700000000-t.py", up="create table t (a varchar check (a in ('x', 'y')))", down="drop table t")
    shown = "CHECK (a::text = ANY (ARRAY['x'::character varying, 'y'::character varying]::text[]))"
    folder.write(
        "1.0.0-1700000001-gone.sql",
        "-- sartor: up\nalter table t drop constraint t_a_check;\n"
        f"-- sartor: down\nalter table t add constraint t_a_check {shown};\n",
    )
    sartor("prove", "--all")
