"""The JSON of checks, rehearsals, proofs, verifications, lint and repairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sartor.cli.render import check_notes
from sartor.cli.shapes import VERSION, Shape, alteration_shape, entry_shape, failure_shape
from sartor.domain.plan import Direction

if TYPE_CHECKING:
    from sartor.domain.check import Check
    from sartor.domain.hazards.hazard import RehearsedStatement
    from sartor.domain.manifest import Standing
    from sartor.domain.proof import Deviation, Proof, Proofs
    from sartor.domain.rehearsal import Rehearsal, Rehearsed
    from sartor.domain.repair import Mend
    from sartor.domain.schema.difference import Difference
    from sartor.domain.verification import Verification
    from sartor.lint.rules import Finding, Lint


def rehearsal_shape(found: Rehearsal) -> Shape:
    """Returns the JSON of `rehearse --json`."""
    return {
        "version": VERSION,
        "target": found.target.label if found.target else None,
        "place": found.place,
        "verdict": found.verdict.value,
        "alterations": [_rehearsed_shape(each) for each in found.alterations],
        "tables": [
            {"name": name, "rows": size.rows, "bytes": size.bytes} for name, size in sorted(found.sizes.items())
        ],
        "failed": failure_shape(found.failed) if found.failed else None,
        "notes": list(found.notes),
    }


def _rehearsed_shape(each: Rehearsed) -> Shape:
    return alteration_shape(each.alteration) | {
        "verdict": each.verdict.value,
        "reason": each.reason,
        "in_doubt": each.in_doubt,
        "doubts": list(each.doubts),
        "statements": [_statement_shape(statement) for statement in each.statements],
    }


def _statement_shape(statement: RehearsedStatement) -> Shape:
    from sartor.domain.hazards.remediation import PAGE, recipe

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


def check_shape(found: Check) -> Shape:
    """Returns the JSON of `check --json` and `rollback --check --json`."""
    return {
        "version": VERSION,
        "direction": found.plan.direction.value,
        "target": found.plan.target.label if found.plan.target else None,
        "plan": [
            alteration_shape(each.step.alteration)
            | {"sql": each.sql, "transaction": each.transactional, "rehearsed": each.rehearsed}
            for each in found.steps
        ],
        "drift": [_difference_shape(difference) for difference in found.drift.differences],
        "notes": check_notes(found),
    }


def empty_check(direction: Direction) -> Shape:
    """Returns the JSON of a check where there is no plan."""
    return {"version": VERSION, "direction": direction.value, "target": None, "plan": [], "drift": [], "notes": []}


def verification_shape(found: Verification) -> Shape:
    """Returns the JSON of `verify --json`."""
    drift = found.drift
    return {
        "version": VERSION,
        "ok": found.ok,
        "edited": [entry_shape(p.entry, p.alteration) for p in found.status.edited],
        "missing": [entry_shape(entry) for entry in found.status.missing],
        "manifest": _standing_part(found.standing),
        "drift": [_difference_shape(difference) for difference in drift.differences],
        "noted": [_difference_shape(difference) for difference in drift.noted],
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
        "ahead": [entry_shape(entry) for entry in found.status.ahead],
        "out_of_order": [alteration_shape(a) for a in found.status.out_of_order],
        "notes": list(found.notes),
    }


def _difference_shape(difference: Difference) -> Shape:
    return {
        "change": difference.change.value,
        "kind": difference.kind,
        "object": difference.name,
        "parent": difference.parent or None,
        "before": difference.before,
        "after": difference.after,
    }


def repair_shape(done: Sequence[Mend]) -> Shape:
    """Returns the JSON of `repair --json`."""
    return {"version": VERSION, "repaired": [{"event": m.kind.value, "name": m.name, "id": m.id} for m in done]}


def lint_shape(found: Lint) -> Shape:
    """Returns the JSON of `lint --json`."""
    return {"version": VERSION, "files": found.files, "findings": [_finding_shape(f) for f in found.findings]}


def _finding_shape(finding: Finding) -> Shape:
    alteration = finding.alteration
    return {
        "code": finding.rule.code,
        "rule": finding.rule.name,
        "severity": finding.rule.severity.value,
        "message": finding.message,
        "why": finding.rule.why,
        "advice": finding.rule.advice,
        "file": finding.file,
        "line": finding.line,
        "lineage": finding.lineage,
        "id": alteration.id if alteration else None,
        "release": alteration.release.label if alteration else None,
    }


def proofs_shape(found: Proofs) -> Shape:
    """Returns the JSON of `prove --json`."""
    return {
        "version": VERSION,
        "proofs": [_proof_shape(proof) for proof in found.proofs],
        "remaining": [alteration_shape(a) for a in found.remaining],
    }


def _proof_shape(proof: Proof) -> Shape:
    from sartor.cli.proofs import notes

    return {
        **alteration_shape(proof.alteration),
        "result": proof.result.value,
        "server": proof.server,
        "differences": [_deviation_shape(each) for each in proof.differences],
        "notes": notes(proof),
        "rows": [each._asdict() for each in proof.rows],
        "irreversible": proof.irreversible,
        "stage": proof.failed.value if proof.failed else None,
        "failed": failure_shape(proof.failure) if proof.failure else None,
        "duration_ms": round(proof.duration_ms, 3),
    }


def _deviation_shape(deviation: Deviation) -> Shape:
    return {
        "stage": deviation.stage.value,
        "kind": deviation.difference.kind,
        "object": deviation.difference.name,
        "change": deviation.difference.change.value,
        "before": deviation.difference.before,
        "after": deviation.difference.after,
    }


def standing_shape(found: Standing) -> Shape:
    """Returns the JSON of `prove --check --json`."""
    return {"version": VERSION} | _standing_part(found)


def _standing_part(found: Standing) -> Shape:
    return {
        "edited": [alteration_shape(a) for a in found.edited],
        "missing": [{"id": x.id, "release": x.release.label, "checksum": x.checksum} for x in found.missing],
        "unproved": [alteration_shape(a) for a in found.unproved],
    }
