"""What a script requires before its `up`, and ensures after it."""

from __future__ import annotations

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder
from support.psql import psql
from support.shapes import check

SQL, PYTHON = "1.0.0-1700000001-b.sql", "1.0.0-1700000001-b.py"
WORDS = "every user has an e-mail address"
WITHOUT = "select not exists (select from users where email is null);"


@pytest.fixture(autouse=True)
def _users(folder: Folder) -> None:
    folder.add(
        "1.0.0-1700000000-a.py",
        up="create table users (email text); create table log (id int)",
        down="drop table users, log",
    )


def write(folder: Folder, text: str) -> None:
    """Write the alteration after the table `users`: its head, above an `up` that others can see."""
    folder.write(
        SQL,
        f"{text}\n-- sartor: up\ncreate table made ();\ninsert into log values (1);\n"
        "-- sartor: down\ndrop table made;\n",
    )


def failed(sartor: Command, *words: str) -> dict[str, object]:
    """Have a deploy fail; why."""
    done = sartor("deploy", "latest", "--json", *words, expect=1)
    found: dict[str, object] = check(done, "deploy")["failed"]
    return found


def events(sartor: Command) -> list[str]:
    return [event["event"] for event in sartor("history", "--json").json["events"]]


@pytest.mark.parametrize("outside", ["", "-- sartor: transaction off\n", "-- sartor: before_up\nselect 1;\n"])
def test_what_is_required(sartor: Command, folder: Folder, database: Database, outside: str) -> None:
    """False stops the run before the alteration, with the condition's words; nothing of it ran, then it goes on."""
    sartor("deploy", "latest")
    database.run("insert into users values (null)")
    write(folder, f"{outside}-- sartor: require {WORDS}\n{WITHOUT}\n")
    failure = failed(sartor)
    assert failure["condition"] == WORDS
    assert failure["message"] == f"`require` isn't met: {WORDS}"
    assert (failure["rolled_back"], failure["line"]) == (True, 2 + outside.count("\n"))
    assert database.tables() == {"users", "log"}
    assert events(sartor)[1:] == ["deployed", "failed"]
    assert sartor("history", "--json").json["events"][-1]["detail"]["condition"] == WORDS
    assert f"failed: {SQL}; rolled back\n\n  `require` isn't met: {WORDS}\n" in sartor("deploy", "latest", expect=1).err
    assert f"a run stops before {SQL}: `require` isn't met: {WORDS}" in sartor("check", "latest", expect=3).err

    database.run("delete from users")
    assert "a run stops" not in sartor("check", "latest", expect=3).err
    sartor("deploy", "latest")
    assert "made" in database.tables()
    sartor("rollback", "0", "--yes")  # nothing is asked of it


def test_what_is_ensured(sartor: Command, folder: Folder, database: Database) -> None:
    """False rolls back what `up` did, with its words."""
    write(folder, "-- sartor: ensure nothing is in the log\nselect not exists (select from log);\n")
    failure = failed(sartor)
    assert (failure["condition"], failure["rolled_back"]) == ("nothing is in the log", True)
    assert database.tables() == {"users", "log"}
    assert database.value("select count(*) from log") == 0
    write(folder, "-- sartor: ensure one line is in the log\nselect count(*) = 1 from log;\n")
    sartor("deploy", "latest")


def test_what_is_ensured_outside_a_transaction(sartor: Command, folder: Folder, database: Database) -> None:
    """The work stays and counts as begun: the next run does it again from the top, and asks again."""
    folder.write(
        SQL,
        """
        -- sartor: transaction off
        -- sartor: require the log is empty
        select not exists (select from log);
        -- sartor: up
        insert into log values (1);
        -- sartor: ensure two lines are in the log
        select count(*) = 2 from log;
        """,
    )
    failure = failed(sartor)
    assert (failure["condition"], failure["rolled_back"]) == ("two lines are in the log", False)
    assert events(sartor)[2:] == ["started", "failed"]
    assert database.value("select count(*) from log") == 1
    sartor("deploy", "latest")  # what it requires was so when it began
    assert events(sartor)[4:] == ["started", "deployed"]


