"""The loop: looks at the files, waits for a change, and looks again, until it is cancelled."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from functools import lru_cache
from pathlib import Path

from sartor.alterations.loader import read_source
from sartor.alterations.python_module import forget_modules
from sartor.domain.alteration import Alteration, Catalogue
from sartor.domain.destination import Destination, Limits
from sartor.domain.report import Observer
from sartor.errors import CatalogueError, RunHeld, SartorError
from sartor.execution.monitor import describe_blockers
from sartor.linter.lineages import lint_lineages
from sartor.linter.rules import Finding
from sartor.postgres.connect.connect import DRIVER_ERRORS
from sartor.postgres.lock_monitor import LockMonitor
from sartor.postgres.session import Session, application_name
from sartor.watching.bench import Bench, Judged
from sartor.watching.files import changed_files
from sartor.watching.redoing import bring_up_to_date
from sartor.watching.saved import Saved

GRACE = 0.2
"""Seconds after which a file that is gone is looked for again: an editor may be replacing it."""

_read = lru_cache(maxsize=10_000)(read_source)
"""Reads a script once for each content."""


class Watch:
    """What is known between looks at the files. `list_files` lists the alterations, and raises CatalogueError."""

    def __init__(
        self,
        destination: Destination,
        list_files: Callable[[], Catalogue],
        sources: Sequence[tuple[str, str]],
        *,
        ignored: Collection[str],
        limits: Limits,
        observer: Observer,
    ) -> None:
        self._destination = destination
        self._list = list_files
        self._sources = sources
        self._ignored = ignored
        self._limits = limits
        self._observer = observer
        self._bench = Bench(destination, limits=limits, observer=lambda _event: None)
        self._files: Catalogue | None = None
        self._failed = False

    async def follow(self, folders: Sequence[Path]) -> AsyncGenerator[Saved, None]:
        """Yields the result of the first look, and of each one after a save that changed something.

        Raises RunHeld where another watch follows files for the same schema.
        """
        async with LockMonitor(self._destination, application=application_name("watch"), purpose="watch") as turn:
            if not await turn.try_lock():
                holders = await turn.holders()
                where = f"in schema {self._destination.schema}"
                raise RunHeld(
                    f"another `watch` is in progress {where}: {describe_blockers(holders)}",
                    hint="end that one, or watch with another schema or database",
                    blockers=holders,
                )
            try:
                yield await self._look(())
                async for files in changed_files(folders):
                    failed, found = self._failed, await self._look(files)
                    if failed or not found.is_empty:
                        yield found
                    if self._files is not None:
                        await self._bench.warm(self._files)
            finally:
                await self._bench.close()

    async def _look(self, files: Sequence[str]) -> Saved:
        began = time.monotonic()
        saved = Saved(files=tuple(Path(file).name for file in files))
        try:
            catalogue = await self._settled()
            if self._files is not None:
                # What was told may be less: a change before the folder was watched, or a folder that is another now.
                changed = {*self._files, *self._files.repeatables} ^ {*catalogue, *catalogue.repeatables}
                saved = saved._replace(files=tuple(sorted({each.name for each in changed})) or saved.files)
            # What failed is tried again: something else may have changed.
            if catalogue != self._files or self._failed:
                saved = await self._bring(saved, catalogue)
            elif helpers := ", ".join(name for name in saved.files if name.startswith("_")):
                said = f"{helpers}: what is deployed and imports it stays; to deploy that again: `redo`"
                saved = saved._replace(notes=(said,))
        except SartorError as error:
            saved = saved._replace(error=error)
        self._failed = saved.error is not None
        return saved._replace(duration_ms=(time.monotonic() - began) * 1000)

    async def _settled(self) -> Catalogue:
        """Returns the alterations on disk; looks again where one is gone, or they can't be read."""
        try:
            catalogue = self._list()
            known = {} if self._files is None else {a.identity: a for a in self._files}
            if not known.keys() - {a.identity for a in catalogue}:
                return catalogue
        except CatalogueError:
            pass
        await asyncio.sleep(GRACE)
        return self._list()

    async def _bring(self, saved: Saved, catalogue: Catalogue) -> Saved:
        forget_modules()
        async with Session(self._destination, application=application_name("watch")) as session:
            found = await bring_up_to_date(session, catalogue, limits=self._limits, observer=self._observer)
            saved = saved._replace(**found._asdict())
            self._files = catalogue
            done = [each.alteration for each in found.deployed]
            saved = saved._replace(findings=self._lint(catalogue, done, saved))
            # What is released was judged before that, and may be a long history; a repeatable script has no way back.
            own = [each for each in done if each.release.unreleased and not each.is_repeatable]
            if not own:
                return saved
            try:
                judged = await self._judge(session, catalogue, own)
            except (SartorError, OSError, *DRIVER_ERRORS) as error:
                return saved._replace(notes=(*saved.notes, f"not proved: {error}"))
            return saved._replace(proofs=judged.proofs, rehearsal=judged.rehearsal)

    async def _judge(self, session: Session, catalogue: Catalogue, done: Sequence[Alteration]) -> Judged:
        try:
            return await self._bench.judge(session, catalogue, done)
        except (OSError, *DRIVER_ERRORS):  # the server has ended the session that was kept
            return await self._bench.judge(session, catalogue, done)

    def _lint(self, catalogue: Catalogue, done: Sequence[Alteration], saved: Saved) -> tuple[Finding, ...]:
        found = lint_lineages(
            self._sources, released=False, above=None, ignored=self._ignored, remembered={}, read=_read
        )
        about = {*(a.file for a in done), *(a.file for a in catalogue if a.name in saved.files)}
        return tuple(each for each in found.findings if each.file in about)
