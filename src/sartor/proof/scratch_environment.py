"""Runs proofs on a scratch database: deploys history up to a place in it, and reads what the database holds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sartor.domain.alteration import Catalogue
from sartor.domain.destination import Destination, Limits
from sartor.domain.drift import without_parts
from sartor.domain.plan import Deploy, Rollback
from sartor.domain.proof import DatabaseSnapshot, Deviation, Stage
from sartor.domain.report import Observer
from sartor.execution.development import SeedModule, put_in
from sartor.execution.run import run_in, run_session
from sartor.postgres.ledger import create_ledger
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
        await run_in(self._runs, catalogue, request, limits=self.limits, observer=self._observer)

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