ANSWERS = {
    "select null::bool": "gives None or NULL instead of true or false",
    "select true where false": "gives no row instead of true or false",
    "values (true), (true)": "gives 2 rows instead of true or false",
    "select true, true": "gives 2 columns instead of true or false",
    "select 1": "gives a value of type int instead of true or false",
    "select 'true'": "gives a value of type str instead of true or false",
}


def test_no_answer(sartor: Command, folder: Folder, database: Database) -> None:
    """What is neither true nor false is an error that says what it is; for psql too."""
    file = sartor.directory / "plan.sql"
    for query, told in ANSWERS.items():
        write(folder, f"-- sartor: require {WORDS}\n{query};\n")
        failure = failed(sartor)
        assert (failure["message"], failure["condition"]) == (f"`require` {told}: {WORDS}", WORDS)
        sartor("check", "latest", "--sql", str(file), expect=3)
        psql(database.url, file, expect=3)
    assert "made" not in database.tables()


WRITES = {
    SQL: """
        -- sartor: {0} it
        with gone as (delete from log returning 1) select true;
        -- sartor: up
        select 1;
        """,
    PYTHON: """
        async def {0}(conn):
            await conn.execute("delete from log")
            return True

        async def up(conn):
            pass
        """,
}


def test_a_condition_changes_nothing(sartor: Command, folder: Folder) -> None:
    """A condition that writes fails, and lint says so beforehand."""
    for name, part in zip(WRITES, ("require", "ensure"), strict=True):
        file = folder.write(name, WRITES[name].format(part))
        assert failed(sartor)["sqlstate"] == "25006"
        assert "SA208" in sartor("lint", expect=1).out
        file.unlink()


WAYS_OUT = [
    "set transaction read write",
    "set local transaction_read_only = off",
    "rollback to sartor_condition",
    "commit",
]


def test_no_way_out_of_read_only(sartor: Command, folder: Folder, database: Database) -> None:
    """A condition can't make its transaction writable."""
    for way_out in WAYS_OUT:
        folder.write(
            PYTHON,
            f"""
            async def require(conn):
                await conn.execute("{way_out}")
                await conn.execute("insert into log values (1)")
                return True

            async def up(conn):
                pass
            """,
        )
        failed(sartor)
    assert database.value("select count(*) from log") == 0


def test_what_a_condition_sets_is_gone(sartor: Command, folder: Folder) -> None:
    """Settings and locks of a condition end with it."""
    folder.write(
        PYTHON,
        """
        async def require(conn):
            await conn.execute("set search_path = pg_catalog; set local lock_timeout = '9min'")
            return await conn.fetchval("select pg_try_advisory_xact_lock(7)")

        async def up(conn):
            assert await conn.fetchval("show search_path") != "pg_catalog"
            assert await conn.fetchval("show lock_timeout") != "9min"
            assert await conn.fetchval("select count(*) from pg_locks where locktype = 'advisory' and objid = 7") == 0
            await conn.execute("insert into log values (1)")

        async def ensure(conn, run):
            return await conn.fetchval("select count(*) = 1 from log") and run.schema == "public"
        """,
    )
    sartor("deploy", "latest")


def test_conditions_in_python(sartor: Command, folder: Folder, database: Database) -> None:
    """The docstring gives the words; a function that gives nothing isn't one that gives true."""
    text = '''
        async def {part}(conn):
            """The log is empty.

            Since January.
            """
            {body}

        async def up(conn):
            await conn.execute("create table made ()")
        '''
    folder.write(PYTHON, text.format(part="require", body="return not await conn.fetch('select from users')"))
    sartor("deploy", "latest", "--steps", "1")
    database.run("insert into users values (null)")
    failure = failed(sartor)
    assert (failure["condition"], failure["message"]) == ("The log is empty.", "`require` isn't met: The log is empty.")
    assert failure["line"] == 1
    folder.write(PYTHON, text.format(part="ensure", body="await conn.fetch('select from users')"))
    assert failed(sartor)["message"] == "`ensure` gives None or NULL instead of true or false: The log is empty."
    folder.write(PYTHON, text.format(part="ensure", body="return 1 / 0"))
    failure = failed(sartor)
    assert (failure["message"], failure["line"]) == ("ZeroDivisionError: division by zero", 6)
    assert "made" not in database.tables()


