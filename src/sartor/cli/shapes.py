"""The JSON that commands print: documented in docs/json.md, checked against tests/acceptance/schemas.

Every shape has `version`; a field may be added within a version, none is taken away or changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sartor.api import DestinationStatus
from sartor.cli.render import check_notes
from sartor.domain.alteration import Alteration, Catalogue
from sartor.domain.errors import SartorError
from sartor.domain.ledger import Entry, Event
from sartor.domain.notes import plan_notes, status_notes
from sartor.domain.plan import Direction

if TYPE_CHECKING:
    from sartor.domain.backup import Backup, Restored
    from sartor.domain.check import Check
    from sartor.domain.difference import Difference
    from sartor.domain.hazard import Statement
    from sartor.domain.manifest import Standing
    from sartor.domain.proof import Deviation, Proof, Proofs
    from sartor.domain.rehearsal import Rehearsal, Rehearsed
    from sartor.domain.repair import Mend
    from sartor.domain.report import Failure, Report
    from sartor.domain.rules import Finding, Lint
    from sartor.domain.verification import Verification

VERSION = 1

Shape = dict[str, Any]


def alteration_shape(alteration: Alteration) -> Shape:
    """An alteration on disk."""
    return {
        "id": alteration.id,
        "release": alteration.release.label,
        "name": alteration.name,
        "lineage": alteration.lineage,
        "checksum": alteration.checksum,
    }


def entry_shape(entry: Entry, alteration: Alteration | None = None) -> Shape:
    """A row of the ledger; release and name are the file's, where there is one."""
    return {
        "id": entry.id,
        "release": (alteration or entry).release.label,
        "name": (alteration or entry).name,
        "lineage": entry.lineage,
        "checksum": entry.checksum,
        "deployed_at": entry.deployed_at.isoformat(),
        "duration_ms": round(entry.duration_ms, 3),
        "deployed_by": entry.deployed_by,
        "host": entry.host,
        "sartor": entry.sartor,
    }


def list_shape(catalogue: Catalogue) -> Shape:
    """`list --json`."""
    return {"version": VERSION, "alterations": [alteration_shape(a) for a in catalogue]}


def status_shape(found: DestinationStatus) -> Shape:
    """`status --json`."""
    status = found.status
    return {
        "version": VERSION,
        "destination": {"database": found.database, "schema": found.destination.schema},
        "ledger": found.ledger.exists,
        "release": status.release.label if status.release else None,
        "deployed": [entry_shape(entry, alteration) for entry, alteration in status.deployed],
        "pending": [alteration_shape(a) for a in status.pending],
        "out_of_order": [alteration_shape(a) for a in status.out_of_order],
        "edited": [entry_shape(p.entry, p.alteration) for p in status.edited],
        "edited_next": [entry_shape(p.entry, p.alteration) for p in status.edited_next],
        "missing": [entry_shape(entry) for entry in status.missing],
        "ahead": [entry_shape(entry) for entry in status.ahead],
        "interrupted": [entry_shape(entry) for entry in status.interrupted],
        "notes": list(status_notes(status)),
    }


def report_shape(report: Report) -> Shape:
    """`deploy --json`, `rollback --json` and `fresh --json`."""
    return {
        "version": VERSION,
        "direction": report.direction.value,
        "target": report.target.label if report.target else None,
        "done": [alteration_shape(d.alteration) | {"duration_ms": round(d.duration_ms, 3)} for d in report.done],
        "failed": failure_shape(report.failed) if report.failed else None,
        "remaining": [alteration_shape(a) for a in report.remaining],
        "elsewhere": [alteration_shape(a) for a in report.elsewhere],
        "backup": backup_shape(report.backup) if report.backup else None,
        "notes": plan_notes(report.plan) if report.plan else [],
    }


def backup_shape(backup: Backup) -> Shape:
    """A backup; it was verified, or there would be none."""
    return {
        "file": backup.file,
        "bytes": backup.bytes,
        "verified": True,
        "proved": backup.proved,
        "database": backup.database,
        "schema": backup.schema,
        "lsn": backup.lsn,
        "checksum": backup.checksum,
    }


def backup_result_shape(backup: Backup, *, journal: bool) -> Shape:
    """`backup --json`; `journal` says whether the journal has it."""
    return {"version": VERSION, **backup_shape(backup), "journal": journal}


