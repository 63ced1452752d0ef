"""When another attempt is made, decided without a server."""

from __future__ import annotations

import asyncio
import logging
import re

import pytest

from sartor import RunEvent, Waiting
from sartor.execution.retry import MOST, Retries, delay
from sartor.execution.run_context import RunContext


def test_another_attempt_is_made_within_the_limit(run: RunContext, events: list[RunEvent]) -> None:
    """Within the limit there is a pause, and who waits is told for what and how long yet; without a reason, nothing."""
    assert asyncio.run(Retries(run.monitor, "event 1").pause(60))
    assert events == []
    assert asyncio.run(Retries(run.monitor, "event 1").pause(60, "a lock"))
    (event,) = events
    assert isinstance(event, Waiting)
    assert (event.reason, event.blockers) == ("a lock", ())
    assert event.left is not None
    assert 50 < event.left <= 60


def test_no_attempt_is_made_after_the_limit(run: RunContext, events: list[RunEvent]) -> None:
    """Where a pause would pass the limit there is none, and no word of it."""
    assert not asyncio.run(Retries(run.monitor, "event 1").pause(0, "a lock"))
    assert events == []


def test_pauses_grow(run: RunContext) -> None:
    """Each pause is twice the last one, up to a bound, and by half shorter or longer: the attempts that fail count."""
    assert [delay(attempts) for attempts in (0, 1, 2, 3, 4, 5, 1000)] == [0.1, 0.2, 0.4, 0.8, 1.6, MOST, MOST]
    retries = Retries(run.monitor, "event 1")
    for _ in range(6):
        assert not asyncio.run(retries.pause(0))
    assert not asyncio.run(retries.pause(MOST / 2))


def test_an_attempt_is_logged(run: RunContext, caplog: pytest.LogCaptureFixture) -> None:
    """The logger gets what is tried again, how often it was, and when it is."""
    with caplog.at_level(logging.DEBUG, "sartor"):
        assert asyncio.run(Retries(run.monitor, "event 1").pause(60))
    assert re.fullmatch(r"event 1: attempt 1 got no lock; the next one in 0\.(0[5-9]|1[0-5]) s", caplog.messages[0])