def test_straight_python_with_conditions(sartor: Command, folder: Folder, database: Database) -> None:
    """A module whose conditions are queries stays straight: its SQL is shown, and psql asks the conditions too."""
    folder.write(
        PYTHON,
        '''
        ASKED = "select not exists (select from log);"

        async def require(conn):
            """The log is empty :USER 'now'"""
            return await conn.fetchval(ASKED)

        async def up(conn):
            await conn.execute("insert into log values (1)")

        async def ensure(conn):
            return await conn.fetchval("select count(*) = 1 from log -- :USER")
        ''',
    )
    file = sartor.directory / "plan.sql"
    sartor("check", "latest", "--sql", str(file), expect=3)
    found = check(sartor("check", "latest", "--json", expect=3), "check")["plan"][1]
    assert (found["requires"], found["ensures"]) == (["The log is empty :USER 'now'"], ["ensure(conn)"])
    assert found["sql"] == "insert into log values (1);\n"
    psql(database.url, file)
    assert database.value("select count(*) from log") == 1
    assert sartor("status", "--json").json["pending"] == []


@pytest.mark.parametrize("outside", ["", "-- sartor: transaction off\n"])
def test_psql_stops_too(sartor: Command, folder: Folder, database: Database, outside: str) -> None:
    """The script for psql stops where a run would, with the same words."""
    write(
        folder, f"{outside}-- sartor: require it's so:\nselect exists (select from users where email = 'a')\n -- yes\n;"
    )
    file = sartor.directory / "plan.sql"
    sartor("check", "latest", "--sql", str(file), expect=3)
    assert "sartor: `require` isn't met: it's so:" in psql(database.url, file, expect=3).err
    assert database.tables() == {"users", "log"}
    database.run("insert into users values ('a')")
    write(folder, f"{outside}-- sartor: ensure it's not so:\nselect exists (select from users where email = 'b')\n;")
    sartor("check", "latest", "--sql", str(file), expect=3)
    assert "sartor: `ensure` isn't met: it's not so:" in psql(database.url, file, expect=3).err
    assert ("made" in database.tables()) == bool(outside)


def test_a_clone_without_rows_judges_no_condition(sartor: Command, folder: Folder, database: Database) -> None:
    """A rehearsal without rows notes it and goes on; one with rows, and one on the database itself, fails as a run."""
    sartor("deploy", "latest")
    write(folder, "-- sartor: require somebody is there\nselect exists (select from users);\n")
    done = sartor("rehearse", "latest")
    assert f"note: {SQL}: not judged on a database without rows: `require` isn't met: somebody is there" in done.err
    for way in ("--with-data", "--live"):
        assert "isn't met: somebody is there" in sartor("rehearse", "latest", way, expect=1).out
    database.run("insert into users values ('a')")
    for way in ("--with-data", "--live"):
        sartor("rehearse", "latest", way)
    assert "`require` isn't met: somebody is there" in sartor("prove", "--pending", expect=1).out


def test_a_script_with_conditions_among_many(sartor: Command, folder: Folder, database: Database) -> None:
    """It is run by itself, and those around it are sent together."""
    for number in range(2, 9):
        folder.add(f"1.0.0-170000000{number}-s{number}.py", up=f"insert into log values ({number})")
    folder.write(
        "1.0.0-1700000004.5-c.sql",
        """
        -- sartor: require four comes first
        select max(id) = 4 from log;
        -- sartor: require there are three
        select count(*) = 3 from log;
        -- sartor: up
        insert into log values (0);
        -- sartor: ensure now there are four
        select count(*) = 4 from log;
        """,
    )
    sartor("deploy", "latest")
    assert database.value("select count(*) from log") == 8


def test_the_query_stands_for_its_words(sartor: Command, folder: Folder) -> None:
    """Where the author has no words, the query is shown."""
    write(folder, "-- sartor: require\nselect\n  1 = 2;\n")
    assert failed(sartor)["condition"] == "select 1 = 2"
