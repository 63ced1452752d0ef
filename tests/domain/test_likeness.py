"""Likeness: which destinations of a fleet are alike, and which don't fit."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.domain.destination import Destination
from sartor.domain.fingerprint import Fingerprint, SchemaObject, Scope
from sartor.domain.ledger import Entry, Ledger, State
from sartor.domain.likeness import Likeness, Oddity, Placed, find_classes, hash_ledger, hash_names, pick_canaries
from sartor.domain.release import Release

RELEASES = [None, Release.parse("1.0.0"), Release.parse("1.1.0"), Release.parse("next")]
LIKENESSES = st.builds(
    Likeness,
    st.sampled_from(["a", "b"]),
    st.sampled_from([15, 16]),
    st.sampled_from(["x", "y", "z", None]),
    st.sampled_from(RELEASES),
)


def at(number: int) -> Destination:
    return Destination("postgresql://app@localhost/app", schema=f"tenant_{number}")


FLEETS = st.lists(LIKENESSES, max_size=12).map(lambda found: [(at(n), each) for n, each in enumerate(found)])


def fleet(*fingerprints: str | None) -> list[Placed]:
    return [(at(number), Likeness("a", 16, each)) for number, each in enumerate(fingerprints)]


@given(FLEETS)
def test_each_is_in_one_class(placed: list[Placed]) -> None:
    """Each destination is in one variety of one class, and the order in which they come changes no class."""
    classes = find_classes(placed)
    held = [each for found in classes for variety in found.varieties for each in variety.destinations]
    assert sorted(held, key=repr) == sorted((each for each, _ in placed), key=repr)
    assert sum(found.size for found in classes) == len(placed)
    again = find_classes(placed[::-1])
    assert [(c.ledger, c.server, c.release, c.size) for c in again] == [
        (c.ledger, c.server, c.release, c.size) for c in classes
    ]
    assert [[(v.fingerprint, set(v.destinations)) for v in c.varieties] for c in again] == [
        [(v.fingerprint, set(v.destinations)) for v in c.varieties] for c in classes
    ]


@given(FLEETS)
def test_a_class_is_of_one_history(placed: list[Placed]) -> None:
    """Alike is what has the same deployed alterations on the same major version; the fingerprint parts no class."""
    of = dict(placed)
    for found in find_classes(placed):
        members = [of[each] for variety in found.varieties for each in variety.destinations]
        assert {(each.ledger, each.server) for each in members} == {(found.ledger, found.server)}
    assert len(find_classes(placed)) == len({(each.ledger, each.server) for _, each in placed})


@given(FLEETS)
def test_outliers_are_the_minority(placed: list[Placed]) -> None:
    """Of a class, the outliers are fewer than half, and none has the fingerprint of the majority."""
    of = dict(placed)
    for found in find_classes(placed):
        assert 2 * len(found.outliers) < found.size
        if (majority := found.majority) is not None:
            assert len(found.outliers) == found.size - len(majority.destinations)
            assert all(of[each.destination].fingerprint != majority.fingerprint for each in found.outliers)


@given(FLEETS)
def test_one_of_each_class_goes_first(placed: list[Placed]) -> None:
    """The canaries are one destination of each class, and no outlier."""
    classes = find_classes(placed)
    canaries = pick_canaries(classes)
    odd = {outlier.destination for found in classes for outlier in found.outliers}
    assert (len(canaries), len({*canaries}), odd & {*canaries}) == (len(classes), len(classes), set())


@pytest.mark.parametrize(
    ("fingerprints", "outliers"),
    [
        (["x", "x", "y"], [(2, Oddity.DIFFERS)]),
        (["x", "x", None], [(2, Oddity.UNKNOWN)]),
        (["x", None, None], [(0, Oddity.UNKNOWN)]),
        ([None, None], []),
        (["x", "y"], []),
        (["x", "x", "y", "z"], []),
        (["x", "y", "x", None, "x"], [(1, Oddity.DIFFERS), (3, Oddity.UNKNOWN)]),
    ],
)
def test_who_is_odd(fingerprints: list[str | None], outliers: list[tuple[int, Oddity]]) -> None:
    """What differs from more than half is odd; where no more than half agree, nothing is, and each variety counts."""
    (found,) = find_classes(fleet(*fingerprints))
    assert sorted((repr(each.destination), each.why) for each in found.outliers) == [
        (repr(at(number)), why) for number, why in outliers
    ]
    kinds = 1 if found.majority else len({*fingerprints})
    assert len(found.representatives) == kinds


def test_where_a_class_stands() -> None:
    """A class stands where the one of it stands that has come least far."""
    newer, older = (Likeness("a", 16, "x", release) for release in (RELEASES[2], RELEASES[1]))
    assert [found.release for found in find_classes([(at(0), newer), (at(1), older)])] == [RELEASES[1]]
    assert [found.release for found in find_classes([(at(0), newer), (at(1), Likeness("a", 16, "x"))])] == [None]


def entry(number: int, *, checksum: str = "c", state: State = State.DEPLOYED, seq: int = 0) -> Entry:
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    release = Release.parse("1.0.0")
    return Entry("app", f"{number}-a", release, f"1.0.0-{number}-a.sql", checksum, state, now, 1.0, "me", "h", "0", seq)


ENTRIES = st.lists(
    st.builds(
        entry,
        st.integers(0, 9),
        checksum=st.sampled_from(["c", "d"]),
        state=st.sampled_from(State),
        seq=st.integers(0, 99),
    ),
    unique_by=lambda each: each.id,
)


@given(ENTRIES, ENTRIES)
def test_equal_ledgers(one: list[Entry], other: list[Entry]) -> None:
    """Two ledgers have one hash where they hold the same alterations, in whichever order these were deployed."""
    kept = [{(each.id, each.checksum, each.state) for each in entries} for entries in (one, other)]
    hashes = [hash_ledger(Ledger(head=1, entries=tuple(entries))) for entries in (one, other)]
    assert (hashes[0] == hashes[1]) == (kept[0] == kept[1])


def test_a_relabelled_row_is_the_same() -> None:
    """A release that was cut since then doesn't part destinations."""
    whole = Ledger(head=1, entries=(entry(1),))
    relabelled = dataclasses.replace(whole, entries=(entry(1)._replace(release=Release.parse("1.1.0")),))
    assert hash_ledger(whole) == hash_ledger(relabelled)


