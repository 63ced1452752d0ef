"""A file of SQL goes into a scratch database whole, or it is refused with the line that is in the way."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sartor import Destination, SettingsError
from sartor.postgres.session import Session
from sartor.scratch.bootstrap import bootstrap
from support.database import Database


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("select 1;\n\\connect postgres\n", r"base.sql, line 2: `\connect` is a psql command"),
        ("select ';';\nselect 1 \\c postgres\n", r"base.sql, line 2: `\c` is a psql command"),
        ("create table x ();\ncreate table y (a nosuch);\n", 'base.sql, line 2: type "nosuch" does not exist'),
        ("select 1;\n\\i nosuch.sql\n", r"base.sql, line 2: `\i` is a psql command"),
        ("select 1;\n\n\\q\ncreate table y ();\n", r"base.sql, line 3: `\q` is a psql command"),
        ("\\set VERBOSITY terse\n", r"base.sql, line 1: `\set` is a psql command"),
        ("select 1;\n\\.\n", r"base.sql, line 2: `\.` is a psql command"),
        ("create table a (t text);\ncopy a from stdin;\n\\c x\n", "line 2: the data of this COPY aren't terminated"),
        ("select 1;\nbegin;\ncreate table y ();\n", "line 2: the transaction that begins here isn't committed"),
        ("begin;\ncreate role postgres;\ncommit;\n", 'line 2: role "postgres" already exists'),
        ("select 1;\nselect 'open", "base.sql, line 2: unterminated string"),
        ("create table a (i int);\ncopy a from stdin;\n1\nx\n\\.\n", "base.sql, line 4: invalid input syntax"),
        ("select 1;\nselect 'gr\xf6\xdfe';\n", "base.sql, line 2: the text isn't UTF-8"),
        ("create table sartor_ledger ();\n", "base.sql has Sartor's own tables"),
    ],
)
def test_what_is_refused(database: Database, tmp_path: Path, text: str, told: str) -> None:
    """Nothing of the file is left out silently."""
    (tmp_path / "base.sql").write_text(text, "latin-1")
    with pytest.raises(SettingsError) as caught:
        _bootstrap(database, tmp_path)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "begin;\ncreate table t (t text);\ncommit;\nselect '\\c x';\n-- \\q\n/* \\i y */",
        "create table t (t text);\r\ncopy t from stdin;\r\n\\\\q\r\n\\.\r\nselect $$\\!$$\r\n",
        "\\restrict aB3\n\n\\unrestrict aB3\nset transaction_timeout = 0;\ncreate schema public;\ncreate table t ()",
        "\ufeffdo $$ begin raise warning 'mind'; end $$;\ncreate role postgres;\ncreate table t ();",
    ],
)
def test_what_passes(database: Database, tmp_path: Path, text: str) -> None:
    """What begins as a command of psql in a string, a comment or data is none; warnings, and what exists, pass."""
    (tmp_path / "base.sql").write_text(text, "utf-8", newline="")
    _bootstrap(database, tmp_path)
    assert database.tables() == {"t"}


def _bootstrap(database: Database, folder: Path) -> None:
    async def run() -> None:
        async with Session(Destination.parse(database.url), application="test") as session:
            await bootstrap(session, str(folder / "base.sql"))

    asyncio.run(run())
