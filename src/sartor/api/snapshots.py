"""Makes snapshots of releases, and removes the files for which one stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sartor.api.observing import Observed, ignore
from sartor.api.requests import NO_LIMITS, Sources, find_destination, find_scratch, list_alterations
from sartor.domain.destination import Destination, Limits

if TYPE_CHECKING:
    from sartor.domain.report import Observer
    from sartor.domain.snapshot import MadeSnapshot, Squash


async def snapshot(
    destination: Destination | str,
    sources: Sources,
    version: str,
    *,
    scratch: Destination | str | None = None,
    limits: Limits = NO_LIMITS,
    observer: Observer = ignore,
) -> MadeSnapshot:
    """Writes SQL that builds a release's schema at once, with the rows that its alterations put in.

        made = await sartor.snapshot("postgresql://app@localhost/app", "alterations", "1.2.0")
        print(made.snapshot.file, len(made.alterations))

    The alterations are replayed in scratch databases, and so is the snapshot: it is written where it builds the same
    objects and rows. `deploy` begins with it where the schema is empty. It is of the first lineage given.

    - `version`: a release that alterations belong to, or `latest`.

    Raises SnapshotRefused where the snapshot doesn't build the same, TargetError for a release that isn't there,
    AlterationEdited for a released file that was edited, AlterationFailed, BackupFailed where there is no `pg_dump`,
    and every other SartorError.
    """
    from sartor.proof.snapshot import make_snapshot

    catalogue, beside = list_alterations(sources), find_scratch(scratch, find_destination(destination))
    with Observed(observer) as told:
        return told.keep(await make_snapshot(beside, catalogue, version, limits=limits, observer=told))


async def squash(
    destination: Destination | str,
    sources: Sources,
    version: str,
    *,
    scratch: Destination | str | None = None,
    limits: Limits = NO_LIMITS,
    observer: Observer = ignore,
) -> Squash:
    """Removes the files of the alterations up to a release: its snapshot, made where it is missing, stands for them.

        done = await sartor.squash("postgresql://app@localhost/app", "alterations", "1.2.0")
        print([alteration.name for alteration in done.alterations])

    A database that has them all isn't concerned. One that lacks some is told which release to go through.

    - `version`: a release that alterations belong to, or `latest`.

    Raises as `snapshot`, and UsageError where git refuses the change.
    """
    from sartor.proof.squash import squash as squashing

    catalogue, beside = list_alterations(sources), find_scratch(scratch, find_destination(destination))
    with Observed(observer) as told:
        return told.keep(await squashing(beside, catalogue, version, limits=limits, observer=told))


def preview_squash(sources: Sources, version: str) -> Squash:
    """Returns what `squash` would remove. No database is needed.

        print(len(sartor.preview_squash("alterations", "1.2.0").alterations))

    - `version`: as in `squash`.

    Raises TargetError for a release that isn't there, AlterationEdited for a released file that was edited,
    CatalogueError.
    """
    from sartor.proof.squash import plan_squash

    return plan_squash(list_alterations(sources), version)
