"""Waits until a database has what is shipped. Writes nothing."""

from __future__ import annotations

import asyncio
import time

from sartor.api.looks import DestinationStatus, read_status
from sartor.api.observing import Observed, ignore
from sartor.api.requests import Sources, deploy_request, find_destination, list_alterations
from sartor.domain.alteration import Catalogue
from sartor.domain.destination import Destination
from sartor.domain.fit import never_run_error, pending_error, pending_up_to
from sartor.domain.release import LATEST, Release
from sartor.domain.report import Note, Observer
from sartor.domain.targets import require_released
from sartor.errors import DestinationError, SartorError, SchemaMissing, SchemaPending, Unreachable, Unsupported

PAUSE = 0.5
"""Seconds between two looks."""
SHORTEST = 1.0
"""Seconds that the last look may take where no time is left."""


async def wait_until_deployed(
    destination: Destination | str,
    sources: Sources,
    target: str = LATEST,
    *,
    wait: float,
    observer: Observer = ignore,
) -> DestinationStatus:
    """Returns the status as soon as the server can be reached and nothing is pending up to the target.

    Once all that is released is deployed, a repeatable script that has never run is pending too.

        await sartor.wait_until_deployed("postgresql://webapp@db.example.com/app", "acme.alterations", wait=120)

    Writes nothing, and needs no right but to read the ledger. The observer gets a Note with what it waits for, once for
    each change of that.

    - `wait`: the seconds after which it gives up; with 0 it looks once.

    Raises SchemaPending where something is pending at the end, or the DestinationError that is then in the way; what
    waiting can't help is raised at once, as by `status`.
    """
    request, catalogue = deploy_request(target), list_alterations(sources)
    require_released(request.target, catalogue)
    place, wanted = find_destination(destination), request.target or catalogue.latest
    deadline = time.monotonic() + wait
    with Observed(observer) as told:
        said = ""
        while True:
            found = await _look(place, catalogue, wanted, limit=max(deadline - time.monotonic(), SHORTEST))
            if isinstance(found, DestinationStatus):
                return told.keep(found)
            left = deadline - time.monotonic()
            if left <= 0:
                raise found
            if str(found) != said:
                told(Note(said := str(found)))
            await asyncio.sleep(min(PAUSE, left))


async def _look(
    place: Destination, catalogue: Catalogue, wanted: Release | None, *, limit: float
) -> DestinationStatus | SartorError:
    """Returns the status, or what must still be waited for; `limit` is in seconds."""
    try:
        async with asyncio.timeout(limit):
            found = await read_status(place, catalogue)
    except TimeoutError:
        return Unreachable(f"{place.label}: no answer", hint="check the network and the server")
    except SchemaMissing as error:
        return SchemaPending(str(error), release=None, wanted=str(wanted), hint=error.hint)
    except Unsupported:
        raise
    except DestinationError as error:
        return error
    if pending := pending_up_to(found.status, wanted):
        return pending_error(pending, found.status, wanted=str(wanted), place=place.label)
    whole = wanted is not None and not pending_up_to(found.status, catalogue.latest)  # else none would run
    if whole and (scripts := found.status.repeatables.never_run):
        return never_run_error(scripts, found.status, wanted=str(wanted), place=place.label)
    return found
