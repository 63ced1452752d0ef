"""Bounds how often a run plans again because another run wrote to the journal first."""

from __future__ import annotations

import time

from sartor.errors import LedgerUnsound, RunHeld
from sartor.execution.retry import Stale
from sartor.execution.run_context import RunContext
from sartor.sql.quoting import quote_identifier

TIMES = 100
"""The number of times in a row that a run lets others go first, however short a time it may wait for them."""


class Replanning:
    """The bound of a loop that plans again.

    It counts how often other runs were first since this run last did something.
    """

    def __init__(self, run: RunContext) -> None:
        self._run = run
        self._times = 0
        self._done = 0
        self._since = time.monotonic()

    def allow(self, stale: Stale, *, head: int, done: int = 0) -> None:
        """Allows another try from the journal's event `head`; the run's head is where the last try started.

        `done` is the number of alterations that this run has done; where it has changed, the count starts from zero.

        Raises LedgerUnsound where the journal has no new event, so that the next try would end in the same way; RunHeld
        where others were first more than `TIMES` times in a row and for longer than the run may wait.
        """
        run, schema = self._run, self._run.session.schema
        if head == run.head:
            look = f"table {quote_identifier(schema)}.sartor_journal order by seq desc limit 5;"
            raise LedgerUnsound(
                f"the journal of schema {schema} takes no event {head + 1}, although {head} is its last:"
                f" {stale.__cause__ or 'something else writes to it'}",
                hint=f"look at it: {look}",
            ) from stale
        if done != self._done:
            self._times, self._done, self._since = 0, done, time.monotonic()
        self._times += 1
        if self._times > TIMES and time.monotonic() - self._since > run.limits.wait:
            raise RunHeld(
                f"other runs are at work in schema {schema}: they were first {self._times} times in a row",
                hint="wait for them, or give it longer with --wait",
            ) from stale
