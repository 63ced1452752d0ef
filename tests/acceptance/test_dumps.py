"""The output of pg_dump is an alteration as it is, whatever stands in the rows; and COPY where it isn't deployed."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sartor.embedded.server import binaries
from support.command import Command
from support.database import Database, temporary_database
from support.folder import Folder

ODD = (
    *("tab\there", "back\\slash \\n \\. \\N", "\\.", "\\N", "", None, "a\r\nb\rc\n", 'it\'s "so" $$ $x$ ; /* --'),
    *("-- sartor: down", "a\n-- sartor: down\n-- Sartor: up\n-- +goose Down\ndrop table odd;\nb"),
    *("\\restrict x\n\\unrestrict x", "copy odd from stdin;\n\\.\n", "'); drop table odd; --", "E'\\'"),
    "\u202e \u00e4 \U0001f9f5 \x01\x1b[31m\x7f",
)
SOURCE = (
    "create table odd (note text, id int primary key, bytes bytea, list text[], json jsonb)",
    "create function speaks() returns text language sql as $f$\n-- sartor: down\nselect '\n-- sartor: up\n'\n$f$",
    'create table "Copy from ""stdin"";" ("-- sartor: down" text default \'\n-- sartor: down\n\')',
    'insert into "Copy from ""stdin"";" default values',
    "create table empty (id int)",
)
DOWN = 'drop table odd, empty, "Copy from ""stdin"";"; drop function speaks();\n'
FILL = "insert into odd values ($1, $2, convert_to($1, 'utf8'), array[$1, null, ''], to_jsonb($1::text))"
ROWS = "select note, id, bytes, list, json::text from odd order by id"
FORMS = {"copy": (), "inserts": ("--inserts",), "columns": ("--column-inserts", "--rows-per-insert=4")}
TOOLS = {"embedded": binaries() / "pg_dump", "on the path": Path(shutil.which("pg_dump") or "/nowhere")}
LIKE_DIRECTIVES = "-- sartor: down\n-- Sartor: up\n-- sartor down\n/* sartor: down */\n-- +goose Down\n"


@pytest.fixture
def source(server_url: str) -> Iterator[Database]:
    """A database with odd rows."""
    with temporary_database(server_url) as found:
        found.run(*SOURCE)
        for number, note in enumerate(ODD):
            found.rows(FILL, note, number)
        yield found


def dump(tool: str, url: str, *options: str) -> str:
    """Returns pg_dump's output without its line of a random word; skips where there is no pg_dump for this server."""
    if not TOOLS[tool].exists():
        pytest.skip("there is no pg_dump on the path")
    done = subprocess.run([TOOLS[tool], "--no-owner", *options, url], check=False, capture_output=True, timeout=60)
    if b"server version mismatch" in done.stderr:
        pytest.skip("this pg_dump is older than the server")
    assert done.returncode == 0, done.stderr
    return re.sub(r"(?m)^(\\(?:un)?restrict) \w+$", r"\1 word", done.stdout.decode())


def spelled_for(database: Database, text: str) -> str:
    """A dump without the setting that servers before 17 don't know, where psql stops as well."""
    knows = database.rows("select 1 from pg_settings where name = 'transaction_timeout'")
    return text if knows else text.replace("SET transaction_timeout = 0;\n", "")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("tool", TOOLS)
def test_a_dump_is_deployed_row_by_row(
    sartor: Command, folder: Folder, database: Database, source: Database, tool: str, form: str
) -> None:
    """Dumped, deployed elsewhere and dumped again, it is the same text, and `down` is what stands behind it."""
    text = dump(tool, source.url, *FORMS[form])
    assert form != "copy" or "\nCOPY public.odd" in text
    whole = f"-- sartor: up\n{spelled_for(database, text)}\n-- sartor: down\n{DOWN}"
    (folder.path / "1.0.0-1-dump.sql").write_bytes(whole.encode())
    sartor("deploy", "latest")
    assert database.rows(ROWS) == source.rows(ROWS)
    assert dump(tool, database.url, *FORMS[form], "--exclude-table=sartor_*") == text
    sartor("rollback", "0")
    assert database.tables() == set()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("copy a from stdin;\nx\0y\n\\.\n", "0x00"),
        ("insert into a values ('x\0y');\n", "x\\x00y"),
        ("copy a from stdin;\none\r\ntwo\n\\.\n", "22P04"),
        ("copy a from stdin;\none\n", "aren't terminated"),
    ],
)
def test_what_no_server_takes(sartor: Command, folder: Folder, database: Database, text: str, said: str) -> None:
    """NUL bytes, lines that end in two ways, data without an end: exit 1 in words, and nothing stays."""
    (folder.path / "1.0.0-1-a.sql").write_bytes(f"-- sartor: up\ncreate table a (x text);\n{text}".encode())
    assert said in sartor("deploy", "latest", expect=1).err
    assert database.tables() == set()


def test_a_seed_with_rows(sartor: Command, folder: Folder, database: Database) -> None:
    """`prove --seed` copies what the SQL of a seed copies."""
    folder.table("1.0.0-1-a.py")
    folder.write(
        "1.0.0-2-b.py",
        "async def up(conn):\n    assert await conn.fetchval('select count(*) from a') == 2\n"
        "async def down(conn):\n    pass\n",
    )
    seed = folder.write("../seed.sql", "copy a from stdin;\n1\n2\n\\.\n")
    sartor("prove", "1.0.0-2-b.py", "--seed", str(seed))
    assert database.tables() == set()


def test_directives_in_the_strings_of_python(sartor: Command, folder: Folder, database: Database) -> None:
    """A comment in SQL that Python sends is the server's to read, however much it looks like a directive."""
    sql = f"{LIKE_DIRECTIVES}create table a (x text default '\n{LIKE_DIRECTIVES}')"
    folder.add("1.0.0-1-a.py", sql, f"{LIKE_DIRECTIVES}drop table a")
    folder.write(
        "1.0.0-2-b.py", f"SQL = {sql.replace('table a', 'table b')!r}\nasync def up(conn):\n    await conn.fetch(SQL)\n"
    )
    sartor("deploy", "latest")
    defaults = database.rows(
        "select pg_get_expr(adbin, adrelid) from pg_attrdef where adrelid = any($1::regclass[])", ["a", "b"]
    )
    assert all(LIKE_DIRECTIVES in row[0] for row in defaults)
