"""Work beside a block."""

from __future__ import annotations

import asyncio

import pytest

from sartor.execution.monitor import beside


def test_a_cancel_at_the_end_is_the_callers() -> None:
    """Where the caller is cancelled while the work beside it ends, it is cancelled, not only the work."""

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            callers[0].cancel()

    async def run() -> None:
        async with beside(work()):
            await asyncio.sleep(0)
        await asyncio.sleep(60)

    async def call() -> None:
        callers.append(asyncio.create_task(run()))
        await asyncio.wait_for(callers[0], 20)

    callers: list[asyncio.Task[None]] = []
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(call())


def test_an_error_of_the_work_is_raised() -> None:
    """What goes wrong in the work beside a block isn't lost."""

    async def work() -> None:
        raise ValueError("defect")

    async def run() -> None:
        async with beside(work()):
            await asyncio.sleep(0)

    with pytest.raises(ValueError, match="defect"):
        asyncio.run(run())
