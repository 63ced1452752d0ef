"""Rehearses a plan: runs it where it does no harm, and observes it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from sartor.api.files import list_alterations
from sartor.api.requests import contained, deploy_request, ignore
from sartor.domain.destination import Destination
from sartor.domain.limits import Limits
from sartor.settings import LineageSource

if TYPE_CHECKING:
    from sartor.domain.rehearsal import Rehearsal
    from sartor.domain.report import Observer


async def rehearse(
    destination: Destination,
    sources: Iterable[LineageSource],
    target: str = "next",
    *,
    steps: int | None = None,
    accepted: Iterable[str] = (),
    live: bool = False,
    data: bool = False,
    scratch: Destination | None = None,
    kept: Path | None = None,
    limits: Limits | None = None,
    observer: Observer = ignore,
) -> Rehearsal:
    """Runs what `deploy` would, on a clone of the destination, and returns what it would do to others.

    The clone has the destination's schema, with `data` its rows as well; it is made beside the destination, or on the
    server of `scratch`, and dropped afterwards. `live` runs on the destination itself, and rolls each script back. What
    was observed is left in the folder `kept` for `lint`. Raises SartorError.
    """
    from sartor.embedded.server import default_directory
    from sartor.rehearse.rehearse import RehearsalOrder
    from sartor.rehearse.rehearse import rehearse as run

    catalogue = list_alterations(sources)
    request = deploy_request(target, steps=steps, accepted=accepted)
    order = RehearsalOrder(default_directory(Path.cwd()), live=live, data=data, scratch=scratch)
    found = await run(destination, catalogue, request, order, limits=limits or Limits(), observer=contained(observer))
    return found if kept is None else _kept(found, kept)


def _kept(found: Rehearsal, folder: Path) -> Rehearsal:
    from sartor.lint.rehearsal_cache import remember

    try:
        remember(folder, found.alterations)
    except OSError as error:
        return dataclasses.replace(found, notes=(*found.notes, f"not kept for `lint`: {error}"))
    return found
