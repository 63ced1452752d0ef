"""Classifies the error that ended an attempt. Pure: neither waits, nor asks the database."""

import asyncio
from enum import Enum

import sartor.postgres.errors as driver
from sartor.errors import SartorError, causes
from sartor.postgres.journal import Phase


class Stale(Exception):
    """Raised where another run was first, so that the plan is no longer valid."""


class Committed(asyncio.CancelledError):
    """Raised where the run was cancelled but the attempt under way was committed."""


class Outcome(Enum):
    """The end of an attempt. `retry` decides what follows from it."""

    RESOLVE = "COMMIT wasn't answered: only the database knows whether it was committed"
    COMMITTED = "COMMIT wasn't answered, and the database has the event"
    UNDONE = "COMMIT wasn't answered, and the database hasn't the event: another attempt may succeed"
    INTERRUPTED = "the run was stopped"
    DECIDED = "an error of Sartor's own, which is passed on"
    STALE = "another run wrote the next event of the journal"
    BUSY = "another run's claim holds the next number of the journal"
    RETRY = "a lock wasn't available, or a deadlock or a serialization failure: another attempt may succeed"
    LOST = "the connection was lost before COMMIT: the transaction was rolled back"
    UNWRITABLE = "the server refuses the claim: the ledger can't be written"
    SCRIPT = "the script failed"


def classify(error: BaseException, phase: Phase, *, committing: bool = False, connection_lost: bool = False) -> Outcome:
    """Returns how an attempt ended that raised `error` in this phase.

    `committing` says that COMMIT was sent and not answered, `connection_lost` that the connection is closed: a script
    may meet a broken connection of its own.
    """
    state = driver.sqlstate(error)
    if committing and (state is None or driver.is_disconnect(error)):
        return Outcome.RESOLVE
    if not isinstance(error, Exception):
        return Outcome.INTERRUPTED
    if isinstance(error, Stale | SartorError):
        return Outcome.DECIDED
    if phase is Phase.CLAIM and state in driver.STALE:
        return Outcome.STALE
    if state in driver.RETRIED:
        return Outcome.BUSY if phase is Phase.CLAIM else Outcome.RETRY
    if connection_lost and find_disconnect(error):
        return Outcome.LOST
    if phase is Phase.CLAIM and state is not None:
        return Outcome.UNWRITABLE
    return Outcome.SCRIPT


def find_disconnect(error: BaseException) -> BaseException | None:
    """Returns the error, or the one of its causes, that is a lost connection; None where there is none."""
    return next((each for each in causes(error) if driver.is_disconnect(each)), None)
