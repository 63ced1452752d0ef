"""A ledger that can't be relied on, or can't be seen, is told before anything rests on it."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from sartor import Destination, DestinationError
from sartor.postgres.ledger import read_history, read_ledger
from sartor.postgres.session import Session
from support.command import Command
from support.database import Database
from support.folder import Folder
from support.roles import temporary_role

ALL = (["status"], ["verify"], ["check"], ["deploy", "latest"], ["rollback", "1.0.0"], ["rehearse"])


@pytest.fixture(autouse=True)
def _deployed(sartor: Command, folder: Folder) -> None:
    folder.table("1.0.0-1700000000-a.py")
    folder.table("1.1.0-1700000001-b.py")
    sartor("deploy", "latest")


@pytest.mark.parametrize("ends_with", ["a deployment", "a rollback"])
def test_a_journal_without_its_end(sartor: Command, database: Database, folder: Folder, ends_with: str) -> None:
    """Rows that are gone from the journal's end are noticed by what other tables know: no number is used twice."""
    if ends_with == "a rollback":
        sartor("rollback", "1.0.0")
    folder.table("1.2.0-1700000002-c.py")
    database.run("delete from sartor_journal where seq = (select max(seq) from sartor_journal)")
    for arguments in ALL:
        done = sartor(*arguments, expect=4)
        assert "the last rows were deleted" in done.err, arguments
    sartor.run("db", "backup", "x.dump", expect=4)
    assert (sartor.directory / "x.dump").exists()
    assert "c" not in database.tables()


def test_a_role_that_heeds_no_foreign_key(sartor: Command, database: Database, folder: Folder) -> None:
    """A foreign key makes a script run once: a session that passes it over deploys nothing, and may look."""
    folder.table("1.2.0-1700000002-c.py")
    database.run(f"alter database {database.name} set session_replication_role = replica")
    for arguments in (["deploy", "latest"], ["rollback", "0"]):
        assert "session_replication_role is replica" in sartor(*arguments, expect=6).err
    assert "1 pending" in sartor("status").out
    assert database.tables() == {"a", "b"}


def test_a_script_that_heeds_no_foreign_key(sartor: Command, database: Database, folder: Folder) -> None:
    """A script may load rows so, as pg_dump's do: its record is made all the same, and the next script isn't so."""
    replica = "set session_replication_role = replica"
    folder.add("1.2.0-1700000002-c.py", up=f"{replica}; create table c ()")
    folder.add("1.2.0-1700000003-d.py", up=f"do $$ begin {replica}; commit; create table d (); end $$")
    folder.write(
        "1.2.0-1700000004-e.py",
        "async def up(conn):\n    assert await conn.fetchval('show session_replication_role') == 'origin'\n",
    )
    sartor("deploy", "latest", expect=1)
    assert database.tables() == {"a", "b", "c"}
    (folder.path / "1.2.0-1700000003-d.py").unlink()
    sartor("deploy", "latest")


def test_row_security_that_begins_between_two_looks(database: Database) -> None:
    """A read that rows are hidden from fails, whatever was found before: no reader is told that nothing is deployed."""
    with temporary_role(database) as role:
        database.run(
            f"grant usage on schema public to {role.name}",
            f"grant select on sartor_ledger, sartor_journal to {role.name}",
        )

        async def look(read: object) -> None:
            async with Session(Destination.parse(role.url), application="test") as session:
                assert len((await read_ledger(session)).entries) == 2
                await asyncio.to_thread(database.run, f"alter table {read} enable row level security")
                await (read_ledger(session) if read == "sartor_ledger" else read_history(session))

        for table in ("sartor_ledger", "sartor_journal"):
            with pytest.raises(DestinationError, match="row-level security") as error:
                asyncio.run(look(table))
            assert isinstance(error.value.__cause__, asyncpg.InsufficientPrivilegeError)
            database.run(f"alter table {table} disable row level security")
