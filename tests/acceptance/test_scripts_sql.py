"""`.sql` alterations: sections, options, and errors that know the file's own lines."""

from __future__ import annotations

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder

NAME = "1.0.0-2-b.sql"


def test_up_and_down(sartor: Command, folder: Folder, database: Database) -> None:
    """The sections are the directions; semicolons in bodies end nothing; CRLF line ends are fine."""
    file = folder.write(
        NAME,
        """
        -- What this is for; why.
        -- sartor: up
        create table b (id int, note text default 'a;b');
        create function twice(n int) returns int language plpgsql as $body$
        begin
            return n * 2; -- of course;
        end
        $body$;
        insert into b values (twice(21));
        -- sartor: down
        drop function twice(int); drop table b
        """,
    )
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    sartor("deploy", "latest")
    assert database.rows("select * from b") == [(42, "a;b")]
    sartor("rollback", "--steps", "1")
    assert database.tables() == set()
    assert database.value("select to_regproc('twice')") is None


ERRORS: dict[str, tuple[str, dict[str, object]]] = {
    "amid a statement of several lines": (
        """
        -- sartor: up
        create table b (id int);

        /* A comment;
           of two lines. */
        insert into b
        select id,
               oops
        from b;
        """,
        {"sqlstate": "42703", "line": 8, "statement": "insert into b\nselect id,\n       oops\nfrom b"},
    ),
    "a syntax error": (
        """
        -- sartor: up
        select 1; select
            2
            form b;
        """,
        {"sqlstate": "42601", "line": 4},
    ),
    "without a position": (
        """
        -- sartor: up

        create table b (id int primary key);
        insert into b
        values (1), (1);
        """,
        {"sqlstate": "23505", "line": 4, "position": None},
    ),
    "behind a body in dollar quotes": (
        """
        -- sartor: up
        do $$
        begin
            perform 1;
        end
        $$;
        select 1 / 0;
        """,
        {"sqlstate": "22012", "line": 7},
    ),
    "characters of several bytes before it": (
        """
        -- sartor: up
        select 'äöü€😀' as größe, oops;
        """,
        {"sqlstate": "42703", "line": 2, "position": 25},
    ),
    "a violation at commit": (
        """
        -- sartor: up
        create table b (id int unique deferrable initially deferred);
        insert into b values (1), (1);
        """,
        {"sqlstate": "23505", "line": None},
    ),
}


@pytest.mark.parametrize("where", ERRORS)
def test_an_error_is_at_the_files_own_line(sartor: Command, folder: Folder, database: Database, where: str) -> None:
    """The line told is the file's, at the place that the server names, or else where the statement begins."""
    text, facts = ERRORS[where]
    file = folder.write(NAME, text)
    failed = sartor("deploy", "latest", "--json", expect=1).json["failed"]
    assert failed | {"id": "2-b", "file": str(file), "rolled_back": True, **facts} == failed
    assert database.tables() == set()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("-- sartor: donw", "line 3: unknown directive `-- sartor: donw`"),
        ("/* never closed", "line 3: unterminated comment"),
        ("select 'never closed;", "line 3: unterminated string"),
        ("select E'never\\' closed;", "line 3: unterminated string"),
        ('select "never closed;', "line 3: unterminated quoted name"),
        ("do $x$ begin null; end $$;", "line 3: unterminated dollar quote"),
        ("\\i other.sql", "line 3: `\\i` is a psql command"),
        ("select 1 \\gset", "line 3: `\\gset` is a psql command"),
        ("select 1; \\restrict abc", "line 3: `\\restrict` is a psql command"),
        ("\\.", "line 3: `\\.` is a psql command, which isn't supported in a script: it ends the data of a COPY"),
        ("copy t from stdin;\n1\n", "line 3: the data of this COPY aren't terminated"),
        ("copy t from stdin", "line 3: the data of this COPY are missing"),
        ("copy binary t from stdin;\n\\.", "line 3: COPY in binary format isn't supported in a SQL script"),
        ("copy t to stdout;", "line 3: COPY TO STDOUT"),
        ("-- Sartor: down", "line 3: `-- Sartor: down` looks like a directive but isn't one"),
        ("select 2; -- sartor: down", "line 3: `-- sartor: down` follows other text"),
        ("/*\n sartor: down */", "line 4: `sartor: down */` looks like a directive but isn't one"),
        ("\t# sartor: down", "line 3: `# sartor: down` looks like a directive but isn't one"),
        ("-- sartor: down:", "line 3: unknown directive `-- sartor: down:`"),
        ("-- +goose Down", "line 3: `-- +goose Down` is in the section `up`"),
        ("commit;", "line 3: COMMIT: Sartor runs each script in a transaction"),
    ],
)
def test_what_can_not_be_run_is_found_first(
    sartor: Command, folder: Folder, database: Database, line: str, reason: str
) -> None:
    """What can't be read, or isn't SQL, is told by file and line before anything runs, by `lint` too; exit 1."""
    folder.table("1.0.0-1-a.py")
    file = folder.write(NAME, f"-- sartor: up\nselect 1;\n{line}\n-- sartor: down\n")
    found = sartor("lint", "--json", expect=1).json["findings"]
    number = 4 if "\n " in line else 3
    assert (str(file), number) in [(each["file"], each["line"]) for each in found if each["severity"] == "error"]
    assert f"error: {NAME}, {reason}" in sartor("deploy", "latest", expect=1).err
    assert database.value("select to_regclass('sartor_ledger')") is None


