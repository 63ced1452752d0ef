"""What a statement is and does, as its text says it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.sql.lexer import tokens
from sartor.sql.splitting import split
from sartor.sql.statements import ClientCopy, Kind, Statement
from support.statements import CORPUS


@pytest.mark.parametrize(
    ("sql", "kind", "type_", "names"),
    [
        ("CREATE UNLOGGED TABLE IF NOT EXISTS app.t (a int)", Kind.CREATE, "table", [("app", "t")]),
        ('create table "From"."it""s" ()', Kind.CREATE, "table", [("From", 'it"s')]),
        ('drop table U&"d\\0061t\\+000061", "ÄÖ", ÄÖ cascade', Kind.DROP, "table", [("data",), ("ÄÖ",), ("ÄÖ",)]),
        ("create unique index on only t (a)", Kind.CREATE, "index", [()]),
        ("create index concurrently if not exists i on t (a)", Kind.CREATE, "index", [("i",)]),
        ("drop function if exists f(int, text), s.g", Kind.DROP, "function", [("f",), ("s", "g")]),
        ("create or replace temp recursive view v (a) as select 1", Kind.CREATE, "view", [("v",)]),
        ("drop materialized view if exists a, b", Kind.DROP, "materialized view", [("a",), ("b",)]),
        ("create user mapping for public server s", Kind.CREATE, "user mapping", [()]),
        ("alter text search configuration c rename to d", Kind.ALTER, "text search configuration", [("c",)]),
        ("alter default privileges in schema s grant select on tables to r", Kind.ALTER, "default privileges", [()]),
        ("reindex (verbose, tablespace x) table concurrently t", Kind.REINDEX, "table", [("t",)]),
        ("/* drop table t */ alter table only t add a int", Kind.ALTER, "table", [("t",)]),
        ("comment on table s.t is 'of t'", Kind.COMMENT, "table", [("s", "t")]),
        ("((select 1)) union select 2", Kind.SELECT, "", []),
        ("", Kind.OTHER, "", []),
        ("creates table t", Kind.OTHER, "", []),
        ("bac\N{KELVIN SIGN}", Kind.OTHER, "", []),
    ],
)
def test_what_it_is_about(sql: str, kind: Kind, type_: str, names: list[tuple[str, ...]]) -> None:
    """Its command, and the objects with their schemas as the catalogue spells them."""
    statement = Statement(sql)
    assert (statement.kind, statement.head.type, list(statement.head.names)) == (kind, type_, names)


@pytest.mark.parametrize(
    ("actions", "found"),
    [
        ("add a int", ["add column a"]),
        ('add column if not exists "A b" numeric(1, 2), drop b', ["add column A b", "drop column b"]),
        ("add constraint c check (a > 0, b), add primary key (a)", ["add check", "add primary key"]),
        ("add constraint c foreign key (a) references p (b)", ["add foreign key"]),
        ("add unique using index i, add exclude using gist (a with &&)", ["add unique", "add exclude"]),
        ("alter a set data type text using f(a, b), alter b type int", ["alter type a", "alter type b"]),
        ("alter column a set not null, alter a drop not null", ["set not null a", "alter column a"]),
        ("drop constraint if exists c cascade", ["drop constraint"]),
        ("rename a to b", ["rename column"]),
        ("rename constraint a to b", ["rename constraint"]),
        ("rename to b", ["rename to"]),
        ("attach partition p for values in (1)", ["attach partition"]),
        ("detach partition p concurrently", ["detach partition"]),
        ("set unlogged", ["set unlogged"]),
    ],
)
def test_actions(actions: str, found: list[str]) -> None:
    """Each action of an ALTER TABLE, whatever words it may leave out."""
    statement = Statement(f"alter table if exists only s.t * {actions}")
    assert [" ".join(filter(None, (each.what, each.column))) for each in statement.actions] == found


@pytest.mark.parametrize(
    ("action", "guarded", "rest"),
    [
        ("detach partition s.p concurrently", False, ("s", ".", "p", "concurrently")),
        ("add column if not exists a int default (1 + 2)", True, ("int", "default")),
        ("drop if exists a cascade", True, ("cascade",)),
        ("add constraint c check (a > 0) not valid", False, ("not", "valid")),
        ("set unlogged", False, ()),
        ("rename a to b", False, ("a", "to", "b")),
    ],
)
def test_the_rest_of_an_action(action: str, *, guarded: bool, rest: tuple[str, ...]) -> None:
    """What follows an action's first words is kept without what is in parentheses, and whether it is guarded."""
    for sql in (f"alter table t {action}", f"alter table t {action}, {action}"):
        assert {(each.guarded, each.rest) for each in Statement(sql).actions} == {(guarded, rest)}


@pytest.mark.parametrize(
    "sql", ["alter table t", "create table t (a int)", "drop table t", "comment on table t is 'x'"]
)
def test_no_actions(sql: str) -> None:
    """Only an ALTER has actions, and none where it says none."""
    assert Statement(sql).actions == ()


