"""The limits and modes of a run."""

from __future__ import annotations

from typing import NamedTuple, Self

from sartor.domain.destination import Destination


class Limits(NamedTuple):
    """The times that a run waits, in seconds, and how much it does at a time.

    `lock_timeout`: for one lock, before the script is rolled back and tried again (0: without end); `lock_budget`: for
    all tries of a script; `wait`: for another run; `statement_timeout`: for one statement (0: without end). `batch`:
    send straight scripts together; `fingerprint`: record at the end what the schema should be. `statement_timeout_from`
    names the place where that timeout is set.
    """

    lock_timeout: float = 0.3
    lock_budget: float = 60.0
    wait: float = 60.0
    statement_timeout: float = 0.0
    statement_timeout_from: str = "the run's statement_timeout"
    batch: bool = True
    fingerprint: bool = True

    def at(self, destination: Destination) -> Self:
        """Returns the limits of a run at a destination: a timeout in its URL counts where none was asked for."""
        own, given = Limits(), destination.timeouts
        found = self
        if "lock_timeout" in given and self.lock_timeout == own.lock_timeout:
            found = found._replace(lock_timeout=given["lock_timeout"])
        if "statement_timeout" in given and self.statement_timeout == own.statement_timeout:
            found = found._replace(
                statement_timeout=given["statement_timeout"], statement_timeout_from=destination.statement_timeout_from
            )
        return found

    @property
    def overtime(self) -> str:
        """The message about a statement that took too long."""
        if self.statement_timeout:
            return f"the statement ran longer than {self.statement_timeout_from} allows"
        return "the statement ran longer than a statement_timeout that the script, or a function that it calls, has set"
