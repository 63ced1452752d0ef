"""Rehearses a plan: runs it where it does no harm, and observes it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from sartor.api.files import list_alterations
from sartor.api.observing import ignore, observed
from sartor.api.requests import NO_LIMITS, Sources, deploy_request, find_destination
from sartor.domain.destination import Destination, Limits

if TYPE_CHECKING:
    from sartor.domain.rehearsal import Rehearsal
    from sartor.domain.report import Observer


async def rehearse(
    destination: Destination | str,
    sources: Sources,
    target: str = "next",
    *,
    steps: int | None = None,
    accepted: Iterable[str] = (),
    live: bool = False,
    data: bool = False,
    scratch: Destination | str | None = None,
    cache: Path | None = None,
    limits: Limits = NO_LIMITS,
    observer: Observer = ignore,
) -> Rehearsal:
    """Runs what `deploy` would on a clone of the destination, and returns what it would do to others: locks, rewrites.

        found = await sartor.rehearse("postgresql://app@db.example.com/app", "alterations")
        print(found.verdict.value, [(each.alteration.name, each.verdict.value) for each in found.alterations])

    The clone has the destination's schema; it is dropped afterwards.

    - `live`: run on the destination itself instead, and roll each script back.
    - `data`: copy the rows into the clone as well.
    - `cache`: a folder where what was observed is left for `lint`.

    Raises RehearsalFailed where there can be no clone, and what `deploy` raises before it runs a script; that a script
    failed is in the result, and raises nothing.
    """
    from sartor.embedded.server import default_directory
    from sartor.rehearsal.on_clone import RehearsalOrder
    from sartor.rehearsal.rehearse import rehearse as run

    catalogue = list_alterations(sources)
    request = deploy_request(target, steps=steps, accepted=accepted)
    place, server = find_destination(destination), None if scratch is None else find_destination(scratch)
    order = RehearsalOrder(default_directory(Path.cwd()), live=live, data=data, scratch=server)
    found = await observed(observer, lambda told: run(place, catalogue, request, order, limits=limits, observer=told))
    return found if cache is None else _keep(found, cache)


def _keep(found: Rehearsal, folder: Path) -> Rehearsal:
    from sartor.linter.rehearsal_cache import remember

    try:
        remember(folder, found.alterations)
    except OSError as error:
        return dataclasses.replace(found, notes=(*found.notes, f"the result wasn't saved for `lint`: {error}"))
    return found
