"""The JSON output of `verify` and `repair`."""

from __future__ import annotations

from collections.abc import Sequence

from sartor.cli.json.objects import VERSION, JsonObject, alteration_json, difference_json, entry_json
from sartor.cli.json.prove import standing_part
from sartor.domain.repair import Mend
from sartor.domain.verification import Verification


def verification_json(found: Verification) -> JsonObject:
    """Returns the JSON of `verify --json`."""
    drift = found.drift
    return {
        "version": VERSION,
        "ok": found.ok,
        "edited": [entry_json(p.entry, p.alteration) for p in found.status.edited],
        "missing": [entry_json(entry) for entry in found.status.missing],
        "manifest": standing_part(found.standing),
        "drift": [difference_json(difference) for difference in drift.differences],
        "noted": [difference_json(difference) for difference in drift.noted],
        "replayed": found.replayed,
        "recorded": {
            "seq": drift.baseline.seq,
            "at": drift.baseline.at.isoformat(),
            "user": drift.baseline.user,
            "host": drift.baseline.host,
            "sartor": drift.baseline.sartor,
            "anew": drift.baseline.anew.isoformat() if drift.baseline.anew else None,
        }
        if drift.baseline
        else None,
        "unknown": drift.unknown or None,
        "invalid_indexes": list(found.invalid),
        "writers": [
            {"role": writer.role, "rights": {t: list(r) for t, r in writer.rights.items()}, "revoke": writer.revoke}
            for writer in found.writers
        ],
        "ahead": [entry_json(entry) for entry in found.status.ahead],
        "out_of_order": [alteration_json(a) for a in found.status.out_of_order],
        "notes": list(found.notes),
    }


def repair_json(done: Sequence[Mend]) -> JsonObject:
    """Returns the JSON of `repair --json`."""
    return {"version": VERSION, "repaired": [{"event": m.kind.value, "name": m.name, "id": m.id} for m in done]}
