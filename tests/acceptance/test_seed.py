"""`seed`: the maker's example data, in order, whole or not at all."""

from __future__ import annotations

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder
from support.terminal import ENTER, Terminal


@pytest.fixture(autouse=True)
def _deployed(sartor: Command, folder: Folder) -> None:
    folder.add(
        "1.0.0-1700000000-shop.py",
        up="create table users (id serial primary key, name text unique);"
        " create table bills (id serial primary key, user_id int references users)",
    )
    sartor("deploy", "latest")


def write_seed(folder: Folder, name: str, *statements: str, reset: str = "") -> None:
    """A seed module that executes these statements, with a `reset` of its own where one is given."""
    body = "".join(f"    await conn.execute({statement!r})\n" for statement in statements) or "    pass\n"
    undo = f"\nasync def reset(conn):\n    await conn.execute({reset!r})\n" if reset else ""
    folder.write(f"seeds/{name}", f"async def seed(conn):\n{body}{undo}")


@pytest.fixture
def shop(folder: Folder) -> Folder:
    """Two modules: the second needs the first one's data, and would come first by nothing but its number."""
    write_seed(folder, "020_bills.py", "insert into bills (id, user_id) values (1, 1) on conflict do nothing")
    users = "insert into users (id, name) values (1, 'ada') on conflict do nothing"
    write_seed(folder, "010_users.py", users)
    return folder


@pytest.mark.usefixtures("shop")
def test_modules_run_in_order(sartor: Command, database: Database) -> None:
    """By name, and a second time changes nothing."""
    assert sartor.run("db", "seed").out == "Seeded from 010_users.py, 020_bills.py\n"
    sartor.run("db", "seed")
    assert database.rows("select u.name from bills b join users u on u.id = b.user_id") == [("ada",)]


@pytest.mark.usefixtures("shop")
def test_the_journal_knows(sartor: Command, database: Database) -> None:
    """A seeding is an event of the journal, with the modules that ran; the ledger isn't touched."""
    ledger = database.rows("select * from sartor_ledger")
    sartor.run("db", "seed")
    event = database.rows("select kind, id, detail ->> 'files', by_user from sartor_journal order by seq desc limit 1")
    assert event == [("seeded", None, '["010_users.py", "020_bills.py"]', "postgres")]
    assert database.rows("select * from sartor_ledger") == ledger
    assert "010_users.py, 020_bills.py" in sartor("history").out


def test_a_failure_leaves_nothing(sartor: Command, shop: Folder, database: Database) -> None:
    """All modules are one transaction; the message has the failing module's file and line."""
    write_seed(shop, "030_broken.py", "select 1", "insert into nowhere values (1)")
    done = sartor.run("db", "seed", expect=1)
    assert "failed: 030_broken.py; rolled back" in done.err
    assert "seeds/030_broken.py, line 3" in done.err
    assert "SQLSTATE 42P01" in done.err
    assert database.value("select count(*) from users") == 0
    assert database.value("select count(*) from sartor_journal where kind = 'seeded'") == 0


@pytest.mark.parametrize("text", ["def seed(conn): ...\n", "async def sow(conn): ...\n", "async def seed(conn:\n"])
def test_modules_are_checked_first(sartor: Command, shop: Folder, database: Database, text: str) -> None:
    """A module that can't be run is found before the first one runs."""
    shop.write("seeds/030_broken.py", text)
    assert "030_broken.py" in sartor.run("db", "seed", expect=1).err
    assert database.value("select count(*) from users") == 0


@pytest.mark.usefixtures("shop")
def test_reset_empties_the_tables(sartor: Command, database: Database) -> None:
    """Where no module has a `reset`, every table is emptied and counts from the start; the ledger isn't."""
    sartor.run("db", "seed")
    database.run("insert into users (id, name) values (7, 'eve')", "select setval('users_id_seq', 7)")
    ledger = database.rows("select * from sartor_ledger")
    sartor.run("db", "seed", "--reset", "--yes")
    assert database.rows("select name from users") == [("ada",)]
    assert database.value("select nextval('users_id_seq')") == 1
    assert database.rows("select * from sartor_ledger") == ledger


