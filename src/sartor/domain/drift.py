"""Drift: the differences between a live schema and what the alterations made of it, object by object."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, NamedTuple

from sartor.domain.fingerprint import NOTED, Fingerprint, SchemaObject
from sartor.sql.spelling import plain

ORDERS = frozenset({"column order", "label order"})
"""The kinds of object whose definition is a list of other objects' names, one a line."""

MAINTAINS, NAMES_NOT_NULL = 17, 18
"""The first versions that have the privilege `maintain`, and names for NOT NULL constraints."""
OF_TABLES = ("delete", "insert", "references", "select", "trigger", "truncate", "update")
"""The privileges on a table that each version has."""

NOTHING = "/dev/null"
"""The name that a diff has for the side where an object doesn't exist."""


class Change(Enum):
    """The kinds of change to an object."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Difference(NamedTuple):
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
    return any(matches(name, patterns) for name in names)


def matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, each) or fnmatchcase(name, f"{each}.*") for each in patterns)


def find_differences(before: Fingerprint, after: Fingerprint) -> tuple[Difference, ...]:
    """Returns the objects that differ, by kind and name; a schema that only one of the two covers counts as empty."""
    if before.exact == after.exact:
        return ()
    was, is_now = (_known_to(before, after.server), _known_to(after, before.server))
    old, new = ({(o.kind, o.name): o.definition for o in side} for side in (was, is_now))
    parents = {(o.kind, o.name): o.parent for o in (*was, *is_now)}
    return tuple(
        Difference(kind=key[0], name=key[1], parent=parents[key], before=old.get(key), after=new.get(key))
        for key in sorted(parents)
        if _differs(key[0], old.get(key), new.get(key))
    )


def _known_to(side: Fingerprint, server: int) -> tuple[SchemaObject, ...]:
    """Returns what a server of another major version can have of a schema too."""
    found = side.objects
    if server < NAMES_NOT_NULL <= side.server:
        found = tuple(each for each in found if each.kind != "not-null constraint")
    if server < MAINTAINS <= side.server:
        found = tuple(each._replace(definition=_as_before(each)) if each.kind == "grant" else each for each in found)
    return found


def _as_before(grant: SchemaObject) -> str:
    """Returns a grant without `maintain` where it came with ALL, or belongs to an owner."""
    given = grant.definition.split(", ")
    for option in ("", " with grant option"):
        older = [f"{each}{option}" for each in OF_TABLES]
        if grant.name.endswith(" to its owner") or set(older) <= set(given):
            given = [each for each in given if each != f"maintain{option}"]
    return ", ".join(given)


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


@dataclass(frozen=True, kw_only=True)
class ExpectedSchema:
    """A ledger's record of what the schema should be, as of the journal's event `seq`; who recorded it, and when.

    `packed` is what `Fingerprint.unpack` reads. `catalog_version` is the database's where the schema was exactly as
    recorded, else "". `outdated` says that alterations were deployed or rolled back since then, in a run that hasn't
    recorded what they made. `adopted_at` is when a run last took the schema as it was for what it should be, with no
    expected schema to compare it with; None where each run continued from the one before.
    """

    seq: int
    at: datetime
    user: str
    host: str
    sartor: str
    outdated: bool
    packed: Mapping[str, Any]
    catalog_version: str = ""
    adopted_at: datetime | None = None

    @cached_property
    def fingerprint(self) -> Fingerprint | None:
        """The schema as it should be; None where a Sartor of another format recorded it."""
        return Fingerprint.unpack(self.packed)

    def unusable(self, schema: str) -> str:
        """Returns why `schema` can't be compared with it; "" where it can."""
        if self.outdated:
            return "a run is in progress, or has ended without recording the schema"
        if self.fingerprint is None:
            return f"the expected schema was recorded by Sartor {self.sartor}, in another format"
        recorded = self.fingerprint.schemas
        return "" if recorded == (schema,) else f"the expected schema was recorded for schema {', '.join(recorded)}"


class Comparison(NamedTuple):
    """The differences between an expected schema and a live one, parts of others among them.

    `unread` may be other spellings of the same: texts that the server couldn't parse again, for the reason `why`. They
    are among the differences, unless another major version wrote the expected ones.
    """

    differences: tuple[Difference, ...]
    unread: tuple[Difference, ...] = ()
    why: str = ""


