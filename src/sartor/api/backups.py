"""Takes backups, and restores them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sartor.api.files import list_alterations
from sartor.api.requests import contained, deploy_request, ignore
from sartor.domain.alteration import Catalogue
from sartor.domain.destination import Destination
from sartor.domain.limits import Limits
from sartor.errors import RefusedError
from sartor.settings import LineageSource

if TYPE_CHECKING:
    from sartor.domain.affected_tables import PlanEffects
    from sartor.domain.backup import Backup, Restored
    from sartor.domain.plan import Deploy, Rollback
    from sartor.domain.report import Observer
    from sartor.execution.backup import BackupOrder


async def backup(
    destination: Destination,
    place: str,
    *,
    whole: bool = False,
    prove: bool = False,
    scratch: Destination | None = None,
    pending: Iterable[LineageSource] | None = None,
    target: str = "next",
    limits: Limits | None = None,
    observer: Observer = ignore,
) -> tuple[Backup, bool]:
    """Backs a database up into the folder, or under the file name, `place`.

    It holds the whole database; where the destination has a schema of its own, that schema, unless `whole`. `prove`
    restores it beside the database, or on the server of `scratch`, and compares. With `pending`, it holds the rows only
    of those tables that a deploy of these alterations up to `target` may change, and of those that they reference.

    Returns the backup, and whether the journal has it. Raises BackupFailed, DestinationError; RefusedError where
    nothing is pending, and what `deploy` raises.
    """
    from sartor.execution.backup import BackupOrder, take_backup

    limits = limits or Limits()
    order = BackupOrder(place=place, whole=whole, prove=prove, scratch=scratch)
    if pending is not None:
        catalogue = list_alterations(pending)
        effects = await reach_of(destination, catalogue, deploy_request(target), limits, scratch=scratch)
        if not effects.steps:
            raise RefusedError(
                f"nothing is pending in {destination.label}, so there is no table that a deploy may change",
                hint="leave --tables out: a backup of everything",
            )
        order = order._replace(effects=effects)
    return await take_backup(destination, order, limits=limits, observer=contained(observer))


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
    return order._replace(effects=await reach_of(destination, catalogue, request, limits)) if affected else order


async def reach_of(
    destination: Destination,
    catalogue: Catalogue,
    request: Deploy | Rollback,
    limits: Limits,
    *,
    scratch: Destination | None = None,
) -> PlanEffects:
    """Calls `rehearsal.reach.find_reach`, which is loaded only where it is asked for."""
    from sartor.rehearse.affected import find_effects

    return await find_effects(destination, catalogue, request, scratch=scratch, limits=limits)


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
    """Restores a backup into an empty database; with `create`, makes that first.

    With `schema`, that schema must be new. `no_owner` leaves owners and grants out; `jobs` above 1 are faster, and the
    restore is no longer one transaction. Raises RefusedError, BackupFailed, DestinationError.
    """
    from sartor.execution.restore import RestoreOrder, put_back

    order = RestoreOrder(file=file, schema=schema, create=create, no_owner=no_owner, jobs=jobs)
    return await put_back(order, into, observer=contained(observer))
