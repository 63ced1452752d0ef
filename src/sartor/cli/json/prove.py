"""The JSON output of `prove`."""

from __future__ import annotations

from sartor.cli.json.objects import VERSION, JsonObject, alteration_json, failure_json
from sartor.cli.text.prove import proof_notes
from sartor.domain.manifest import Standing
from sartor.domain.proof import Deviation, Proof, Proofs


def proofs_json(found: Proofs) -> JsonObject:
    """Returns the JSON of `prove --json`."""
    return {
        "version": VERSION,
        "proofs": [_proof_json(proof) for proof in found.proofs],
        "remaining": [alteration_json(a) for a in found.remaining],
    }


def _proof_json(proof: Proof) -> JsonObject:
    return {
        **alteration_json(proof.alteration),
        "result": proof.result.value,
        "server": proof.server,
        "differences": [_deviation_json(each) for each in proof.differences],
        "notes": proof_notes(proof),
        "rows": [each._asdict() for each in proof.rows],
        "irreversible": proof.irreversible,
        "stage": proof.failed.value if proof.failed else None,
        "failed": failure_json(proof.failure) if proof.failure else None,
        "duration_ms": round(proof.duration_ms, 3),
    }


def _deviation_json(deviation: Deviation) -> JsonObject:
    return {
        "stage": deviation.stage.value,
        "kind": deviation.difference.kind,
        "object": deviation.difference.name,
        "change": deviation.difference.change.value,
        "before": deviation.difference.before,
        "after": deviation.difference.after,
    }


def standing_json(found: Standing) -> JsonObject:
    """Returns the JSON of `prove --check --json`."""
    return {"version": VERSION} | standing_part(found)


def standing_part(found: Standing) -> JsonObject:
    return {
        "edited": [alteration_json(a) for a in found.edited],
        "missing": [{"id": x.id, "release": x.release.label, "checksum": x.checksum} for x in found.missing],
        "unproved": [alteration_json(a) for a in found.unproved],
    }
