"""What lint says of scripts, none of which it runs."""

from __future__ import annotations

import textwrap

import pytest

from sartor.linter.lineages import lint_lineages
from support.folder import Folder
from support.walk import ROOT

DOWN = "\n-- sartor: down\nselect 1;\n"


def found(folder: Folder, *ignored: str) -> list[tuple[str, int | None]]:
    """The codes, each with its line, that the folder's files earn."""
    sources = [("main", str(folder.path))]
    linted = lint_lineages(sources, released=False, above=None, ignored=ignored, remembered={})
    return [(finding.rule.code, finding.line) for finding in linted.findings]


def sql(folder: Folder, text: str) -> list[tuple[str, int | None]]:
    """Those that an `up` of this SQL earns, from line 2, with a `down` behind it."""
    folder.write("1.0.0-1-a.sql", f"-- sartor: up\n{text}{DOWN}")
    return found(folder)


def outside(folder: Folder, text: str) -> list[tuple[str, int | None]]:
    """The same outside a transaction."""
    folder.write("1.0.0-1-a.sql", f"-- sartor: transaction off\n-- sartor: up\n{text}{DOWN}")
    return found(folder)


def python(folder: Folder, text: str) -> list[tuple[str, int | None]]:
    """Those that a Python script earns."""
    folder.write("1.0.0-1-a.py", text)
    return found(folder)


def test_the_reference_history_has_no_mistakes() -> None:
    """No false alarm on thirty alterations that are as they should be."""
    assert found(Folder(ROOT / "alterations")) == []


@pytest.mark.parametrize(
    ("line", "warned"),
    [
        ("import acme", True),
        ("from acme.crypto import hash_password", True),
        ("import os.path, acme.crypto as crypto", True),
        ("    from acme import x", True),
        ("import asyncpg.types\nfrom sartor import Run\nfrom . import _x\nfrom ._helpers import y\nimport json", False),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from acme import X", False),
    ],
)
def test_code_of_others(folder: Folder, line: str, warned: bool) -> None:
    """What isn't in the script's checksum is warned of, wherever in the script it is imported."""
    head, inner = ("", line) if line.startswith(" ") else (line, "    pass")
    text = f"{head}\nasync def up(conn):\n{inner}\nasync def down(conn): ...\n"
    assert [code for code, _ in python(folder, text)] == (["SA107"] if warned else [])


def test_a_transaction_one_way(folder: Folder) -> None:
    """What a section may hold depends on its own transaction."""
    concurrent = "drop index concurrently if exists a;\n"
    folder.write(
        "1.0.0-1-a.sql", f"-- sartor: up\n-- sartor: transaction off\n{concurrent}-- sartor: down\n{concurrent}"
    )
    assert found(folder) == [("SA202", 5)]
    text = f'async def up(conn):\n    await conn.execute("{concurrent.strip()}")\nasync def down(conn): ...\n'
    assert python(folder, f"{text}transaction_up = False\n")[-1] == ("SA202", 5)
    assert ("SA202", 2) in python(folder, f"{text}transaction_down = False\n")


