"""How to reach a server, worked out before anything is sent."""

from __future__ import annotations

import asyncio

import pytest

from sartor import Destination
from sartor.archive.tools import variables
from sartor.postgres.connect.connect import close, connect
from sartor.postgres.target_server import CONNECT_TIMEOUT, find_way
from support.database import Database


@pytest.mark.parametrize("timeout", ["0", "-1"])
def test_no_timeout_is_the_default(timeout: str) -> None:
    """Of libpq's 0, which waits for ever, nothing is kept: each wait has a limit."""
    assert find_way(Destination.parse(f"postgresql://app@db/app?connect_timeout={timeout}")).timeout == CONNECT_TIMEOUT


def test_a_fraction_of_a_second_is_a_limit(database: Database) -> None:
    """A limit below a second stays one; to `pg_dump`, which knows whole seconds, it isn't 0, which is none."""

    async def told() -> dict[str, str]:
        connection = await connect(Destination.parse(f"{database.url}?connect_timeout=0.9"), application="test")
        try:
            return variables(connection)
        finally:
            await close(connection)

    assert find_way(Destination.parse("postgresql://app@db/app?connect_timeout=0.4")).timeout == 0.4
    assert asyncio.run(told())["PGCONNECT_TIMEOUT"] == "1"
