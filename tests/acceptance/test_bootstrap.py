"""A history that stands on what others made before it is proved and replayed on that."""

from __future__ import annotations

import signal
import subprocess

import pytest

from sartor.archive.tools import find_tools
from support.changes import EVERYTHING
from support.command import Command, finish
from support.database import Database
from support.folder import Folder
from support.sessions import until

BASE = r"""
\restrict kEy1
SET statement_timeout = 0;
SET transaction_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);
DROP TABLE IF EXISTS nosuch;
DO $$ begin raise warning 'mind'; end $$;
COMMIT;
CREATE SCHEMA public;
CREATE SCHEMA auth;
CREATE ROLE postgres;
CREATE TABLE auth.users (id integer PRIMARY KEY, name text);
CREATE TABLE IF NOT EXISTS auth.users ();
COPY auth.users (id, name) FROM stdin;
1	a\tb
2	\N
\.
\unrestrict kEy1
"""


def test_a_base(sartor: Command, folder: Folder, database: Database) -> None:
    """A file that psql can read goes into a scratch database first: what pg_dump writes, with COPY and psql's lines.

    What the server only notes or warns of is no error.
    """
    file = sartor.directory / "base.sql"
    file.write_text(BASE)
    (sartor.directory / "sartor.toml").write_text('scratch-bootstrap = "base.sql"\n')
    database.run("create schema auth; create table auth.users (id integer primary key, name text)")
    folder.add("1.0.0-1700000000-a.py", up="create table a (id int references auth.users)", down="drop table a")
    sartor("deploy", "latest")
    assert sartor("prove", "--all").out.endswith("1 proved\n")
    assert "as expected" in sartor("verify", "--against-replay").out
    (sartor.directory / "sartor.toml").unlink()
    assert 'schema "auth" does not exist' in sartor("verify", "--against-replay", expect=None).err
    assert "as expected" in sartor("verify", "--against-replay", "--scratch-bootstrap", file.name).out
    assert sartor("prove", "--all", "--scratch-bootstrap", str(file)).out.endswith("1 proved\n")
    assert "needs --against-replay" in sartor("verify", "--scratch-bootstrap", file.name, expect=2).err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("select 1;\n\\connect postgres\n", r"base.sql, line 2: `\connect` is a psql command"),
        (None, "base.sql can't be read: No such file or directory"),
    ],
)
def test_a_base_that_is_refused(sartor: Command, folder: Folder, text: str | None, told: str) -> None:
    """A base that can't be had whole ends the command, with the line: a proof on half of it would say nothing."""
    if text is not None:
        (sartor.directory / "base.sql").write_text(text)
    (sartor.directory / "sartor.toml").write_text('scratch-bootstrap = "base.sql"\n')
    folder.table("1.0.0-1700000000-a.py")
    assert told in sartor("prove", "--all", expect=2).err


def test_a_dump_as_it_is(sartor: Command, folder: Folder, database: Database) -> None:
    """The output of `pg_dump` and `pg_dumpall --globals-only` is a base: data, large objects and psql's lines."""
    tools = find_tools(int(database.value("show server_version_num")))
    database.run(EVERYTHING, "create table told (a text, b bytea)", r"insert into told values (E'\\.\n\\q', '\x5c2e')")
    database.run("select lo_from_bytea(0, 'large')")
    place = f"--dbname={database.url}"
    written = [
        subprocess.run([tools[0].program(name), place, *options], check=True, capture_output=True, text=True).stdout
        for name, options in {"pg_dumpall": ["--globals-only"], "pg_dump": []}.items()
    ]
    (sartor.directory / "base.sql").write_text("".join(written))
    (sartor.directory / "sartor.toml").write_text('scratch-bootstrap = "base.sql"\n')
    folder.add("1.0.0-1700000000-a.py", up="create table a as select * from public.told", down="drop table a")
    assert sartor("prove", "--all").out.endswith("1 proved\n")


def test_a_base_that_was_cut_short(sartor: Command, folder: Folder, database: Database) -> None:
    """A run that is killed in the middle of its base leaves nothing in the way of the next, which cleans up."""
    role = f"{database.name}_role"
    text = f"create role {role};\nselect pg_sleep({{}});\n"
    (sartor.directory / "base.sql").write_text(text.format(100))
    (sartor.directory / "sartor.toml").write_text('scratch-bootstrap = "base.sql"\n')
    folder.table("1.0.0-1700000000-a.py")
    sleeping = "select datname::text from pg_stat_activity where query like 'select pg_sleep(100)%'"
    try:
        process = sartor.start("prove", "--all")
        [[left]] = until(lambda: database.rows(sleeping))
        finish(process, signal.SIGKILL)
        until(lambda: not database.rows(sleeping))
        (sartor.directory / "base.sql").write_text(text.format(0))
        assert sartor("prove", "--all").out.endswith("1 proved\n")
        assert not database.rows("select 1 from pg_database where datname = $1", left)
    finally:
        database.run(f"drop role if exists {role}")
