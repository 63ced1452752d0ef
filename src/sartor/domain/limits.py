"""How a run goes about its work."""

from __future__ import annotations

from typing import NamedTuple, Self

from sartor.domain.destination import Destination


class Limits(NamedTuple):
    """How long a run waits, in seconds, and how much it does at a time.

    `lock_timeout`: for one lock, before the script is rolled back and tried again (0: without end); `lock_budget`: for
    all tries of a script; `wait`: for another run; `statement_timeout`: for one statement (0: without end). `fuse`:
    send straight scripts together; `fingerprint`: record at the end what the schema should be.
    """

    lock_timeout: float = 0.3
    lock_budget: float = 60.0
    wait: float = 60.0
    statement_timeout: float = 0.0
    fuse: bool = True
    fingerprint: bool = True

    def at(self, destination: Destination) -> Self:
        """The limits of a run at a destination: a timeout that its URL gives counts where none was asked for."""
        own, given = Limits(), destination.timeouts
        lock, statement = self.lock_timeout, self.statement_timeout
        return self._replace(
            lock_timeout=given.get("lock_timeout", lock) if lock == own.lock_timeout else lock,
            statement_timeout=given.get("statement_timeout", statement)
            if statement == own.statement_timeout
            else statement,
        )