@pytest.mark.parametrize(
    ("sql", "waits"),
    [
        ("CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)", True),
        ("drop index concurrently if exists i", True),
        ("reindex index concurrently i", True),
        ("reindex (verbose, concurrently) table t", True),
        ("reindex (concurrently 'off') table t", False),
        ("reindex (concurrently FALSE) table t", False),
        ("reindex (concurrently 0, verbose) table t", False),
        ("reindex (concurrently true) table t", True),
        ("alter table t detach partition p concurrently", True),
        ("alter table t detach partition s.p concurrently", True),
        ("alter table t detach partition p finalize", False),
        ("refresh materialized view concurrently v", False),
        ("create index concurrently_i on t (a) -- concurrently", False),
        ('create index "concurrently" on t (a)', False),
        ("select 'create index concurrently i on t (a)'", False),
    ],
)
def test_what_waits(sql: str, *, waits: bool) -> None:
    """What waits for others by its nature; a name, a comment or a string with that word doesn't."""
    assert Statement(sql).waits_for_others is waits


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("copy t from stdin", (True, False)),
        ("COPY t (a, b) FROM STDOUT WITH (format csv)", (True, False)),
        ("copy (select 1 from stdin) to stdout", (False, False)),
        ("copy binary t from stdin", (True, True)),
        ("copy t to stdout (format 'binary')", (False, True)),
        ("copy t from '/tmp/stdin'", None),
        ("copy stdin to program 'cat'", None),
        ("copy t stdin", None),
        ("copy", None),
    ],
)
def test_a_copy(sql: str, found: tuple[bool, bool] | None) -> None:
    """Only COPY from and to the client exchanges messages with it."""
    assert Statement(sql).client_copy == (None if found is None else ClientCopy(sql, *found))


@pytest.mark.parametrize(
    ("sql", "refuses"),
    [
        ("vacuum full t", True),
        ("alter system set work_mem = 1", True),
        ("create database d", True),
        ("drop tablespace s", True),
        ("reindex (verbose) schema s", True),
        ("cluster", True),
        ("CLUSTER VERBOSE", True),
        ("cluster t", False),
        ("cluster verbose t", False),
        ("discard all", True),
        ("discard plans", False),
        ("create index concurrently i on t (a)", True),
        ("create index i on t (a)", False),
        ("reindex table t", False),
        ("alter database d reset all", False),
        ("create role r", False),
    ],
)
def test_what_refuses_a_transaction(sql: str, *, refuses: bool) -> None:
    """What the server refuses in a transaction, whatever it is about."""
    assert Statement(sql).refuses_transaction is refuses


@pytest.mark.parametrize(
    ("sql", "changes"),
    [
        ("create role r", True),
        ("alter database d reset all", True),
        ("drop user if exists u", True),
        ("drop user mapping for u server s", False),
        ("create table role ()", False),
        ("comment on role r is 'x'", False),
        ("drop table database", False),
    ],
)
def test_what_changes_the_server(sql: str, *, changes: bool) -> None:
    """Roles, databases and the like belong to the server, and outlast a database."""
    assert Statement(sql).changes_server is changes


@pytest.mark.parametrize(
    ("sql", "block"),
    [
        ("do $$ begin end $$", " begin end "),
        ("do language plpgsql 'begin ''x''; end'", "begin 'x'; end"),
        ("do language plpgsql", None),
        ("select 'do'", None),
    ],
)
def test_a_block(sql: str, block: str | None) -> None:
    """The text that a DO runs, without its quotes."""
    assert Statement(sql).block == block


@pytest.mark.parametrize(
    ("sql", "inside"),
    [
        ("create index concurrently i on t (a)", True),
        ("vacuum full t", True),
        ("do $$ begin perform 1; commit; end $$", True),
        ("do $$ begin execute 'create role r'; end $$", False),
        ("do $$ begin /* create role r */ create user mapping for u server s; end $$", True),
        ("call p('drop database d')", False),
        ("reindex system", False),
        ("create database d", False),
        ("do $$ begin execute 'alter role r login'; end $$", False),
        ("do $$ begin create user u; end $$", False),
    ],
)
def test_what_stays_in_the_database(sql: str, *, inside: bool) -> None:
    """What is done outside a transaction stays in the database unless its words, or those of its strings, say more."""
    assert Statement(sql).stays_in_database is inside


