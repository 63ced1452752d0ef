"""Repeats what another run made stale, by writing to the journal first; bounds how often."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sartor.errors import LedgerUnsound, RunHeld
from sartor.execution.outcome import Stale
from sartor.execution.run_context import RunContext
from sartor.postgres.ledger import read_ledger, require_format
from sartor.postgres.session import Session
from sartor.sql.quoting import quote_identifier

T = TypeVar("T")

TIMES = 100
"""The number of times in a row that a run lets others go first, however short a time it may wait for them."""


async def read_head(session: Session) -> int:
    """Returns the number of the journal's last event. Raises LedgerTooNew."""
    ledger = await read_ledger(session)
    require_format(ledger)
    return ledger.head


async def repeat_while_stale(
    run: RunContext,
    attempt: Callable[[], Awaitable[T]],
    *,
    refresh: Callable[[], Awaitable[int]] | None = None,
    done: Callable[[], int] = lambda: 0,
) -> T:
    """Awaits `attempt` from the run's head on, again after each `refresh`, until it isn't Stale; returns its result.

    `refresh` returns the journal's head, as `read_head` does; `done` how many alterations this run has done: where that
    has changed, the count of attempts starts from zero.

    Raises LedgerUnsound where the journal has no new event, so that the next attempt would end in the same way; RunHeld
    where others were first more than `TIMES` times in a row and for longer than the run may wait.
    """
    times, before, since = 0, done(), time.monotonic()
    while True:
        try:
            return await attempt()
        except Stale as stale:
            head = await (refresh() if refresh else read_head(run.session))
            _require_progress(run, stale, head)
            if done() != before:
                times, before, since = 0, done(), time.monotonic()
            times += 1
            if times > TIMES and time.monotonic() - since > run.limits.wait:
                raise RunHeld(
                    f"other runs in schema {run.session.schema} came first {times} times in a row",
                    hint="wait for the other runs, or increase `limits.wait`",
                ) from stale
            run.head = head


def _require_progress(run: RunContext, stale: Stale, head: int) -> None:
    """Raises LedgerUnsound where the journal has no event after the run's head."""
    if head != run.head:
        return
    schema = run.session.schema
    raise LedgerUnsound(
        f"the journal of schema {schema} doesn't accept event {head + 1}, although {head} is its last:"
        f" {stale.__cause__ or 'another writer uses it'}",
        hint=f"inspect the journal: table {quote_identifier(schema)}.sartor_journal order by seq desc limit 5;",
    ) from stale
