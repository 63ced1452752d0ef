"""What is hidden of texts that are shown."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sartor.conninfo.redaction import Secrets, redact, redact_argument

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)


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


@given(
    secrets=st.lists(st.text(st.characters(exclude_characters="*", exclude_categories=["Cs"]), min_size=3), min_size=1),
    around=st.lists(st.text(max_size=5), min_size=2),
)
def test_no_secret_is_left(secrets: list[str], around: list[str]) -> None:
    """Of three characters or more, a secret is gone wherever it stood, and whatever stood beside it."""
    text = "".join(piece + secret for piece in around for secret in secrets)
    assert not any(secret in redact(text, secrets) for secret in secrets)


@given(
    secrets=st.lists(TEXTS, min_size=1),
    others=st.integers(0, 100),
    around=st.lists(st.text(max_size=5), min_size=2),
)
def test_secrets_of_many_databases(secrets: list[str], others: int, around: list[str]) -> None:
    """However many there are, a text is shown as if each of its secrets had been looked for."""
    many = Secrets()
    for number in range(others):
        many.add([f"{number}-of-others"])
    many.add(secrets)
    text = "".join(piece + secret for piece in around for secret in secrets)
    known = [*secrets, *(f"{number}-of-others" for number in range(others))]
    assert many.redact(text) == redact(text, known)
    many.clear()
    assert many.redact(text) == redact(text, ())


@given(user=TEXTS, password=TEXTS)
def test_no_url_shows_its_password(user: str, password: str) -> None:
    """A Postgres URL in a text loses its password even where the password isn't known, of one character or of many."""
    encoded = quote(password, safe="")
    url = f"postgresql://{quote(user, safe='')}:{encoded}@db/app"
    assert redact(f"can't reach {url} today", ()) == f"can't reach postgresql://{quote(user, safe='')}:***@db/app today"


@given(password=st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1))
def test_a_raw_password_is_hidden_too(password: str) -> None:
    """A broken URL, its password not encoded, is hidden up to its last @."""
    assume("***" not in password)
    assert redact(f"postgres://app:{password}@db", ()) == "postgres://app:***@db"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("host=db password=s3cret user=app", "host=db password=*** user=app"),
        ("host=db password = 's3 \\'cret' user=app", "host=db password = *** user=app"),
        ("postgresql://db/app?password=s3cret&sslmode=require", "postgresql://db/app?password=***&sslmode=require"),
        ("PGPASSWORD=s3cret psql", "PGPASSWORD=*** psql"),
        ("postgresql://app@db:5432/app", "postgresql://app@db:5432/app"),
        ("deployed 3 alterations", "deployed 3 alterations"),
    ],
)
def test_passwords_by_name_are_hidden(text: str, expected: str) -> None:
    """What is written as a password is hidden as one, and nothing else is touched."""
    assert redact(text, ()) == expected


def test_a_short_secret_is_hidden_in_its_place() -> None:
    """A password of one character is hidden in a URL; it doesn't take that letter from every word."""
    assert redact("a@x:a@db: an alteration", ["a", ""]) == "a@x:***@db: an alteration"


def test_the_longest_secret_goes_first() -> None:
    """A secret inside another one doesn't leave the rest of it behind."""
    assert redact("secret-more", ["secret", "secret-more"]) == "***"
