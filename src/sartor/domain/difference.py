"""The differences of two fingerprints, object by object, and as a diff for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase

from sartor.domain.fingerprint import NOTED, Fingerprint
from sartor.sql.spelling import plain

ORDERS = frozenset({"column order", "label order"})
"""The kinds of object whose definition is a list of other objects' names, one a line."""

NOTHING = "/dev/null"
"""The name that a diff has for the side where an object doesn't exist."""


class Change(Enum):
    """The kinds of change to an object."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """An object that differs between two fingerprints; a definition is None where the object doesn't exist."""

    kind: str
    name: str
    parent: str
    before: str | None
    after: str | None

    @property
    def change(self) -> Change:
        """The kind of change."""
        if self.before is None:
            return Change.ADDED
        return Change.REMOVED if self.after is None else Change.CHANGED

    @property
    def noted(self) -> bool:
        """True where the difference is only worth a note: the logical hash leaves it out."""
        return self.kind in NOTED

    @property
    def label(self) -> str:
        """The object as shown to people: `column public.users.email`."""
        return f"{self.kind} {self.name}"


def is_ignored(difference: Difference, patterns: Iterable[str]) -> bool:
    """Returns whether a pattern names an object, or what it is part of: `public.events_p*`, `cron`.

    Names are as messages have them, without the kind. An object's parts have its name, a dot and theirs; what has
    another name, such as an index, says what it is part of.
    """
    words = difference.parent.split(" ")
    names = {difference.name, *(" ".join(words[at:]) for at in range(len(words)))}
    return any(fnmatchcase(name, each) or fnmatchcase(name, f"{each}.*") for each in patterns for name in names)


def find_differences(before: Fingerprint, after: Fingerprint) -> tuple[Difference, ...]:
    """Returns the objects that differ, by kind and name. Raises ValueError where the two don't cover the same."""
    if not before.comparable(after):
        raise ValueError("fingerprints of different schemas or Postgres versions can't be compared")
    if before.exact == after.exact:
        return ()
    was, is_now = before.objects, after.objects
    old, new = ({(o.kind, o.name): o.definition for o in side} for side in (was, is_now))
    parents = {(o.kind, o.name): o.parent for o in (*was, *is_now)}
    return tuple(
        Difference(kind=key[0], name=key[1], parent=parents[key], before=old.get(key), after=new.get(key))
        for key in sorted(parents)
        if _differs(key[0], old.get(key), new.get(key))
    )


def _differs(kind: str, before: str | None, after: str | None) -> bool:
    if before is None or after is None or before == after:
        return before != after
    return plain(kind, before) != plain(kind, after)


def without_parts(differences: Iterable[Difference]) -> tuple[Difference, ...]:
    """Returns the differences that no other one entails.

    An added table entails its columns, indexes and grants; an added column entails another order of columns.
    """
    found = tuple(differences)
    whole = {(d.label, d.change) for d in found if d.change is not Change.CHANGED}
    return tuple(d for d in found if (d.parent, d.change) not in whole and not _same_order(d))


def _same_order(difference: Difference) -> bool:
    """Returns whether a difference is one of order, and the names that stay keep their order."""
    if difference.kind not in ORDERS or difference.change is not Change.CHANGED:
        return False
    before, after = (text.splitlines() for text in (difference.before or "", difference.after or ""))
    return [name for name in before if name in after] == [name for name in after if name in before]


def unified(differences: Iterable[Difference]) -> Iterator[str]:
    """Yields the lines of a unified diff of the definitions, object by object."""
    import difflib  # noqa: PLC0415 - most runs have nothing to show

    for d in differences:
        sides = [(NOTHING, []) if text is None else (d.label, text.splitlines()) for text in (d.before, d.after)]
        (old, before), (new, after) = sides
        yield from difflib.unified_diff(before, after, old, new, lineterm="")
