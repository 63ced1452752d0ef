"""The reference history: every alteration's `down` undoes its `up`, wholly, each judged by itself, with rows about."""

from __future__ import annotations

import asyncio
from pathlib import Path

import sartor
from sartor import Destination
from support.database import Database, temporary_database
from support.schema import count_rows, dump

HISTORY = Path(__file__).parents[2] / "alterations"
SOURCES = [sartor.LineageSource(name="main", location=str(HISTORY))]

ROWS = """
    set search_path = {schema}, public;
    insert into dids (did, user_id, document)
        select 'did:web:' || n, gen_random_uuid(), json_build_object('id', 'did:web:' || n)
        from generate_series(1, 3) n;
    insert into schemas (name, version, author_did, document) values ('Degree', '1.0', 'did:web:1', '{{}}');
    insert into credentials (schema_id, issuer_did, holder_did, claims)
        select id, 'did:web:1', 'did:web:2', '{{}}' from schemas;
    insert into revocations (credential_id, revoked_by_did, reason)
        select id, 'did:web:1', 'key_compromise' from credentials;
    insert into agents (did, kind, name, endpoint) values ('did:web:1', 'issuer', 'one', 'https://example.com');
"""
"""What an operator of 1.0.0 may have."""


def test_each_alteration_round_trips(server_url: str) -> None:
    """Up, down, up: after `down` the schema is what it was, after a second `up` what the first one made.

    In a tenant's schema: in `public` the history is proved.
    """
    with temporary_database(server_url) as database:
        database.run("create schema tenant_a")
        asyncio.run(Walk(database, "tenant_a").go())


class Walk:
    """Goes through the history, alteration by alteration."""

    def __init__(self, database: Database, schema: str) -> None:
        self.database = database
        self.destination = Destination(url=database.url, schema=schema)
        self.schema = schema

    async def go(self) -> None:
        before = await self.look()
        for alteration in sartor.list_alterations(SOURCES):
            await self.up(alteration.id)
            made = await self.look()
            assert made != before, f"{alteration.name}: up changes nothing"
            report = await sartor.rollback(self.destination, SOURCES, steps=1)
            assert [d.alteration.id for d in report.done] == [alteration.id]
            assert await self.look() == before, f"{alteration.name}: down leaves something behind"
            await self.up(alteration.id)
            assert await self.look() == made, f"{alteration.name}: the second `up` makes a different schema"
            before = made
            if alteration.id.endswith("-agents"):
                await asyncio.to_thread(self.database.run, ROWS.format(schema=self.schema))
                before = await self.look()

    async def up(self, expected: str) -> None:
        report = await sartor.deploy(self.destination, SOURCES, "next", steps=1)
        assert [d.alteration.id for d in report.done] == [expected]

    async def look(self) -> tuple[str, dict[str, int]]:
        """The schema's definition, and how many rows each table has: some alterations change data alone."""
        made = await asyncio.to_thread(dump, self.database.url, self.schema)
        return made, await count_rows(self.database.url, self.schema)
