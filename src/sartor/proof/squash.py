"""Removes the files of alterations for which a snapshot stands."""

from collections.abc import Sequence
from pathlib import Path

from sartor.alterations.files import find_folder, locked
from sartor.alterations.git import has_work_tree, stage
from sartor.alterations.kept_down import kept_down
from sartor.alterations.loader import load_script
from sartor.alterations.manifest import read_lines, replace_file
from sartor.alterations.snapshots import read_snapshots
from sartor.alterations.squashed import NAME, squashed_downs, squashed_text
from sartor.domain.alteration import Alteration, Catalogue, Lineage
from sartor.domain.destination import Destination, Limits
from sartor.domain.release import Release
from sartor.domain.report import Observer
from sartor.domain.snapshot import ReleaseSnapshot, Squash
from sartor.errors import CatalogueError
from sartor.proof.prove import refuse_edited
from sartor.proof.snapshot import find_release, make_snapshot


def plan_squash(catalogue: Catalogue, target: str) -> Squash:
    """Returns what a squash to a release would remove. Raises TargetError, AlterationEdited, CatalogueError."""
    lineage, release = find_release(catalogue, target)
    refuse_edited(catalogue, _up_to(lineage, release))
    files = tuple(each for each in _up_to(lineage, release) if not each.squashed)
    return Squash(release, _shipped(lineage, release), files)


async def squash(
    beside: Destination, catalogue: Catalogue, target: str, *, limits: Limits, observer: Observer
) -> Squash:
    """Makes the snapshot of a release where there is none that fits, then removes the files that it stands for.

    The list of what was squashed is written first, at once: from then on each file may be there or not. Raises as
    `plan_squash` and `make_snapshot`, and GitFailed.
    """
    plan = plan_squash(catalogue, target)
    snapshot = plan.snapshot
    if snapshot is None:
        snapshot = (await make_snapshot(beside, catalogue, target, limits=limits, observer=observer)).snapshot
    lineage = catalogue.by_name[snapshot.lineage]
    staged = _remove(catalogue, lineage, _up_to(lineage, plan.release), plan.alterations, snapshot)
    return plan._replace(snapshot=snapshot, staged=staged)


def _up_to(lineage: Lineage, release: Release) -> list[Alteration]:
    return [each for each in lineage.alterations if each.release <= release]


def _shipped(lineage: Lineage, release: Release) -> ReleaseSnapshot | None:
    return next((s for s in read_snapshots(lineage) if s.release == release and not s.misfit(lineage)), None)


def _remove(
    catalogue: Catalogue,
    lineage: Lineage,
    covered: Sequence[Alteration],
    files: Sequence[Alteration],
    snapshot: ReleaseSnapshot,
) -> bool:
    """Removes files, and stages that where git keeps them; returns whether it did."""
    folder = find_folder(lineage.location)
    above = [each for each in lineage.alterations if each.squashed and each not in covered]
    squashed = [*covered, *above]
    try:
        with locked(folder):
            replace_file(folder / NAME, squashed_text(squashed, _downs(catalogue, str(folder), squashed)))
            for each in files:
                Path(each.file).unlink(missing_ok=True)
    except OSError as error:
        raise CatalogueError(f"{folder} can't be written to: {error.strerror}") from error
    if not has_work_tree(str(folder)):
        return False
    stage(str(folder), [NAME, snapshot.name, "manifest.toml", *(each.name for each in covered)])
    return True


def _downs(catalogue: Catalogue, folder: str, squashed: Sequence[Alteration]) -> dict[str, str]:
    """Returns what the ledger is to keep of alterations. Raises ScriptError."""
    lines, known = read_lines(catalogue, squashed), squashed_downs(folder)
    return {
        each.id: known[each.id] if each.squashed else kept_down(load_script(each), lines.get(each.identity)).to_text()
        for each in squashed
    }