class Drift(NamedTuple):
    """The differences between a live schema and the expected one: those that are faults, and those only worth a note.

    Rights that were granted in addition are a note: the operators of a database grant them. Revoked rights are a fault.
    `ignored` are those that the settings leave out. `unread` are texts that differ, and that the server couldn't parse
    again, for the reason `unread_why`: they are faults, unless another major version wrote them.
    `unknown` says why drift can't be determined; "" where it can.
    """

    recorded: ExpectedSchema | None = None
    differences: tuple[Difference, ...] = ()
    noted: tuple[Difference, ...] = ()
    ignored: tuple[Difference, ...] = ()
    unread: tuple[Difference, ...] = ()
    unread_why: str = ""
    unknown: str = ""

    @property
    def told(self) -> str:
        """The faults as a clause; "" where there are none."""
        if not self.differences:
            return ""
        count = len(self.differences)
        objects = "object" if count == 1 else "objects"
        return f"{count} {objects} changed since the last run, first {self.differences[0].label}"

    @property
    def unsettled(self) -> bool:
        """True where there are texts that couldn't be compared."""
        return not set(self.unread) <= set(self.differences)

    @property
    def unread_told(self) -> str:
        """The texts that couldn't be parsed again, as a sentence; "" where there are none."""
        if not self.unread:
            return ""
        others = len(self.unread) - 1
        more = f" and {others} other{'s' if others > 1 else ''} are" if others else " is"
        what = "not compared, as another major version wrote it" if self.unsettled else "compared as text"
        return f"{self.unread[0].label}{more} {what}; the server can't parse it again: {self.unread_why}"

    @property
    def certain(self) -> bool:
        """True where every change that was ever made by hand would be reported."""
        return not (self.unknown or self.unsettled or (self.recorded and self.recorded.adopted_at))

    @property
    def absent(self) -> bool:
        """True where the schema is known to be as it was recorded, without even a note."""
        found = self.differences or self.noted or self.ignored or self.unread
        return self.recorded is not None and not (found or self.unknown)


def find_drift(found: Comparison, ignore: Sequence[str] = (), *, recorded: ExpectedSchema | None = None) -> Drift:
    """Returns what a comparison means; `ignore` are patterns of names."""
    told = without_parts(found.differences)
    counted = [d for d in told if not is_ignored(d, ignore)]
    return Drift(
        recorded=recorded,
        differences=tuple(d for d in counted if not (d.noted or _only_gives(d))),
        noted=tuple(d for d in counted if d.noted or _only_gives(d)),
        ignored=tuple(d for d in told if is_ignored(d, ignore)),
        unread=tuple(d for d in found.unread if not is_ignored(d, ignore)),
        unread_why=found.why,
    )


def respelled(expected: Fingerprint, live: Fingerprint, found: Comparison) -> Fingerprint:
    """Returns what is expected as the live server spells it."""
    should, objects = ({(o.kind, o.name): o for o in side.objects} for side in (expected, live))
    for each in found.differences:
        key = each.kind, each.name
        if key in should:
            objects[key] = should[key]
        else:
            del objects[key]
    return Fingerprint.of(objects.values(), schemas=live.schemas, scope=live.scope, server=live.server)


def _only_gives(difference: Difference) -> bool:
    """Returns whether a difference grants rights and revokes none. PUBLIC and the owner have some without any grant."""
    if difference.kind != "grant" or difference.after is None:
        return False
    if difference.before is None:
        return not difference.name.endswith((" to public", " to its owner"))
    return set(difference.before.split(", ")) <= set(difference.after.split(", "))


def carried(expected: Fingerprint, before: Fingerprint, after: Fingerprint) -> Fingerprint:
    """Returns what a schema should be after a run: as it should have been before, with what the run changed.

    So what was changed outside of runs before this one is still drift after it.
    """
    should, was, is_now = ({(o.kind, o.name): o for o in side.objects} for side in (expected, before, after))
    untouched = {key: found for key, found in should.items() if was.get(key) == is_now.get(key)}
    changed = {key: found for key, found in is_now.items() if was.get(key) != found}
    kept = {**untouched, **changed}
    known = {found.label for found in should.values()}
    # A part that was dropped by hand is removed with its table, when the run drops the table.
    while gone := known - {found.label for found in kept.values()}:
        whole = {key: found for key, found in kept.items() if found.parent not in gone}
        if len(whole) == len(kept):
            break
        kept = whole
    return Fingerprint.of(kept.values(), schemas=after.schemas, scope=after.scope, server=after.server)
