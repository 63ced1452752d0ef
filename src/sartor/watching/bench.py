"""A scratch database that stays between saves, so that proving what was saved takes no more than running it.

It holds what comes before the alteration that is proved. After a proof that holds, that alteration is taken back by the
script that was proved; after any other, the database is dropped, and the next proof begins with a new one.
"""

from collections.abc import Iterable
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from typing import Any, NamedTuple

from sartor.alterations.kept_down import load_step
from sartor.alterations.loader import load_script
from sartor.alterations.script import Body, Script
from sartor.domain.alteration import Alteration, Catalogue
from sartor.domain.destination import Destination, Limits
from sartor.domain.hazards.circumstances import in_view_of_rows
from sartor.domain.hazards.hazard import with_losses
from sartor.domain.plan import Deploy, Direction, Rollback, Step
from sartor.domain.proof import Proof, Result
from sartor.domain.rehearsal import Rehearsal, Rehearsed
from sartor.domain.release import NEXT
from sartor.domain.report import Observer
from sartor.domain.source import Run
from sartor.errors import SartorError
from sartor.footprint.footprint import read_sizes
from sartor.footprint.row_losses import read_known
from sartor.postgres.connect.connect import DRIVER_ERRORS
from sartor.postgres.session import Session
from sartor.proof.round_trip import RoundTrip, ScratchEnvironment, new_environment
from sartor.rehearsal.recorded_scripts import ScriptRecorder
from sartor.scratch.gaps import filled
from sartor.watching.saved import PLACE


class Judged(NamedTuple):
    """The proofs of alterations, and what they would do to others, given the rows that the live tables have."""

    proofs: tuple[Proof, ...] = ()
    rehearsal: Rehearsal = Rehearsal(NEXT, PLACE)


class Bench:
    """The scratch database, on the server of `beside`, made with the first proof."""

    def __init__(self, beside: Destination, *, limits: Limits, observer: Observer) -> None:
        self._beside = beside
        # Statements are observed, which a batch would hide.
        self._limits = limits._replace(batch=False)
        self._observer = observer
        self._stack = AsyncExitStack()
        self._environment: ScratchEnvironment | None = None
        self._catalogue = Catalogue(())
        self._scripts: dict[tuple[str, str], Script] = {}

    async def close(self) -> None:
        """Drops the database, as far as the server allows that."""
        self._environment, self._catalogue, self._scripts = None, Catalogue(()), {}
        with suppress(SartorError, OSError, *DRIVER_ERRORS):
            await self._stack.aclose()

    async def warm(self, catalogue: Catalogue) -> None:
        """Makes the database again where the last proof has cost it, with what is released; nobody waits for it."""
        if self._environment is None:
            released = next((n for n, each in enumerate(catalogue) if each.release.unreleased), 0)
            try:
                await self._at(catalogue, released)
            except (SartorError, OSError, *DRIVER_ERRORS):  # the next proof says why
                await self.close()

    async def judge(self, live: Session, catalogue: Catalogue, chosen: Iterable[Alteration]) -> Judged:
        """Proves alterations, in the catalogue's order. Raises SartorError where what comes before them fails."""
        holding = await filled(live.connection, live.schema)
        sizes = await read_sizes(live.connection, live.schema)
        proofs, rehearsed = list[Proof](), list[Rehearsed]()
        every = list(catalogue)
        for place in sorted(map(every.index, chosen)):
            try:
                proof, recorder = await self._prove(catalogue, place)
            except BaseException:
                await self.close()
                raise
            proofs.append(proof)
            seen = [in_view_of_rows(each, holding) for each in recorder.statements(every[place])]
            rehearsed.append(
                Rehearsed(
                    every[place],
                    with_losses(seen, holding, sizes),
                    depends_on_rows=bool(holding) and recorder.depends_on_rows(every[place]),
                )
            )
        return Judged(tuple(proofs), Rehearsal(NEXT, PLACE, tuple(rehearsed), sizes=sizes))

    async def _prove(self, catalogue: Catalogue, place: int) -> tuple[Proof, ScriptRecorder]:
        environment = await self._at(catalogue, place)
        upto = catalogue.first(place + 1)
        alteration = list(upto)[place]
        recorder = ScriptRecorder(
            await read_known(environment.session.connection, environment.session.schema, counts=False)
        )
        environment.load = _FirstUp(alteration, recorder).load
        proof = await RoundTrip(environment, upto, alteration).prove()
        if proof.result is Result.PROVED:
            self._catalogue = upto
            self._scripts[alteration.identity] = load_script(alteration)
        else:
            await self.close()
        return proof, recorder

    async def _at(self, catalogue: Catalogue, place: int) -> ScratchEnvironment:
        """Returns the database with what comes before `place` in the catalogue, and nothing else."""
        before = catalogue.first(place)
        if self._environment is not None and not await self._go_back(before):
            await self.close()
        if self._environment is None:
            made = new_environment(self._beside, None, limits=self._limits, observer=self._observer)
            self._environment = await self._stack.enter_async_context(made)
            await self._environment.prepare(before, 0, 0)
        self._environment.load = None
        await self._environment.carry_out(before, Deploy())
        self._catalogue = before
        for alteration in before:
            if alteration.release.unreleased and alteration.identity not in self._scripts:
                self._scripts[alteration.identity] = load_script(alteration)
        return self._environment

    async def _go_back(self, before: Catalogue) -> bool:
        """Takes back what isn't in `before`, or is there in another form; returns whether it could."""
        assert self._environment is not None  # noqa: S101 - for the type checker
        have, want = list(self._catalogue), list(before)
        same = next((n for n, pair in enumerate(zip(have, want, strict=False)) if pair[0] != pair[1]), len(want))
        extra = have[same:]
        if not all(each.identity in self._scripts for each in extra):
            return False
        if extra:
            scripts = {each.identity: self._scripts.pop(each.identity) for each in extra}
            self._environment.load = lambda step: scripts[step.alteration.identity]
            try:
                await self._environment.carry_out(self._catalogue, Rollback(steps=len(extra)))
            except (SartorError, OSError, *DRIVER_ERRORS):
                return False
        return True


class _FirstUp:
    """Loads scripts so that the first `up` of one alteration is noted: what is known of relations is from before it."""

    def __init__(self, about: Alteration, recorder: ScriptRecorder) -> None:
        self._about = about
        self._recorder = recorder
        self._seen = False

    def load(self, step: Step) -> Script:
        if step.alteration.identity != self._about.identity or self._seen:
            return load_step(step)
        script, noted = load_step(step), self._recorder.load(step)
        body = noted.bodies.get(Direction.DEPLOY)
        if body is None:
            return script
        bodies = {**script.bodies, Direction.DEPLOY: self._once(body)}
        return replace(script, bodies=bodies, before=noted.before)

    def _once(self, body: Body) -> Body:
        async def first(connection: Any, given: Run) -> None:
            try:
                await body(connection, given)
            finally:
                self._seen = True

        return first