def test_outside_a_transaction(sartor: Command, folder: Folder, database: Database) -> None:
    """With `transaction off` statements are sent one by one, so that what can't run in a transaction runs."""
    folder.add("1.0.0-1-a.py", "create table a (id int)", "drop table a")
    folder.write(
        NAME,
        """
        -- sartor: transaction off
        -- sartor: up
        create index concurrently if not exists a_id on a (id); create index concurrently if not exists a_id2 on a (id);
        vacuum a;
        -- sartor: down
        drop index concurrently if exists a_id; drop index concurrently if exists a_id2;
        """,
    )
    indexes = "select count(*) from pg_index where indrelid = 'a'::regclass and indisvalid"
    sartor("deploy", "latest")
    assert database.value(indexes) == 2
    sartor("rollback", "--steps", "1")
    assert database.value(indexes) == 0
    kinds = [row[0] for row in database.rows("select kind from sartor_journal where id = '2-b' order by seq")]
    assert kinds == ["started", "deployed", "undoing", "rolled-back"]


def test_a_failure_outside_a_transaction(sartor: Command, folder: Folder, database: Database) -> None:
    """What ran outside a transaction stays, and is said to; the same command goes on, and finishes after the mend."""
    text = "-- sartor: transaction off\n-- sartor: up\ncreate table if not exists b (id int);\nselect oops;\n"
    file = folder.write(NAME, text)
    done = sartor("deploy", "latest", "--json", expect=1)
    assert (done.json["failed"]["line"], done.json["failed"]["rolled_back"]) == (4, False)
    assert "its changes outside a transaction stay" in done.err
    assert database.tables() == {"b"}
    status = sartor("status", "--json").json
    assert ([a["id"] for a in status["pending"]], [a["id"] for a in status["interrupted"]]) == (["2-b"], ["2-b"])
    file.write_text(text.replace("oops", "1"))
    sartor("deploy", "latest")
    assert [a["id"] for a in sartor("status", "--json").json["deployed"]] == ["2-b"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "{} has no `down`: write a section `-- sartor: down`"),
        ("-- sartor: down\n\n -- nothing\n/* yet */", "{}, line 3: the section `down` has no statement"),
        ("-- sartor: irreversible letters were sent\n-- sartor: down\n", "{} can't be rolled back: letters were sent"),
    ],
)
def test_what_can_not_go_down(sartor: Command, folder: Folder, database: Database, text: str, reason: str) -> None:
    """A `down` section that is missing or empty, or `irreversible`, refuses a rollback with its reason; exit 1."""
    folder.write(NAME, f"-- sartor: up\nselect 1;\n{text}")
    sartor("deploy", "latest")
    assert f"error: {reason.format(NAME)}" in sartor("rollback", "0", expect=1).err
    assert database.value("select count(*) from sartor_ledger") == 1


LOOP = """
do $$ declare name text; begin
    for name in select tablename from pg_tables where schemaname = 'public' loop
        execute format('alter table %I owner to current_user', name);
    end loop;
end $$
"""


@pytest.mark.parametrize(
    ("sql", "advice"),
    [
        ("create index concurrently on a (id)", "add `-- sartor: transaction off` to the script"),
        ("set transaction isolation level serializable", "runs outside it, with `-- sartor: transaction off`"),
        (LOOP, "leave them out of a loop over all tables, `where tablename not like 'sartor\\_%'`"),
        ("drop schema public cascade", "drop, move or rename the product's objects"),
        ("alter schema public rename to old; create schema public", "drop, move or rename the product's objects"),
    ],
    ids=["concurrently", "isolation", "loop", "dropped", "renamed"],
)
def test_advice_that_can_be_followed(
    sartor: Command, folder: Folder, database: Database, sql: str, advice: str
) -> None:
    """What fails in Sartor's transaction, or at its own tables, is told with what to write in a SQL file instead."""
    folder.table("1.0.0-1-a.py")
    folder.write("1.0.0-2-b.sql", f"-- sartor: up\n{sql};\n")
    failed = sartor("deploy", "latest", "--json", expect=1).json["failed"]
    assert advice in failed["advice"]
    assert database.tables() == {"a"}


def test_an_empty_up(sartor: Command, folder: Folder, database: Database) -> None:
    """A script whose `up` has no statement is refused before anything runs."""
    folder.table("1.0.0-1-a.py")
    folder.write("1.0.0-2-b.sql", "-- sartor: up\n-- create table b (id int);\n-- sartor: down\nselect 1;\n")
    assert "error: 1.0.0-2-b.sql, line 1: the section `up` has no statement" in sartor("deploy", "latest", expect=1).err
    assert database.tables() == set()
