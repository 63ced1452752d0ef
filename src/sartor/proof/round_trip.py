"""Proves one alteration by itself: up, down and up again, with the database read before and after each."""

from __future__ import annotations

import time

from sartor.alterations.loader import load_script
from sartor.domain.alteration import Alteration, Catalogue
from sartor.domain.drift import is_ignored
from sartor.domain.plan import Deploy, Direction, Rollback
from sartor.domain.proof import (
    ChangedRows,
    DatabaseSnapshot,
    Deviation,
    Proof,
    Result,
    Stage,
    changed_rows,
    told_apart,
)
from sartor.domain.report import Failure
from sartor.errors import AlterationFailed, ScriptError
from sartor.proof.scratch_environment import ScratchEnvironment


async def prove_one(bench: ScratchEnvironment, catalogue: Catalogue, alteration: Alteration) -> Proof:
    """Proves the catalogue's last alteration; all the others must be deployed on the bench."""
    began = time.monotonic()
    trip = _RoundTrip(bench, catalogue, alteration)
    await trip.go()
    return trip.proof((time.monotonic() - began) * 1000)


class _RoundTrip:
    """The state of a proof: its stage, and what was found so far."""

    def __init__(self, bench: ScratchEnvironment, catalogue: Catalogue, alteration: Alteration) -> None:
        self._bench = bench
        self._catalogue = catalogue
        self._alteration = alteration
        self._script = load_script(alteration)
        self._stage = Stage.UP
        self._failure: Failure | None = None
        self._deviations: tuple[Deviation, ...] = ()
        self._rows: tuple[ChangedRows, ...] = ()

    async def go(self) -> None:
        """Runs up, down and up again, as far as the script allows."""
        try:
            before = await self._bench.look()
            made = await self._do(Stage.UP)
            if self._irreversible is None:
                self._script.body(Direction.ROLLBACK)
                left = await self._do(Stage.DOWN)
                self._deviations += await self._bench.find(Stage.DOWN, before, left)
                self._rows = tuple(changed_rows(before.rows, left.rows))
                again = await self._do(Stage.AGAIN)
                self._deviations += await self._bench.find(Stage.AGAIN, made, again)
        except AlterationFailed as error:
            self._failure = error.failure
        except ScriptError as error:  # the script has neither `down` nor `irreversible`
            self._stage = Stage.DOWN
            about = self._alteration
            self._failure = Failure(name=about.name, id=about.id, message=str(error), file=about.file)

    def proof(self, duration_ms: float) -> Proof:
        """Returns the proof with what was found."""
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
