"""The second connection of a run, of which several parts of the run ask something at the same time."""

from __future__ import annotations

import asyncio

from sartor.domain.destination import Destination
from sartor.postgres.connecting import connect
from sartor.postgres.watch import Watch
from support.database import Database
from support.sessions import holding

WAITS = "select exists (select from pg_stat_activity where wait_event_type = 'Lock' and query ~ 'public.held')"
LIVES = "select exists (select from pg_stat_activity where pid = $1)"


def test_a_session_is_ended_whatever_else_is_asked(database: Database) -> None:
    """A run that is told to end has its session ended, although the lookout's question isn't answered yet."""
    destination = Destination.parse(database.url)

    async def end() -> None:
        victim, look = [await connect(destination, application=name) for name in ("victim", "look")]
        pid = victim.get_server_pid()
        async with Watch(destination, application="watch") as watch:
            question = watch._fetch("select count(*) from public.held")
            asked = asyncio.create_task(question)
            while not await look.fetchval(WAITS):
                pass
            assert await watch.terminate(pid, "")
            while await look.fetchval(LIVES, pid):
                pass
            await asyncio.gather(asked, return_exceptions=True)
        await look.close()

    database.run("create table held (id int)")
    with holding(database.url, "begin", "lock table held"):
        asyncio.run(asyncio.wait_for(end(), 30))
