"""Decides whether the schema of a database fits an application: its release and what is pending."""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from packaging.specifiers import InvalidSpecifier, Specifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from sartor.domain.alteration import Alteration, Catalogue
from sartor.domain.ledger import Ledger, State
from sartor.domain.release import Release
from sartor.domain.repeatable import names
from sartor.domain.status import Status, compare_with_ledger, reached
from sartor.errors import (
    NothingDeployed,
    SchemaEdited,
    SchemaPending,
    SchemaTooNew,
    SchemaTooOld,
    SchemaUnfit,
    UsageError,
)


class Side(Enum):
    """The side of a range on which a release lies."""

    WITHIN = "within"
    BELOW = "below"
    ABOVE = "above"
    EXCLUDED = "excluded"
    """Between the range's ends, and left out by `!=`."""


class Range(NamedTuple):
    """A range of releases: as it was given, and its clauses."""

    text: str
    clauses: SpecifierSet


def parse_range(text: str) -> Range:
    """Returns the range of releases that `text` names, as PEP 440 has it: `>=1.4,<2`. Raises UsageError."""
    try:
        return Range(text, SpecifierSet(text))
    except InvalidSpecifier:
        raise UsageError(
            f"{text!r} isn't a range of releases", hint="give one such as '>=1.4,<2', '~=1.4' or '==1.4.*'"
        ) from None


def locate(release: Release | None, wanted: Range) -> Side:
    """Returns on which side of a range a release lies; no release at all is below each range but the empty one.

    A prerelease is within a range by its order alone: 1.5.0-beta.1 is within `>=1.4,<2`. That of a range's end is
    outside: 2.0.0-beta.1 is above `<2`, and 1.4.0-beta.1 below `>=1.4` (PEP 440, "Exclusive ordered comparison").
    """
    if release is None or release.version is None:
        below = Side.BELOW if release is None else Side.ABOVE
        return below if len(wanted.clauses) else Side.WITHIN
    version = release.version
    sides = {_side(version, each) for each in wanted.clauses if not each.contains(version, prereleases=True)}
    return next((side for side in (Side.BELOW, Side.ABOVE, Side.EXCLUDED) if side in sides), Side.WITHIN)


def _side(version: Version, failed: Specifier) -> Side:
    """Returns on which side of a clause a version lies that doesn't satisfy it."""
    match failed.operator:
        case ">" | ">=":
            return Side.BELOW
        case "<" | "<=":
            return Side.ABOVE
        case "!=":
            return Side.EXCLUDED
        case _:
            try:
                bound = Version(failed.version.removesuffix(".*"))
            except InvalidVersion:  # `===` takes any text
                return Side.EXCLUDED
            return Side.BELOW if version < bound else Side.ABOVE


def require_fit(
    ledger: Ledger, catalogue: Catalogue | None, wanted: Range, *, lineage: str, place: str
) -> Release | None:
    """Returns the release of a database whose ledger fits an application that wants these releases.

    Without a catalogue, the release is that of `lineage` in the ledger alone. `place` names the schema in messages.
    Raises a subclass of SchemaUnfit, and LineageMismatch as `status` does.
    """
    if not ledger.exists:
        raise NothingDeployed(
            f"nothing is deployed in {place}: there is no ledger",
            release=None,
            wanted=wanted.text,
            hint="deploy before the application starts; where the ledger is in another schema, give its name",
        )
    status = None if catalogue is None else compare_with_ledger(catalogue, ledger)
    release = status.release if status else _release_of(ledger, lineage)
    _require_within(release, wanted, place, shipped=_best(catalogue, wanted))
    if status:
        _require_whole(status, wanted, place)
    return release


def _release_of(ledger: Ledger, lineage: str) -> Release | None:
    """Returns the highest release that the ledger has whole, as far as the ledger tells: see `Status.release`."""
    rows = [entry for entry in ledger.entries if entry.lineage == lineage]
    deployed = [entry.release for entry in rows if entry.state is State.DEPLOYED]
    return reached(deployed, {entry.release for entry in rows if entry.state is not State.DEPLOYED}).release


def _best(catalogue: Catalogue | None, wanted: Range) -> Release | None:
    """Returns the highest release within the range that the application ships."""
    shipped = {alteration.release for alteration in catalogue or () if not alteration.release.unreleased}
    return max((release for release in shipped if locate(release, wanted) is Side.WITHIN), default=None)


def _require_within(release: Release | None, wanted: Range, place: str, *, shipped: Release | None) -> None:
    side = locate(release, wanted)
    if side is Side.WITHIN:
        return
    has = f"is that of release {release}" if release else "has no complete release"
    text = f"{place} {has}, and the application needs {wanted.text}"
    deploy = f"deploy {shipped or 'a release of that range'} before the application starts"
    newer = f"start a version of the application that fits release {release}"
    match side:
        case Side.BELOW:
            raise SchemaTooOld(text, release=release, wanted=wanted.text, hint=deploy)
        case Side.ABOVE:
            hint = f"{newer}; or roll the schema back, with the package that deployed it"
            raise SchemaTooNew(text, release=release, wanted=wanted.text, hint=hint)
        case _:
            raise SchemaUnfit(text, release=release, wanted=wanted.text, hint=f"{newer}, or {deploy}")


def _require_whole(status: Status, wanted: Range, place: str) -> None:
    """Raises SchemaEdited, or SchemaPending where something up to the range's end is shipped and not deployed."""
    if status.edited:
        names = [pair.alteration.name for pair in status.edited]
        raise SchemaEdited(
            f"{names[0]}{_others(names)} was edited after it was deployed in {place}",
            release=status.release,
            wanted=wanted.text,
            about=[pair.alteration.id for pair in status.edited],
            hint="start the application with the file as it was deployed",
        )
    pending = [a for a in status.pending if not a.release.unreleased and locate(a.release, wanted) is not Side.ABOVE]
    if pending:
        raise pending_error(pending, status, wanted=wanted.text, place=place)


def pending_error(pending: list[Alteration], status: Status, *, wanted: str, place: str) -> SchemaPending:
    """Returns the error for these alterations, which are shipped and not deployed."""
    begun = {entry.identity for entry in status.interrupted}
    first = next((a for a in pending if a.identity in begun), pending[0])
    state = "was begun and isn't complete" if first.identity in begun else "isn't deployed"
    return SchemaPending(
        f"{first.name}{_others(pending)} {state} in {place}",
        release=status.release,
        wanted=wanted,
        about=[a.id for a in pending],
        hint=f"deploy {max(a.release for a in pending)} before the application starts",
    )


def never_run_error(scripts: Sequence[Alteration], status: Status, *, wanted: str, place: str) -> SchemaPending:
    """Returns the error for these repeatable scripts, which are shipped and have never run."""
    return SchemaPending(
        f"{names(scripts)} {'has' if len(scripts) == 1 else 'have'} never run in {place}",
        release=status.release,
        wanted=wanted,
        about=[script.id for script in scripts],
        hint=f"deploy {wanted} before the application starts",
    )


def _others(found: list[str] | list[Alteration]) -> str:
    return f" (and {len(found) - 1} more)" if len(found) > 1 else ""


def pending_up_to(status: Status, target: Release | None) -> list[Alteration]:
    """Returns what is shipped up to a target and not deployed; nothing where there is no target."""
    return [a for a in status.pending if target is not None and a.release <= target]