def schema(name: str, *more: SchemaObject) -> Fingerprint:
    quoted = name if name.isidentifier() else f'"{name}"'
    table = f"table {quoted}.a"
    objects = [
        SchemaObject("schema", quoted, "", "schema"),
        SchemaObject("comment", f"schema {quoted}", f"schema {quoted}", f"The tenant {name}"),
        SchemaObject("table", f"{quoted}.a", "", "table"),
        SchemaObject("column", f"{quoted}.a.id", table, f"integer not null default nextval('{quoted}.s'::regclass)"),
        SchemaObject("grant", f"{table} to {name}_web", table, "select"),
        SchemaObject("owner", table, table, f"{name}_owner"),
        SchemaObject("view", f"{quoted}.v", "", f"view\n SELECT a.id\n   FROM {quoted}.a,\n{quoted}.b"),
        SchemaObject("function", f"{quoted}.f()", "", f"SET search_path TO '{name}'\n$$select 1 from tenant.a$$"),
        *more,
    ]
    return Fingerprint.of(objects, schemas=(name,), scope=Scope.SCHEMAS, server=16)


@pytest.mark.parametrize("name", ["tenant_1", "tenant_10", "b", "x", "Tenant-1", "ü", "a b", "view"])
def test_the_name_of_a_schema_is_no_difference(name: str) -> None:
    """Schemas that are copies of each other under other names have one fingerprint, whichever roles use them."""
    assert schema(name).nameless == schema("acme").nameless
    assert schema(name).logical != schema("acme").logical


@pytest.mark.parametrize(
    "more",
    [
        SchemaObject("table", "acme.b", "", "table"),
        SchemaObject("column", "acme.a.n", "table acme.a", "integer"),
        SchemaObject("comment", "table acme.a", "table acme.a", "changed"),
    ],
)
def test_a_difference_stays_one(more: SchemaObject) -> None:
    """A fingerprint without names still tells what an application could tell."""
    assert schema("acme", more).nameless != schema("globex").nameless


def test_another_schema_of_a_similar_name() -> None:
    """A name that only contains the schema's is that of another object, and isn't replaced."""
    one, other = (
        schema(name, SchemaObject("view", f"{name}.w", "", f"view\n SELECT 1 FROM {name}_archive.a, x.{name}.b"))
        for name in ("acme", "globex")
    )
    assert one.nameless != other.nameless


def test_an_empty_schema_is_like_one_without_a_ledger() -> None:
    """Where everything was rolled back, nothing is there, as where nothing was ever deployed."""
    empty = Fingerprint.of(
        [SchemaObject("schema", "a", "", "schema")], schemas=("a",), scope=Scope.SCHEMAS, server=16
    ).nameless
    assert empty == hash_names([])
    assert hash_ledger(Ledger()) == hash_ledger(Ledger(head=7))
