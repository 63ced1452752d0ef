"""Compares a lineage with a base in git: what would arrive late there, and what was changed that is released."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sartor.alterations.files import find_folder
from sartor.alterations.git import has_work_tree
from sartor.alterations.revisions import Base, read_base
from sartor.domain.alteration import Alteration, Lineage
from sartor.domain.release import Release
from sartor.linter import rules
from sartor.linter.rules import Finding, about


def read_bases(found: Sequence[tuple[str, str, Sequence[Alteration]]], revision: str) -> dict[str, Base]:
    """Returns the bases of lineages (name, location, alterations) by name; of those that are in a repository.

    Raises UsageError where none is, or git doesn't know the revision.
    """
    inside = [each for each in found if has_work_tree(str(find_folder(each[1])))]
    return {name: read_base(name, location, alterations, revision) for name, location, alterations in inside or found}


class _Change(NamedTuple):
    """An alteration here, where the branch left the base, and at the base: None where it isn't there."""

    here: Alteration | None
    fork: Alteration | None
    tip: Alteration | None

    @property
    def released(self) -> Alteration | None:
        """The alteration as the base has released it: now, or already where the branch left it."""
        return next((a for a in (self.tip, self.fork) if a is not None and not a.release.unreleased), None)

    @property
    def is_new(self) -> bool:
        """True where the branch added the alteration, or released it."""
        if self.here is None or self.released is not None:
            return False
        return not self.here.release.unreleased or (self.fork is None and self.tip is None)


def compare(alterations: Iterable[Alteration], base: Base) -> Iterator[Finding]:
    """Yields the findings about the alterations of a lineage on disk, compared with its base."""
    here = {a.id: a for a in alterations if not a.is_repeatable}
    for identity in here | base.fork.by_id | base.tip.by_id:
        change = _Change(here.get(identity), base.fork.by_id.get(identity), base.tip.by_id.get(identity))
        yield from _judge_change(change, base.revision)
        if change.here is not None and change.is_new:
            yield from _judge_new(change.here, base)


def _judge_change(change: _Change, revision: str) -> Iterator[Finding]:
    here, fork, tip = change
    if fork is None:
        if here is not None and tip is not None and (here.name, here.checksum) != (tip.name, tip.checksum):
            other = "another name" if here.checksum == tip.checksum else "another content"
            yield about(here, rules.TWO_BRANCHES, f"is {tip.name} at {revision}, with {other}")
        return
    released = change.released
    if released is None or (tip is None and here is None):
        return
    if here is None:
        yield about(released, rules.RELEASED_GONE, f"is released at {revision}, and has no file here")
    elif here.checksum not in {fork.checksum, tip.checksum if tip else ""}:
        yield about(here, rules.RELEASED_EDITED, f"is released at {revision} as {released.name}, and was edited here")
    elif here.release not in {fork.release, released.release}:
        yield about(here, rules.RELEASED_GONE, f"is released at {revision} as {released.name}, and was renamed here")


def _judge_new(new: Alteration, base: Base) -> Iterator[Finding]:
    others = [a for a in base.tip.alterations if a.id != new.id]
    if new.release in _releases(base.tip):
        yield about(new, rules.LATE_IN_RELEASE, f"is added to {new.release}, which is released at {base.revision}")
        return
    alike = (a for a in others if a.release.unreleased is new.release.unreleased)
    behind = max(alike, key=lambda a: a.key, default=None)
    if behind is not None and new.key < behind.key:
        yield about(new, rules.ARRIVES_LATE, f"comes before {behind.name}, which {base.revision} has already")


def _releases(tip: Lineage) -> frozenset[Release]:
    """Returns the releases of a base: those listed, or those of its files."""
    if tip.releases is not None:
        return frozenset(tip.releases)
    return frozenset(a.release for a in tip.alterations if not a.release.unreleased)
