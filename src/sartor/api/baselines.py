"""Adopts a database that was made otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sartor.api.observing import Observed, ignore
from sartor.api.requests import NO_LIMITS, Sources, find_destination, find_scratch, list_alterations
from sartor.domain.baseline import Baseline, BaselineRequest
from sartor.domain.destination import Destination, Limits
from sartor.domain.release import LATEST, parse_target

if TYPE_CHECKING:
    from sartor.domain.report import Observer

MADE_OTHERWISE = "the database was made otherwise"
"""The reason where none is given."""


async def baseline(
    destination: Destination | str,
    sources: Sources,
    target: str = LATEST,
    *,
    ids: Iterable[str] | None = None,
    accept_differences: bool = False,
    ignore_objects: Iterable[str] = (),
    reason: str = MADE_OTHERWISE,
    scratch: Destination | str | None = None,
    limits: Limits = NO_LIMITS,
    observer: Observer = ignore,
) -> Baseline:
    """Records all alterations up to a release as deployed, without running them, in a database that has their schema.

        found = await sartor.baseline("postgresql://app@db.example.com/app", "alterations", "1.2.0")
        print(len(found.recorded))

    They are replayed in a scratch database first: where the schema isn't what they make, nothing is written. What is
    recorded already isn't recorded again.

    - `ids`: record just the alterations of these identities, whatever their releases, in place of a target.
    - `accept_differences`: record them all the same; the differences are in the result and in the journal.
    - `ignore_objects`: patterns of names that don't count, beside those of `limits`, such as `public.my_ledger`.
    - `reason`: a text for the journal.
    - `scratch`: a server for the scratch database; by default that of the destination.

    Raises SchemaDiffers, VerificationFailed where the alterations can't be replayed, TargetError, PlanError,
    RefusedError where the ledger has other alterations, RunHeld, and DestinationError.
    """
    from sartor.execution.baseline import run_baseline

    place, catalogue = find_destination(destination), list_alterations(sources)
    request = BaselineRequest(
        reason=reason,
        target=None if target == LATEST or ids is not None else parse_target(target),
        ids=None if ids is None else frozenset(ids),
        accepts=accept_differences,
        ignore=tuple(ignore_objects),
    )
    beside = find_scratch(scratch, place)
    with Observed(observer) as told:
        return told.keep(await run_baseline(place, catalogue, request, beside, limits=limits, observer=told))
