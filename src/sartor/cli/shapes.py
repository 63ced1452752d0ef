"""The JSON that commands print: documented in docs/json.md, checked against tests/acceptance/schemas.

Every shape has `version`; a field may be added within a version, none is taken away or changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sartor.api import DestinationStatus
from sartor.domain.alteration import Alteration, Catalogue
from sartor.domain.ledger import Entry, Event
from sartor.domain.notes import plan_notes, status_notes
from sartor.domain.plan import Direction
from sartor.errors import SartorError

if TYPE_CHECKING:
    from sartor.domain.backup import Backup, Restored
    from sartor.domain.report import Failure, Report

VERSION = 1

Shape = dict[str, Any]


def alteration_shape(alteration: Alteration) -> Shape:
    """Returns the JSON of an alteration on disk."""
    return {
        "id": alteration.id,
        "release": alteration.release.label,
        "name": alteration.name,
        "lineage": alteration.lineage,
        "checksum": alteration.checksum,
    }


def entry_shape(entry: Entry, alteration: Alteration | None = None) -> Shape:
    """Returns the JSON of a row of the ledger; where there is a file, with its name and the release that counts."""
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
    """Returns the JSON of `list --json`."""
    return {"version": VERSION, "alterations": [alteration_shape(a) for a in catalogue]}


def status_shape(found: DestinationStatus) -> Shape:
    """Returns the JSON of `status --json`."""
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
    """Returns the JSON of `deploy --json`, `rollback --json` and `fresh --json`."""
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
    """Returns the JSON of a backup; it was verified, or there would be none."""
    return {
        "file": backup.file,
        "bytes": backup.bytes,
        "verified": True,
        "proved": backup.proved,
        "database": backup.database,
        "schema": backup.schema,
        "lsn": backup.lsn,
        "checksum": backup.checksum,
        "tables": None if backup.tables is None else list(backup.tables),
        "left_out": list(backup.left_out),
    }


def backup_result_shape(backup: Backup, *, journal: bool) -> Shape:
    """Returns the JSON of `backup --json`; `journal` is true where the journal has the backup."""
    return {"version": VERSION, **backup_shape(backup), "journal": journal}


def restore_shape(done: Restored) -> Shape:
    """Returns the JSON of `restore --json`."""
    return {
        "version": VERSION,
        "file": done.file,
        "bytes": done.bytes,
        "database": done.database,
        "duration_ms": round(done.duration_ms, 3),
        "left_out": list(done.left_out),
    }


def empty_report(direction: Direction) -> Report:
    """Returns the report of a run that didn't begin."""
    from sartor.domain.report import Report

    return Report(direction=direction, target=None)


def failure_shape(failure: Failure) -> Shape:
    """Returns the JSON of why a script failed; what isn't known is null."""
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
    """Returns the JSON of an error that ended a command."""
    return {
        "kind": type(error).__name__,
        "message": str(error),
        "hint": error.hint or None,
        "exit_code": error.exit_code,
    }


def history_shape(events: Iterable[Event]) -> Shape:
    """Returns the JSON of `history --json`."""
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


def seed_shape(files: Sequence[str], *, reset: bool) -> Shape:
    """Returns the JSON of `seed --json`."""
    return {"version": VERSION, "seeded": list(files), "reset": reset, "failed": None}


def several(shapes: Sequence[Shape]) -> Shape:
    """Returns the JSON of one destination as it is; that of several, each with its label, as `runs`."""
    single = len(shapes) == 1 and "label" not in shapes[0]
    return shapes[0] if single else {"version": VERSION, "runs": list(shapes)}
