"""A failing script: what it leaves, and what is told of it."""

from __future__ import annotations

import shlex
import textwrap

import pytest

from support.command import EXECUTABLE, Command
from support.database import Database
from support.folder import Folder

NAME = "1.0.0-2-b.py"
TOOK = "create table left_behind (id int)"


def script(body: str) -> str:
    """A script whose `up` makes a table first, so that one sees whether it is undone; the body begins on line 4."""
    text = textwrap.indent(textwrap.dedent(body).strip("\n"), "    ")
    return f"import asyncio\nasync def up(conn):\n    await conn.execute({TOOK!r})\n{text}\n"


def test_a_failure_is_told_in_full_and_its_command_continues(
    sartor: Command, folder: Folder, database: Database
) -> None:
    """Earlier scripts stay, the failed one changed nothing, and the command shown finishes the job after the mend."""
    folder.table("1.0.0-1-a.py")
    body = """
        await conn.execute('''
            insert into a (id)
            select oops
            from a''')
        """
    broken = folder.write(NAME, script(body))
    folder.table("1.0.0-3-c.py")
    done = sartor("deploy", "latest", "--schema", "public", expect=1)
    assert "failed: 1.0.0-2-b.py; rolled back; the 1 alteration before it is deployed" in done.err
    assert 'column "oops" does not exist  (SQLSTATE 42703)' in done.err
    assert f"at alterations/{NAME}, line 4" in done.err
    lines = done.err.splitlines()
    at = next(i for i, line in enumerate(lines) if line.endswith("select oops"))
    assert lines[at + 1].rstrip() == " " * lines[at].index("oops") + "^"
    assert database.tables() == {"a"}

    broken.write_text(script("pass"))
    (continues,) = [line.partition(": ")[2] for line in lines if "resume with: " in line]
    program, db, alteration, *rest = shlex.split(continues)
    assert ([program, db, alteration], EXECUTABLE.endswith(program)) == (["sartor", "db", "alteration"], True)
    sartor(*rest)
    assert database.tables() == {"a", "left_behind", "c"}


FAILURES: dict[str, tuple[str, dict[str, object]]] = {
    "a constraint": (
        "await conn.execute('insert into a values (1), (1)')",
        {"sqlstate": "23505", "line": 4, "detail": "Key (id)=(1) already exists.", "position": None},
    ),
    "a server's hint": (
        "await conn.execute('select lowr($1)', 'A')",
        {"sqlstate": "42883", "line": 4, "position": 7, "statement": "select lowr($1)"},
    ),
    "executemany": (
        "await conn.executemany('insert into a values ($1)', [(1,), (1,)])",
        {"sqlstate": "23505", "line": 4, "statement": "insert into a values ($1)"},
    ),
    "fetch with a parameter of the wrong type": (
        "await conn.fetch('select $1::int', 'one')",
        {"sqlstate": "22000", "line": 4, "position": None},
    ),
    "a prepared statement": (
        "\n\nawait (await conn.prepare('select 1 / $1::int')).fetch(0)",
        {"sqlstate": "22012", "line": 4, "message": "division by zero"},
    ),
    "a cursor": (
        "async for row in conn.cursor('select 1 / (3 - n) from generate_series(1, 5) n'):\n    pass",
        {"sqlstate": "22012", "line": 4},
    ),
    "copy": (
        "await conn.copy_records_to_table('a', records=[(1,), (1,)])",
        {"sqlstate": "23505", "line": 4},
    ),
    "a block of plpgsql": (
        "await conn.execute('do $$ begin perform 1 / 0; end $$')",
        {"sqlstate": "22012", "line": 4},
    ),
    "a Python exception": (
        "raise LookupError('no such colour')",
        {"sqlstate": None, "line": 4, "message": "LookupError: no such colour", "statement": None},
    ),
    "an assertion": ("assert 1 == 2, 'counts differ'", {"line": 4, "message": "AssertionError: counts differ"}),
    "an exception from a library": (
        "import json\njson.loads('{')",
        {"line": 5, "sqlstate": None},
    ),
    "SystemExit": ("raise SystemExit(0)", {"line": 4, "message": "SystemExit: 0"}),
}


