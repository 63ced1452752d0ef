"""What `stands_alone` says yes to does the same in a message with other SQL as by itself, on a real server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sartor.sql.splitting import stands_alone
from support.database import temporary_database

PIECES = (
    *("select 1", "insert into seen values ('x')", "insert into seen select", "select 1/0", "values", "commit", "end"),
    *("begin atomic", "create function pg_temp.f() returns int language sql", "return 1", "case when true then 1 end"),
    *("create rule r as on insert to seen do also (", "savepoint a", "rollback to a", "begin", "abort", "start", "1"),
    *("'", "''", '"', "$$", "$a$", "$a", "E'", "U&'", "uescape '!'", "--", "/*", "*/", "\\", "\\'", "\\d", "木", "x"),
    *("(", ")", ";", ";", "\n", "\r", "\t", " ", ",", "$1", ":a", "copy seen from stdin", "'x'", "$$ x $$", "-", "/"),
)  # fmt: skip

Outcome = tuple[str | None, list[str]]
"""The SQLSTATE of an error, and what the table then holds."""


@pytest.fixture(scope="module")
def server(server_url: str) -> Iterator[tuple[asyncio.Runner, Any]]:
    """A connection to a database with an empty table, and the loop that it is in."""
    with temporary_database(server_url) as database, asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(database.url, statement_cache_size=0))
        runner.run(connection.execute("create table seen (what text)"))
        yield runner, connection
        runner.run(connection.close())


async def _send(connection: Any, *messages: str) -> Outcome:
    """Send these one after the other; what that did, which is then undone."""
    found = None
    try:
        for message in messages:
            await connection.execute(message)
    except asyncpg.PostgresError as error:
        found = error.sqlstate
        await connection.execute("rollback")
    seen = [row["what"] for row in await connection.fetch("select what from seen")]
    await connection.execute("discard temp; deallocate all; drop rule if exists r on seen; truncate seen")
    return found, seen


@given(text=st.lists(st.sampled_from(PIECES), min_size=1, max_size=9).map(" ".join).filter(str.strip))
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
def test_it_does_the_same_among_others(text: str, server: tuple[asyncio.Runner, Any]) -> None:
    """Whatever it is, with other statements before and behind it in one message: the same error, or the same rows."""
    if not stands_alone(text):
        return
    runner, connection = server
    before, behind = ("insert into seen values ('before')", "insert into seen values ('behind')")
    among = runner.run(_send(connection, f"begin;{before};{text}\n;\n{behind};commit;"))
    alone = runner.run(_send(connection, "begin", before, f"{text}\n;", behind, "commit"))
    assert among == alone


@pytest.mark.parametrize(
    "text",
    [
        *("select 'open", 'select "open', "select $a$ open", "select 1 /* open", "select 1 /* /* */", r"select E'\'"),
        *("select $→$ a", "drop table t; $→$", "select $cafe\u0301$ a"),
        *("commit", "select 1; rollback", "begin", "prepare transaction 'x'", "/* so */ end"),
        *("copy t from stdin", "COPY t TO stdout", "set names 'latin1'", "set client_encoding = 'latin1'"),
        *("set standard_conforming_strings = off", "set local backslash_quote = on", "select '\0'", "select '\ud800'"),
        *("prepare q as select 1", "deallocate all", "do $$ begin execute 'DISCARD plans'; end $$"),
        *("", ";", " \n; ;", "-- so", "/* so */ ; -- so"),
    ],
)
def test_what_does_not(text: str) -> None:
    """What is left open, ends or begins a transaction, changes how SQL is read, converses, or is nothing, doesn't."""
    assert not stands_alone(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "select 1",
            "select 1;",
            "select 1 -- it's",
            "select '--', $$ ' $$, \"'\", E'\\''",
            "/* it's /* so */ */ select 1",
        ),
        *("do $$ begin null; end $$", "savepoint a; rollback to a", "select 'commit; begin'", "set work_mem = '1MB'"),
        *("create function f() returns int begin atomic select 1; end", "select a$b$c from t"),
        *("do $→$ begin perform 1; end $→$", "select 1 as a\u00a0b"),
    ],
)
def test_what_does(text: str) -> None:
    """Ordinary SQL stands alone, whatever it quotes."""
    assert stands_alone(text)
