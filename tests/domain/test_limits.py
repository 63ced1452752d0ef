"""How long a run waits, where its destination says something about that, too."""

from __future__ import annotations

from sartor.domain.destination import Destination, Limits

PLAIN = Destination.parse("postgresql://db/app")
TIMED = Destination.parse("postgresql://db/app?lock_timeout=2s&statement_timeout=1min")._replace(
    statement_timeout_from="service prod"
)


def test_a_destination_without_timeouts() -> None:
    """Where the URL has no timeouts, the run's own stand."""
    assert Limits().at(PLAIN) == Limits()
    assert Limits(lock_timeout=7, statement_timeout=9).at(PLAIN) == Limits(lock_timeout=7, statement_timeout=9)


def test_a_destination_with_timeouts() -> None:
    """The URL's lock_timeout counts where none was asked for, its statement_timeout always, with its origin."""
    found = Limits(batch=False).at(TIMED)
    assert found == Limits(lock_timeout=2, statement_timeout=60, statement_timeout_from="service prod", batch=False)
    assert Limits(lock_timeout=7).at(TIMED).lock_timeout == 7


def test_what_is_told_of_a_statement_that_took_too_long() -> None:
    """It is told whose limit it was; where the run has none, it was a script's own."""
    assert Limits().at(TIMED).overtime == "the statement ran longer than service prod allows"
    assert "that the script, or a function that it calls, has set" in Limits().overtime
