"""The steps that are left of a plan, their scripts loaded shortly before they run: memory doesn't grow with a run."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice

from sartor.catalogue.script import Script
from sartor.domain.plan import Step


class Ahead:
    """A plan's steps in order; `load` gives the script of one."""

    def __init__(self, steps: Iterable[Step], load: Callable[[Step], Script]) -> None:
        self._steps = iter(steps)
        self._load = load
        self._loaded: deque[tuple[Step, Script]] = deque()

    def look(self, count: int) -> list[tuple[Step, Script]]:
        """The first `count` of what is left, or all of it. Raises as `load`."""
        for step in islice(self._steps, max(0, count - len(self._loaded))):
            self._loaded.append((step, self._load(step)))
        return list(islice(self._loaded, count))

    def pop(self) -> None:
        """The first one is done."""
        self._loaded.popleft()