@pytest.mark.parametrize(
    ("sql", "traces"),
    [
        ("create table t (id int primary key, a varchar(20) default f() check (a in ('x')))", False),
        ("create index i on only s.t using gin (a, lower(b)) include (c) where (a > 0)", False),
        ("insert into s.t (a) values (now()), (3) on conflict (a) do update set (a) = row(1)", False),
        ("alter table t add constraint c foreign key (a) references p (id)", False),
        ("with x (a) as (select 1) select count(*) from x as y (b)", False),
        ("drop function set_config(text)", False),
        ("set local search_path = x", False),
        ("set search_path = x", True),
        ("set transaction isolation level serializable", False),
        ("set constraints all deferred", False),
        ("select temp, temporary from t", False),
        ("select pg_catalog.set_config('a', 'b', false)", True),
        ("select Own(1)", True),
        ("select nextval('s')", True),
        ("create temporary table t ()", True),
        ("create table PG_TEMP.t ()", True),
        ("select 1 into temp t", True),
        ("prepare q as select 1", True),
        ("listen c", True),
        ("do $$ begin end $$", True),
    ],
)
def test_what_leaves_a_trace(sql: str, *, traces: bool) -> None:
    """What sets something for the session, makes something temporary, or calls what might, leaves a trace."""
    assert Statement(sql).leaves_trace is traces


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("select F(1), s.g ( 2 ), \"H i\"('x'), k from t", {"f", "g", "H i"}),
        ("select 'f(1)', $$ f(1) $$ /* f(1) */ -- f(1)", set()),
        ("alter table t add x int default f()", {"f"}),
        ("create table u as select f()", {"f"}),
        ("create unlogged table u (id int default f(), n int generated always as (g(id)) stored)", set()),
        ("create index on t using gin (a)", set()),
        ("insert into s.t (a) select f() from g(1) as h (b) join k on l(1)", {"f", "g", "l"}),
        ("create or replace function f() returns int language sql return g()", set()),
        ("create constraint trigger t after insert on n for each row execute function f()", set()),
        ("create event trigger t on ddl_command_start execute function f()", {"f"}),
        ("drop function f(int)", set()),
        ("create view v as select f()", {"f"}),
        ("f(1)", {"f"}),
        (".f(1)", {"f"}),
        ("a.b.f(1) s.g(2)", {"f", "g"}),
        ("insert into d.s.t (a) select 1", set()),
        ("alter routine f(int) rename to g", set()),
        ("create index on f(a)", set()),
        ("create index on s.f(a)", set()),
        ("(select 1) union select a", set()),
    ],
)
def test_calls(sql: str, found: set[str]) -> None:
    """A name before a parenthesis may be called, unless the statement only says of a function what it is."""
    assert Statement(sql).calls == found


@pytest.mark.parametrize(
    ("sql", "found"), [("DO $$ begin end $$", True), ("call p()", True), ("/* do */ update t set x = 1", False)]
)
def test_a_program(sql: str, *, found: bool) -> None:
    """A block and a procedure go by what they find."""
    assert Statement(sql).runs_code is found


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("create function s.f(stable int) returns int language sql as 'select 1'", "f"),
        ("create or replace procedure \"P\"() language sql as ''", "P"),
        ("create function f() returns int stable language sql as 'select 1'", None),
        ("create function f() returns int language sql immutable return 1", None),
        ("create function f() returns int language sql begin atomic select stable; end", "f"),
        ("create function f(a int) returns int language sql return stable", "f"),
        ("select f()", None),
        ("alter function f() owner to r", None),
        ("create table t ()", None),
        ("create function", None),
    ],
)
def test_a_function_made(sql: str, found: str | None) -> None:
    """One that may change something: it isn't declared to be stable or immutable."""
    assert Statement(sql).makes_function == found


def _said(statement: Statement) -> tuple[object, ...]:
    asked = ("kind", "head", "actions", "words", "calls", "makes_function", "runs_code", "controls_transaction")
    of_places = ("is_savepoint", "waits_for_others", "refuses_transaction", "changes_server", "stays_in_database")
    copies = statement.client_copy is not None, statement.block is not None, statement.leaves_trace
    return (*(getattr(statement, name) for name in (*asked, *of_places)), *copies)


@given(
    st.sampled_from(CORPUS),
    st.lists(st.sampled_from([" ", "\n", "\t", " /* ; /* ' */ $$ */ ", " -- ; 'x\n"]), min_size=3),
)
def test_blanks_and_case_say_nothing(sql: str, blanks: list[str]) -> None:
    """A statement says the same in capitals, and with comments wherever there is a blank."""
    parts = [token.text.upper() if token.kind == "word" else token.text for token in tokens(sql)]
    spaced = "".join(blanks[at % len(blanks)] if part.isspace() else part for at, part in enumerate(parts))
    assert _said(Statement(spaced)) == _said(Statement(sql))
    assert [each.text for each in split(spaced)] == [spaced]


@given(st.text(st.sampled_from("'\"$-/*;()\\eEab1 \n.,é"), max_size=30), st.sampled_from(CORPUS))
def test_nothing_is_too_odd(noise: str, sql: str) -> None:
    """Whatever a text is, all that may be asked of it has an answer."""
    for text in (noise, sql + noise, noise + sql, sql[: len(noise)] + noise):
        _said(Statement(text))


def test_its_words() -> None:
    """Words are in lower case; a quoted name stands for itself, so that it is no keyword; all else is left out."""
    statement = Statement("SELECT \"into\", 'x', $1 + 2 /* into */ FROM s.T")
    assert statement.words == ("select", '""', "from", "s", "t")
    assert statement.starts("select from", 'select ""')
    assert not statement.starts("select from")
