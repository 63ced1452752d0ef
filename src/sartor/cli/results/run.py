"""The output of `deploy`, `rollback`, `fresh` and `seed`."""

from __future__ import annotations

from collections.abc import Sequence

from sartor.cli.results.backup import backup_json
from sartor.cli.results.objects import VERSION, JsonObject, alteration_json, failure_json
from sartor.cli.results.units import count, duration
from sartor.domain.plan import Direction, Plan, plan_notes
from sartor.domain.report import Report, Waiting


def report_line(report: Report) -> str:
    deploys = report.direction is Direction.DEPLOY
    if not report.done:
        return f"Found 0 alteration to {'deploy' if deploys else 'roll back'}"
    took = duration(sum(done.duration_ms for done in report.done))
    line = f"{'Deployed' if deploys else 'Rolled back'} {count(len(report.done))} in {took}"
    return line + (f"; {count(len(report.elsewhere))} by another run meanwhile" if report.elsewhere else "")


def way_line(plan: Plan) -> str:
    before, after = map(str, plan.way)
    return f"{before} -> {after}" if plan.steps else before


def waiting_line(waiting: Waiting) -> str:
    who = "; ".join(map(str, waiting.blockers)) or "the holder is unknown"
    known = f": {who}" if waiting.reason in {"a lock", "another run"} else ""
    left = "this statement waits without a limit" if waiting.left is None else f"{waiting.left:.0f} s left"
    script = f"{waiting.script}: " if waiting.script else ""
    return f"{script}waiting for {waiting.reason}{known}; {left}"


def report_json(report: Report) -> JsonObject:
    to = report.plan.way[1].release if report.plan else None
    return {
        "version": VERSION,
        "direction": report.direction.value,
        "target": report.target.label if report.target else None,
        "from": report.before.label if report.before else None,
        "to": to.label if to else None,
        "done": [alteration_json(d.alteration) | {"duration_ms": round(d.duration_ms, 3)} for d in report.done],
        "failed": failure_json(report.failed) if report.failed else None,
        "remaining": [alteration_json(a) for a in report.remaining],
        "elsewhere": [alteration_json(a) for a in report.elsewhere],
        "backup": backup_json(report.backup) if report.backup else None,
        "said": [said._asdict() for said in report.said],
        "notes": plan_notes(report.plan) if report.plan else [],
    }


def seed_lines(files: Sequence[str]) -> list[str]:
    return [f"Seeded from {', '.join(files)}"]


def seed_json(files: Sequence[str], *, reset: bool) -> JsonObject:
    return {"version": VERSION, "seeded": list(files), "reset": reset, "failed": None}
