"""How two fingerprints differ: object by object, and as a diff for people."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from sartor.domain.fingerprint import NOTED, Fingerprint


class Change(Enum):
    """What became of an object."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """An object that two fingerprints don't have alike; a definition is None where the object isn't there."""

    kind: str
    name: str
    parent: str
    before: str | None
    after: str | None

    @property
    def change(self) -> Change:
        """What became of the object."""
        if self.before is None:
            return Change.ADDED
        return Change.REMOVED if self.after is None else Change.CHANGED

    @property
    def noted(self) -> bool:
        """Whether it is only worth a note: the logical hash doesn't have it."""
        return self.kind in NOTED

    @property
    def label(self) -> str:
        """The object for people: `column public.users.email`."""
        return f"{self.kind} {self.name}"


def compare(before: Fingerprint, after: Fingerprint) -> tuple[Difference, ...]:
    """The objects that differ, by kind and name. Raises ValueError where the two don't look at the same."""
    if not before.comparable(after):
        raise ValueError("fingerprints of different schemas or versions of Postgres don't compare")
    old = {(o.kind, o.name): o for o in before.objects}
    new = {(o.kind, o.name): o for o in after.objects}
    return tuple(
        Difference(
            kind=kind,
            name=name,
            parent=new.get((kind, name), old.get((kind, name), None)).parent,
            before=old[kind, name].definition if (kind, name) in old else None,
            after=new[kind, name].definition if (kind, name) in new else None,
        )
        for kind, name in sorted(old.keys() | new.keys())
        if old.get((kind, name)) != new.get((kind, name))
    )


def without_parts(differences: Iterable[Difference]) -> tuple[Difference, ...]:
    """The differences that aren't said by another: a table that was added brings its columns, its indexes, its grants.

    A note about something that stays, such as the order of columns after one was added, is kept.
    """
    found = tuple(differences)
    whole = {(d.label, d.change) for d in found if d.change is not Change.CHANGED}
    return tuple(d for d in found if (d.parent, d.change) not in whole)


def unified(differences: Iterable[Difference]) -> Iterator[str]:
    """The lines of a unified diff of definitions, one after another."""
    for difference in differences:
        before, after = (text.splitlines() if text is not None else [] for text in (difference.before, difference.after))
        label = difference.label
        old, new = label if difference.before is not None else "-", label if difference.after is not None else "-"
        yield from difflib.unified_diff(before, after, old, new, lineterm="")
