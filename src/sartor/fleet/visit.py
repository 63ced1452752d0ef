"""One destination of a fleet: what is called for it, again where its connection was lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from sartor.domain.destination import Destination
from sartor.domain.fleet import Begun, End, FleetObserver, Happened, Outcome
from sartor.domain.report import Observer, Report, RunEvent
from sartor.errors import SartorError, Unreachable
from sartor.postgres.errors import TOO_MANY_CONNECTIONS, sqlstate

Call: TypeAlias = Callable[[Destination, Observer], Awaitable[Any]]
"""The work at a destination; its events go to the observer."""

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each further attempt where the connection was lost: a server restarts meanwhile."""


class _NoRoom(Exception):
    """The server has no connection left, and others of this process have some there, which this one can have later."""


class Visit:
    """The attempts at a destination. `given_up` are the servers that didn't come back: no attempt is repeated there.

    A run that is cut short is repeated as a whole: what it had deployed is in the ledger. `has_others` tells whether
    other destinations of its server are at work.
    """

    def __init__(
        self,
        call: Call,
        destination: Destination,
        observer: FleetObserver,
        given_up: set[str],
        has_others: Callable[[], bool],
    ) -> None:
        self._call = call
        self._destination = destination
        self._observer = observer
        self._given_up = given_up
        self._has_others = has_others
        self._attempts = 0
        self._before: Report | None = None  # what the attempts before had done

    async def outcome(self, wave: int) -> Outcome | None:
        """Returns what became of the destination; raises neither an error of Sartor's nor CancelledError.

        Returns None where there was no connection for it, and there will be one when another destination has ended.
        """
        began = time.monotonic()

        def ended(state: End, result: Any = None, error: SartorError | None = None) -> Outcome:
            return Outcome(self._destination, state, wave, time.monotonic() - began, self._attempts, result, error)

        try:
            return ended(End.DONE, await self._repeat())
        except _NoRoom:
            return None
        except SartorError as error:
            error.report = self._joined(error.report)
            return ended(End.FAILED, error=error)
        except asyncio.CancelledError as error:
            report = self._joined(getattr(error, "report", None))
            return ended(End.FAILED if report is not None and report.done else End.UNTOUCHED, report)

    async def _repeat(self) -> Any:
        """Returns the result of the first attempt that isn't cut short, with what the others had done."""
        for pause in (*PAUSES, None):
            try:
                result = await self._attempt()
                return self._joined(result) if isinstance(result, Report) else result
            except Unreachable as error:
                if self._before is None and _is_without_room(error) and self._has_others():
                    raise _NoRoom from error
                if pause is None:
                    self._given_up.add(self._destination.server)
                if pause is None or not error.may_pass or self._destination.server in self._given_up:
                    raise
                self._before = self._joined(error.report)
                await asyncio.sleep(pause)
        return None  # the last pause is None

    async def _attempt(self) -> Any:
        self._attempts += 1
        self._observer(Begun(self._destination, self._attempts))
        result = await self._call(self._destination, self._tell)
        self._given_up.discard(self._destination.server)
        return result

    def _tell(self, event: RunEvent) -> None:
        self._observer(Happened(self._destination, event))

    def _joined(self, later: Report | None) -> Report | None:
        """Returns a report with what the attempts before had done."""
        if self._before is None or later is None:
            return later or self._before
        return later._replace(done=self._before.done + later.done, before=self._before.before)


def _is_without_room(error: Unreachable) -> bool:
    """Returns whether nothing was begun, as there are too many connections."""
    return error.report is None and error.__cause__ is not None and sqlstate(error.__cause__) == TOO_MANY_CONNECTIONS
