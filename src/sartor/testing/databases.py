"""Databases for tests, each deployed to a release, and checks that run in them.

All is called from synchronous fixtures, and from tests whose own event loop is running: the coroutines run on a loop of
their own, in a thread.
"""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import sartor
from sartor.domain.destination import Destination
from sartor.domain.proof import Proofs
from sartor.domain.rehearsal import Rehearsal
from sartor.domain.release import LATEST, parse_target
from sartor.proof.prove import prove
from sartor.scratch.template import CopiedDatabases
from sartor.testing.project import Project, latest_below, opened_project, select

T = TypeVar("T")

APPLICATION = "sartor test"


class _Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=APPLICATION, daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Returns what a coroutine gives."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def close(self) -> None:
        """Ends the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Databases:
    """The databases of a test session, on one server."""

    def __init__(self, project: Project, copies: CopiedDatabases, loop: _Loop) -> None:
        self.project = project
        self._copies, self._loop = copies, loop

    @contextmanager
    def at(self, release: str | None = LATEST, *, seeded: bool = False) -> Iterator[str]:
        """Yields the URL of a new database that is deployed to a release, or is empty for None; drops it in the end.

        The first database of a release is deployed, and where it is to be `seeded`, gets the rows of the seed modules;
        the others are copies, and take milliseconds. Raises what `deploy` and `seed` raise.
        """

        async def fill(place: Destination) -> None:
            settings = self.project.settings
            if release is not None:
                await sartor.deploy(place, settings.sources, release, limits=settings.limits)
            if seeded:
                await sartor.seed(place, settings.sources, environment=settings.environment)

        copy = self._loop.run(self._copies.copy((release, seeded), fill))
        try:
            yield copy.url
        finally:
            self._loop.run(self._copies.drop(copy))

    def prove(self, *names: str, seed: str | None = None) -> Proofs:
        """Proves the alterations with these names, or of these releases; the manifest isn't written."""
        catalogue, limits = self.project.catalogue, self.project.settings.limits
        chosen, observer = select(catalogue, names), lambda _event: None
        beside = self._copies.server
        return self._loop.run(
            prove(beside, catalogue, chosen, seed=seed, limits=limits, observer=observer, records=False)
        )

    def rehearse(self, target: str) -> Rehearsal:
        """Rehearses what leads from the release below the target to it."""
        catalogue, settings = self.project.catalogue, self.project.settings
        highest = catalogue.latest if target == LATEST else parse_target(target)
        below = None if highest is None else latest_below(catalogue, highest)
        with self.at(None if below is None else below.label) as url:
            place = settings.destinations[0]._replace(url=url)
            return self._loop.run(sartor.rehearse(place, settings.sources, target, limits=settings.limits))


@contextmanager
def opened(root: Path) -> Iterator[Databases]:
    """Yields the databases of the project in a folder; drops those that are left in the end."""
    with ExitStack() as stack:
        project = stack.enter_context(opened_project(root))
        loop = _Loop()
        stack.callback(loop.close)
        copies = CopiedDatabases(
            project.beside, application=APPLICATION, base=project.settings.limits.scratch_bootstrap
        )
        loop.run(copies.__aenter__())
        stack.callback(lambda: loop.run(copies.__aexit__()))
        yield Databases(project, copies, loop)
