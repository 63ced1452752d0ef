"""Takes backups, and restores them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sartor.api.observing import Observed, ignore
from sartor.api.requests import NO_LIMITS, Sources, deploy_request, find_destination, find_other, list_alterations
from sartor.domain.alteration import Catalogue
from sartor.domain.destination import Destination, Limits
from sartor.errors import RefusedError

if TYPE_CHECKING:
    from sartor.domain.backup import Backup, Restored
    from sartor.domain.plan import Deploy, Rollback
    from sartor.domain.report import Observer
    from sartor.execution.backup import BackupOrder


async def backup(
    destination: Destination | str,
    file: str,
    *,
    whole: bool = False,
    prove: bool = False,
    sources: Sources | None = None,
    target: str = "next",
    scratch: Destination | str | None = None,
    limits: Limits = NO_LIMITS,
    observer: Observer = ignore,
) -> Backup:
    """Backs a database up, in pg_dump's custom format.

        made = await sartor.backup("postgresql://app@db.example.com/app", "/var/backups")
        print(made.file, made.bytes)

    It holds the whole database or, where the destination has a schema other than `public`, that schema.

    - `file`: an existing folder, or a new file's name.
    - `whole`: back the whole database up, whatever the schema.
    - `prove`: restore the backup into a scratch database, and compare the two.
    - `sources`, `target`: where alterations are given, the backup holds the rows only of those tables that deploying
      what is pending up to the target may change, and of those that these reference.

    Raises BackupFailed (no file is left then), DestinationError; with `sources`, RefusedError where nothing is pending,
    and what `deploy` raises.
    """
    from sartor.execution.backup import BackupOrder, take_backup

    database = find_destination(destination)
    server = find_other(scratch, database)
    order = BackupOrder(place=file, whole=whole, prove=prove, scratch=server)
    if sources is not None:
        catalogue = list_alterations(sources)
        from sartor.rehearsal.plan_effects import find_effects

        request = deploy_request(target)
        effects = await find_effects(database, catalogue, request, scratch=server, limits=limits)
        if not effects.steps:
            raise RefusedError(
                f"nothing is pending in {database.label}, so a deploy changes no tables",
                hint="leave `sources` out to back up everything",
            )
        order = order._replace(effects=effects)
    with Observed(observer) as told:
        return told.keep(await take_backup(database, order, limits=limits, observer=told))


async def ordered_before(
    destination: Destination,
    folder: str | None,
    catalogue: Catalogue,
    request: Deploy | Rollback,
    limits: Limits,
    *,
    affected: bool,
) -> BackupOrder | None:
    """Returns the order for a backup before a run, into a folder; None where there is no folder.

    With `affected`, it is a backup of those tables that the run may change.
    """
    if folder is None:
        return None
    from sartor.execution.backup import BackupOrder

    order = BackupOrder(place=folder and f"{folder}/")
    if not affected:
        return order
    from sartor.rehearsal.plan_effects import find_effects

    return order._replace(effects=await find_effects(destination, catalogue, request, scratch=None, limits=limits))


async def restore(
    destination: Destination | str,
    file: str,
    *,
    schema: str | None = None,
    create: bool = False,
    maintenance: str | None = None,
    no_owner: bool = False,
    jobs: int = 1,
    observer: Observer = ignore,
) -> Restored:
    """Restores a backup into an empty database, in one transaction: where it fails, nothing was restored.

        await sartor.restore("postgresql://app@db.example.com/app_new", "app-20261122T080000Z.dump", create=True)

    - `file`: the backup.
    - `schema`: the one schema that the backup holds; other schemas may be there already.
    - `create`: create the database first, with the encoding and the locale of the one that was backed up.
    - `maintenance`: the database to create it from: else `postgres`, or `template1`.
    - `no_owner`: leave owners and grants out, so that all belongs to the role that restores.
    - `jobs`: the number of connections; above 1 it is faster, and no longer one transaction.

    Raises RefusedError where the database isn't empty, BackupFailed where the file isn't a whole backup or doesn't fit,
    DestinationError.
    """
    from sartor.execution.restore import RestoreOrder, put_back

    order = RestoreOrder(file, schema, create, maintenance, no_owner, jobs)
    database = find_destination(destination)
    with Observed(observer) as told:
        return told.keep(await put_back(order, database, observer=told))
