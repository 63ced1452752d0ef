"""A history that stands on what others made before it is proved and replayed on that."""

from __future__ import annotations

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder

BASE = r"""
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
\echo done
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


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("select 1;\n\\connect postgres\n", r"base.sql has \connect, which leaves the scratch database"),
        ("create table x ();\ncreate table y (a nosuch);\n", 'base.sql, line 2: type "nosuch" does not exist'),
        ("select 1;\n\\i nosuch.sql\n", "base.sql, line 2: nosuch.sql: No such file or directory"),
        ("\\nosuch\n", "base.sql, line 1: invalid command \\nosuch"),
        ("create table y (a nosuch);\n" + "create schema public;\n" * 100, 'line 1: type "nosuch" does not exist'),
        ("create table sartor_ledger ();\n", "base.sql has Sartor's own tables"),
        (None, "base.sql can't be read: No such file or directory"),
    ],
)
def test_a_base_that_is_refused(sartor: Command, folder: Folder, text: str | None, told: str) -> None:
    """A base that can't be had whole ends the command: a proof on half of it would say nothing."""
    if text is not None:
        (sartor.directory / "base.sql").write_text(text)
    (sartor.directory / "sartor.toml").write_text('scratch-bootstrap = "base.sql"\n')
    folder.table("1.0.0-1700000000-a.py")
    assert told in sartor("prove", "--all", expect=2).err
