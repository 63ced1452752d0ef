"""A destination: its URL for the driver, its label for people, and its secrets for nobody."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.conninfo.redaction import redact
from sartor.domain.destination import Destination, parse_schema
from sartor.errors import SettingsError
from sartor.sql.quoting import shows_itself

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)
NAMES = TEXTS.filter(shows_itself)


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("postgresql://app:s3cret@db.example.com/app", "app@db.example.com:5432/app, schema public"),
        ("postgresql://app@db:6432", "app@db:6432/app, schema public"),
        ("postgresql://a:1,b/app", "a:1,b:5432/app, schema public"),
        ("postgresql://[::1]/app?schema=tenant", "[::1]:5432/app, schema tenant"),
        ("postgresql:///app?host=/run/pg", "[/run/pg]:5432/app, schema public"),
        ("postgresql:///app", "local/app, schema public"),
        ("postgresql://", "local, schema public"),
        ("service=prod", "service prod, schema public"),
        ("service=prod host=db", "db:5432, schema public"),
        ("hostaddr=10.0.0.1 port=1", "10.0.0.1:1, schema public"),
        ("postgresql://a%1b%5B2J@db/app", "a?[2J@db:5432/app, schema public"),
    ],
)
def test_the_label_says_where(url: str, label: str) -> None:
    """People read user, server, database and schema; a terminal is sent no control characters."""
    assert Destination.parse(url).label == label


@given(user=TEXTS, password=TEXTS, database=NAMES)
def test_the_password_is_not_in_what_is_shown(user: str, password: str, database: str) -> None:
    """Neither the label nor the representation holds the password, however it is written."""
    names = [quote(text, safe="") for text in (user, database)]
    with_one, without = (
        Destination.parse(f"postgresql://{names[0]}{pw}@db/{names[1]}") for pw in (f":{quote(password, safe='')}", "")
    )
    assert with_one.label == without.label
    assert repr(with_one) == repr(without)


def test_secrets_are_known_in_both_forms() -> None:
    """A password is a secret as it is, and as a URL holds it; the key's password too."""
    destination = Destination.parse("postgresql://app:p%40ss@db/app?sslpassword=k%2Fy")
    assert destination.secrets == ("p@ss", "p%40ss", "k/y", "k%2Fy")


def test_a_password_that_is_a_name_is_no_secret() -> None:
    """`app:app@db/app` must not make every message read `***@db/***`."""
    destination = Destination.parse("postgresql://app:app@db/app")
    assert destination.secrets == ()
    assert redact(destination.url, destination.secrets) == "postgresql://app:***@db/app"


def test_the_timeouts_of_a_url() -> None:
    """A URL may limit statements and locks, by a parameter or in `options`; the server's units count."""
    given = Destination.parse("postgresql://db?statement_timeout=1500&options=-c%20lock_timeout%3D2s%20-c%20x.y%3D1")
    assert given.timeouts == {"statement_timeout": 1.5, "lock_timeout": 2.0}
    assert given.keywords["options"] == "-c x.y=1"
    assert given.without("lock_timeout").timeouts == {"statement_timeout": 1.5}


def test_another_database_of_the_same_server() -> None:
    """`at` changes the database's name and nothing else; `bare_url` leaves out what is secret."""
    destination = Destination.parse("postgresql://app:p%40ss@db:6432/app?sslmode=require", schema="acme")
    other = destination.at("a/b")
    assert (other.database, other.schema) == ("a/b", "acme")
    assert other.url == "postgresql://app:p%40ss@db:6432/a%2Fb?sslmode=require"
    assert other.bare_url == "postgresql://app@db:6432/a%2Fb?sslmode=require"


def test_a_schema_given_outranks_the_url() -> None:
    """Prisma's `schema=` counts only where no other is given."""
    assert Destination.parse("postgresql://db?schema=a", schema="b").schema == "b"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("", "the name is empty"),
        ("a\0b", "the name is empty, contains a NUL character"),
        ("\udcff", "or isn't UTF-8"),
        ("pg_catalog", "names that begin with pg_"),
        ("pg_x", "reserved by Postgres"),
        ("information_schema", "reserved by Postgres"),
        ("x" * 64, "longer than 63 bytes"),
        ("ü" * 32, "longer than 63 bytes"),
        ("a\u202eb", "contains characters that can't be displayed"),
    ],
)
def test_some_schemas_cannot_be_used(name: str, told: str) -> None:
    """Postgres's own schemas, and names that it would cut, are refused before anything connects."""
    with pytest.raises(SettingsError, match=rf"^--schema can't be used: .*{told}") as caught:
        parse_schema(name, origin="--schema")
    assert "public" in caught.value.hint


def test_a_schema_of_a_url_is_checked() -> None:
    """A schema that a URL names is held to the same, and the error says where it came from."""
    with pytest.raises(SettingsError, match=r"^the schema for --db-url can't be used: "):
        Destination.parse("postgresql://db?schema=pg_x", origin="--db-url")
    with pytest.raises(SettingsError, match=r"^--db-url can't be used: "):
        Destination.parse("mysql://db", origin="--db-url")


def test_a_database_whose_name_does_not_show() -> None:
    """A name that nobody could read in a message is refused, and written out in the error."""
    with pytest.raises(SettingsError, match=r"the database name 'a\\u202eb' contains") as caught:
        Destination.parse("postgresql://db/a%E2%80%AEb")
    assert "psql --list" in caught.value.hint


@pytest.mark.parametrize(
    ("url", "database"),
    [
        ("postgresql://me@db/app", "app"),
        ("postgresql://me@db", "me"),
        ("postgresql://db", None),
    ],
)
def test_the_database(url: str, database: str | None) -> None:
    """Without a name of its own, the database is the user's, as to libpq; without either, the server decides."""
    assert Destination.parse(url).database == database


def test_names_are_no_secrets() -> None:
    """A password that is also the schema's name, or the database's, is shown with these; others never are."""
    destination = Destination.parse("postgresql://me@db/app", schema="acme")
    assert destination.hidden(["me", "app", "acme", "s e", "s e"]) == ("s e", "s%20e", "s+e")
    assert destination.hidden(["a b/c"]) == ("a b/c", "a%20b%2Fc", "a%20b/c", "a+b%2Fc")
    assert repr(destination) == "Destination('me@db:5432/app, schema acme')"


@pytest.mark.parametrize("name", ["public", "tenant-1", "Pg", "x" * 63, "ü" * 31])
def test_any_other_schema_can(name: str) -> None:
    """A schema may be called anything that Postgres can keep."""
    assert parse_schema(name, origin="--schema") == name
