"""Histories of alterations made at random from a table of statements, with at most one trouble in them."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from support.folder import Folder

SETUP = (
    "create table trace (who text, what text)",
    "create table parent (id int primary key)",
    "create table child (id int references parent deferrable initially deferred)",
    "create table held (id int)",
    "create table dup (id int primary key)",
    "insert into dup values (1)",
)

SEEN = """insert into trace select '{n}', pg_catalog.concat_ws('|', current_setting('search_path'),
    current_setting('lock_timeout'), current_setting('work_mem'), nullif(current_setting('app.left', true), ''),
    current_setting('transaction_isolation'), current_setting('transaction_read_only'), current_user,
    (select count(*) from pg_catalog.pg_prepared_statements where name !~ '^sartor_'),
    (select count(*) from pg_catalog.pg_cursors),
    (select count(*) from pg_catalog.pg_class where relpersistence = 't'),
    (select count(*) from pg_catalog.pg_locks where locktype = 'advisory' and pid = pg_catalog.pg_backend_pid()))"""
"""What a script finds when it begins, noted in a table."""

STATEMENTS = {
    "table": ("create table t{n} (id int primary key, body text default 'x; -- y')", "drop table t{n}"),
    "quoted": ('create table "größe ""{n}""; -- 木" (id int)', 'drop table "größe ""{n}""; -- 木"'),
    "tag": (
        "create function f{n}() returns text language sql as $a$ select $$; commit; '$$ $a$",
        "drop function f{n}()",
    ),
    "atomic": (
        "create function g{n}() returns int begin atomic select 1; select case when true then 2 end; end",
        "drop function g{n}()",
    ),
    "rule": (
        "create rule r{n} as on insert to held do also (insert into dup values (5); insert into dup values (6))",
        "drop rule r{n} on held",
    ),
    "text": (r"insert into trace values ('{n}', 'it''s; ' || E'\'; \\ ' || U&'d\0061ta' || '木;\')", "select ';'"),
    "line comment": ("insert into trace values ('{n}', 'c') -- the end; of it", "select 1 -- it's $$ open"),
    "block comment": ("/* a; /* 'b */ */ select 2 /* ; $$ */", "select /* -- */ 3"),
    "set": ("set work_mem = '5MB'", "set app.left = 'behind'"),
    "set local": ("set local work_mem = '6MB'", "set local search_path = pg_catalog"),
    "search path": ("set search_path = pg_catalog", "set search_path = nowhere"),
    "isolation": (
        "set session characteristics as transaction isolation level repeatable read",
        "set default_transaction_isolation = 'serializable'",
    ),
    "read only": ("set default_transaction_read_only = on", "set default_transaction_read_only = on"),
    "timeouts": ("set lock_timeout = '3s'", "set local statement_timeout = '30s'"),
    "silence": ("set client_min_messages = error", "set local client_min_messages = debug1"),
    "temporary": ("create temp table passing{n} as select 1 as one", "create temp table passing (id int)"),
    "notice": ("do $$ begin raise notice 'sartor 0'; raise info 'sartor'; end $$", "do 'begin null; end'"),
    "deferred": (
        "insert into child values ({n}); insert into parent values ({n})",
        "delete from parent where id = {n}; delete from child where id = {n}",
    ),
    "prepared": ("prepare q{n} as select 1", "prepare q{n} as select 2"),
    "forgetful": (
        "do $$ begin execute 'deal' || 'locate all'; end $$",
        "do $$ begin execute 'deal' || 'locate all'; perform 1/0; end $$",
    ),
    "cursor": ("declare c{n} cursor with hold for select 1", "declare c{n} cursor for select 1"),
    "listen": ("listen it; notify it, 'x'", "listen them"),
    "advisory": ("select pg_catalog.pg_advisory_lock(1000 + {n})", "select pg_catalog.pg_advisory_lock(2000 + {n})"),
    "savepoint": ("savepoint a; insert into trace values ('{n}', 'no'); rollback to a; release a", "savepoint b"),
    "role": ("set role pg_monitor; reset role", "set local role pg_monitor; set local role none"),
    "psql": (r"insert into trace values ('{n}', '\d :x \copy')", r"select '\q', $$ \g $$"),
    "copy": ("copy dup to '/dev/null'", "copy held to '/dev/null'"),
    "strings": ("set standard_conforming_strings = on", "set local backslash_quote = off"),
    "nothing": ("select", "select"),
}  # fmt: skip
"""By name: what a script does, and what undoes it."""

TROUBLES = {
    "syntax": "create tabel t{n} (id int)",
    "meta command": r"\d",
    "open string": "select 'open",
    "open comment": "select 1 /* open",
    "open name": 'select "open',
    "open dollar": "select $a$ open",
    "open parenthesis": "create rule r as on insert to held do also (insert into dup values (1)",
    "open body": "create function g() returns int begin atomic select 1",
    "position": "insert into trace select '{n}',\n  'größe', nothing from trace",
    "second of two": "insert into trace values ('{n}', 'first');\n insert into trace values (nowhere)",
    "no position": "insert into dup values (1)",
    "division": "select 1 / (select count(*) from held)",
    "in a function": "do $$ begin perform 1; perform nowhere.f(); end $$",
    "doubled": "create table trace (id int)",
    "deferred": "insert into child values (-1)",
    "role left": "set role pg_monitor",
    "reset all": "reset all",
    "discard": "discard all",
    "constraints": "set constraints all immediate",
    "commit": "commit",
    "hidden commit": "do $$ begin commit; end $$",
    "rollback to": "rollback to nowhere",
    "not in a transaction": "vacuum trace",
    "isolation too late": "set transaction isolation level serializable",
    "read only": "set transaction read only",
    "timeout": "set local statement_timeout = '20ms'; select pg_catalog.pg_sleep(5)",
    "parameter": "select $1",
    "held": "lock table held",
    "surrogate": "select '\ud800'",
    "empty": "",
    "only a comment": "-- nothing",
}
"""By name: what goes wrong, or might."""

DRAMAS = {
    "killed": "do $$begin perform set_config('lock_timeout', '0', true); perform pg_advisory_xact_lock(7); end$$",
    "released": "lock table held",
    "raced": "select 4",
}
"""What happens while it is deployed, and the statement at which it does: the run is killed while it waits there for a
lock, the lock is released once it waits, or another run begins at the same moment."""

FORMS = ("straight", "sql", "constant", "crooked", "outside")
_PYTHON = {
    "straight": '"""A docstring."""\n\n\nasync def up(conn):\n{up}\n\n\nasync def down(conn):\n{down}\n',
    "crooked": "import os\n\n\nasync def up(conn):\n{up}\n\n\nasync def down(conn):\n{down}\n",
}


@dataclass(frozen=True)
class Written:
    """An alteration: its form, and what it executes in each direction."""

    form: str
    up: tuple[str, ...]
    down: tuple[str, ...]


@dataclass(frozen=True)
class History:
    """Alterations in order, the name of the trouble that one of them has, and of what happens on the way up."""

    alterations: tuple[Written, ...]
    trouble: str | None
    drama: str | None

    def write(self, folder: Folder) -> None:
        """Write their files."""
        for number, written in enumerate(self.alterations):
            suffix = "sql" if written.form == "sql" else "py"
            folder.write(f"1.0.0-{1700000000 + number}-s{number}.{suffix}", _text(written))


def _text(written: Written) -> str:
    up, down = written.up, written.down
    match written.form:
        case "sql":
            return f"-- sartor: up\n{_lines(up)}\n-- sartor: down\n{_lines(down)}"
        case "outside":
            return "transaction = False\n" + _PYTHON["straight"].format(up=_calls(up[:1]), down=_calls(down[:1]))
        case "constant":
            names = "\n".join(f"SQL_{i} = {text!r}" for i, text in enumerate((*up, *down)))
            calls = [f"    await conn.execute(SQL_{i})" for i in range(len(up) + len(down))]
            functions = _PYTHON["straight"].format(up="\n".join(calls[: len(up)]), down="\n".join(calls[len(up) :]))
            return f"{names}\n\n\n{functions}".replace('"""A docstring."""\n\n\n', "")
        case form:
            return _PYTHON[form].format(up=_calls(up), down=_calls(down))


def _lines(statements: tuple[str, ...]) -> str:
    return "".join(f"{text}\n;\n" for text in statements).encode("utf-8", "replace").decode()


def _calls(statements: tuple[str, ...]) -> str:
    return "\n".join(f"    await conn.execute({text!r})" for text in statements)


@st.composite
def histories(draw: st.DrawFn) -> History:
    """A history of up to six alterations of up to four statements."""
    count = draw(st.integers(1, 6))
    trouble = draw(st.none() | st.sampled_from(sorted(TROUBLES)))
    unlucky, place, upwards = draw(st.integers(0, count - 1)), draw(st.integers(0, 3)), draw(st.booleans())
    drama, when = draw(st.none() | st.sampled_from(sorted(DRAMAS))), draw(st.integers(0, count - 1))
    written = []
    for n in range(count):
        kinds = draw(st.lists(st.sampled_from(sorted(STATEMENTS)), unique=True, min_size=1, max_size=3))
        form = draw(st.sampled_from((*FORMS[:3], *FORMS)))
        up = [SEEN.format(n=n), *(STATEMENTS[kind][0].replace("{n}", str(n)) for kind in kinds)]
        down = [SEEN.format(n=-n), *(STATEMENTS[kind][1].replace("{n}", str(n)) for kind in reversed(kinds))]
        if form == "outside":
            up, down = ["create sequence s{n}".replace("{n}", str(n))], ["drop sequence s{n}".replace("{n}", str(n))]
        else:
            if drama is not None and n == when:
                up.append(DRAMAS[drama])
            if trouble is not None and n == unlucky:
                (up if upwards else down).insert(place, TROUBLES[trouble].replace("{n}", str(n)))
        written.append(Written(form, tuple(up), tuple(down)))
    return History(tuple(written), trouble, drama if trouble != "held" else None)
