"""Fingerprints as values: what the hashes take in, how two compare, how one is kept."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.domain.drift import Change, find_differences, unified, without_parts
from sartor.domain.fingerprint import NOTED, Fingerprint, SchemaObject, Scope

TEXT = st.text(st.characters(exclude_characters="\0", codec="utf-8") | st.sampled_from("\\\b\f\n\r\t\vbfnrtvN."))
KINDS = st.sampled_from(["table", "column", "owner", "column order"])
OBJECTS = st.builds(SchemaObject, KINDS, TEXT, TEXT, TEXT)
PLACED = st.builds(lambda kind, name, text: SchemaObject(kind, name, f"table {name}", text), KINDS, TEXT, TEXT)
"""What an object is part of follows from its kind, name and definition."""


def make(*objects: SchemaObject, server: int = 18) -> Fingerprint:
    return Fingerprint.of(objects, schemas=("app",), scope=Scope.SCHEMAS, server=server)


TABLE = SchemaObject("table", "app.a", "", "table")
COLUMN = SchemaObject("column", "app.a.id", "table app.a", "integer not null")
GRANT = SchemaObject("grant", "column app.a.id to web", "column app.a.id", "select")
ORDER = SchemaObject("column order", "app.a", "table app.a", "id\nname")


@given(st.lists(OBJECTS))
def test_kept(objects: list[SchemaObject]) -> None:
    """What is kept as JSON comes back as it was."""
    fingerprint = make(*objects)
    packed = json.loads(json.dumps(fingerprint.packed() | {"objects": base64.encodebytes(fingerprint.text).decode()}))
    assert Fingerprint.unpack(packed) == fingerprint
    assert (packed["logical"], packed["exact"]) == (fingerprint.logical, fingerprint.exact)
    assert sorted(Fingerprint.of(objects, schemas=(), scope=Scope.DATABASE, server=18).objects) == sorted(objects)


def test_kept_by_another() -> None:
    """What another Sartor kept in a format of its own isn't read."""
    assert Fingerprint.unpack({**make(TABLE).packed(), "objects": "", "format": 1}) is None


@given(st.lists(PLACED, unique_by=lambda o: o[:2]), st.lists(PLACED, unique_by=lambda o: o[:2]))
def test_hashes_and_differences_agree(before: list[SchemaObject], after: list[SchemaObject]) -> None:
    """The exact hashes are equal where nothing differs, and the logical ones where nothing but notes do."""
    one, other = make(*before), make(*after)
    found = find_differences(one, other)
    assert (one.exact == other.exact) == (not found)
    assert (one.logical == other.logical) == all(d.kind in NOTED for d in found)


def test_changes() -> None:
    """An object is added, removed or changed, and a difference has both definitions."""
    changed = COLUMN._replace(definition="bigint not null")
    found = find_differences(make(TABLE, COLUMN, ORDER), make(TABLE, changed, GRANT))
    assert [(d.change, d.label, d.before, d.after, d.noted) for d in found] == [
        (Change.CHANGED, "column app.a.id", "integer not null", "bigint not null", False),
        (Change.REMOVED, "column order app.a", "id\nname", None, True),
        (Change.ADDED, "grant column app.a.id to web", None, "select", False),
    ]


def test_two_spellings() -> None:
    """What Postgres spells in two ways is no difference; a column has a way of its own."""
    plain = COLUMN._replace(definition="text")
    spelt = COLUMN._replace(definition="text default NULL::text")
    assert find_differences(make(plain), make(spelt)) == ()
    assert find_differences(make(spelt), make(plain)) == ()
    assert len(find_differences(make(plain._replace(kind="table")), make(spelt._replace(kind="table")))) == 1


def test_parts() -> None:
    """What was added or removed brings its parts, and theirs; what changed doesn't."""
    everything = make(TABLE, COLUMN, GRANT, ORDER)
    assert [d.label for d in without_parts(find_differences(make(), everything))] == ["table app.a"]
    assert [d.label for d in without_parts(find_differences(everything, make()))] == ["table app.a"]
    changed = make(TABLE._replace(definition="unlogged table"), COLUMN)
    assert len(without_parts(find_differences(make(TABLE), changed))) == 2


def test_order() -> None:
    """Another order is told where something moved, not where something came or went."""
    more, moved = ORDER._replace(definition="id\nnew\nname"), ORDER._replace(definition="name\nid")
    assert without_parts(find_differences(make(ORDER), make(more))) == ()
    assert without_parts(find_differences(make(more), make(ORDER))) == ()
    assert [d.label for d in without_parts(find_differences(make(ORDER), make(moved)))] == ["column order app.a"]


def test_diff() -> None:
    """A diff names each object and shows its definition's lines."""
    found = find_differences(make(TABLE, ORDER), make(COLUMN, ORDER._replace(definition="name\nid")))
    assert list(unified(found)) == [
        "--- /dev/null", "+++ column app.a.id", "@@ -0,0 +1 @@", "+integer not null",
        "--- column order app.a", "+++ column order app.a", "@@ -1,2 +1,2 @@", "+name", " id", "-name",
        "--- table app.a", "+++ /dev/null", "@@ -1 +0,0 @@", "-table",
    ]  # fmt: skip


ALL = "delete, insert, references, select, trigger, truncate, update"
ALL_17 = "delete, insert, maintain, references, select, trigger, truncate, update"


def _grant(definition: str, grantee: str = "app") -> SchemaObject:
    return SchemaObject("grant", f"table app.a to {grantee}", "table app.a", definition)


@pytest.mark.parametrize(
    ("older", "newer", "same"),
    [
        (_grant(ALL), _grant(ALL_17), True),
        (_grant(ALL.replace(",", " with grant option,")), _grant(ALL_17.replace(",", " with grant option,")), False),
        (
            _grant(", ".join(f"{each} with grant option" for each in ALL.split(", "))),
            _grant(", ".join(f"{each} with grant option" for each in ALL_17.split(", "))),
            True,
        ),
        (_grant("select"), _grant("maintain, select"), False),
        (_grant("insert, select", "its owner"), _grant("insert, maintain, select", "its owner"), True),
        (_grant(ALL), _grant(ALL_17.replace("select, ", "")), False),
    ],
)
def test_what_a_newer_version_has_besides(older: SchemaObject, newer: SchemaObject, same: bool) -> None:
    """Between major versions, a privilege that comes with ALL doesn't count, in either direction; on one it does."""
    old, new = make(older, server=14), make(newer, server=18)
    assert (find_differences(old, new) == ()) == (find_differences(new, old) == ()) == same
    assert find_differences(make(older), new)


def test_names_that_a_newer_version_has() -> None:
    """Where a server has no names for NOT NULL constraints, those of another one don't count."""
    named = SchemaObject("not-null constraint", "app.a.id", "column app.a.id", "other_not_null")
    assert find_differences(make(TABLE, server=17), make(TABLE, named)) == ()
    assert find_differences(make(TABLE, named), make(TABLE, server=17)) == ()
    assert [d.label for d in find_differences(make(TABLE), make(TABLE, named))] == ["not-null constraint app.a.id"]
