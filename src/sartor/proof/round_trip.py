"""Proves one alteration by itself: up, down and up again, with the database read before and after each."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sartor.alterations.loader import load_script
from sartor.domain.alteration import Alteration, Catalogue
from sartor.domain.destination import Destination, Limits
from sartor.domain.drift import is_ignored, without_parts
from sartor.domain.plan import Deploy, Direction, Rollback
from sartor.domain.proof import ChangedRows, DatabaseSnapshot, Deviation, Proof, Result, Stage, changed_rows, told_apart
from sartor.domain.report import Failure, Observer
from sartor.errors import AlterationFailed, ScriptError
from sartor.execution.development import SeedModule, put_in
from sartor.execution.run import run, run_session
from sartor.execution.units import Load
from sartor.postgres.ledger import create_ledger, forget_repeatable
from sartor.postgres.session import Session, application_name
from sartor.schema.comparison import compare
from sartor.schema.database_snapshot import SnapshotReader
from sartor.scratch.database import scratch_session


class ScratchEnvironment:
    """A scratch database that is read through `session`; with a `seed`, its rows are read as well.

    All runs share the session `runs`, as the scripts of one deploy do: a new one would have to learn the catalogue.
    """

    def __init__(
        self, session: Session, runs: Session, seed: SeedModule | None, *, limits: Limits, observer: Observer
    ) -> None:
        self._session = session
        self._runs = runs
        self._snapshots = SnapshotReader(session.connection, rows=seed is not None)
        self._seed = seed
        # The runs needn't record what the schema should be: nobody asks, and it would be read twice as often.
        self.limits = limits._replace(fingerprint=False)
        self._observer = observer
        self._seen: DatabaseSnapshot | None = None
        self.load: Load | None = None
        """Loads the scripts that run here, where they are to be loaded in another way."""

    @property
    def session(self) -> Session:
        """The session that reads the database."""
        return self._session

    @property
    def server(self) -> int:
        """The server's major version."""
        return self._session.facts.server_version // 10_000

    async def prepare(self, catalogue: Catalogue, first: int, now: int) -> None:
        """Deploys what comes before alteration `first`, puts the seed in, then deploys what comes before `now`.

        `first` is the first alteration that is judged, `now` the next one; both are places in the catalogue, from 0.
        Raises AlterationFailed.
        """
        await create_ledger(self._session)
        await self.carry_out(catalogue.first(first), Deploy())
        if self._seed is not None:
            await put_in(self._session.destination, [self._seed], limits=self.limits, observer=self._observer)
        await self.carry_out(catalogue.first(now), Deploy())

    async def carry_out(self, catalogue: Catalogue, request: Deploy | Rollback) -> None:
        """Deploys or rolls back, as any run does. Raises AlterationFailed."""
        self._seen = None
        await self._runs.renew_where_worn()
        await self._runs.learn()
        if isinstance(request, Deploy):  # each is judged on what a replay makes
            request = request._replace(replay=request.snapshot is None)
        await run(self._runs, catalogue, request, limits=self.limits, observer=self._observer, load=self.load)

    async def forget(self, script: Alteration) -> None:
        """Removes the row of a repeatable script, so that the next deploy runs it again."""
        await forget_repeatable(self._session, script)

    async def look(self) -> DatabaseSnapshot:
        """Returns what the database holds now."""
        if self._seen is None:
            self._seen = await self._snapshots.read()
        return self._seen

    async def find(self, stage: Stage, expected: DatabaseSnapshot, found: DatabaseSnapshot) -> tuple[Deviation, ...]:
        """Returns how what was `found` after a stage deviates from what is `expected`; entailed ones are left out."""
        compared = await compare(self._session.connection, expected.fingerprint, found.fingerprint)
        return tuple(Deviation(stage, each) for each in without_parts(compared.differences))


@asynccontextmanager
async def new_environment(
    beside: Destination, seed: SeedModule | None, *, limits: Limits, observer: Observer
) -> AsyncIterator[ScratchEnvironment]:
    """Creates a bench in a scratch database on the server of `beside`; drops it after the block."""
    application, base = application_name("prove"), limits.scratch_bootstrap
    async with (
        scratch_session(beside, application=application, base=base) as session,
        run_session(session.destination, "prove") as runs,
    ):
        yield ScratchEnvironment(session, runs, seed, limits=limits, observer=observer)


class RoundTrip:
    """The proof of the catalogue's last alteration; all the others must be deployed on the bench."""

    def __init__(self, bench: ScratchEnvironment, catalogue: Catalogue, alteration: Alteration) -> None:
        self._bench = bench
        self._catalogue = catalogue
        self._alteration = alteration
        self._script = load_script(alteration)
        self._stage = Stage.UP
        self._failure: Failure | None = None
        self._deviations: tuple[Deviation, ...] = ()
        self._rows: tuple[ChangedRows, ...] = ()

    async def prove(self) -> Proof:
        """Runs up, down and up again, as far as the script allows; returns what was found."""
        began = time.monotonic()
        try:
            await self._go()
        except AlterationFailed as error:
            self._failure = error.failure
        except ScriptError as error:  # the script has neither `down` nor `irreversible`
            self._stage = Stage.DOWN
            about = self._alteration
            self._failure = Failure(name=about.name, id=about.id, message=str(error), file=about.file)
        return self._proof((time.monotonic() - began) * 1000)

    async def _go(self) -> None:
        before = await self._bench.look()
        made = await self._do(Stage.UP)
        if self._irreversible is None:
            self._script.body(Direction.ROLLBACK)
            left = await self._do(Stage.DOWN)
            self._deviations += await self._bench.find(Stage.DOWN, before, left)
            self._rows = tuple(changed_rows(before.rows, left.rows))
            again = await self._do(Stage.AGAIN)
            self._deviations += await self._bench.find(Stage.AGAIN, made, again)

    def _proof(self, duration_ms: float) -> Proof:
        ignored = [f for f in self._deviations if is_ignored(f.difference, self._bench.limits.ignore_objects)]
        differences, notes = told_apart(f for f in self._deviations if f not in ignored)
        return Proof(
            alteration=self._alteration,
            result=self._result(differences),
            server=self._bench.server,
            differences=differences,
            notes=notes,
            ignored=tuple(ignored),
            rows=self._rows,
            failed=self._stage if self._failure else None,
            failure=self._failure,
            irreversible=None if self._failure else self._irreversible,
            duration_ms=duration_ms,
        )

    def _result(self, differences: tuple[Deviation, ...]) -> Result:
        if self._failure:
            return Result.FAILS
        if self._irreversible is not None:
            return Result.IRREVERSIBLE
        return Result.DIFFERS if differences else Result.PROVED

    @property
    def _irreversible(self) -> str | None:
        return None if Direction.ROLLBACK in self._script.bodies else self._script.irreversible

    async def _do(self, stage: Stage) -> DatabaseSnapshot:
        self._stage = stage
        await self._bench.carry_out(self._catalogue, Rollback(steps=1) if stage is Stage.DOWN else Deploy())
        return await self._bench.look()
