"""Reading the ledger: the server's hash of its rows is the one that is made of the files."""

from __future__ import annotations

import asyncio

import pytest

from sartor import api
from sartor.domain.destination import Destination
from sartor.domain.ledger import Ledger
from sartor.postgres.ledger import read_ledger
from sartor.postgres.session import Session
from support.database import Database
from support.folder import Folder
from support.ledgers import brief

NAMES = ("1.0.0-10-b.py", "1.0.0-9.5-a.py", "1.0.0-9-größe_木.py", "1.1.0_rc.1-1700000000-a.py", "next-1-z.py")


def deployed(database: Database, folder: Folder) -> tuple[Destination, list[api.LineageSource]]:
    """A database with alterations of three releases."""
    for name in NAMES:
        folder.add(name)
    destination, sources = Destination.parse(database.url), [api.LineageSource("main", str(folder.path))]
    asyncio.run(api.deploy(destination, sources, "next"))
    return destination, sources


def read(destination: Destination, sources: list[api.LineageSource]) -> tuple[Ledger, Ledger]:
    """The ledger without the rows of what is as shipped, and what the whole one comes to without them."""
    shipped = api.list_alterations(sources)

    async def go() -> tuple[Ledger, Ledger]:
        async with Session(destination, application="sartor test") as session:
            return await read_ledger(session, shipped), brief(await read_ledger(session), shipped)

    return asyncio.run(go())


def test_no_row_is_read_of_what_is_as_shipped(database: Database, folder: Folder) -> None:
    """Where all is deployed as it is on disk, there are no entries; names and order are hashed as the server does."""
    found, expected = read(*deployed(database, folder))
    assert found.entries == ()
    assert sorted(a.name for a in found.as_shipped) == sorted(NAMES)
    assert (found.head, found.format) == (expected.head, expected.format)


@pytest.mark.parametrize(
    "change",
    [
        "update sartor_ledger set checksum = 'sha256:0' where id = '10-b'",
        "update sartor_ledger set state = 'started' where id = '10-b'",
        "update sartor_ledger set release = '1.0.1', name = '1.0.1-10-b.py' where id = '10-b'",
        "update sartor_ledger set lineage = 'own' where id = '10-b'",
        "delete from sartor_ledger where id = '10-b'",
        """insert into sartor_ledger select lineage, '11-c', release, '1.0.0-11-c.py', checksum, state, deployed_at,
            duration_ms, deployed_by, host, sartor, 0, format from sartor_ledger where id = '10-b'""",
    ],
)
def test_a_release_that_differs_is_read_row_by_row(database: Database, folder: Folder, change: str) -> None:
    """One row that isn't as its file, or is too much or lacking, and the rows of its release are read, no others."""
    where = deployed(database, folder)
    database.run(change)
    found, expected = read(*where)
    assert {a.release.label for a in found.as_shipped} == {"1.1.0-rc.1", "next"}
    assert set(found.as_shipped) == set(expected.as_shipped)
    assert found.entries == expected.entries


def test_a_status_without_rows(database: Database, folder: Folder) -> None:
    """Asked for no rows, a status says the same of everything but them."""
    destination, sources = deployed(database, folder)
    folder.add("1.1.0-1700000001-b.py")
    whole = asyncio.run(api.status(destination, sources)).status
    found = asyncio.run(api.status(destination, sources, rows=False)).status
    assert (len(whole.deployed), found.deployed, found.number) == (5, (), 5)
    assert found == whole._replace(deployed=())
