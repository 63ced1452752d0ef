"""Drift: what a schema should be after a run, whatever somebody else did to it before."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.domain.drift import (
    Comparison,
    Difference,
    Drift,
    ExpectedSchema,
    carried,
    find_differences,
    find_drift,
    is_ignored,
    respelled,
)
from sartor.domain.fingerprint import Fingerprint, SchemaObject, Scope

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


def recorded(fingerprint: Fingerprint | None, *, outdated: bool = False) -> ExpectedSchema:
    at = datetime(2026, 11, 20, tzinfo=UTC)
    packed = kept(fingerprint) if fingerprint else {"format": 0}
    return ExpectedSchema(seq=1, at=at, user="ada", host="ci", sartor="9", outdated=outdated, packed=packed)


def drift_of(expected: Fingerprint, live: Fingerprint) -> Drift:
    return find_drift(Comparison(find_differences(expected, live)), recorded=recorded(expected))


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


@pytest.mark.parametrize(
    ("name", "before", "after", "fault"),
    [
        ("table app.a to app", None, "select", False),
        ("table app.a to public", None, "select", True),
        ("table app.a to its owner", None, "select", True),
        ("table app.a to app", "select", None, True),
        ("table app.a to app", "select", "insert, select", False),
        ("table app.a to app", "insert, select", "select", True),
        ("table app.a to app", "insert", "select", True),
        ("table app.a to app", "insert, select", "select, insert", False),
    ],
)
def test_rights(name: str, before: str | None, after: str | None, fault: bool) -> None:
    """Rights that were granted in addition are a note, revoked ones are a fault."""
    expected, live = (
        make(TABLE, *([SchemaObject("grant", name, TABLE.label, text)] if text else [])) for text in (before, after)
    )
    drift = drift_of(expected, live)
    assert (bool(drift.differences), bool(drift.noted)) == (fault, not fault)
    assert drift.recorded is not None


def test_what_is_told_of_drift() -> None:
    """The faults are counted, the first one is named; a schema is as recorded where there isn't even a note."""
    one, two = drift_of(make(), make(TABLE)), drift_of(make(INDEX), make(TABLE))
    assert one.told == "1 object changed since the last run, first table app.a"
    assert two.told == "2 objects changed since the last run, first index app.a_idx"
    alike = drift_of(make(TABLE), make(TABLE))
    owner = drift_of(make(TABLE), make(TABLE, SchemaObject("owner", "app.a", TABLE.label, "app")))
    assert (alike.told, alike.absent, owner.absent, one.absent) == ("", True, False, False)
    assert (len(owner.noted), owner.differences) == (1, ())
    column = drift_of(make(COLUMN), make(COLUMN._replace(definition="bigint")))
    assert [each.label for each in column.differences] == ["column app.a.id"]


def test_what_is_certain() -> None:
    """Drift is certain where there is nothing that hides it: no doubt, and no expected schema that was taken anew."""
    found = drift_of(make(), make())
    assert found.certain
    assert Drift().certain
    assert not Drift(unknown="a run is in progress").certain
    assert found.recorded is not None
    assert not found._replace(recorded=replace(found.recorded, adopted_at=found.recorded.at)).certain


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ({}, ""),
        ({"packed": kept(make(server=15))}, ""),
        ({"outdated": True}, "a run is in progress, or has ended without recording the schema"),
        ({"packed": {"format": 0}}, "the expected schema was recorded by Sartor 9, in another format"),
        ({"packed": kept(make(schema="other"))}, "the expected schema was recorded for schema other"),
    ],
)
def test_why_it_cannot_be_told(found: dict[str, Any], told: str) -> None:
    """The reason is told why a schema can't be compared with what was recorded; another major version is none."""
    assert replace(recorded(make()), **found).unusable("app") == told


def test_texts_that_cannot_be_parsed_again() -> None:
    """Texts that nobody could parse again are told with the reason; they are faults where they were compared."""
    found = find_differences(make(TABLE, INDEX), make(TABLE._replace(definition="a"), INDEX._replace(definition="b")))
    one, both = (
        find_drift(Comparison(found, found, "because"), recorded=recorded(make())),
        find_drift(Comparison(found[1:], found[:1], "because"), recorded=recorded(make())),
    )
    why = "the server can't parse it again: because"
    assert one.unread_told == f"index app.a_idx and 1 other are compared as text; {why}"
    assert both.unread_told == f"index app.a_idx is not compared, as another major version wrote it; {why}"
    assert (one.certain, both.certain, one.absent, both.absent) == (True, False, False, False)
    ignored = find_drift(Comparison(found, found, "because"), ["app.a*"])
    assert (ignored.unread, ignored.differences, len(ignored.ignored)) == ((), (), 2)


@given(OBJECTS, OBJECTS)
def test_what_is_expected_in_the_words_of_another_server(
    expected: list[SchemaObject], live: list[SchemaObject]
) -> None:
    """Objects that are alike are spelled as the live server does, all others stay what they should be."""
    before, after = make(*expected, server=15), make(*live)
    differences = find_differences(before, after)
    assert respelled(before, after, Comparison(differences)) == make(*expected)
    spelt = {o.name for o in live} & {o.name for o in expected}
    alike = tuple(d for d in differences if d.name not in spelt)
    found = {o.name: o for o in respelled(before, after, Comparison(alike)).objects}
    assert found == {o.name: o for o in expected} | {o.name: o for o in live if o.name in spelt}


@pytest.mark.parametrize(
    ("pattern", "name", "parent", "ignored"),
    [
        ("public.jobs_*", "public.jobs_1", "", True),
        ("public.jobs_?", "public.jobs_12", "", False),
        ("public.jobs", "public.jobs.id", "table public.jobs", True),
        ("public.jobs", "public.jobs_id", "materialized view public.jobs", True),
        ("public.jobs", "public.jobs_id", "table public.bills", False),
        ("public.jobs", "column public.jobs.id to app", "column public.jobs.id", True),
        ("cron", "cron.job", "", True),
        ("jobs", "public.jobs", "", False),
        ("public.Jobs", "public.jobs", "", False),
    ],
)
def test_what_is_left_out(pattern: str, name: str, parent: str, ignored: bool) -> None:
    """A pattern names an object and all of its parts, and nothing beside it."""
    difference = Difference(kind="thing", name=name, parent=parent, before=None, after="it")
    assert is_ignored(difference, ["nothing", pattern]) is ignored
    assert not is_ignored(difference, [])