def test_conditions(folder: Folder) -> None:
    """A condition is a query that changes nothing; `ensure` may stand behind `down`."""
    with_ = "with gone as (delete from a returning 1) select true"
    folder.write(
        "1.0.0-1-a.sql",
        f"-- sartor: require x\n{with_};\n-- sartor: up\nselect 1;{DOWN}-- sartor: ensure y\nselect true;\n",
    )
    assert found(folder) == [("SA208", 2)]
    folder.write("1.0.0-1-a.sql", f"-- sartor: up\nselect 1;{DOWN}-- sartor: ensure y\ndelete from a;\n")
    assert found(folder) == [("SA101", 5)]
    text = "async def up(conn): ...\nasync def down(conn): ...\n"
    assert python(folder, f"{text}def require(conn): ...\n")[0] == ("SA101", 3)


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("create table a (id int);", []),
        ("create table a (id int);\ncommit;", [("SA201", 3)]),
        ("savepoint a;\nrollback to a;\nrelease a;", []),
        ("select 'commit';\n-- commit\ndo $$ begin commit; end $$;", []),
        ("create unique index concurrently a on b (c);", [("SA202", 2)]),
        ("reindex (verbose) table concurrently a;", [("SA202", 2)]),
        ("alter table a detach partition b concurrently;", [("SA202", 2)]),
        ('vacuum "concurrently";', [("SA202", 2)]),
        ("reindex database a;\nreindex (verbose) system;", [("SA202", 2), ("SA202", 3)]),
        ('reindex table a; reindex (verbose) index "database";', []),
        ("cluster;\ncluster (verbose);\ncluster verbose a;", [("SA202", 2), ("SA202", 3)]),
        ("refresh materialized view concurrently a;", []),
        ('comment on table "create index concurrently" is null;', []),
        ("select 1; -- \n\nreset all;", [("SA205", 4)]),
        ("set constraints all immediate;", [("SA205", 2)]),
        ("set constraints a immediate; reset search_path;", []),
        ('set local role "b";', [("SA206", 2)]),
        ("set role b;\nselect 1;\nreset role;", []),
        ("set session authorization b; set session authorization default;", []),
        ("set role b; set role none;", []),
        ('alter table a add "n\u0430me" text;', [("SA007", 2)]),
        ("select\u00a01;", [("SA007", 2)]),
        ("select 'n\u0430me';\nselect '\u202e';", [("SA007", 3)]),
    ],
)
def test_statements_in_a_transaction(folder: Folder, text: str, codes: list[tuple[str, int | None]]) -> None:
    """What ends the transaction, can't run in it, or leaves it in another state."""
    assert sql(folder, text) == codes


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("create index concurrently if not exists a on b (c); analyze b; select 1;", []),
        ("create index concurrently a on b (c);", [("SA204", 3)]),
        ("drop index concurrently a;", [("SA204", 3)]),
        ("drop index concurrently if exists a;\nupdate b set c = 1;", [("SA203", 4)]),
        ("create table a (id int);\ncreate temp table b ();", [("SA204", 3)]),
        ("alter table a add column b int, add column if not exists c int;", [("SA204", 3)]),
        ("alter table a drop column if exists b, alter c set not null;", []),
        ("begin; update a set b = 1; commit; vacuum a;", []),
    ],
)
def test_statements_outside_a_transaction(folder: Folder, text: str, codes: list[tuple[str, int | None]]) -> None:
    """There they must do no harm when they are run again, and what could be in a transaction ought to be."""
    assert outside(folder, text) == codes


def test_python_is_read(folder: Folder) -> None:
    """What is given to the connection as a constant, an f-string or by a name; not other texts."""
    assert python(
        folder,
        """
        SQL = '''
            select 1;
            commit;
        '''
        OTHER = "commit"

        async def up(conn):
            print("commit")
            await conn.execute(SQL)
            for table in ("a", "b"):
                await conn.fetchval(f"create index concurrently {table}_idx on {table} (id)")

        async def down(conn, run):
            statement = "rollback"
            await conn.execute(statement)
            other: str = "abort"
            await conn.execute(timeout=1, query=other)
            await conn.executemany(command="begin", args=[])
        """,
    ) == [("SA201", 3), ("SA202", 11), ("SA201", 14), ("SA201", 16), ("SA201", 18)]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("async def up(conn): pass", [("SA103", None)]),
        ("irreversible = 'why'\nasync def up(conn): pass", []),
        ("async def down(conn): pass", [("SA102", None)]),
        ("from ._helpers import up, down", []),
        ("from ._helpers import *", []),
        ("if True:\n    up = down = None", []),
        ("def up(conn): pass", [("SA101", 1)]),
        ("async def up(conn):\n    return )", [("SA101", 2)]),
        ("async def \u0443p(conn): pass\nasync def down(conn): pass", [("SA102", None), ("SA007", 1)]),
        ("raise SystemExit('never run')", [("SA102", None), ("SA103", None)]),
    ],
)
def test_parts(folder: Folder, text: str, codes: list[tuple[str, int | None]]) -> None:
    """A script has an `up`, and a `down` or a word why not; where only running it can tell, nothing is said."""
    assert python(folder, text) == codes


def test_where_only_running_can_tell(folder: Folder) -> None:
    """Whether a script is in a transaction may be computed: nothing is said then of what depends on it."""
    body = "async def up(conn): await conn.execute('vacuum a')\nasync def down(conn): pass\n"
    assert python(folder, body) == [("SA202", 1)]
    assert python(folder, "transaction = bool(0)\n" + body) == []
    assert python(folder, "transaction = False\n" + body) == []


def test_steps_before(folder: Folder) -> None:
    """`before_up` is outside a transaction, and `up` in one."""
    assert python(
        folder,
        """
        async def before_up(conn):
            await conn.execute("create index concurrently a on b (c)")
        async def up(conn):
            await conn.execute("alter table b add constraint a unique using index a")
        async def down(conn):
            await conn.execute("alter table b drop constraint a")
        """,
    ) == [("SA204", 2)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("select 1;", 1),
        ("-- sartor: up\n-- sartor: upp\n", 2),
        ("-- sartor: up\n-- sartor: up\n", 2),
    ],
)
def test_sql_that_cant_be_loaded(folder: Folder, text: str, line: int) -> None:
    """It is said in which line, once."""
    folder.write("1.0.0-1-a.sql", text)
    assert found(folder) == [("SA101", line)]


