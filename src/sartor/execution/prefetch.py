"""The remaining units of a plan. Scripts are loaded shortly before they run, so that memory doesn't grow with a run."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager

from sartor.domain.plan import Step
from sartor.errors import SartorError
from sartor.execution.units import Unit

LARGE = 1 << 17
"""Size in bytes above which a script isn't loaded ahead: while it loads, the script before it would hold its locks."""


class Prefetch:
    """A queue of a plan's units, in order; `compile_step` returns the unit of a step."""

    def __init__(self, steps: Iterable[Step], compile_step: Callable[[Step], Unit]) -> None:
        self._steps = deque(steps)
        self._compile = compile_step
        self._loaded: deque[Unit] = deque()
        self._error: SartorError | None = None

    def look(self) -> Unit | None:
        """Returns the first remaining unit, or None where none is left. Raises what `compile_step` raises."""
        first = next(iter(self), None)
        if first is None and self._error is not None:
            raise self._error
        return first

    def __iter__(self) -> Iterator[Unit]:
        """Yields the remaining units, loaded on demand; ends at the first that can't be loaded."""
        for number in itertools.count():
            if number == len(self._loaded) and not self._load_one():
                return
            yield self._loaded[number]

    def loaded(self) -> Iterator[Unit]:
        """Returns an iterator over the remaining units that are loaded."""
        return iter(self._loaded)

    def pop(self) -> None:
        """Removes the first unit, which is done."""
        self._loaded.popleft()

    @asynccontextmanager
    async def loading(self, count: int, then: Callable[[], None] = lambda: None) -> AsyncIterator[None]:
        """Loads units while the block waits for the server, until `count` are loaded; then calls `then`.

        A large script isn't loaded ahead. What isn't done when the block ends is cancelled.
        """
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
            self._loaded.append(self._compile(self._steps[0]))
        except SartorError as error:
            # Raised when its step comes: those before it can still be run.
            self._error = error
            return False
        self._steps.popleft()
        return True


def _is_small(step: Step) -> bool:
    try:
        return os.stat(step.alteration.file).st_size <= LARGE  # noqa: PTH116 - it is text
    except OSError:
        return False
