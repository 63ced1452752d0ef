"""What is recorded of a schema, where another run has recorded it, too."""

from __future__ import annotations

import asyncio

import pytest

from sartor import Destination
from sartor.postgres.session import Session
from sartor.schema.expected_schema import read_expected_schema, write_expected_schema
from sartor.schema.fingerprint import read_fingerprint
from support.command import Command
from support.database import Database
from support.folder import Folder


async def _record(database: Database, seq: int, *, unless_later: bool) -> None:
    async with Session(Destination.parse(database.url), application="test") as session:
        live = await read_fingerprint(session.connection, ["public"])
        await write_expected_schema(session, live, seq=seq, catalog_version="mine", unless_later=unless_later)


async def _recorded(database: Database) -> tuple[int, str]:
    async with Session(Destination.parse(database.url), application="test") as session:
        found = await read_expected_schema(session)
        assert found is not None
        return found.seq, found.catalog_version


def test_a_later_record_stays(sartor: Command, folder: Folder, database: Database) -> None:
    """A run that found nothing recorded doesn't replace what another has recorded meanwhile, as of a later event."""
    folder.table("1.0.0-1700000000-users.py")
    sartor("deploy", "latest")
    before = asyncio.run(_recorded(database))
    asyncio.run(_record(database, before[0] - 1, unless_later=True))
    assert asyncio.run(_recorded(database)) == before
    asyncio.run(_record(database, before[0], unless_later=True))
    assert asyncio.run(_recorded(database)) == (before[0], "mine")


@pytest.mark.parametrize("unless_later", [False, True])
def test_a_lost_event(unless_later: bool, sartor: Command, folder: Folder, database: Database) -> None:
    """Nothing is recorded as of an event that the server has lost, so that the next run isn't refused for it."""
    folder.table("1.0.0-1700000000-users.py")
    sartor("deploy", "latest")
    seq, version = asyncio.run(_recorded(database))
    asyncio.run(_record(database, seq + 1, unless_later=unless_later))
    assert asyncio.run(_recorded(database)) == (seq, version)
    folder.table("1.1.0-1700000001-roles.py")
    assert [a["name"] for a in sartor("deploy", "latest", "--json").json["done"]] == ["1.1.0-1700000001-roles.py"]
