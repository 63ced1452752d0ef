"""Backups: taken, and put back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sartor.api.requests import ignore
from sartor.domain.destination import Destination
from sartor.domain.limits import Limits

if TYPE_CHECKING:
    from sartor.domain.backup import Backup, Restored
    from sartor.domain.report import Observer


async def backup(
    destination: Destination,
    place: str,
    *,
    whole: bool = False,
    prove: bool = False,
    scratch: Destination | None = None,
    limits: Limits | None = None,
    observer: Observer = ignore,
) -> tuple[Backup, bool]:
    """Back a database up into the folder, or under the file name, `place`; the backup, and whether the journal has it.

    It holds the whole database; where the destination has a schema of its own, that schema, unless `whole`. `prove`
    restores it beside the database, or on the server of `scratch`, and compares. Raises BackupFailed, DestinationError.
    """
    from sartor.runner.backup import BackupOrder, take_backup

    order = BackupOrder(place=place, whole=whole, prove=prove, scratch=scratch)
    return await take_backup(destination, order, limits=limits or Limits(), observer=observer)


async def restore(
    file: str,
    into: Destination,
    *,
    schema: str | None = None,
    create: bool = False,
    no_owner: bool = False,
    jobs: int = 1,
    observer: Observer = ignore,
) -> Restored:
    """Restore a backup into an empty database; with `create`, make that first. With `schema`, that schema must be new.

    `no_owner` leaves owners and grants out; more than one of `jobs` is faster, and no longer one transaction. Raises
    RefusedError, BackupFailed, DestinationError.
    """
    from sartor.runner.restore import RestoreOrder, put_back

    order = RestoreOrder(file=file, schema=schema, create=create, no_owner=no_owner, jobs=jobs)
    return await put_back(order, into, observer=observer)
