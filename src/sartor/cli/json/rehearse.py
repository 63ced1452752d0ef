"""The JSON output of `rehearse`."""

from __future__ import annotations

from sartor.cli.json.objects import VERSION, JsonObject, alteration_json, failure_json
from sartor.cli.words import in_words
from sartor.domain.hazards.hazard import RehearsedStatement
from sartor.domain.hazards.remediation import PAGE, recipe
from sartor.domain.rehearsal import Rehearsal, Rehearsed


def rehearsal_json(found: Rehearsal) -> JsonObject:
    """Returns the JSON of `rehearse --json`."""
    return {
        "version": VERSION,
        "target": found.target.label if found.target else None,
        "place": found.place,
        "verdict": found.verdict.value,
        "alterations": [_rehearsed_json(each) for each in found.alterations],
        "tables": [
            {"name": name, "rows": size.rows, "bytes": size.bytes} for name, size in sorted(found.sizes.items())
        ],
        "failed": failure_json(found.failed) if found.failed else None,
        "notes": list(found.notes),
    }


def _rehearsed_json(each: Rehearsed) -> JsonObject:
    return alteration_json(each.alteration) | {
        "verdict": each.verdict.value,
        "reason": each.reason and in_words(each.reason),
        "in_doubt": each.in_doubt,
        "doubts": list(each.doubts),
        "statements": [_statement_json(statement) for statement in each.statements],
    }


def _statement_json(statement: RehearsedStatement) -> JsonObject:
    better = recipe(statement)
    return {
        "sql": statement.sql,
        "line": statement.line,
        "verdict": statement.verdict.value,
        "locks": [lock._asdict() for lock in statement.locks],
        "held": [lock._asdict() for lock in statement.held],
        "rewrites": list(statement.rewrites),
        "scans": list(statement.scans),
        "builds": [build._asdict() for build in statement.builds],
        "rows": statement.rows,
        "ms": round(statement.ms, 3),
        "times": statement.times,
        "later": statement.later,
        "later_ms": round(statement.later_ms, 3),
        "error": statement.error,
        "in_doubt": statement.in_doubt,
        "doubts": list(statement.doubts),
        "losses": [loss._asdict() for loss in statement.losses],
        "opinions": [opinion._asdict() for opinion in statement.opinions],
        "instead": {"advice": better.advice, "page": f"{PAGE}#{better.anchor}"} if better else None,
    }
