"""The output of `prove`."""

from collections.abc import Iterator

from sartor.cli.results.objects import (
    VERSION,
    JsonObject,
    alteration_json,
    difference_json,
    failure_json,
    ignored_note,
    pick,
    plain,
)
from sartor.cli.results.run import failure_lines
from sartor.cli.results.units import duration
from sartor.domain.drift import unified
from sartor.domain.manifest import Standing
from sartor.domain.proof import ChangedRows, Deviation, Proof, Proofs, Result, Stage

SAID = {
    Stage.DOWN: "`down` doesn't restore the schema before `up`",
    Stage.AGAIN: "the second `up` makes a different schema",
    Stage.REPEATED: "its second run changes the schema",
}

FAILED = {
    Stage.UP: "`up` failed",
    Stage.DOWN: "`down` failed",
    Stage.AGAIN: "the second `up`, after `down`, failed",
    Stage.REPEATED: "its second run failed",
}


_WHEN = {
    Stage.UP: "`up`",
    Stage.DOWN: "down",
    Stage.AGAIN: "the second `up`",
    Stage.REPEATED: "the second run",
}


def proof_line(proof: Proof) -> str:
    why = f": {proof.irreversible}" if proof.irreversible else ""
    return f"{proof.result.value}  {proof.alteration.name}  {duration(proof.duration_ms)}{why}"


def proofs_lines(found: Proofs) -> Iterator[str]:
    """Yields what was found, alteration by alteration, and the totals."""
    for proof in found.proofs:
        yield from proof_lines(proof)
    yield _sum(found)


def proof_lines(proof: Proof) -> Iterator[str]:
    name = proof.alteration.name
    for stage, said in SAID.items():
        if differences := [f.difference for f in proof.differences if f.stage is stage]:
            yield from (f"{name}: {said}", "", *(f"  {line}" for line in unified(differences)), "")
    if proof.failure and proof.failed:
        yield from (f"{name}: {FAILED[proof.failed]}", "", *failure_lines(proof.failure), "")
    for note in proof_notes(proof):
        yield f"note: {name}: {note}"
    for rows in proof.rows:
        yield f"rows: {name}: {_rows(rows, repeats=proof.alteration.is_repeatable)}"


def proof_notes(proof: Proof) -> list[str]:
    ignored = [ignored_note([each.difference for each in proof.ignored])] if proof.ignored else []
    return [*(_note(deviation) for deviation in proof.notes), *ignored]


def _note(deviation: Deviation) -> str:
    when = _WHEN[deviation.stage]
    difference = deviation.difference
    before, after = (", ".join((text or "nothing").splitlines()) for text in (difference.before, difference.after))
    return f"after {when}, {difference.label} is {after}; before it was {before}"


def _rows(changed: ChangedRows, *, repeats: bool) -> str:
    when = "the second run" if repeats else "`down`"
    return (
        f"after {when}, {changed.lost} of {changed.rows} rows in {changed.table} are missing or"
        f" different, and {changed.new} are new"
    )


def _sum(found: Proofs) -> str:
    counts = {result: sum(proof.result is result for proof in found.proofs) for result in Result}
    told = [f"{number} {result.value}" for result, number in counts.items() if number]
    if found.remaining:
        told.append(f"{len(found.remaining)} not run")
    return ", ".join(told) or "Found 0 alteration to prove"


def proofs_json(found: Proofs) -> JsonObject:
    return {
        "version": VERSION,
        "proofs": [_proof_json(proof) for proof in found.proofs],
        "remaining": [alteration_json(a) for a in found.remaining],
    }


def _proof_json(proof: Proof) -> JsonObject:
    return {
        **alteration_json(proof.alteration),
        **pick(proof, "result server"),
        "differences": [{"stage": d.stage.value} | difference_json(d.difference) for d in proof.differences],
        "ignored": [{"stage": d.stage.value} | difference_json(d.difference) for d in proof.ignored],
        "notes": proof_notes(proof),
        **pick(proof, "rows irreversible"),
        "stage": plain(proof.failed),
        "failed": failure_json(proof.failure) if proof.failure else None,
        **pick(proof, "duration_ms"),
    }


def standing_json(found: Standing) -> JsonObject:
    return {"version": VERSION} | standing_part(found)


def standing_part(found: Standing) -> JsonObject:
    return {
        "edited": [alteration_json(a) for a in found.edited],
        "missing": [pick(line, "id release checksum") for line in found.missing],
        "unproved": [alteration_json(a) for a in found.unproved],
        "unlisted": [alteration_json(a) for a in found.unlisted],
        "snapshots": [{"release": plain(s.release), "file": s.file, "reason": s.fault} for s in found.snapshots],
    }
