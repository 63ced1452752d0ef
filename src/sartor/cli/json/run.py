"""The JSON output of `deploy`, `rollback`, `fresh` and `seed`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sartor.cli.json.backup import backup_json
from sartor.cli.json.objects import VERSION, JsonObject, alteration_json, failure_json
from sartor.domain.plan import plan_notes

if TYPE_CHECKING:
    from sartor.domain.report import Report


def report_json(report: Report) -> JsonObject:
    """Returns the JSON of `deploy --json`, `rollback --json` and `fresh --json`."""
    return {
        "version": VERSION,
        "direction": report.direction.value,
        "target": report.target.label if report.target else None,
        "done": [alteration_json(d.alteration) | {"duration_ms": round(d.duration_ms, 3)} for d in report.done],
        "failed": failure_json(report.failed) if report.failed else None,
        "remaining": [alteration_json(a) for a in report.remaining],
        "elsewhere": [alteration_json(a) for a in report.elsewhere],
        "backup": backup_json(report.backup) if report.backup else None,
        "notes": plan_notes(report.plan) if report.plan else [],
    }


def seed_json(files: Sequence[str], *, reset: bool) -> JsonObject:
    """Returns the JSON of `seed --json`."""
    return {"version": VERSION, "seeded": list(files), "reset": reset, "failed": None}
