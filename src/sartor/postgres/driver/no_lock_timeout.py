"""Runs statements that wait for others by their nature without the lock_timeout of all other statements."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from sartor.sql.quoting import quote_literal
from sartor.sql.splitting import waits_for_others


async def shown_lock_timeout(connection: Any) -> str:
    """Returns the session's lock_timeout, as the server shows it."""
    return str(await asyncpg.Connection.fetchval(connection, "show lock_timeout"))


@asynccontextmanager
async def without_lock_timeout(connection: Any, query: str, pinned: str | None) -> AsyncIterator[None]:
    """Switches lock_timeout off for the block where `query` waits for others and lock_timeout still is `pinned`.

    A lock_timeout that the script itself has set is kept, and so is any in a transaction.
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
