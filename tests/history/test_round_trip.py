"""The reference history: every alteration's `down` undoes its `up`, wholly, each judged by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from support.database import Database
from support.schema import dump

from sartor import api
from sartor.domain.destination import Destination

HISTORY = Path(__file__).parents[2] / "alterations"
SOURCES = [api.LineageSource(name="main", location=str(HISTORY))]


@pytest.mark.parametrize("schema", ["public", "tenant_a"])
def test_each_alteration_round_trips(database: Database, schema: str) -> None:
    """Up, down, up: after `down` the schema is what it was, and after the second `up` what the first one made."""
    database.run(f"create schema if not exists {schema}")
    asyncio.run(_walk(Destination(url=database.url, schema=schema)))


async def _walk(destination: Destination) -> None:
    shipped = list(api.list_alterations(SOURCES))
    before = await _dump(destination)
    for alteration in shipped:
        await _up(destination, alteration.id)
        made = await _dump(destination)
        assert made != before or alteration.id in WITHOUT_TRACE, f"{alteration.name}: up changes nothing"
        report = await api.rollback(destination, SOURCES, steps=1)
        assert [d.alteration.id for d in report.done] == [alteration.id]
        assert await _dump(destination) == before, f"{alteration.name}: down leaves something behind"
        await _up(destination, alteration.id)
        assert await _dump(destination) == made, f"{alteration.name}: up again makes something else"
        before = made


WITHOUT_TRACE = {"1760518260-did-method-backfill"}
"""Alterations that change data alone."""


async def _up(destination: Destination, expected: str) -> None:
    report = await api.deploy(destination, SOURCES, "next", steps=1)
    assert [d.alteration.id for d in report.done] == [expected]


async def _dump(destination: Destination) -> str:
    return await asyncio.to_thread(dump, destination.url, destination.schema)
