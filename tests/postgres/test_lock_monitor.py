"""The second connection of a run, of which several parts of the run ask something at the same time."""

from __future__ import annotations

import asyncio

import pytest

from sartor import Destination
from sartor.postgres import lock_monitor
from sartor.postgres.connect.connect import connect
from sartor.postgres.lock_monitor import LockMonitor
from support.database import Database
from support.servers import silent_port
from support.sessions import holding

WAITS = "select exists (select from pg_stat_activity where wait_event_type = 'Lock' and query ~ 'public.held')"
LIVES = "select exists (select from pg_stat_activity where pid = $1)"


def test_a_session_is_ended_whatever_else_is_asked(database: Database) -> None:
    """A run that is told to end has its session ended, although the monitor's question isn't answered yet."""
    destination = Destination.parse(database.url)

    async def end() -> None:
        victim, look = [await connect(destination, application=name) for name in ("victim", "look")]
        pid = victim.get_server_pid()
        async with LockMonitor(destination, application="watch") as second:
            question = second._fetch("select count(*) from public.held")
            asked = asyncio.create_task(question)
            while not await look.fetchval(WAITS):
                pass
            assert await second.terminate(pid, "")
            while await look.fetchval(LIVES, pid):
                pass
            await asyncio.gather(asked, return_exceptions=True)
        victim.terminate()  # its end may not have been read yet
        await look.close()

    database.run("create table held (id int)")
    with holding(database.url, "begin", "lock table held"):
        asyncio.run(asyncio.wait_for(end(), 30))


def test_one_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second connection that gets no answer is given up long before `connect_timeout`, and it is said why."""
    monkeypatch.setattr(lock_monitor, "SECOND", 0.1)

    async def missing(url: str) -> str:
        async with LockMonitor(Destination.parse(url), application="watch") as second:
            return second.missing

    with silent_port() as port:
        told = asyncio.run(missing(f"postgresql://app@127.0.0.1:{port}/app?connect_timeout=600"))
    assert "no answer within 0.1 s" in told
