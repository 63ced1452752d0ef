"""A plan that no longer holds: its event isn't made to happen, and no error of the database's is told for it."""

from __future__ import annotations

import asyncio

import pytest

from sartor import Destination, EventKind, Limits
from sartor.execution.outcome import Stale
from sartor.execution.retry import record
from sartor.execution.run_context import locked_run
from sartor.postgres.session import Session
from support.command import Command
from support.database import Database
from support.folder import Folder


@pytest.mark.parametrize("off", [-1, 1, 5], ids=["behind", "one ahead", "far ahead"])
def test_an_event_follows_the_last_one(off: int, sartor: Command, folder: Folder, database: Database) -> None:
    """An event takes the number behind the journal's last one, or doesn't happen."""
    folder.table("1.0.0-1700000000-a.py")
    sartor("deploy", "latest")
    head: int = database.value("select max(seq) from sartor_journal")

    async def write() -> None:
        async with (
            Session(Destination.parse(database.url), application="sartor deploy") as session,
            locked_run(session, "deploy", limits=Limits(), observer=lambda _event: None) as turn,
        ):
            turn.head = head + off
            await record(turn, EventKind.SEEDED, None)

    with pytest.raises(Stale):
        asyncio.run(write())
    assert database.value("select max(seq) from sartor_journal") == head