def test_empty_sections(folder: Folder) -> None:
    """A section without a statement is an error, unless the reason why nothing is undone stands there."""
    folder.write("1.0.0-1-a.sql", "-- sartor: up\n-- sartor: down\n-- nothing\n")
    folder.write("1.0.0-2-b.sql", "-- sartor: up\nselect 1;\n-- sartor: down\n-- sartor: irreversible why\n")
    assert found(folder) == [("SA104", 1), ("SA104", 2)]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        (
            "create table a (id bigint primary key, b jsonb, c json, d pg_catalog.json default '{}');",
            ["SA401", "SA401"],
        ),
        ("alter table a add b json, add column if not exists json text;", ["SA401"]),
        ("create table a (id int primary key, n int unique);", ["SA402"]),
        ('create table "A b" ("Id" serial, constraint k primary key ("Id"));', ["SA402"]),
        ("create table a (b int, c smallint, primary key (b, c)); create table d as select (1) e;", []),
        ("create table a (json bigint, primary key (json)); create table b (like a including all);", []),
        ("create index on a using hash (b); create index hash on a (hash);", ["SA403"]),
        ("create table a (b bigint references c); create index on a (d, b);", ["SA404"]),
        ("create table a (b bigint references c, unique (b, d));", []),
        ("alter table s.a add constraint f foreign key (b, c) references d; create index on a (c, b, e);", []),
        ("alter table a add foreign key (b, c) references d; create index on a (c, e, b);", ["SA404"]),
        (
            "alter table a add b bigint not null references c; create index on only s.a using btree ((f(b)), b);",
            ["SA404"],
        ),
        (f"create table {'a' * 63} (id bigint); create table {'ä' * 32} (id bigint);", ["SA405"]),
        (f"select '{'a' * 64}'; do $$ begin perform {'a' * 64}(); end $$;", []),
        ("create table part partition of a for values in (1, 2); alter table a add check (b in (1, 2));", []),
    ],
)
def test_definitions(folder: Folder, text: str, codes: list[str]) -> None:
    """Types, keys and indexes that are regretted later, and names that Postgres cuts, each with its statement."""
    assert [code for code, _ in sql(folder, text)] == codes


def test_an_index_of_another_alteration(folder: Folder) -> None:
    """The index behind a foreign key may be made by any alteration of the lineage, but not by a `down`."""
    folder.write("1.0.0-1-a.sql", f"-- sartor: up\ncreate table a (b bigint references c);{DOWN}")
    folder.write("1.0.0-2-b.sql", f"-- sartor: up\nselect 1;{DOWN}create index on a (b);\n")
    assert found(folder) == [("SA404", 2)]
    folder.write(
        "1.0.0-3-c.py", "async def up(conn): await conn.execute('create index on a (b)')\nirreversible = 'x'\n"
    )
    assert found(folder) == []


@pytest.mark.parametrize("comment", ["SA103", "SA103, SA201 because of the operator", "SA201,SA103"])
def test_ignoring(folder: Folder, comment: str) -> None:
    """A comment names the rules that don't count in its file, in Python and in SQL; the option does for any."""
    folder.write("1.0.0-1-a.sql", f"-- sartor: ignore {comment}\n-- sartor: up\nselect 1;\n")
    folder.write("1.0.0-2-b.py", f"# sartor: ignore {comment}\nasync def up(conn): pass\n")
    folder.write("1.0.0-3-c.py", "TEXT = '# sartor: ignore SA103'\nasync def up(conn): pass\n")
    assert found(folder) == [("SA103", None)]
    assert found(folder, "SA103") == []
    assert found(folder, "SA103=3-c") == []
    assert found(folder, "SA103=2-b") == [("SA103", None)]


def test_ignoring_what_there_is_not(folder: Folder) -> None:
    """A code that there isn't ignores nothing, which is said."""
    text = "irreversible = 'x'\nasync def up(conn): pass  # sartor: ignore SA999"
    assert python(folder, text) == [("SA008", 2)]


def test_nothing_is_run(folder: Folder) -> None:
    """Reading a script leaves no trace of it."""
    mark = folder.path / "mark"
    text = f"open({str(mark)!r}, 'w')\nasync def up(conn): pass\nasync def down(conn): pass\n"
    assert python(folder, textwrap.dedent(text)) == []
    assert not mark.exists()
