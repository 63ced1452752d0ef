"""A script's transaction is Sartor's: what a script may not do to it, and what it may."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder

NAME = "1.0.0-2-b.py"
COMMITS = "the script runs COMMIT in Sartor's transaction"
ROLLS_BACK = "the script runs ROLLBACK in Sartor's transaction"
BEGINS = "the script runs BEGIN in Sartor's transaction"
NOT_TAKEN = "remove the statement"

OFFENCES = {
    "commit": ("await conn.execute('commit')", COMMITS, NOT_TAKEN),
    "rollback": ("await conn.execute('ROLLBACK')", ROLLS_BACK, NOT_TAKEN),
    "rollback and begin": ("await conn.execute('rollback; begin')", ROLLS_BACK, NOT_TAKEN),
    "begin": ("await conn.execute('begin')", BEGINS, NOT_TAKEN),
    "commit by fetch": ("await conn.fetch('/* all done */ commit')", COMMITS, NOT_TAKEN),
    "commit amid others": ("await conn.execute('select 1; Commit; create table late (id int)')", COMMITS, NOT_TAKEN),
    "commit by prepare": ("await (await conn.prepare('commit')).fetch()", COMMITS, NOT_TAKEN),
    "commit by cursor": ("await conn.cursor('commit')", COMMITS, NOT_TAKEN),
    "commit by a procedure": (
        "await conn.execute('create procedure p() language plpgsql as $$ begin commit; end $$; call p()')",
        "invalid transaction termination",
        "",
    ),
    "a swallowed error": (
        "try:\n    await conn.execute('select 1 / 0')\nexcept Exception:\n    pass",
        "division by zero",
        "the script caught this error and went on, but Postgres has aborted the transaction: wrap the statement",
    ),
    "a swallowed error and more statements": (
        "try:\n    await conn.execute('select 1 / 0')\nexcept Exception:\n    pass\nawait conn.execute('select 1')",
        "division by zero",
        "the script caught this error and went on",
    ),
    "constraints made immediate": (
        "await conn.execute('set constraints all immediate')",
        "the script caused Sartor's deferred constraint to be checked",
        "name the constraints instead of ALL",
    ),
    "settings reset": (
        "await conn.execute('reset all')",
        "the script reset all settings, or ended the transaction",
        "reset settings by name",
    ),
    "a statement that takes too long": (
        "await conn.execute('select pg_sleep(60)')",
        "canceling statement due to statement timeout",
        "longer than --statement-timeout allows",
    ),
    "its connection closed": ("await conn.close()", "the script runs conn.close()", "remove the statement"),
    "its connection reset": ("await conn.reset()", "the script runs conn.reset()", "remove the statement"),
    "a query left running": (
        "import asyncio\nasyncio.ensure_future(conn.execute('select pg_sleep(60)'))\nawait asyncio.sleep(0)",
        "the script ended while one of its tasks was running: Connection.execute",
        "await the tasks that the script starts",
    ),
    "a query that isn't awaited": (
        "conn.execute('create table lost (id int)')",
        "doesn't await this query, so the query wasn't sent",
        "write `await` before the call",
    ),
    "a query in a task that isn't awaited": (
        "import asyncio\nlost = asyncio.ensure_future(conn.fetch('select 1'))",
        "the script ended while one of its tasks was running: Connection.fetch",
        "await the tasks that the script starts",
    ),
    "a statement that can't run in one": (
        "await conn.execute('create index concurrently on a (id)')",
        "cannot run inside a transaction block",
        "add `transaction = False` to the script",
    ),
}


def script(body: str) -> str:
    text = textwrap.indent(body, "    ")
    return f"async def up(conn):\n    await conn.execute('create table b (id int)')\n{text}\n"


@pytest.mark.parametrize("offence", OFFENCES)
def test_an_offence_fails_and_changes_nothing(
    sartor: Command, folder: Folder, database: Database, offence: str
) -> None:
    """What would end the transaction, or leave it unfit, fails with advice of its own; nothing changes."""
    body, message, advice = OFFENCES[offence]
    folder.table("1.0.0-1-a.py")
    folder.write(NAME, script(body))
    folder.table("1.0.0-3-c.py")
    done = sartor("deploy", "latest", "--statement-timeout", "300ms", "--json", expect=1)
    failed = done.json["failed"]
    assert failed["id"] == "2-b"
    assert message in failed["message"]
    assert advice in (failed["advice"] or "")
    told = "its changes may be committed" if offence == "settings reset" else "rolled back"
    assert f"failed: 1.0.0-2-b.py; {told}; the 1 alteration before it is deployed" in done.err
    assert database.tables() == {"a"}
    assert database.rows("select id from sartor_ledger") == [("1-a",)]
    assert database.rows("select id, kind from sartor_journal where seq > 1") == [("2-b", "failed")]


def test_what_ended_its_transaction_unseen_may_have_stayed(sartor: Command, folder: Folder, database: Database) -> None:
    """Where the record finds another transaction than the claim began, nobody is told that nothing was changed."""
    hidden = "rollback; begin; create table public.stayed (id int); commit; begin"
    folder.write("1.0.0-2-b.py", script(f"await conn._protocol.query({hidden!r}, None)"))
    done = sartor("deploy", "latest", "--json", expect=1)
    assert "failed: 1.0.0-2-b.py; its changes may be committed" in done.err
    assert "or ended the transaction" in done.json["failed"]["message"]
    assert done.json["failed"]["rolled_back"] is False
    assert database.tables() == {"stayed"}
    assert database.rows("select kind from sartor_journal where id = '2-b'") == [("failed",)]


def test_a_query_that_is_not_awaited_outside_a_transaction(sartor: Command, folder: Folder, database: Database) -> None:
    """Such a script would be recorded, and what it is for never sent: it fails, with the query and its line."""
    folder.write(
        NAME,
        """
        transaction = False

        async def up(conn):
            await conn.execute("create table if not exists kept (id int)")
            conn.execute("create table lost (id int)")
        """,
    )
    done = sartor("deploy", "latest", "--json", expect=1)
    failed = done.json["failed"]
    assert (failed["message"], failed["line"]) == ("the script doesn't await this query, so the query wasn't sent", 5)
    assert failed["statement"] == "create table lost (id int)"
    assert "RuntimeWarning" not in done.err
    assert database.tables() == {"kept"}


ALLOWED = {
    "a savepoint": "await conn.execute('savepoint s; insert into a values (1); rollback to savepoint s')",
    "a nested transaction": "async with conn.transaction():\n    await conn.execute('delete from a')",
    "an error in a nested transaction": (
        "try:\n    async with conn.transaction():\n        await conn.execute('select 1 / 0')\n"
        "except Exception:\n    pass"
    ),
    "named constraints made immediate": (
        "await conn.execute('create table d (id int constraint d_once unique deferrable initially deferred)')\n"
        "await conn.execute('set constraints d_once immediate; insert into d values (1); drop table d')"
    ),
    "settings of its own": "await conn.execute('set local work_mem = 8192; set lock_timeout = 0; reset lock_timeout')",
    "an error caught by the server": (
        "await conn.execute('do $$ begin perform 1 / 0; exception when others then null; end $$')"
    ),
}


def test_what_a_script_may_do(sartor: Command, folder: Folder, database: Database) -> None:
    """Savepoints, nested transactions, constraints by name, its own settings: a script's own affair."""
    folder.table("1.0.0-1-a.py")
    for number, body in enumerate(ALLOWED.values(), start=2):
        folder.write(f"1.0.0-{number}-b.py", f"async def up(conn):\n{textwrap.indent(body, '    ')}\n")
    assert len(sartor("deploy", "latest", "--json").json["done"]) == len(ALLOWED) + 1
    assert database.value("select count(*) from a") == 0


@pytest.fixture
def role(database: Database) -> Iterator[str]:
    """A role of the test's own."""
    name = f"role_of_{database.name}"
    database.run(f"create role {name}", f"grant all on schema public to {name}")
    try:
        yield name
    finally:
        database.run(f"drop owned by {name}", f"drop role {name}")


def test_a_role_left_behind(sartor: Command, folder: Folder, database: Database, role: str) -> None:
    """A script that ends as another role fails, with that role's name; `reset role` mends it."""
    folder.table("1.0.0-1-a.py")
    file = folder.write(NAME, script(f"await conn.execute('set role {role}; create table mine (id int)')"))
    failed = sartor("deploy", "latest", "--json", expect=1).json["failed"]
    assert (failed["id"], failed["message"]) == ("2-b", f"the script left the role set to {role}")
    assert "`reset role`" in failed["advice"]
    assert database.tables() == {"a"}
    file.write_text(file.read_text() + "    await conn.execute('reset role')\n")
    sartor("deploy", "latest")
    assert database.rows("select tablename::text, tableowner::text from pg_tables where tablename = 'mine'") == [
        ("mine", role)
    ]
