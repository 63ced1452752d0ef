"""The run lock: an advisory lock for each schema of a database."""

from __future__ import annotations

import asyncio

from sartor import Destination
from sartor.postgres.lock_monitor import LockMonitor, lock_key
from support.database import Database

NAMES = [f"tenant_{number}" for number in range(100_000)]


def test_each_schema_has_its_own_lock() -> None:
    """Of a hundred thousand schemas no two have the same key, nor has one the same key for two purposes."""
    assert len({lock_key(name) for name in NAMES} | {lock_key(name, "watch") for name in NAMES}) == 2 * len(NAMES)


def test_who_holds_the_lock(database: Database) -> None:
    """The holder of a schema's lock is named, and of no other's, whatever the sign of its key's halves."""
    keys = {(lock_key(name) >= 0, lock_key(name) & 2**31 > 0): name for name in NAMES[:100]}
    assert len(keys) == 4

    async def holders(held: str, asked: str) -> tuple[bool, list[str | None]]:
        places = [Destination.parse(database.url, schema=name) for name in (held, asked)]
        async with (
            LockMonitor(places[0], application="holder") as holder,
            LockMonitor(places[1], application="asking") as asking,
        ):
            assert await holder.try_lock()
            return await asking.try_lock(), [each.application for each in await asking.holders()]

    for name in keys.values():
        assert asyncio.run(holders(name, name)) == (False, ["holder"])
        assert asyncio.run(holders(name, f"{name}x")) == (True, ["asking"])
