"""Compares the diagrams of two releases: the union of both, with marks on what came, went and changed."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from sartor.domain.diagram import Diagram, DiagramColumn, DiagramReference, DiagramTable, DiagramType
from sartor.domain.drift import Change

T = TypeVar("T", DiagramTable, DiagramColumn, DiagramReference, DiagramType)


def compare(before: Diagram, after: Diagram) -> Diagram:
    """Returns `after` with what only `before` has, each part with its change since then.

    A part is known by its name, a foreign key by its columns: what was renamed went and came.
    """
    references = _merged(before.references, after.references, lambda each: each.key, _changed_reference)
    touched = {reference.table for reference in references if reference.change}

    def table(old: DiagramTable, new: DiagramTable) -> DiagramTable:
        columns = tuple(_merged(old.columns, new.columns, lambda each: each.name, _changed_column))
        same = not any(column.change for column in columns) and new.name not in touched
        same = same and (old.keys, old.detail, old.kind) == (new.keys, new.detail, new.kind)
        return replace(new, columns=columns, change=None if same else Change.CHANGED)

    return replace(
        after,
        since=before.release,
        tables=tuple(_merged(before.tables, after.tables, lambda each: each.name, table)),
        references=tuple(references),
        types=tuple(_merged(before.types, after.types, lambda each: each.name, _changed_type)),
    )


def _merged(
    before: Iterable[T], after: Iterable[T], key: Callable[[T], Hashable], changed: Callable[[T, T], T]
) -> list[T]:
    """Returns all parts in the order of `after`; one that went comes behind the one that it stood behind."""
    old, new = ({key(each): each for each in side} for side in (before, after))
    found = {
        name: changed(old[name], each) if name in old else replace(each, change=Change.ADDED)
        for name, each in new.items()
    }
    return [
        found[name] if name in found else replace(old[name], change=Change.REMOVED)
        for name in _order(list(old), list(new))
    ]


def _order(old: list[Hashable], new: list[Hashable]) -> Iterator[Hashable]:
    behind: dict[Hashable | None, list[Hashable]] = {}
    last, kept = None, set(new)
    for name in old:
        if name in kept:
            last = name
        else:
            behind.setdefault(last, []).append(name)
    yield from behind.get(None, ())
    for name in new:
        yield name
        yield from behind.get(name, ())


def _changed_column(old: DiagramColumn, new: DiagramColumn) -> DiagramColumn:
    if replace(old, comment="") == replace(new, comment=""):
        return new
    return replace(new, change=Change.CHANGED, before=old.rule)


def _changed_reference(old: DiagramReference, new: DiagramReference) -> DiagramReference:
    return new if replace(old, name=new.name) == new else replace(new, change=Change.CHANGED)


def _changed_type(old: DiagramType, new: DiagramType) -> DiagramType:
    if old == new:
        return new
    return replace(new, change=Change.CHANGED, new_values=frozenset(new.values) - frozenset(old.values))
