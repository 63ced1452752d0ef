"""Verifies that a database is what it should be, and repairs it where it isn't."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sartor.api.files import list_alterations
from sartor.api.observing import ignore, observed
from sartor.api.requests import NO_LIMITS, Sources, find_destination, find_scratch
from sartor.domain.destination import Destination, Limits

if TYPE_CHECKING:
    from sartor.domain.repair import Correction, Repair
    from sartor.domain.report import Observer
    from sartor.domain.verification import Verification


async def verify(
    destination: Destination | str,
    sources: Sources,
    *,
    against_replay: bool = False,
    scratch: Destination | str | None = None,
    limits: Limits = NO_LIMITS,
    observer: Observer = ignore,
) -> Verification:
    """Compares the ledger with the files, and the schema with what the last run left; returns what differs.

        found = await sartor.verify("postgresql://app@db.example.com/app", "alterations")
        print(found.ok, found.drift.differences)

    Writes nothing to the destination.

    - `against_replay`: compare the schema with what the deployed alterations make in a scratch database instead.

    Raises SchemaMissing, LedgerUnsound, DestinationError, and AlterationFailed where a replayed script fails; that
    something differs is in the result, and raises nothing.
    """
    from sartor.execution.verify import verify as look

    place, catalogue = find_destination(destination), list_alterations(sources)
    found = await look(place, catalogue)
    if not against_replay:
        return found
    from sartor.execution.replay import with_replay

    beside = find_scratch(scratch, place)
    return await observed(observer, lambda told: with_replay(found, catalogue, beside, limits=limits, observer=told))


async def preview_repair(destination: Destination | str, sources: Sources, request: Repair) -> tuple[Correction, ...]:
    """Returns what `repair` would do with this `request`. Writes nothing. Raises as `repair`."""
    from sartor.execution.repair import preview_repair as preview

    return await preview(find_destination(destination), list_alterations(sources), request)


async def repair(
    destination: Destination | str,
    sources: Sources,
    request: Repair,
    *,
    limits: Limits = NO_LIMITS,
    observer: Observer = ignore,
) -> tuple[Correction, ...]:
    """Corrects what the ledger says, with the reason in the journal; returns what was done.

        request = sartor.Repair(reason="made by hand in an outage", mark_deployed=frozenset({"1700000000-add-users"}))
        await sartor.repair("postgresql://app@db.example.com/app", "alterations", request)

    - `request`: the corrections to make.

    Raises PlanError for what doesn't exist here, RunHeld, DestinationError; what was done before the error stays.
    """
    from sartor.execution.repair import run_repair

    place, catalogue = find_destination(destination), list_alterations(sources)
    return await observed(observer, lambda told: run_repair(place, catalogue, request, limits=limits, observer=told))
