"""COPY in `.sql` alterations: the data behind it are data, as in psql; and where COPY can't be sent."""

from __future__ import annotations

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder
from support.psql import psql

NAME = "1.0.0-2-b.sql"

DUMP = r"""-- sartor: up
--
-- PostgreSQL database dump
--

\restrict XzK0aBcD1

SET statement_timeout = 0;
SET lock_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;

CREATE TABLE public.b (
    id integer,
    note text
);

COPY public.b (id, note) FROM stdin;
1	it's /* $$ "
2	-- sartor: down
3	\N
-- sartor: up	\\.
5	\\restrict x; commit;
\.

CREATE TABLE public.c (id integer);
COPY public.c (id) FROM stdin;
\.

COPY public.c FROM STDOUT WITH (FORMAT csv, HEADER);
id
7
\.

--
-- PostgreSQL database dump complete
--

\unrestrict XzK0aBcD1

-- sartor: down
drop table public.b, public.c;
create table public.gone (id int);
copy public.gone from stdin;
1
2
\.
"""


def _write(folder: Folder, name: str, text: str) -> None:
    (folder.path / name).write_bytes(text.encode())


def test_a_dump_is_an_alteration(sartor: Command, folder: Folder, database: Database) -> None:
    """What pg_dump writes is deployed as it is; whatever its data hold is data, and `down` may copy as well."""
    _write(folder, NAME, DUMP.replace("-- sartor: up\t", "4\t"))
    folder.table("1.0.0-3-after.py")
    sartor("lint")
    sartor("deploy", "latest")
    notes = [row[0] for row in database.rows("select note from b order by id")]
    assert notes == ["it's /* $$ \"", "-- sartor: down", None, "\\.", "\\restrict x; commit;"]
    assert database.rows("select id from c") == [(7,)]
    sartor("rollback", "0")
    assert database.tables() == {"gone"}
    assert database.rows("select id from gone order by id") == [(1,), (2,)]


def test_psql_gets_the_same_lines(sartor: Command, folder: Folder, database: Database) -> None:
    """A plan for psql has the data as they are, whatever they hold and whichever encoding they are in."""
    _write(folder, NAME, DUMP.replace("-- sartor: up\t", "4\t"))
    odd = b"create table latin (x text);\r\ncopy latin from stdin (encoding 'latin1');\r\n\xe4\r\n\\.\r\n"
    text = b"-- sartor: transaction off\n-- sartor: up\n" + odd + b"-- sartor: down\ndrop table latin;\n"
    (folder.path / "1.0.0-3-c.sql").write_bytes(text)
    sartor("check", "--sql", "plan.sql", expect=3)
    plan = sartor.directory / "plan.sql"
    assert b";\n\xe4\r\n\\.\r\n" in plan.read_bytes()
    psql(database.url, plan)
    assert len(database.rows("select * from b")) == 5
    assert database.rows("select x from latin") == [("ä",)]
    assert sartor("status", "--json").json["pending"] == []
    sartor("rollback", "0", "--check", "--sql", "back.sql", expect=3)
    psql(database.url, sartor.directory / "back.sql")
    assert database.rows("select id from gone order by id") == [(1,), (2,)]


def test_a_dump_is_rehearsed_and_proved(sartor: Command, folder: Folder, database: Database) -> None:
    """A clone gets the same lines; so does a scratch database that is deployed to and back."""
    text = DUMP.replace("-- sartor: up\t", "4\t")
    _write(folder, NAME, text.replace("create table public.gone", "create table if not exists public.gone"))
    found = sartor("rehearse", "latest", "--json").json
    assert found["failed"] is None
    assert database.tables() == set()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_stands_where(sartor: Command, folder: Folder, database: Database, end: str) -> None:
    """Data begin in the line behind the semicolon's; the rest of that line comes afterwards, with its own data."""
    text = (
        "-- sartor: up\ncreate table a (x text); create table b (x text);\n"
        "copy a from stdin; copy b from stdin; insert into a select 'behind' from b;\none\n\\.\ntwo\nthree\n\\.\n"
        "insert into a select 'last' -- a comment\n;\n-- sartor: down\ndrop table a, b;\n"
    )
    (folder.path / NAME).write_bytes(b"\xef\xbb\xbf" + text.replace("\n", end).encode())
    sartor("deploy", "latest")
    assert [row[0] for row in database.rows("select x from a")] == ["one", "behind", "behind", "last"]
    sartor("rollback", "0")
    assert database.tables() == set()