@pytest.mark.parametrize("fault", FAILURES)
def test_the_facts_of_a_failure(sartor: Command, folder: Folder, database: Database, fault: str) -> None:
    """However a script fails, `failed` has id, file and the script's own line, and what the server told; exit 1."""
    body, facts = FAILURES[fault]
    folder.add("1.0.0-1-a.py", "create table a (id int primary key)")
    file = folder.write(NAME, script(body))
    done = sartor("deploy", "latest", "--json", expect=1)
    failed = done.json["failed"]
    assert failed | {"id": "2-b", "name": NAME, "file": str(file), "rolled_back": True, **facts} == failed
    assert [a["id"] for a in done.json["done"]] == ["1-a"]
    assert [a["id"] for a in done.json["remaining"]] == ["2-b"]
    assert "failed: 1.0.0-2-b.py; rolled back" in done.err
    assert database.tables() == {"a"}
    assert database.rows("select id, kind from sartor_journal where seq > 0 order by seq") == [
        ("1-a", "deployed"),
        ("2-b", "failed"),
    ]


def test_detail_hint_and_context_are_shown(sartor: Command, folder: Folder) -> None:
    """Detail, hint and context of the server's answer are shown below the statement."""
    raised = "raise exception 'no' using detail = 'the detail', hint = 'the hint', errcode = 'ZZ123'"
    folder.write(NAME, script(f"await conn.execute({f'do $$ begin {raised}; end $$'!r})"))
    done = sartor("deploy", "latest", expect=1)
    assert "  no  (SQLSTATE ZZ123)\n" in done.err
    assert "  detail: the detail\n  hint: the hint\n  context: PL/pgSQL function inline_code_block" in done.err


def test_a_failing_rollback(sartor: Command, folder: Folder, database: Database) -> None:
    """A `down` that fails undoes nothing of its own; the later ones are undone, and the same command goes on."""
    file = folder.add("1.0.0-1-a.py", "create table a (id int)", "drop table b")
    folder.table("1.0.0-2-c.py")
    sartor("deploy", "latest")
    done = sartor("rollback", "0", "--json", expect=1).json
    assert ([a["id"] for a in done["done"]], done["failed"]["sqlstate"]) == (["2-c"], "42P01")
    assert database.tables() == {"a"}
    file.write_text(file.read_text().replace("drop table b", "drop table a"))
    sartor("rollback", "0", "--accept-edited", "1-a")
    assert database.tables() == set()


def test_a_violation_at_commit_is_the_scripts(sartor: Command, folder: Folder, database: Database) -> None:
    """A deferred constraint of the user's own that COMMIT finds violated is a failure, not another run's work."""
    folder.add("1.0.0-1-a.py", "create table a (id int constraint only_once unique deferrable initially deferred)")
    folder.write(NAME, script("await conn.execute('insert into a values (1), (1)')"))
    done = sartor("deploy", "latest", "--json", expect=1).json
    assert (done["failed"]["sqlstate"], done["failed"]["id"], done["elsewhere"]) == ("23505", "2-b", [])
    assert "only_once" in done["failed"]["message"]
    assert done["failed"]["statement"] is None
    assert database.tables() == {"a"}


def test_a_script_that_cancels_itself_fails(sartor: Command, folder: Folder) -> None:
    """A CancelledError that nobody asked for is the script's failure, not a run that was ended."""
    folder.write(
        "1.0.0-1700000000-a.py",
        """
        import asyncio

        async def up(conn):
            raise asyncio.CancelledError
        """,
    )
    failed = sartor("deploy", "latest", "--json", expect=1).json["failed"]
    assert failed["message"] == "CancelledError"
    assert failed["line"] == 4


def test_a_missing_file_is_the_scripts_failure(sartor: Command, folder: Folder) -> None:
    """An OSError of the script's own isn't taken for a lost connection."""
    folder.write(
        "1.0.0-1700000000-a.py",
        """
        async def up(conn):
            open("/nowhere/data.csv")
        """,
    )
    failed = sartor("deploy", "latest", "--json", expect=1).json["failed"]
    assert failed["message"].startswith("FileNotFoundError")


WRAPPED = {
    "a task group": "async with asyncio.TaskGroup() as group:\n            group.create_task(fail(conn))",
    "another error": "try:\n            await fail(conn)\n"
    "        except Exception as error:\n            raise RuntimeError('step 3') from error",
}


@pytest.mark.parametrize("body", WRAPPED.values(), ids=WRAPPED)
def test_an_error_inside_another(body: str, sartor: Command, folder: Folder) -> None:
    """The server's answer is shown, with its statement, also where the script raised it as the cause of another."""
    folder.write(
        "1.0.0-1-a.py",
        f"""
        import asyncio

        async def fail(conn):
            await conn.execute("select * from nowhere")

        async def up(conn):
            {body.replace(chr(10), chr(10) + "    ")}
        """,
    )
    failed = sartor("deploy", "latest", "--json", expect=1).json["failed"]
    assert (failed["sqlstate"], failed["statement"]) == ("42P01", "select * from nowhere")
    assert failed["message"].endswith('relation "nowhere" does not exist')
