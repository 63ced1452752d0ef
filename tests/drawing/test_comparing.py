"""What came, went and changed between two diagrams."""

from __future__ import annotations

from hypothesis import given, settings

from sartor import Change, Diagram, DiagramColumn, DiagramReference, DiagramTable, DiagramType, RelationName
from sartor.drawing.comparing import compare
from support.diagrams import diagrams

A, B, C = (RelationName("public", name) for name in "abc")


def columns(*types: tuple[str, str]) -> tuple[DiagramColumn, ...]:
    return tuple(DiagramColumn(name=name, type=kind) for name, kind in types)


def _changes(of: Diagram) -> list[Change | None]:
    return [*(each.change for each in of.references), *(each.change for each in of.tables)]


def test_changes() -> None:
    """Tables, columns, keys and types are marked; what went stands where it was; a new name of a key is no change."""
    before = Diagram(
        schema="public",
        release="1.0.0",
        tables=(
            DiagramTable(name=A, columns=columns(("id", "int"), ("old", "int"), ("kind", "int"))),
            DiagramTable(name=B, columns=columns(("id", "int"))),
        ),
        references=(DiagramReference(name="r", table=A, columns=("old",), to=B, to_columns=("id",)),),
        types=(DiagramType(name=A, kind="enum", values=("x",)),),
    )
    after = Diagram(
        schema="public",
        release="2.0.0",
        tables=(
            DiagramTable(name=A, columns=columns(("id", "int"), ("kind", "text"), ("new", "int"))),
            DiagramTable(name=C, columns=columns(("id", "int"))),
        ),
        types=(DiagramType(name=A, kind="enum", values=("x", "y")),),
    )
    found = compare(before, after)
    assert (found.release, found.since) == ("2.0.0", "1.0.0")
    assert [(each.name, each.change) for each in found.tables] == [
        (A, Change.CHANGED),
        (B, Change.REMOVED),
        (C, Change.ADDED),
    ]
    assert [(each.name, each.change, each.before) for each in found.tables[0].columns] == [
        ("id", None, ""),
        ("old", Change.REMOVED, ""),
        ("kind", Change.CHANGED, "int"),
        ("new", Change.ADDED, ""),
    ]
    assert [each.change for each in found.references] == [Change.REMOVED]
    assert found.types[0].new_values == {"y"}


def test_names_of_keys() -> None:
    """A foreign key with another name is the same; one with another action has changed, and so has its table."""

    def with_key(name: str, action: str) -> Diagram:
        key = DiagramReference(name=name, table=A, columns=("x",), to=B, to_columns=("id",), on_delete=action)
        return Diagram(schema="public", tables=(DiagramTable(name=A), DiagramTable(name=B)), references=(key,))

    same = compare(with_key("one", ""), with_key("two", ""))
    assert _changes(same) == [None, None, None]
    changed = compare(with_key("one", ""), with_key("one", "cascade"))
    assert _changes(changed) == [Change.CHANGED, Change.CHANGED, None]


@given(diagrams(), diagrams())
@settings(max_examples=40, deadline=None)
def test_nothing_is_lost(before: Diagram, after: Diagram) -> None:
    """All parts of both are there, once each; of the newer one in its order."""
    found = compare(before, after)
    names = [each.name for each in found.tables]
    assert sorted(names) == sorted({each.name for each in (*before.tables, *after.tables)})
    new = [each.name for each in after.tables]
    assert [name for name in names if name in new] == new
