"""What a run does about the events that other runs write first, decided without a server."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from sartor import LedgerUnsound, Limits, RunHeld
from sartor.execution.ledger import TIMES, repeat_while_stale
from sartor.execution.outcome import Stale
from sartor.execution.run_context import RunContext


class Attempts:
    """An attempt that is stale a number of times, and then returns the head that it started from."""

    def __init__(self, run: RunContext, stale: int) -> None:
        self.run, self.left, self.heads = run, stale, itertools.count(8)
        run.head = 7

    async def attempt(self) -> int:
        self.left -= 1
        if self.left >= 0:
            raise Stale from ValueError("duplicate key")
        return self.run.head

    async def refresh(self, run: RunContext) -> None:
        run.head = next(self.heads)


def test_an_attempt_goes_on_from_the_new_head(run: RunContext) -> None:
    """What another run made stale is done again from the journal's new end, as often as a run lets others go first."""
    for stale in (0, 1, TIMES):
        attempts = Attempts(run, stale)
        assert asyncio.run(repeat_while_stale(run, attempts.attempt, refresh=attempts.refresh)) == 7 + stale


def test_a_run_does_not_let_others_go_first_for_ever(run: RunContext) -> None:
    """Where others are always first, a run that may wait no longer says so, and how often that was."""
    attempts = Attempts(run, TIMES + 1)
    with pytest.raises(RunHeld) as caught:
        asyncio.run(repeat_while_stale(run, attempts.attempt, refresh=attempts.refresh))
    assert str(caught.value) == f"other runs in schema My app came first {TIMES + 1} times in a row"
    assert caught.value.hint == "wait for the other runs, or increase `limits.wait`"


def test_a_run_that_may_wait_lets_others_go_first(run: RunContext) -> None:
    """As long as a run may wait, it lets others go first however often they are."""
    attempts = Attempts(run, 3 * TIMES)
    run.limits = Limits(wait=600)
    assert asyncio.run(repeat_while_stale(run, attempts.attempt, refresh=attempts.refresh)) == 7 + 3 * TIMES


def test_what_a_run_has_done_counts(run: RunContext) -> None:
    """A run that gets something done in between isn't kept out: the count starts anew."""
    attempts = Attempts(run, 3 * TIMES)

    def done() -> int:
        return attempts.left // TIMES

    assert asyncio.run(repeat_while_stale(run, attempts.attempt, refresh=attempts.refresh, done=done)) == 7 + 3 * TIMES


def test_a_journal_without_a_new_event_is_unsound(run: RunContext) -> None:
    """Where nobody was first, the next attempt would end in the same way: the journal itself refuses the event."""
    attempts = Attempts(run, 1)
    attempts.heads = itertools.count(7)
    with pytest.raises(LedgerUnsound) as caught:
        asyncio.run(repeat_while_stale(run, attempts.attempt, refresh=attempts.refresh))
    assert str(caught.value) == (
        "the journal of schema My app doesn't accept event 8, although 7 is its last: duplicate key"
    )
    assert caught.value.hint == 'inspect the journal: table "My app".sartor_journal order by seq desc limit 5;'
