"""Makes snapshots of releases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sartor.api.observing import Observed, ignore
from sartor.api.requests import NO_LIMITS, Sources, find_destination, find_scratch, list_alterations
from sartor.domain.destination import Destination, Limits

if TYPE_CHECKING:
    from sartor.domain.report import Observer
    from sartor.domain.snapshot import MadeSnapshot


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
