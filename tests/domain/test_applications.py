"""Applications in the names of sessions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor import Release, UsageError
from sartor.domain.applications import misfits, parse_application, session_name


@given(st.text(), st.integers())
def test_any_name_of_a_session(text: str, sessions: int) -> None:
    """Whatever a session is called, it is an application or it isn't, and no error."""
    found = parse_application(text, sessions)
    assert found is None or str(found.release) in text


@pytest.mark.parametrize(
    "text",
    ["", "psql", "DBeaver 23.1.0", "acme next (schema >=1)", "acme x (schema >=1)", "acme 1 (schema x)", "(schema )"],
)
def test_other_programs(text: str) -> None:
    """Other programs' names aren't taken for an application's."""
    assert parse_application(text, 1) is None


def test_there_and_back() -> None:
    """What an application is called can be read from its session's name."""
    found = parse_application(session_name("acme web", "1.4.0-beta.1", ">=1.4, <2"), 3)
    assert found is not None
    assert str(found) == "acme web 1.4.0-beta.1, 3 sessions, fits >=1.4,<2"


@pytest.mark.parametrize(
    "given_",
    [("acme", "next", ">=1"), ("", "1.0", ">=1"), ("a" * 50, "1.0", ">=1"), ("acmé", "1.0", ">=1"), ("a", "1", "1")],
)
def test_no_name(given_: tuple[str, str, str]) -> None:
    """What Postgres would cut short or change, or what couldn't be read again, is refused."""
    with pytest.raises(UsageError):
        session_name(*given_)


def test_misfits() -> None:
    """An application is named where a release isn't one that it fits."""
    found = parse_application("acme 1.4.0 (schema >=1.4,<2)", 1)
    assert found is not None
    assert list(misfits([found], Release.parse("1.9"))) == []
    assert list(misfits([found], Release.parse("2.0"))) == [
        "connected, and not fit for release 2.0: acme 1.4.0, 1 session, fits >=1.4,<2"
    ]
    assert next(misfits([found], None)).startswith("connected, and not fit for no complete release")
