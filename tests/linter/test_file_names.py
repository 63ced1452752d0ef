"""What lint says of names and order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.domain.alteration import Misnamed
from sartor.errors import CatalogueError
from sartor.linter.lineages import lint_names
from support.ledgers import alteration


def found(*names: str, released: bool = False) -> list[tuple[str, str]]:
    """The codes that files of these names earn, each with its file's name."""
    findings = lint_names([alteration(name) for name in names], [], released=released)
    return [(f.rule.code, f.alteration.name) for f in findings if f.alteration]


def test_nothing_is_said_of_what_is_in_order() -> None:
    """Fractions settle ties, prereleases come first, and `next` is the newest."""
    names = ("1.0.0-1-a.py", "1.0.0-1.5-b.py", "2.0.0_beta.1-2-c.py", "2.0.0-3-d.py", "next-4-e.py")
    assert found(*names) == []


@pytest.mark.parametrize("other", ["1.0.0-7-b.py", "1.0.0-7.50-b.py"])
def test_ties(other: str) -> None:
    """A tie is between alterations of one release; a fraction's last zeros don't break it."""
    first = other.replace("-b", "-a").replace(".50", ".5")
    assert found(first, other, "1.0.0-8-c.py") == [("SA003", other)]
    assert found("1.0.0-7-a.py", "1.1.0-7-b.py") == []


def test_as_few_as_can_be_are_out_of_step() -> None:
    """One file among many that are in order is the one that is named, whether it is too old or too new."""
    order = [f"1.{n}.0-{n + 10}-a.py" for n in range(5)]
    assert found(*order, "1.4.0-3-late.py") == [("SA004", "1.4.0-3-late.py")]
    assert found(*order, "1.0.0-99-early.py") == [("SA004", "1.0.0-99-early.py")]


@given(st.lists(st.integers(1, 20), max_size=12))
def test_what_is_left_is_in_step(times: list[int]) -> None:
    """Without what is named, the timestamps rise with the releases."""
    names = [f"1.{n}.0-{time}-a{n}.py" for n, time in enumerate(times)]
    wrong = {name for _, name in found(*names)}
    left = [time for name, time in zip(names, times, strict=True) if name not in wrong]
    assert left == sorted(left)


def test_what_is_left_behind() -> None:
    """A `next` older than what is released may have been forgotten; in a package to be shipped, none may be left."""
    names = ("1.0.0-5-a.py", "next-4-b.py", "next-6-c.py")
    assert found(*names) == [("SA005", "next-4-b.py")]
    assert found(*names, released=True) == [("SA006", "next-4-b.py"), ("SA006", "next-6-c.py")]


def test_look_alikes() -> None:
    """A letter of another alphabet in a Latin word."""
    assert found("1.0.0-1-us\u0435rs.py") == [("SA007", "1.0.0-1-us\u0435rs.py")]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Users.sql", "SA001"),
        ("n\u0435xt-1-users.py", "SA007"),
        ("1.0.0-1-us\u200bers.py", "SA007"),
        ("1.0.0-1-cafe\u0301.py", "SA007"),
    ],
)
def test_names_that_are_none(name: str, code: str) -> None:
    """Where a look-alike, or a character that can't be seen, may be why, that is what is said."""
    misnamed = Misnamed(lineage="main", name=name, file=f"/{name}", error=CatalogueError("no"))
    assert [finding.rule.code for finding in lint_names([], [misnamed], released=False)] == [code]


@pytest.mark.parametrize("slug", ["größe", "пользователи", "表"])
def test_other_languages(slug: str) -> None:
    """Names may be in any language."""
    assert found(f"1.0.0-1-{slug}.py") == []


def test_one_identity() -> None:
    """A copy under a release's name is the same alteration."""
    assert found("1.0.0-1-a.py", "next-1-a.py")[0] == ("SA002", "next-1-a.py")
