"""Service files: what libpq finds in them, and errors that quote nothing."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.conninfo.libpq_files import find_service
from sartor.conninfo.parameters import NAMES
from sartor.errors import SettingsError

BLANKS = " \t\v\f\r"
VALUES = st.text(st.characters(exclude_characters="\n\0", exclude_categories=["Cs"]), max_size=200).map(
    lambda text: text.rstrip(BLANKS)
)
PAIRS = st.dictionaries(st.sampled_from(sorted(NAMES - {"service"})), VALUES, min_size=1)
SECRET = "hunter2"  # noqa: S105 - a test's own


@given(pairs=PAIRS, others=PAIRS, blanks=st.text(BLANKS, max_size=3))
def test_what_is_written_is_found(pairs: dict[str, str], others: dict[str, str], blanks: str) -> None:
    """A service's parameters are found as they are written, and nothing of the services around it."""

    def section(name: str, held: dict[str, str]) -> str:
        return f"# {name}\n\n[{name}]\n" + "".join(f"{blanks}{key}={value}{blanks}\n" for key, value in held.items())

    text = section("first", others) + section("prod", pairs) + section("prod", others)
    assert find_service(text, "prod", origin="f") == pairs
    assert find_service(text, "nope", origin="f") is None


@given(text=st.text(st.one_of(st.sampled_from("[]=#\n\r prod"), st.characters(exclude_categories=["Cs"]))))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text is too odd for an error that names file and line."""
    with suppress(SettingsError):
        find_service(f"[prod]\n{text}", "prod", origin="f")


@pytest.mark.parametrize(
    ("line", "told", "hint"),
    [
        (f"password {SECRET}", "can't be read", "parameter=value"),
        (f"pasword={SECRET}", "can't be read", "parameter=value"),
        (f"password = {SECRET}", "can't be read", "parameter=value"),
        (f"service={SECRET}", "refers to another service", "write the parameters"),
        ("password=" + SECRET * 200, "is too long", "1023 bytes"),
        (SECRET, "can't be read", "parameter=value"),
    ],
)
def test_no_error_quotes_a_line(line: str, told: str, hint: str) -> None:
    """A line that can't be read is named by its number: it may hold a password."""
    with pytest.raises(SettingsError, match=f"^line 3 of f {told}$") as caught:
        find_service(f"[prod]\nhost=db\n{line}\n", "prod", origin="f")
    assert hint in caught.value.hint
    assert SECRET not in f"{caught.value} {caught.value.hint}"


def test_the_longest_line() -> None:
    """A line of 1023 bytes is read, and one of 1024 refused: libpq would cut it."""
    value = "XX" + "ü" * 506
    assert find_service(f"[prod]\npassword={value}", "prod", origin="f") == {"password": value}
    with pytest.raises(SettingsError, match="too long"):
        find_service(f"[prod]\npassword={value}x", "prod", origin="f")


def test_only_blanks_are_cut_off() -> None:
    """A value keeps every character but the blanks around its line."""
    assert find_service("[prod]\n user=XX \r\n", "prod", origin="f") == {"user": "XX"}


def test_lines_of_other_services_are_not_read() -> None:
    """What is wrong in another service is no matter, before and behind; of a parameter's two, the first counts."""
    text = "[a]\nnonsense\n[prod]\nport=1\nport=2\n[b]\nnonsense\n"
    assert find_service(text, "prod", origin="f") == {"port": "1"}
