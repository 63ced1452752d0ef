"""Decides how a release is cut: which files get its name, what the manifest freezes, and what is in the way."""

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import NamedTuple

from sartor.domain.alteration import Alteration, Lineage
from sartor.domain.file_names import parse_file_name
from sartor.domain.manifest import Line, Manifest, Standing, find_standing
from sartor.domain.release import LATEST, NEXT, Release
from sartor.errors import CatalogueError, ReleaseContradicted, ReleaseRefused, TargetError

SHOWN, NAMED = 5, 20
"""The most reasons that an error tells, and the most alterations that its hint names."""


class ObstacleKind(Enum):
    """The kinds of what stands in the way of a release."""

    EDITED = "edited"
    MISSING = "missing"
    UNLISTED = "unlisted"
    MISTAKE = "mistake"
    UNPROVED = "unproved"
    HAZARDOUS = "hazardous"
    UNREHEARSED = "unrehearsed"


class Obstacle(NamedTuple):
    """One reason why a release is refused, and the identity of the alteration that it is about."""

    kind: ObstacleKind
    id: str
    message: str


class Renaming(NamedTuple):
    """A file that gets a new name in its folder."""

    alteration: Alteration
    name: str


class ReleasePlan(NamedTuple):
    """How a release of a lineage is cut.

    `alterations` belong to it, as they are now; `before` is what the manifest holds now, `manifest` what it will hold,
    `frozen` its new lines. `done` says that the release was cut before, `staged` that git has it in its index. `notes`
    are for the user.
    """

    lineage: Lineage
    release: Release
    alterations: tuple[Alteration, ...]
    renamings: tuple[Renaming, ...]
    before: Manifest
    manifest: Manifest
    frozen: tuple[Line, ...]
    obstacles: tuple[Obstacle, ...] = ()
    notes: tuple[str, ...] = ()
    done: bool = False
    staged: bool = False

    @property
    def files(self) -> tuple[str, ...]:
        """The names of the release's files: those that they had, and those that they get."""
        own = self.alterations or [a for a in self.lineage.alterations if a.release == self.release]
        rests = [(a, a.name.partition("-")[2]) for a in own]
        old = (f"{NEXT}-{rest}" for _, rest in rests)
        new = (_new_name(a, self.release) if a.release.unreleased else a.name for a, _ in rests)
        return (*old, *new)


def parse_version(text: str) -> Release:
    """Returns the release that a version names, as files can be named after. Raises TargetError."""
    try:
        release = Release.parse(text)
        parse_file_name(file_name(release, "1-a.sql"))
    except (ValueError, CatalogueError):
        release = None
    if release is None or release.unreleased:
        what = "isn't a version" if text not in {"next", LATEST} else "is a target, and no version"
        raise TargetError(
            f"{text!r} {what}", hint="give the version to release, as PEP 440 has it: 1.2.0, 2.0.0-beta.1"
        )
    return release


def file_name(release: Release, rest: str) -> str:
    """Returns the name of a release's file; `rest` is the identity and the suffix."""
    return f"{release.label.replace('-', '_')}-{rest}"


def plan_release(lineage: Lineage, manifest: Manifest, release: Release) -> ReleasePlan:
    """Decides how to cut a release. Raises TargetError where it can't come next, or another one is half cut.

    What was interrupted is taken up again: the manifest says which release was being cut.
    """
    known = manifest.releases
    if known is None:  # cut by hand up to now
        known = tuple(sorted({a.release for a in lineage.alterations if not a.release.unreleased}))
    goes_on = manifest.releasing == release
    _require_turn(release, known, manifest, new=[a for a in lineage.alterations if a.release.unreleased])
    named = [a for a in lineage.alterations if a.release == release and (goes_on or release not in known)]
    own = (*named, *(a for a in lineage.alterations if a.release.unreleased))
    frozen = tuple(_frozen(own, release, manifest, lineage))
    plan = ReleasePlan(
        lineage=lineage,
        release=release,
        alterations=own,
        renamings=tuple(Renaming(a, _new_name(a, release)) for a in own if a.release.unreleased),
        before=manifest,
        manifest=manifest._replace(
            lines={**manifest.lines, **{line.id: line for line in frozen}},
            releases=tuple(sorted({*known, release})),
            releasing=None,
        ),
        frozen=frozen,
        done=not goes_on and manifest.releases is not None and release in manifest.releases,
    )
    standing = find_standing([(lineage, manifest)])
    return plan._replace(obstacles=tuple(_obstacles(plan, standing)), notes=tuple(_notes(plan)))