def rehearsal_shape(found: Rehearsal) -> Shape:
    """`rehearse --json`."""
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
        "statements": [_statement_shape(statement) for statement in each.statements],
    }


def _statement_shape(statement: Statement) -> Shape:
    from sartor.domain.recipe import PAGE, recipe

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
        "error": statement.error,
        "opinions": [opinion._asdict() for opinion in statement.opinions],
        "instead": {"advice": better.advice, "page": f"{PAGE}#{better.anchor}"} if better else None,
    }


def restore_shape(done: Restored) -> Shape:
    """`restore --json`."""
    return {
        "version": VERSION,
        "file": done.file,
        "bytes": done.bytes,
        "database": done.database,
        "duration_ms": round(done.duration_ms, 3),
    }


def check_shape(found: Check) -> Shape:
    """`check --json` and `rollback --check --json`."""
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
    """The same where there is no plan."""
    return {"version": VERSION, "direction": direction.value, "target": None, "plan": [], "drift": [], "notes": []}


def empty_report(direction: Direction) -> Report:
    """The report of a run that didn't begin."""
    from sartor.domain.report import Report

    return Report(direction=direction, target=None)


def failure_shape(failure: Failure) -> Shape:
    """Why a script failed; what isn't known is null."""
    return {
        "id": failure.id,
        "name": failure.name,
        "sqlstate": failure.sqlstate,
        "message": failure.message,
        "advice": failure.advice,
        "detail": failure.detail,
        "hint": failure.hint,
        "context": failure.context,
        "statement": failure.statement,
        "position": failure.position,
        "file": failure.file,
        "line": failure.line,
        "rolled_back": failure.rolled_back,
    }


def error_shape(error: SartorError) -> Shape:
    """An error that ended a command."""
    return {
        "kind": type(error).__name__,
        "message": str(error),
        "hint": error.hint or None,
        "exit_code": error.exit_code,
    }


def history_shape(events: Iterable[Event]) -> Shape:
    """`history --json`."""
    return {"version": VERSION, "events": [_event_shape(event) for event in events]}


def _event_shape(event: Event) -> Shape:
    return {
        "seq": event.seq,
        "event": event.kind.value,
        "at": event.at.isoformat(),
        "id": event.id,
        "release": event.release.label if event.release else None,
        "name": event.name,
        "lineage": event.lineage,
        "checksum": event.checksum,
        "duration_ms": None if event.duration_ms is None else round(event.duration_ms, 3),
        "user": event.user,
        "host": event.host,
        "sartor": event.sartor,
        "detail": event.detail,
    }


def verification_shape(found: Verification) -> Shape:
    """`verify --json`."""
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
            "seq": drift.record.seq,
            "at": drift.record.at.isoformat(),
            "user": drift.record.user,
            "host": drift.record.host,
            "sartor": drift.record.sartor,
        }
        if drift.record
        else None,
        "unknown": drift.unknown or None,
        "invalid_indexes": list(found.invalid),
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
    """`repair --json`."""
    return {"version": VERSION, "repaired": [{"event": m.kind.value, "name": m.name, "id": m.id} for m in done]}


def lint_shape(found: Lint) -> Shape:
    """`lint --json`."""
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


def seed_shape(files: Sequence[str], *, reset: bool) -> Shape:
    """`seed --json`."""
    return {"version": VERSION, "seeded": list(files), "reset": reset, "failed": None}


def proofs_shape(found: Proofs) -> Shape:
    """`prove --json`."""
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
    """`prove --check --json`."""
    return {"version": VERSION} | _standing_part(found)


def _standing_part(found: Standing) -> Shape:
    return {
        "edited": [alteration_shape(a) for a in found.edited],
        "missing": [{"id": x.id, "release": x.release.label, "checksum": x.checksum} for x in found.missing],
        "unproved": [alteration_shape(a) for a in found.unproved],
    }


def several(shapes: Sequence[Shape]) -> Shape:
    """One destination's shape as it is; those of several, each with its label, as `runs`."""
    single = len(shapes) == 1 and "label" not in shapes[0]
    return shapes[0] if single else {"version": VERSION, "runs": list(shapes)}