@pytest.mark.parametrize(
    ("there", "named"),
    [
        ("create table other.notes (user_id int references users)", "table other.notes"),
        (
            "create table other.a (id int unique references users);create table other.b (a int references other.a(id))",
            "table other.a, table other.b",
        ),
        ("create table other.heir () inherits (users)", "table other.heir"),
    ],
)
@pytest.mark.usefixtures("shop")
def test_reset_empties_no_tables_of_others(sartor: Command, database: Database, there: str, named: str) -> None:
    """What would be emptied with them in other schemas is named, and nothing is emptied."""
    sartor.run("db", "seed")
    database.run("create schema other", there)
    done = sartor.run("db", "seed", "--reset", "--yes", expect=2)
    assert f"objects outside schema public would be emptied too: {named}; nothing was emptied" in done.err
    assert "hint: write a `reset` function in the seed modules" in done.err
    assert database.rows("select name from users") == [("ada",)]


def test_modules_may_reset_their_own(sartor: Command, folder: Folder, database: Database) -> None:
    """With `reset` functions only they take data out, the last module first; what isn't seeded stays."""
    users = "insert into users (id, name) values (1, 'ada')"
    write_seed(folder, "010_users.py", users, reset="delete from users where id = 1")
    bills = "insert into bills (id, user_id) values (1, 1)"
    write_seed(folder, "020_bills.py", bills, reset="delete from bills where id = 1")
    sartor.run("db", "seed")
    database.run("insert into users (id, name) values (7, 'eve')", "update users set name = 'changed' where id = 1")
    sartor.run("db", "seed", "--reset", "--yes")
    assert database.rows("select name from users order by id") == [("ada",), ("eve",)]


def test_a_failing_reset_leaves_all(sartor: Command, folder: Folder, database: Database) -> None:
    """The reset is part of the transaction, and a failure of it names its module."""
    write_seed(folder, "010_users.py", "insert into users (id, name) values (1, 'ada') on conflict do nothing")
    sartor.run("db", "seed")
    write_seed(folder, "020_more.py", "select 1", reset="delete from nowhere")
    done = sartor.run("db", "seed", "--reset", "--yes", expect=1)
    assert "failed: 020_more.py" in done.err
    assert database.rows("select name from users") == [("ada",)]


@pytest.mark.usefixtures("shop")
def test_reset_is_confirmed(sartor: Command, database: Database) -> None:
    """`--reset` deletes data: a terminal is asked, elsewhere `--yes` is needed."""
    database.run("insert into users (id, name) values (7, 'eve')")
    assert "confirm with --yes" in sartor.run("db", "seed", "--reset", expect=2).err
    with Terminal(sartor, "seed", "--reset", words=("db",)) as terminal:
        terminal.until("(y/N)")
        terminal.press("n", ENTER)
        assert terminal.end() == 2
    assert database.rows("select name from users") == [("eve",)]
    with Terminal(sartor, "seed", "--reset", words=("db",)) as terminal:
        terminal.until("(y/N)")
        terminal.press("y", ENTER)
        assert terminal.end() == 0
    assert database.rows("select name from users") == [("ada",)]


@pytest.mark.usefixtures("shop")
def test_no_ledger(sartor: Command, database: Database) -> None:
    """Where nothing was ever deployed there is nothing to seed; it says so, and makes nothing."""
    database.run("create schema elsewhere")
    done = sartor.run("db", "seed", "--schema", "elsewhere", expect=6)
    assert "nothing is deployed in schema elsewhere" in done.err
    assert "sartor db alteration deploy" in done.err
    assert database.rows("select 1 from pg_class where relnamespace = 'elsewhere'::regnamespace") == []


def test_no_modules(sartor: Command) -> None:
    """A folder without seed modules is named."""
    done = sartor.run("db", "seed", expect=2)
    assert "alterations/seeds" in done.err
    assert "async def seed(conn)" in done.err


def test_a_module_that_cancels_itself_fails(sartor: Command, folder: Folder) -> None:
    """A CancelledError that nobody asked for is the module's failure, not a run that was ended."""
    folder.write("seeds/010_users.py", "import asyncio\n\nasync def seed(conn):\n    raise asyncio.CancelledError\n")
    failed = sartor.run("db", "seed", "--json", expect=1).json["failed"]
    assert (failed["message"], failed["line"]) == ("CancelledError", 4)
