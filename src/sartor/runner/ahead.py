"""The steps that are left of a plan, their scripts loaded shortly before they run: memory doesn't grow with a run."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager

from sartor.catalogue.script import Script
from sartor.domain.errors import SartorError
from sartor.domain.plan import Step

LARGE = 1 << 17
"""Bytes of a script that is loaded when its turn comes: meanwhile the one before it would hold its locks."""


class Ahead:
    """A plan's steps in order; `load` gives the script of one."""

    def __init__(self, steps: Iterable[Step], load: Callable[[Step], Script]) -> None:
        self._steps = deque(steps)
        self._load = load
        self._loaded: deque[tuple[Step, Script]] = deque()
        self._error: SartorError | None = None

    def look(self) -> tuple[Step, Script] | None:
        """The first of what is left, None where nothing is. Raises as `load`."""
        first = next(iter(self), None)
        if first is None and self._error is not None:
            raise self._error
        return first

    def __iter__(self) -> Iterator[tuple[Step, Script]]:
        """What is left, as far as it can be loaded: each when it is asked for, unless it was before."""
        for number in itertools.count():
            if number == len(self._loaded) and not self._load_one():
                return
            yield self._loaded[number]

    def loaded(self) -> Iterator[tuple[Step, Script]]:
        """What of it is loaded."""
        return iter(self._loaded)

    def pop(self) -> None:
        """The first one is done."""
        self._loaded.popleft()

    @asynccontextmanager
    async def loading(self, count: int, then: Callable[[], None] = lambda: None) -> AsyncIterator[None]:
        """A time that is spent with waiting for the server: `count` are loaded meanwhile, and `then` called."""
        task = asyncio.create_task(self._load_on(count, then))
        try:
            yield
        finally:
            task.cancel()

    async def _load_on(self, count: int, then: Callable[[], None]) -> None:
        for _ in range(count - len(self._loaded)):
            if self._steps and _is_small(self._steps[0]):
                self._load_one()
            await asyncio.sleep(0)
        then()

    def _load_one(self) -> bool:
        if not self._steps or self._error is not None:
            return False
        try:
            self._loaded.append((self._steps[0], self._load(self._steps[0])))
        except SartorError as error:
            # Told when its turn comes: those before it can still be run.
            self._error = error
            return False
        self._steps.popleft()
        return True


def _is_small(step: Step) -> bool:
    try:
        return os.stat(step.alteration.file).st_size <= LARGE  # noqa: PTH116 - it is text
    except OSError:
        return False
