"""What is recorded of a schema, where another run has recorded it, too."""

from __future__ import annotations

import asyncio

from sartor import Destination
from sartor.postgres.session import Session
from sartor.schema.expected_schema import read_expected_schema, write_expected_schema
from sartor.schema.fingerprint import read_fingerprint
from support.command import Command
from support.database import Database
from support.folder import Folder


def test_a_later_record_stays(sartor: Command, folder: Folder, database: Database) -> None:
    """A run that found nothing recorded doesn't replace what another has recorded meanwhile, as of a later event."""
    folder.table("1.0.0-1700000000-users.py")
    sartor("deploy", "latest")

    async def record(seq: int) -> None:
        async with Session(Destination.parse(database.url), application="test") as session:
            await session.learn()
            live = await read_fingerprint(session.connection, ["public"])
            await write_expected_schema(session, live, seq=seq, catalog_version="mine", unless_later=True)

    async def recorded() -> tuple[int, str]:
        async with Session(Destination.parse(database.url), application="test") as session:
            await session.learn()
            found = await read_expected_schema(session)
            assert found is not None
            return found.seq, found.catalog_version

    before = asyncio.run(recorded())
    asyncio.run(record(before[0] - 1))
    assert asyncio.run(recorded()) == before
    asyncio.run(record(before[0]))
    assert asyncio.run(recorded()) == (before[0], "mine")
