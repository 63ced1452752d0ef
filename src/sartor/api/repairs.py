"""Verifies that a database is what it should be, and repairs it where it isn't."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sartor.api.files import list_alterations
from sartor.api.requests import contained, ignore
from sartor.domain.destination import Destination
from sartor.domain.limits import Limits
from sartor.settings import LineageSource

if TYPE_CHECKING:
    from sartor.domain.repair import Mend, Repair
    from sartor.domain.report import Observer
    from sartor.domain.verification import Verification


async def verify(
    destination: Destination,
    sources: Iterable[LineageSource],
    *,
    against_replay: bool = False,
    scratch: Destination | None = None,
    limits: Limits | None = None,
    observer: Observer = ignore,
) -> Verification:
    """Compares the ledger with the disk, and the schema with what the last run left; returns what differs.

    `against_replay` compares the schema with what the deployed alterations make in a scratch database, which is made
    beside the destination or on the server of `scratch`. Writes nothing to the destination. Raises SartorError.
    """
    from sartor.execution.verify import verify as look

    catalogue = list_alterations(sources)
    found = await look(destination, catalogue)
    if not against_replay:
        return found
    from sartor.execution.replay import with_replay

    beside = destination if scratch is None else scratch._replace(schema=destination.schema)
    return await with_replay(found, catalogue, beside, limits=limits or Limits(), observer=contained(observer))


async def preview_repair(
    destination: Destination, sources: Iterable[LineageSource], request: Repair
) -> tuple[Mend, ...]:
    """Returns what `repair` would do with this request. Writes nothing."""
    from sartor.execution.repair import preview_repair as preview

    return await preview(destination, list_alterations(sources), request)


async def repair(
    destination: Destination,
    sources: Iterable[LineageSource],
    request: Repair,
    *,
    limits: Limits | None = None,
    observer: Observer = ignore,
) -> tuple[Mend, ...]:
    """Corrects what the ledger says; returns what was done. Raises SartorError; what was done before it stays."""
    from sartor.execution.repair import run_repair

    catalogue = list_alterations(sources)
    return await run_repair(destination, catalogue, request, limits=limits or Limits(), observer=contained(observer))
