"""Passwords in a command line's words; the rest of what is hidden is tested with destinations."""

from __future__ import annotations

import pytest

from sartor.conninfo.redaction import redact_argument


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("--db-url=postgresql://app:s3cret@db/app", "--db-url=postgresql://app:***@db/app"),
        ("mysql://app:s3cret@db/app", "mysql://app:***@db/app"),
        ("postgresql:/app:s3cret@db", "postgresql:/app:***@db"),
        ("password=s3cret", "password=***"),
        ("postgresql://app@db:5432/app", "postgresql://app@db:5432/app"),
        ("latest", "latest"),
    ],
)
def test_a_word(word: str, shown: str) -> None:
    """A password is hidden in a broken URL as well, and in another product's."""
    assert redact_argument(word) == shown
