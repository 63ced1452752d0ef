"""Follows the files while somebody writes them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import TYPE_CHECKING

from sartor.api.observing import Observed, ignore
from sartor.api.requests import NO_LIMITS, Sources, find_destination, find_sources, list_alterations
from sartor.api.runs import protect
from sartor.domain.destination import Destination, Limits

if TYPE_CHECKING:
    from sartor.domain.report import Observer
    from sartor.watching.saved import Saved


async def watch(
    destination: Destination | str,
    sources: Sources,
    *,
    environment: str | None,
    ignored: Iterable[str] = (),
    limits: Limits = NO_LIMITS,
    observer: Observer = ignore,
) -> AsyncGenerator[Saved, None]:
    """Follows the files: deploys what is pending, then after every save undoes what was edited and deploys it again.

        async for saved in sartor.watch("postgresql://localhost/app_dev", "alterations", environment="development"):
            print([done.alteration.name for done in saved.deployed], saved.error)

    What is deployed is proved in a scratch database on the same server, which stays between saves. Only unreleased
    alterations are undone, by the code that was deployed, and those that were deployed after them as well. An error is
    in the result, and the next save is looked at all the same.

    - `ignored`: as in `lint`.

    Raises RefusedError where the environment is production, UsageError where the extra `watch` isn't installed, RunHeld
    where another watch is in progress, CatalogueError where there are no alterations.
    """
    from sartor.alterations.files import find_folder
    from sartor.watching.files import require_watcher
    from sartor.watching.watch import Watch

    protect(environment, "watch")
    require_watcher()
    places = find_sources(sources)
    folders = [find_folder(place.location) for place in places]
    with Observed(observer) as told:
        watching = Watch(
            find_destination(destination),
            lambda: list_alterations(places),
            [(place.name, place.location) for place in places],
            ignored=tuple(ignored),
            limits=limits,
            observer=told,
        )
        async with aclosing(watching.follow(folders)) as looks:
            async for saved in looks:
                yield saved
