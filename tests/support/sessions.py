"""Other people's sessions on a test's database: what they hold, and waiting until the server shows something."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg

from support.database import Database


class Holder:
    """A session of another application, idle with what it holds."""

    def __init__(self, runner: asyncio.Runner, connection: Any) -> None:
        self._runner = runner
        self._connection = connection
        self.pid: int = connection.get_server_pid()

    def run(self, statement: str) -> None:
        """Execute SQL."""
        self._runner.run(self._connection.execute(statement))


@contextmanager
def holding(url: str, *statements: str, application: str = "nightly-report") -> Iterator[Holder]:
    """A session that has executed `statements` and does nothing more; it is cut in the end."""
    with asyncio.Runner() as runner:
        connection: Any = runner.run(asyncpg.connect(url, server_settings={"application_name": application}))
        holder = Holder(runner, connection)
        try:
            for statement in statements:
                holder.run(statement)
            yield holder
        finally:
            runner.run(connection.close())


def until(found: Callable[[], Any], *, limit: float = 20.0, what: str = "it") -> Any:
    """What `found` gives, as soon as that is true of something; fails after `limit` seconds."""
    deadline = time.monotonic() + limit
    while not (result := found()):
        assert time.monotonic() < deadline, f"{what} didn't happen within {limit} s"
        time.sleep(0.01)
    return result


def backend_running(database: Database, text: str) -> list[int]:
    """The server processes of the database that are at work on a statement with `text` in it."""
    query = """select pid from pg_stat_activity where datname = $1 and state = 'active'
        and pid <> pg_backend_pid() and position($2 in query) > 0"""
    return [row[0] for row in database.rows(query, database.name, text)]


def backend_waiting(database: Database, event: str) -> list[int]:
    """The server processes of the database that wait for this: `advisory`, `relation`, `PgSleep`, ...

    A batch's statement isn't seen in `pg_stat_activity`, which shows no more than how the message begins.
    """
    query = "select pid from pg_stat_activity where datname = $1 and wait_event = $2"
    return [row[0] for row in database.rows(query, database.name, event)]


def at_work(database: Database) -> list[str]:
    """The names of the applications that run a statement, or hold a transaction open, in the database."""
    query = """select application_name from pg_stat_activity
        where datname = $1 and pid <> pg_backend_pid() and backend_type = 'client backend' and state <> 'idle'"""
    return [row[0] for row in database.rows(query, database.name)]
