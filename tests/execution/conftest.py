"""A run that isn't connected: for what is decided without a server."""

from __future__ import annotations

import pytest

from sartor import Destination, Limits, RunEvent
from sartor.execution.run_context import RunContext
from sartor.postgres.lock_monitor import LockMonitor
from sartor.postgres.session import Session


@pytest.fixture
def events() -> list[RunEvent]:
    """What the run tells its observer."""
    return []


@pytest.fixture
def run(events: list[RunEvent]) -> RunContext:
    """A run that may not wait."""
    destination = Destination.parse("postgresql://localhost/app", schema="My app")
    session, locks = Session(destination, application="sartor"), LockMonitor(destination, application="sartor")
    return RunContext(session, locks, limits=Limits(wait=0), observer=events.append)
