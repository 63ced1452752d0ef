"""Releases: how they are written, when they are one, how they are ordered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from sartor.domain.release import NEXT, Release, parse_target
from sartor.errors import TargetError

stages = st.sampled_from(["", "-alpha.{}", "-beta.{}", "-rc.{}", ".dev{}", ".post{}"])
numbers = st.integers(0, 30)


@st.composite
def labels(draw: st.DrawFn) -> str:
    """Versions as their makers write them."""
    return f"{draw(numbers)}.{draw(numbers)}.{draw(numbers)}" + draw(stages).format(draw(numbers))


@given(labels())
def test_a_label_stays_as_its_maker_wrote_it(label: str) -> None:
    """A version reads back as it was written, and means what `packaging` says."""
    release = Release.parse(label)
    assert (str(release), release.label, release.version) == (label, label, Version(label))


@given(labels())
def test_a_file_name_spells_a_hyphen_as_an_underscore(label: str) -> None:
    """`2.0.0_beta.1` in a file's name is the release 2.0.0-beta.1."""
    assert Release.parse(label.replace("-", "_")).label == label


@given(labels(), labels())
def test_versions_are_ordered_by_packaging(one: str, other: str) -> None:
    """Releases compare as their versions do, prereleases below their release."""
    left, right = Release.parse(one), Release.parse(other)
    assert (left < right, left == right) == (Version(one) < Version(other), Version(one) == Version(other))
    assert (left >= right) is (right <= left)


@given(labels())
def test_next_is_above_every_version(label: str) -> None:
    """`next` is above every version, and the only release that is unreleased."""
    assert Release.parse(label) < NEXT
    assert not NEXT < Release.parse(label)
    assert NEXT.unreleased
    assert not Release.parse(label).unreleased
    assert NEXT == Release.parse("next")
    assert not NEXT < Release.parse("next")


@pytest.mark.parametrize(("one", "other"), [("1.0", "1.0.0"), ("1.0.0-beta.1", "1.0.0b1"), ("1.0.0_rc.1", "1.0.0-rc1")])
def test_equal_versions_are_one_release(one: str, other: str) -> None:
    """However it is spelled, a version is one release: one key of a set, too."""
    assert len({Release.parse(one), Release.parse(other)}) == 1


def test_a_release_is_only_equal_to_a_release() -> None:
    """A release isn't its own label."""
    assert Release.parse("1.0.0") != "1.0.0"


@pytest.mark.parametrize("text", ["", "Next", "latest", "1.0.0-nightly", "one", "1..0", "1.0.0_", "-1", "next-1"])
def test_what_is_no_version_is_refused(text: str) -> None:
    """What is neither a version nor `next` isn't a release, and as a target the error names it and the choices."""
    with pytest.raises(ValueError, match="neither a version nor `next`"):
        Release.parse(text)
    with pytest.raises(TargetError) as caught:
        parse_target(text)
    assert repr(text) in str(caught.value)
    assert "`latest` or `next`" in str(caught.value)
    assert "list" in caught.value.hint
