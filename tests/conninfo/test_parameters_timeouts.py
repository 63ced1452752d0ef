"""`options` of a URL: the timeouts are taken out of them, and the rest goes to the server as it was."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.conninfo.parameters import TIMEOUTS, seconds, take_timeouts
from sartor.errors import SettingsError

VALUES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=8)
OTHERS = st.tuples(st.sampled_from(["work_mem", "x.y", "statement_timeout_x", "TimeZone"]), VALUES)
WAYS = st.sampled_from(["-c {}={}", "-c{}={}", "--{}={}"])


def escaped(text: str) -> str:
    """A value as the server has it written: a backslash before each blank and backslash."""
    return "".join(f"\\{character}" if character.isspace() or character == "\\" else character for character in text)


@given(
    others=st.lists(st.tuples(WAYS, OTHERS), max_size=4),
    timeouts=st.dictionaries(st.sampled_from(TIMEOUTS), st.tuples(WAYS, st.integers(0, 10**6))),
    order=st.randoms(use_true_random=False),
)
def test_timeouts_are_taken_out(
    others: list[tuple[str, tuple[str, str]]], timeouts: dict[str, tuple[str, int]], order: Random
) -> None:
    """Whichever way they are written, and wherever they stand, timeouts become keywords; the others stay, in order."""
    kept = [way.format(name, escaped(value)) for way, (name, value) in others]
    words = list(kept)
    for name, (way, value) in timeouts.items():
        words.insert(order.randint(0, len(words)), way.format(name, value))
    keywords = {"options": " ".join(words)}
    take_timeouts(keywords)
    left = keywords.pop("options", "")
    assert keywords == {name: str(value) for name, (_, value) in timeouts.items()}
    assert left.replace("-c ", "-c") == " ".join(kept).replace("-c ", "-c")


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ("-c statement_timeout=5s", {"statement_timeout": "5s"}),
        ("--statement-timeout=5s", {"statement_timeout": "5s"}),
        ("--STATEMENT_TIMEOUT=5", {"statement_timeout": "5"}),
        (r"-c statement_timeout=5\ s", {"statement_timeout": "5 s"}),
        ("-c statement_timeout=\\\n5s", {"statement_timeout": "\n5s"}),
        ("-c statement_timeout=1 -c statement_timeout=2", {"statement_timeout": "2"}),
        ("-c work_mem=7MB", {"options": "-c work_mem=7MB"}),
    ],
)
def test_spellings(options: str, found: dict[str, str]) -> None:
    """The server's own spellings are read; of a setting that is given twice the last one counts, as there."""
    keywords = {"options": options}
    take_timeouts(keywords)
    assert keywords == found


def test_a_parameter_outranks_the_options() -> None:
    """A parameter of its own is nearer than what stands in `options`."""
    keywords = {"statement_timeout": "1s", "options": "-c statement_timeout=2s"}
    take_timeouts(keywords)
    assert keywords == {"statement_timeout": "1s"}


@pytest.mark.parametrize(
    ("text", "found"),
    [("0", 0), ("1500", 1.5), ("1.5s", 1.5), ("2 min", 120), ("1h", 3600), ("1d", 86400), ("7us", 7e-6)],
)
def test_durations(text: str, found: float) -> None:
    """A bare number is in milliseconds, as in Postgres."""
    assert seconds("lock_timeout", text) == pytest.approx(found)


@given(st.text())
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    """What is none is an error that quotes nothing."""
    try:
        found = seconds("lock_timeout", text)
    except SettingsError as error:
        told = f"{error}; {error.hint}"
    else:
        assert found >= 0
        return
    assert told == "lock_timeout isn't a duration; write lock_timeout=5s, or lock_timeout=5000 for milliseconds"
