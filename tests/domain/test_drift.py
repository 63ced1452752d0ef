"""Drift: what a schema should be after a run, whatever somebody else did to it before."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sartor.domain.schema.drift import Baseline, carried, find_drift
from sartor.domain.schema.fingerprint import Fingerprint, SchemaObject, Scope

NAMES, DEFINITIONS = st.sampled_from("abcdef"), st.sampled_from(["text", "int"])
OBJECTS = st.lists(
    st.builds(lambda name, text: SchemaObject("table", name, "", text), NAMES, DEFINITIONS), unique_by=lambda o: o.name
)
TABLE = SchemaObject("table", "app.a", "", "table")
COLUMN = SchemaObject("column", "app.a.id", "table app.a", "integer")
COMMENT = SchemaObject("comment", "column app.a.id", "column app.a.id", "'Of a.'")
INDEX = SchemaObject("index", "app.a_idx", "table app.a", "on id")


def make(*objects: SchemaObject, server: int = 18, schema: str = "app") -> Fingerprint:
    return Fingerprint.of(objects, schemas=(schema,), scope=Scope.SCHEMAS, server=server)


def kept(fingerprint: Fingerprint) -> dict[str, Any]:
    return fingerprint.packed() | {"objects": base64.b64encode(fingerprint.text).decode()}


def baseline(fingerprint: Fingerprint | None, *, outdated: bool = False) -> Baseline:
    at = datetime(2026, 11, 20, tzinfo=UTC)
    packed = kept(fingerprint) if fingerprint else {"format": 0}
    return Baseline(seq=1, at=at, user="ada", host="ci", sartor="9", outdated=outdated, packed=packed)


@given(OBJECTS, OBJECTS)
def test_without_drift_it_is_what_the_run_left(before: list[SchemaObject], after: list[SchemaObject]) -> None:
    """Where the schema was as it should be, it should be as the run left it."""
    assert carried(make(*before), make(*before), make(*after)) == make(*after)


@given(OBJECTS, OBJECTS)
def test_a_run_that_changes_nothing_hides_nothing(expected: list[SchemaObject], live: list[SchemaObject]) -> None:
    """What a run didn't touch should be what it should have been before."""
    assert carried(make(*expected), make(*live), make(*live)) == make(*expected)


@given(OBJECTS, OBJECTS, OBJECTS)
def test_each_object_by_itself(
    expected: list[SchemaObject], before: list[SchemaObject], after: list[SchemaObject]
) -> None:
    """An object is what the run made of it where the run changed it, else what it should have been."""
    should, was, now = ({o.name: o for o in side} for side in (expected, before, after))
    found = {o.name: o for o in carried(make(*expected), make(*before), make(*after)).objects}
    for name in "abcdef":
        assert found.get(name) == (should if was.get(name) == now.get(name) else now).get(name)


def test_parts_go_with_their_whole() -> None:
    """A column that was dropped by hand isn't missed once an alteration has dropped its table."""
    assert carried(make(TABLE, COLUMN, COMMENT), make(TABLE), make()) == make()
    assert carried(make(TABLE, COLUMN), make(TABLE, COLUMN, INDEX), make()) == make()


def test_what_cannot_be_told() -> None:
    """Nothing is called drift that may be a run's own, another server's way of writing, or another Sartor's."""
    live = make(TABLE)
    assert find_drift(baseline(make()), live).differences
    for found in (
        baseline(make(), outdated=True),
        baseline(None),
        baseline(make(server=15)),
        baseline(make(schema="other")),
    ):
        drift = find_drift(found, live)
        assert drift.unknown
        assert not drift.differences
