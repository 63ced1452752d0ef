"""What an error means that ended an attempt, decided without a server."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as some

from sartor.errors import Escaped, RunHeld
from sartor.execution.outcome import Outcome, Stale, classify, find_disconnect
from sartor.postgres.journal import Phase

LOCKED = asyncpg.LockNotAvailableError("canceling statement due to lock timeout")
TAKEN = asyncpg.UniqueViolationError("duplicate key")
BROKEN = asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
KILLED = asyncpg.AdminShutdownError("terminating connection due to administrator command")
SCRIPTS = asyncpg.UndefinedTableError("relation does not exist")

ERRORS = [LOCKED, TAKEN, BROKEN, KILLED, SCRIPTS, OSError("gone"), ValueError(), asyncio.CancelledError(), Stale()]


@pytest.mark.parametrize(
    ("error", "phase", "outcome"),
    [
        (TAKEN, Phase.CLAIM, Outcome.STALE),
        (asyncpg.NotNullViolationError("null value"), Phase.CLAIM, Outcome.STALE),
        (TAKEN, Phase.SCRIPT, Outcome.SCRIPT),
        (TAKEN, Phase.COMMIT, Outcome.SCRIPT),
        (LOCKED, Phase.CLAIM, Outcome.BUSY),
        (LOCKED, Phase.SCRIPT, Outcome.RETRY),
        (asyncpg.DeadlockDetectedError("deadlock detected"), Phase.SCRIPT, Outcome.RETRY),
        (asyncpg.SerializationError("could not serialize access"), Phase.COMMIT, Outcome.RETRY),
        (ExceptionGroup("of one", [LOCKED]), Phase.SCRIPT, Outcome.RETRY),
        (ExceptionGroup("of two", [LOCKED, LOCKED]), Phase.SCRIPT, Outcome.SCRIPT),
        (SCRIPTS, Phase.CLAIM, Outcome.UNWRITABLE),
        (SCRIPTS, Phase.SCRIPT, Outcome.SCRIPT),
        (ValueError(), Phase.SCRIPT, Outcome.SCRIPT),
        (Escaped("SystemExit"), Phase.SCRIPT, Outcome.SCRIPT),
        (Stale(), Phase.SCRIPT, Outcome.DECIDED),
        (RunHeld("another run is at work"), Phase.SCRIPT, Outcome.DECIDED),
        (asyncio.CancelledError(), Phase.SCRIPT, Outcome.INTERRUPTED),
        (KeyboardInterrupt(), Phase.CLAIM, Outcome.INTERRUPTED),
    ],
)
def test_an_error_on_a_connection_that_lives(error: BaseException, phase: Phase, outcome: Outcome) -> None:
    """What the server says is judged by the phase in which it says so: a claim's errors are no script's."""
    assert classify(error, phase) is outcome


@pytest.mark.parametrize("error", [BROKEN, KILLED, OSError("reset by peer"), asyncpg.InterfaceError("closed")])
def test_a_connection_that_breaks_at_commit(error: Exception) -> None:
    """A COMMIT without an answer is resolved by the database alone, also where the run is told to end meanwhile."""
    assert classify(error, Phase.COMMIT, committing=True, connection_lost=True) is Outcome.RESOLVE
    assert classify(asyncio.CancelledError(), Phase.COMMIT, committing=True) is Outcome.RESOLVE


def test_a_commit_that_is_refused() -> None:
    """A COMMIT that the server answers with an error isn't in doubt."""
    assert classify(TAKEN, Phase.COMMIT, committing=True) is Outcome.SCRIPT
    assert classify(LOCKED, Phase.COMMIT, committing=True) is Outcome.RETRY


def test_a_connection_that_breaks_before_commit() -> None:
    """A lost connection is the run's; a broken connection that the script has of its own is the script's."""
    hidden = asyncpg.InterfaceError("cannot call Transaction.__aexit__(): the underlying connection is closed")
    hidden.__context__ = KILLED
    for error in (BROKEN, KILLED, OSError("reset by peer"), hidden):
        assert classify(error, Phase.SCRIPT, connection_lost=True) is Outcome.LOST
    assert classify(OSError("no such file"), Phase.SCRIPT) is Outcome.SCRIPT
    assert classify(ValueError(), Phase.SCRIPT, connection_lost=True) is Outcome.SCRIPT
    assert find_disconnect(hidden) is hidden
    assert find_disconnect(ValueError()) is None


@given(some.sampled_from(ERRORS), some.sampled_from(Phase), some.booleans(), some.booleans())
def test_what_is_tried_again(error: BaseException, phase: Phase, committing: bool, lost: bool) -> None:
    """Nothing is tried again that may have been committed, nor where the run was told to end."""
    outcome = classify(error, phase, committing=committing, connection_lost=lost)
    if outcome in {Outcome.RETRY, Outcome.BUSY}:
        assert isinstance(error, asyncpg.PostgresError)
        assert error is LOCKED
    if committing and not isinstance(error, asyncpg.PostgresError):
        assert outcome is Outcome.RESOLVE
