"""What the reader says of statements, a real server says too: it parses, runs and undoes them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from sartor.sql.changes import Drop, drops
from sartor.sql.quoting import quote_identifier
from sartor.sql.splitting import split
from sartor.sql.statements import Kind, Statement
from support.database import temporary_database
from support.statements import CORPUS, PREPARATION

SPELLED = {"alter": "alter role", "create": "create role", "user": "role", "abort": "rollback", "end": "commit"}
IN_TAGS = {
    *("table", "view", "index", "materialized view", "sequence", "schema", "type", "domain", "function", "procedure"),
    *("trigger", "rule", "statistics", "collation", "aggregate", "policy", "publication", "cast", "role"),
}
"""The types of objects that a command's tag names."""
SESSION = """
    select (select array_agg(name order by name) from pg_settings where source = 'session'),
        (select array_agg(c order by c) from pg_listening_channels() c),
        (select array_agg(name) from pg_prepared_statements), (select array_agg(name) from pg_cursors),
        (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()),
        (select array_agg(relname) from pg_class where relnamespace = pg_my_temp_schema())
"""
"""Selects what a session has that outlasts a transaction."""
WATCH = """
    create table dropped (type text, names text[]);
    create function note() returns event_trigger language plpgsql as $$ begin
        insert into dropped select object_type, address_names from pg_event_trigger_dropped_objects() where original;
    end $$;
    create event trigger watch on sql_drop execute function note();
"""

Server = tuple[asyncio.Runner, Any]


@pytest.fixture
def server(server_url: str) -> Iterator[Server]:
    """A connection to a database that has what the corpus is about."""
    with temporary_database(server_url) as database, asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(database.url, statement_cache_size=0))
        runner.run(connection.execute(PREPARATION))
        yield runner, connection
        runner.run(connection.close())


async def _in_transaction(connection: Any, sql: str) -> str:
    """Run a statement in a transaction, and undo it; returns its tag, or the SQLSTATE of its error."""
    await connection.execute("begin")
    try:
        tag: str = await connection.execute(sql)
    except asyncpg.PostgresError as error:
        return error.sqlstate or ""
    finally:
        await connection.execute("rollback")
    return tag


def _ordinary() -> list[Statement]:
    return [each for each in map(Statement, CORPUS) if not each.controls_transaction]


def test_what_refuses_a_transaction(server: Server) -> None:
    """A server refuses in a transaction what the reader says that it refuses, and nothing else."""
    runner, connection = server
    found = {each.text: runner.run(_in_transaction(connection, each.text)) for each in _ordinary()}
    refused = {sql for sql, outcome in found.items() if outcome == "25001"}
    assert refused == {each.text for each in _ordinary() if each.refuses_transaction}


def test_kinds_are_the_servers(server: Server) -> None:
    """The tag with which a server answers says the same kind of statement, and the same type of object."""
    runner, connection = server
    for statement in _ordinary():
        tag = runner.run(_in_transaction(connection, statement.text)).lower()
        if tag[:1].isdigit() or (len(tag) == len("25001") and tag[-1:].isdigit()):
            continue
        assert _agree(statement, tag), (statement.text, tag)


def _agree(statement: Statement, tag: str) -> bool:
    kind, type_ = statement.kind, SPELLED.get(statement.head.type, statement.head.type)
    if kind in {Kind.WITH, Kind.VALUES, Kind.TABLE} or (kind is Kind.CREATE and " as " in statement.text):
        return tag.split(maxsplit=1)[0] in {"select", "insert", "create"}
    named = kind in {Kind.CREATE, Kind.ALTER, Kind.DROP} and type_ in IN_TAGS
    word = kind.name.lower()
    return tag.startswith(f"{word} {type_}" if named else word)


def test_a_trace_is_foreseen(server: Server) -> None:
    """Nothing that the reader calls traceless has left anything in the session once its transaction is over."""
    runner, connection = server

    async def traces(sql: str) -> bool:
        before = await connection.fetchrow(SESSION)
        await connection.execute("begin")
        try:
            await connection.execute(sql)
        except asyncpg.PostgresError:
            return False
        finally:
            await connection.execute("commit")
        return bool(await connection.fetchrow(SESSION) != before)

    left = set()
    for statement in _ordinary():
        if statement.changes_server or statement.kind in {Kind.DROP, Kind.ALTER, Kind.REASSIGN}:
            continue
        if runner.run(traces(statement.text)):
            left.add(statement.text)
        runner.run(connection.execute("discard all"))
    assert left
    assert {sql for sql in left if not Statement(sql).leaves_trace} == set()


def test_drops_are_the_servers(server: Server) -> None:
    """The tables and columns that a server drops are those of the text, as it names them."""
    runner, connection = server
    runner.run(connection.execute(WATCH + 'create table "T;x" ("B,c" int, d int); create table "ÄÖ" (a int)'))
    for sql in (
        "drop table if exists t cascade",
        'drop table side.s, "T;x"',
        'alter table "T;x" drop "B,c", drop column if exists d, drop column if exists e',
        "alter table if exists only PUBLIC.t drop column A cascade, add b int, alter id drop default",
        'drop table U&"\\00c4\\00d6"',
        "do $$ begin drop table side.s; execute 'alter table t drop a cascade'; end $$",
        "drop view v; drop table side.s; select 'drop table t'",
    ):
        assert _names(drops(sql)) == runner.run(_dropped(connection, sql)), sql


async def _dropped(connection: Any, sql: str) -> set[tuple[str, ...]]:
    await connection.execute("begin")
    await connection.execute(sql)
    rows = await connection.fetch("select names from dropped where type in ('table', 'table column')")
    await connection.execute("rollback")
    return {tuple(row["names"]) for row in rows}


def _names(found: tuple[Drop, ...]) -> set[tuple[str, ...]]:
    full = [(("public", *drop.table)[-2:], drop.column) for drop in found]
    return {table if column is None else (*table, column) for table, column in full if column != "e"}


def test_every_keyword_is_a_name(server: Server) -> None:
    """Whatever word names a table and its column, bare where the server allows it and quoted everywhere, is read."""
    runner, connection = server
    rows = runner.run(connection.fetch("select word, catcode::text as code from pg_get_keywords()"))
    assert len(rows) > 400
    sent = []
    for word, code in rows:
        for name in (quote_identifier(word), *([word] if code in {"U", "C"} else [])):
            sql = f"create table {name} ({name} int); alter table {name} drop column {name}; drop table {name}"
            created, altered, dropped = split(sql)
            assert created.head.names == dropped.head.names == altered.head.names == ((word,),), sql
            assert (altered.actions[0].what, altered.actions[0].column) == ("drop column", word), sql
            assert not any(each.controls_transaction or each.leaves_trace for each in (altered, dropped)), sql
            sent.append(sql)
    runner.run(connection.execute("; ".join(sent)))
