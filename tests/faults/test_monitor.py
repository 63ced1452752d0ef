"""What a run tells of itself while a statement takes long."""

from __future__ import annotations

import asyncio

import pytest

import sartor
from sartor.domain.destination import Destination
from sartor.domain.report import Note, RunEvent
from sartor.execution import monitor
from support.database import Database
from support.folder import Folder


def test_an_endless_statement_is_told_of(database: Database, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits learns which statement of which script runs, since when, and again when that has doubled."""
    monkeypatch.setattr(monitor, "LONG", 0.3)
    folder.add("1.0.0-1700000000-a.py", up="select pg_sleep(600)")
    notes: list[str] = []

    async def deploy_until_told_twice() -> None:
        told = asyncio.Event()

        def observer(event: RunEvent) -> None:
            if isinstance(event, Note):
                notes.append(event.text)
                if len(notes) == 2:
                    told.set()

        sources = [sartor.LineageSource(name="main", location=str(folder.path))]
        run = asyncio.create_task(sartor.deploy(Destination.parse(database.url), sources, observer=observer))
        await asyncio.wait_for(told.wait(), 20)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    asyncio.run(deploy_until_told_twice())
    for note in notes:
        assert note.startswith("1.0.0-1700000000-a.py: running for ")
        assert note.endswith("select pg_sleep(600)")