@pytest.mark.parametrize(
    ("statement", "data", "rows"),
    [
        ("COPY t FROM STDIN (format csv, delimiter ';', quote '~')", '1;~a\n;b~\n2;"', [("1", "a\n;b"), ("2", '"')]),
        ("copy pg_temp.t (b, a) from stdin delimiter ',' null 'x'", "1,2\nx,3", [("2", "1"), ("3", None)]),
        ("copy \"t\" from /* stdout; */ stdin where a <> '1'", "1\t2\n2\t3", [("2", "3")]),
        ("copy t from stdin (encoding 'latin1')", "1\tä", [("1", "Ã¤")]),
    ],
)
def test_options(
    sartor: Command, folder: Folder, database: Database, statement: str, data: str, rows: list[tuple[str, str]]
) -> None:
    """COPY has all of its options; the server reads the data, whatever they are."""
    text = f"-- sartor: up\ncreate table u (a text, b text);create temp table t (like u);\n{statement};\n{data}\n\\.\n"
    _write(folder, NAME, text + "insert into u table t;\n")
    sartor("deploy", "latest")
    assert database.rows("select * from u order by a") == rows


@pytest.mark.parametrize(
    ("text", "line", "sqlstate"),
    [
        ("create table b (id int);\ncopy b from stdin;\n1\n2\nx\n4\n\\.\n", 6, "22P02"),
        ("create table b (id int);\ncopy b from stdin;\n1\n\\.\n\nselect\n oops;\n", 8, "42703"),
        ("copy nowhere from stdin;\n1\n\\.\n", 2, "42P01"),
        ("create table b (id int);\n\ncopy b from stdin (format oops);\n1\n\\.\n", 4, "22023"),
        ("create table b (id int primary key);\ncopy b from stdin;\n1\n1\n\\.\n", 5, "23505"),
        ("create table b (id int);\ncopy b from stdin (format csv);\n1,2\n\\.\n", 4, "22P04"),
    ],
)
def test_a_failure(sartor: Command, folder: Folder, database: Database, text: str, line: int, sqlstate: str) -> None:
    """Refused rows are told by their own line of the file, and what is behind the data by its; nothing stays."""
    _write(folder, NAME, f"-- sartor: up\n{text}-- sartor: down\n")
    failed = sartor("deploy", "latest", "--json", expect=1).json["failed"]
    assert (failed["line"], failed["sqlstate"], failed["rolled_back"]) == (line, sqlstate, True)
    assert database.tables() == set()
    sartor("status")


def test_outside_a_transaction(sartor: Command, folder: Folder, database: Database) -> None:
    """It copies there, too."""
    text = "create table if not exists b (id int);\ncopy b from stdin;\n1\n\\.\n"
    _write(folder, NAME, f"-- sartor: transaction off\n-- sartor: up\n{text}")
    sartor("deploy", "latest")
    assert database.rows("select id from b") == [(1,)]


@pytest.mark.parametrize(("side", "method"), [("from stdin", "copy_to_table"), ("to stdout", "copy_from_query")])
def test_python_has_methods_for_it(sartor: Command, folder: Folder, database: Database, side: str, method: str) -> None:
    """A method that would wait for ever, or lose what comes, is refused before anything is sent."""
    folder.write(
        "1.0.0-1-a.py",
        f"""
        async def up(conn):
            sql = "create table b (id int); /* so */ copy b {side}; select 1"
            for name in ("fetch", "fetchval", "fetchrow", "prepare", "cursor"):
                try:
                    found = getattr(conn, name)(sql)
                    await found
                except Exception as error:
                    assert type(error).__name__ == "NoTalk", error
                else:
                    raise AssertionError(name)
            await conn.execute(sql)
        """,
    )
    failed = sartor("deploy", "latest", "--json", expect=1).json["failed"]
    assert method in failed["advice"]
    assert (failed["line"], failed["statement"], failed["rolled_back"]) == (11, f"copy b {side}", True)
    assert database.tables() == set()


def test_what_only_looks_like_it(sartor: Command, folder: Folder, database: Database) -> None:
    """Strings, comments, names and bodies that speak of it are left alone."""
    _write(
        folder,
        NAME,
        "-- sartor: up\n-- copy t from stdin;\n"
        "create table copy (stdin int, \"from\" text default 'copy t from stdin;');\n"
        "/* copy t from stdin; */ insert into copy values (1, $$copy copy from stdin;$$);\n"
        "create function f() returns void language plpgsql as $$ begin execute 'copy t from stdin'; end $$;\n",
    )
    folder.add("1.0.0-3-c.py", "select 'copy t from stdin'; -- copy t from stdin")
    sartor("deploy", "latest")
    assert database.rows("select * from copy") == [(1, "copy copy from stdin;")]
