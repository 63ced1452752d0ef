"""The first deploy to a schema, which makes the ledger."""

from __future__ import annotations

import asyncio

import sartor
from sartor import Destination
from sartor.domain.report import Planned, RunEvent
from support.database import Database
from support.folder import Folder


def test_it_plans_once(database: Database, folder: Folder) -> None:
    """What a run has just made holds nothing: its first claim is the journal's first event, and no plan is stale."""
    folder.table("1.0.0-1700000001-a.py")
    folder.table("1.0.0-1700000002-b.py")
    events: list[RunEvent] = []
    mine = Destination.parse(database.url, schema="mine")
    report = asyncio.run(sartor.deploy(mine, folder.path, observer=events.append))
    assert len(report.done) == 2
    assert sum(isinstance(event, Planned) for event in events) == 1
    assert database.value("select max(seq) from mine.sartor_journal") == 2
