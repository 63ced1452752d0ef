"""Statements that wait for others by their nature, without the limit that is for all others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from sartor.domain.concurrent import waits_for_others
from sartor.domain.quoting import quote_literal


async def shown_lock_timeout(connection: Any) -> str:
    """The session's lock_timeout, as the server shows it."""
    return str(await asyncpg.Connection.fetchval(connection, "show lock_timeout"))


@asynccontextmanager
async def unhurried(connection: Any, query: str, pinned: str | None) -> AsyncIterator[None]:
    """The time in which a statement runs: without lock_timeout where that was `pinned` and it waits for others.

    What the script itself has set stays.
    """
    if pinned is None or not waits_for_others(query) or connection.is_in_transaction():
        yield
        return
    if await shown_lock_timeout(connection) != pinned:
        yield
        return
    await asyncpg.Connection.execute(connection, "set lock_timeout = 0")
    try:
        yield
    except asyncpg.PostgresError:
        await _again(connection, pinned)
        raise
    await _again(connection, pinned)


async def _again(connection: Any, pinned: str) -> None:
    if not connection.is_closed():
        await asyncpg.Connection.execute(connection, f"set lock_timeout = {quote_literal(pinned)}")
