"""The queries that a script called for, and the check that each was awaited."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Coroutine
from typing import Any, NamedTuple


class NotAwaited(Exception):
    """A script called for a query and never awaited it: Python drops such a query without sending it.

    `query` is the first such query, `place` the file and line that called for it.
    """

    def __init__(self, query: str, place: tuple[str, int]) -> None:
        super().__init__("the script doesn't await this query, so the query wasn't sent")
        self.query = query
        self.place = place


class Asked(NamedTuple):
    """A query that was called for, and the file and line of the call."""

    query: str
    coroutine: Coroutine[Any, Any, Any]
    place: tuple[str, int]

    @property
    def waits(self) -> bool:
        return inspect.getcoroutinestate(self.coroutine) == inspect.CORO_CREATED


def awaited(original: Any) -> Any:
    """Wraps an async method, so that the connection knows each call and whether it was awaited."""

    @functools.wraps(original)
    def method(self: Any, query: str, *args: Any, **kwargs: Any) -> Any:
        coroutine = original(self, query, *args, **kwargs)
        caller = sys._getframe(1)  # noqa: SLF001 - the frame that a traceback would show
        self.asked[:] = [asked for asked in self.asked if asked.waits]
        self.asked.append(Asked(query, coroutine, (caller.f_code.co_filename, caller.f_lineno)))
        return coroutine

    return method


def require_awaited(asked: list[Asked]) -> None:
    """Raises NotAwaited where one of these queries was never awaited. Empties the list and closes those that wait."""
    waiting = [each for each in asked if each.waits]
    asked.clear()
    for each in waiting:
        each.coroutine.close()
    if waiting:
        raise NotAwaited(waiting[0].query, waiting[0].place)