def _require_turn(release: Release, known: Sequence[Release], manifest: Manifest, *, new: Sequence[Alteration]) -> None:
    cut = manifest.releasing
    if cut is not None and cut != release:
        raise TargetError(f"the release of {cut} was interrupted", hint=f"finish it first: `release {cut}`")
    if release in known and cut is None:
        if new:
            raise TargetError(
                f"{release} is released already, and can't take in {new[0].name}{_more(new)}",
                hint=f"give a higher version than {known[-1]}",
            )
        return
    if known and release < known[-1] and cut is None:
        raise TargetError(
            f"{release} is out of order: {known[-1]} is released here",
            hint=f"give a higher version; or release {release} on a branch that has no later release, and merge it",
        )


def _more(found: Sequence[Alteration]) -> str:
    return f" and {len(found) - 1} more" if len(found) > 1 else ""


def _new_name(alteration: Alteration, release: Release) -> str:
    return file_name(release, alteration.name.partition("-")[2])


def _frozen(own: Sequence[Alteration], release: Release, manifest: Manifest, lineage: Lineage) -> Iterator[Line]:
    """Yields the lines of what is released, with the proofs that there are; earlier ones that have no line as well."""
    chosen = {a.id for a in own}
    for alteration in lineage.alterations:
        line = manifest.lines.get(alteration.id)
        if alteration.id not in chosen and (alteration.release.unreleased or (line and not line.release.unreleased)):
            continue
        label = release if alteration.id in chosen else alteration.release
        proved = line if line is not None and line.checksum == alteration.checksum else None
        proof, server = (proved.proof, proved.server) if proved else (None, None)
        if (new := Line(alteration.id, label, alteration.checksum, proof, server)) != line:
            yield new


def _obstacles(plan: ReleasePlan, standing: Standing) -> Iterator[Obstacle]:
    own = {a.id for a in plan.alterations}
    for alteration in standing.edited:
        yield Obstacle(ObstacleKind.EDITED, alteration.id, f"{alteration.name} has changed since its release")
    for line in standing.missing:
        yield Obstacle(ObstacleKind.MISSING, line.id, f"{line.id} of release {line.release} is missing")
    for alteration in standing.unlisted:
        if alteration.id not in own:
            message = f"{alteration.name} has a release that the manifest doesn't list"
            yield Obstacle(ObstacleKind.UNLISTED, alteration.id, message)
    for alteration in standing.unproved:
        if alteration.id in own:
            yield Obstacle(ObstacleKind.UNPROVED, alteration.id, f"{alteration.name} isn't proved in its current form")


def _notes(plan: ReleasePlan) -> Iterator[str]:
    if plan.done:
        yield f"{plan.release} is released already"
    elif not plan.alterations and all(a.release != plan.release for a in plan.lineage.alterations):
        below = max((a.release for a in plan.lineage.alterations if not a.release.unreleased), default=None)
        has = f"it has the schema of {below}" if below else "there is no earlier one either"
        yield f"no alteration belongs to release {plan.release}; {has}"


_WAYS = {
    ObstacleKind.EDITED: "restore the files of the release",
    ObstacleKind.MISSING: "restore the files of the release",
    ObstacleKind.UNLISTED: "give such a file its old name again",
    ObstacleKind.MISTAKE: "fix what `lint` reports",
    ObstacleKind.UNPROVED: "first, `prove {ids}`",
    ObstacleKind.HAZARDOUS: "write milder statements, or allow more with `max_hazard`",
    ObstacleKind.UNREHEARSED: "on a database of the release before, `rehearse next`",
}


def require_releasable(plan: ReleasePlan) -> None:
    """Raises ReleaseRefused where something is in the way, with the way out of each kind of it."""
    if not plan.obstacles:
        return
    kinds = dict.fromkeys(obstacle.kind for obstacle in plan.obstacles)
    ways = dict.fromkeys(_WAYS[kind].format(ids=_ids(plan, kind)) for kind in kinds)
    contradicts = not {ObstacleKind.EDITED, ObstacleKind.MISSING, ObstacleKind.UNLISTED}.isdisjoint(kinds)
    raise (ReleaseContradicted if contradicts else ReleaseRefused)(
        f"{plan.release} isn't released: {_some([obstacle.message for obstacle in plan.obstacles])}",
        hint="; ".join(ways),
        about=dict.fromkeys(obstacle.id for obstacle in plan.obstacles),
    )


def _some(messages: Sequence[str]) -> str:
    more = f"; and {len(messages) - SHOWN} more reasons" if len(messages) > SHOWN else ""
    return "; ".join(messages[:SHOWN]) + more


def _ids(plan: ReleasePlan, kind: ObstacleKind) -> str:
    found = [obstacle.id for obstacle in plan.obstacles if obstacle.kind is kind]
    return " ".join(found) if len(found) <= NAMED else "--all"
