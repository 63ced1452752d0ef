"""Durations, sizes and times as people read them."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.cli.results.units import duration, moment, size


@pytest.mark.parametrize(
    ("milliseconds", "shown"),
    [
        (0.2, "0 ms"),
        (999.4, "999 ms"),
        (999.6, "1.0 s"),
        (59_940, "59.9 s"),
        (59_960, "1 min 0 s"),
        (119_700, "2 min 0 s"),
        (125_000, "2 min 5 s"),
    ],
)
def test_a_duration_is_rounded_before_it_is_divided(milliseconds: float, shown: str) -> None:
    """There is no `1000 ms`, `60.0 s` or `1 min 60 s`."""
    assert duration(milliseconds) == shown


@given(st.floats(0, 1e9))
def test_no_part_of_a_duration_is_a_whole_one_of_the_next(milliseconds: float) -> None:
    """Whatever the duration: less than 1000 ms, less than 60 s."""
    words = duration(milliseconds).split()
    parts = dict(zip(words[1::2], map(float, words[::2]), strict=True))
    assert parts.get("ms", 0) < 1000
    assert parts.get("s", 0) < 60


@given(st.integers(0, 10**14))
def test_a_size_has_three_digits_before_its_point(number: int) -> None:
    """There is no `1000.0 kB`."""
    assert float(size(number).split()[0]) < 1000


def test_a_time_has_its_zone() -> None:
    """A time in words is local, and says by how much it is off UTC."""
    at = dt.datetime(2026, 11, 22, 7, 51, 13, tzinfo=dt.UTC)
    shown = moment(at)
    assert dt.datetime.fromisoformat(shown) == at.replace(second=0)
    assert shown.endswith(at.astimezone().isoformat()[-6:])
