"""Cuts releases. No database is needed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from sartor.api.requests import Sources, find_sources
from sartor.errors import SettingsError

if TYPE_CHECKING:
    from sartor.domain.cutting import ReleasePlan
    from sartor.domain.hazards.hazard import Verdict
    from sartor.settings.lineages import LineageSource


def preview_release(
    sources: Sources,
    version: str,
    *,
    lineage: str | None = None,
    max_hazard: Verdict | None = None,
    ignored: Iterable[str] = (),
    cache: Path | None = None,
) -> ReleasePlan:
    """Returns what `release` would do with these arguments, with what is in its way. Writes nothing.

        plan = sartor.preview_release("alterations", "1.2.0")
        print([each.name for each in plan.renamings], [each.message for each in plan.obstacles])

    `version`, `lineage`, `max_hazard`, `ignored` and `cache` are as in `release`. Raises TargetError, SettingsError and
    CatalogueError as that does.
    """
    from sartor.alterations.files import read_lineage
    from sartor.alterations.manifest import read_manifest
    from sartor.alterations.release_files import find_uncommitted, held_back_notes
    from sartor.domain.cutting import parse_version, plan_release
    from sartor.linter.lineages import lint_lineages
    from sartor.linter.rehearsal_cache import recall
    from sartor.linter.release import find_obstacles

    release, source = parse_version(version), _choose(find_sources(sources), lineage)
    shipped = read_lineage(source.name, source.location)
    plan = plan_release(shipped, read_manifest(shipped), release)
    remembered = recall(cache) if cache is not None else {}
    place, codes = [(source.name, source.location)], [text.removesuffix("=") for text in ignored]
    found = lint_lineages(place, released=False, above=None, ignored=codes, remembered=remembered)
    return plan._replace(
        obstacles=(*plan.obstacles, *find_obstacles(found, plan, remembered, max_hazard)),
        notes=(*plan.notes, *find_uncommitted(plan), *held_back_notes(plan)),
    )


def _choose(places: tuple[LineageSource, ...], name: str | None) -> LineageSource:
    """Returns the lineage of this name, or the only one. Raises SettingsError."""
    known = ", ".join(place.name for place in places)
    if name is None and len(places) > 1:
        raise SettingsError(f"there are several lineages: {known}", hint="name the one to release with `lineage`")
    found = [place for place in places if name in {None, place.name}]
    if not found:
        raise SettingsError(f"there is no lineage {name!r}", hint=f"the lineages are {known}")
    return found[0]


def release(
    sources: Sources,
    version: str,
    *,
    lineage: str | None = None,
    max_hazard: Verdict | None = None,
    ignored: Iterable[str] = (),
    cache: Path | None = None,
) -> ReleasePlan:
    """Cuts a release: gives all `next` alterations its name, and freezes them and their proofs in the manifest.

        cut = sartor.release("alterations", "1.2.0", max_hazard=sartor.Verdict.SAFE, cache=Path(".sartor"))
        print([each.name for each in cut.renamings], cut.staged)

    The manifest lists the release, also where it has no alterations. Where git keeps the files, what was changed is
    staged. What was interrupted is taken up again by the same call.

    - `version`: above all that are released.
    - `lineage`: the name of the lineage, where there are several.
    - `max_hazard`: refuse alterations that are worse to a live database, and those that weren't rehearsed.
    - `ignored`: as in `lint`.
    - `cache`: the folder where `rehearse` has left what it observed.

    Raises TargetError for what isn't a version, or isn't above all others; ReleaseRefused where an alteration has
    mistakes, isn't proved or is too hazardous, ReleaseContradicted where a released one was changed; SettingsError;
    CatalogueError where a file can't be written.
    """
    from sartor.alterations.release_files import cut_release, stage_release
    from sartor.domain.cutting import require_releasable

    plan = preview_release(sources, version, lineage=lineage, max_hazard=max_hazard, ignored=ignored, cache=cache)
    require_releasable(plan)
    if not plan.done:
        cut_release(plan)
    return stage_release(plan)
