"""The output of `watch`: a block of lines, or one line of JSON, for each save."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sartor.cli.results.lint import finding_json, finding_line
from sartor.cli.results.objects import (
    VERSION,
    JsonObject,
    alteration_json,
    destination_json,
    error_json,
    failure_json,
    pick,
)
from sartor.cli.results.prove import proof_lines, proofs_json
from sartor.cli.results.rehearse import rehearsal_json, rehearsal_lines
from sartor.cli.results.run import failure_lines
from sartor.cli.results.units import duration
from sartor.cli.words import hint, in_words
from sartor.domain.destination import Destination
from sartor.domain.hazards.hazard import Verdict
from sartor.domain.proof import Proofs, Result
from sartor.domain.rehearsal import Rehearsal
from sartor.errors import AlterationFailed, SartorError

if TYPE_CHECKING:
    from sartor import Saved

MOST = 5
"""The files that a block names."""


def saved_lines(saved: "Saved") -> Iterator[str]:
    """Yields what was done after a save: what changed, what failed and where, what was proved, hazards, mistakes."""
    yield _head(saved)
    yield from (f"  undone    {each.alteration.name}  {duration(each.duration_ms)}" for each in saved.undone)
    yield from (f"  deployed  {each.alteration.name}  {duration(each.duration_ms)}" for each in saved.deployed)
    if saved.error is not None:
        yield from (f"  {line}".rstrip() for line in _error_lines(saved.error))
    for proof in saved.proofs:
        if proof.result is Result.PROVED and not (proof.notes or proof.rows):
            yield f"  proved    {proof.alteration.name}"
        else:
            yield f"  {proof.result.value:<9} {proof.alteration.name}"
            yield from (f"    {line}".rstrip() for line in proof_lines(proof))
    yield from _hazards(saved.rehearsal)
    yield from (f"  {finding_line(finding)}" for finding in saved.findings)
    yield from (f"  note: {in_words(note)}" for note in saved.notes)
    if saved.is_empty:
        yield "  nothing to deploy"


def _hazards(rehearsal: Rehearsal) -> Iterator[str]:
    """Yields a line for what is safe, and what is known of the statements of all else."""
    for each in rehearsal.alterations:
        if each.verdict is Verdict.SAFE and not each.in_doubt:
            yield f"  safe      {each.alteration.name}"
        else:
            yield from (f"  {line}" for line in rehearsal_lines(rehearsal._replace(alterations=(each,))))


def _head(saved: "Saved") -> str:
    more = f" and {len(saved.files) - MOST} more" if len(saved.files) > MOST else ""
    what = f"saved {', '.join(saved.files[:MOST])}{more}" if saved.files else "all files"
    return f"{what}  ({duration(saved.duration_ms)})"


def _error_lines(error: SartorError) -> Iterator[str]:
    if isinstance(error, AlterationFailed):
        yield f"failed    {error.failure.name}"
        yield from failure_lines(error.failure)
        return
    yield f"error: {in_words(str(error))}"
    if said := hint(error):
        yield f"  hint: {said}"


def saved_json(saved: "Saved", destination: Destination) -> JsonObject:
    error = saved.error
    failed = failure_json(error.failure) if isinstance(error, AlterationFailed) else None
    rehearsed = rehearsal_json(saved.rehearsal)
    return {
        "version": VERSION,
        "destination": destination_json(destination),
        "files": list(saved.files),
        "undone": [alteration_json(each.alteration) | pick(each, "duration_ms notes") for each in saved.undone],
        "deployed": [alteration_json(each.alteration) | pick(each, "duration_ms notes") for each in saved.deployed],
        "failed": failed,
        "error": None if error is None or failed else error_json(error),
        "proofs": proofs_json(Proofs(saved.proofs, ()))["proofs"],
        "alterations": rehearsed["alterations"],
        "findings": [finding_json(finding) for finding in saved.findings],
        "notes": [in_words(note) for note in saved.notes],
        **pick(saved, "duration_ms"),
    }
