"""Proves repeatable scripts: each is run again on what all of them made, which must change nothing."""

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from sartor.domain.alteration import Alteration, Catalogue
from sartor.domain.drift import is_ignored
from sartor.domain.plan import Deploy
from sartor.domain.proof import Proof, Result, Stage, changed_rows, told_apart
from sartor.domain.report import Failure
from sartor.errors import AlterationFailed
from sartor.proof.round_trip import ScratchEnvironment


async def prove_repeatables(
    bench: ScratchEnvironment, catalogue: Catalogue, chosen: Sequence[Alteration]
) -> AsyncIterator[Proof]:
    """Yields the proofs of the chosen scripts, in order, on an empty bench, which gets the catalogue's alterations.

    All scripts of the catalogue run then, as in a deploy: where one fails, its proof is the last. Raises
    AlterationFailed where that one isn't chosen.
    """
    whole = len(tuple(catalogue))
    await bench.prepare(catalogue, whole, whole)
    began = time.monotonic()
    try:
        await bench.carry_out(catalogue, Deploy())
    except AlterationFailed as error:
        failing = next((script for script in chosen if script.id == error.failure.id), None)
        if failing is None:
            raise
        yield _failed(bench, failing, Stage.UP, error.failure, began)
        return
    for script in chosen:
        yield await _prove(bench, catalogue, script)


async def _prove(bench: ScratchEnvironment, catalogue: Catalogue, script: Alteration) -> Proof:
    began, made = time.monotonic(), await bench.look()
    await bench.forget(script)
    try:
        await bench.carry_out(_with_only(catalogue, script), Deploy())
    except AlterationFailed as error:
        return _failed(bench, script, Stage.REPEATED, error.failure, began)
    again = await bench.look()
    found = await bench.find(Stage.REPEATED, made, again)
    ignored = [each for each in found if is_ignored(each.difference, bench.limits.ignore_objects)]
    differences, notes = told_apart(each for each in found if each not in ignored)
    return Proof(
        alteration=script,
        result=Result.DIFFERS if differences else Result.PROVED,
        server=bench.server,
        differences=differences,
        notes=notes,
        ignored=tuple(ignored),
        rows=tuple(changed_rows(made.rows, again.rows)),
        duration_ms=(time.monotonic() - began) * 1000,
    )


def _with_only(catalogue: Catalogue, script: Alteration) -> Catalogue:
    """Returns the catalogue with this repeatable script alone: another one that failed again stays as it is."""
    return Catalogue(
        tuple(
            replace(lineage, repeatables=tuple(each for each in lineage.repeatables if each == script))
            for lineage in catalogue.lineages
        )
    )


def _failed(bench: ScratchEnvironment, script: Alteration, stage: Stage, failure: Failure, began: float) -> Proof:
    return Proof(
        alteration=script,
        result=Result.FAILS,
        server=bench.server,
        failed=stage,
        failure=failure,
        duration_ms=(time.monotonic() - began) * 1000,
    )
