"""Tests of the identities that another tool's migrations get."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sartor.domain.alteration import order_key
from sartor.domain.file_names import parse_file_name
from sartor.importing.foreign_script import ForeignScript
from sartor.importing.identities import identities

VERSIONS = st.one_of(
    st.from_regex(r"[0-9]{1,18}", fullmatch=True),
    st.datetimes().map(lambda each: each.strftime("%Y%m%d%H%M%S")),
    st.text(max_size=20),
)
NAMES = st.text(max_size=150)
SCRIPTS = st.lists(st.builds(lambda version, name: ForeignScript(version, name, "", None, ""), VERSIONS, NAMES))


@given(SCRIPTS)
def test_the_order_stays(scripts: list[ForeignScript]) -> None:
    """Identities are names of files, and sort as the migrations ran; those of the first ones don't depend on others."""
    found = list(identities(scripts))
    keys = [order_key(parse_file_name(f"1.0.0-{each}.sql")[0], each) for each in found]
    assert keys == sorted(set(keys))
    assert found[:3] == list(identities(scripts[:3]))


def test_a_version_says_when() -> None:
    """A date and time is UTC, a number stays one, and a version that is neither counts by its place."""
    versions = ("7", "20240102030405", "20240102030405678", "2024-01-03-000000", "1704300000", "v9")
    scripts = [ForeignScript(each, "Add (users) v2", "", None, "") for each in versions]
    assert [each.partition("-")[0] for each in identities(scripts)] == [
        "7",
        "1704164645",
        "1704164645.678",
        "1704240000",
        "1704300000",
        "1704300000.001",
    ]
    assert next(identities(scripts)) == "7-add-users-v2"
