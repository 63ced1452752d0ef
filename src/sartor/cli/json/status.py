"""The JSON output of `list`, `status` and `history`."""

from __future__ import annotations

from collections.abc import Iterable

from sartor import DestinationStatus
from sartor.cli.json.objects import VERSION, JsonObject, alteration_json, entry_json
from sartor.domain.alteration import Catalogue
from sartor.domain.ledger import Event
from sartor.domain.status import status_notes


def list_json(catalogue: Catalogue) -> JsonObject:
    """Returns the JSON of `list --json`."""
    return {"version": VERSION, "alterations": [alteration_json(a) for a in catalogue]}


def status_json(found: DestinationStatus) -> JsonObject:
    """Returns the JSON of `status --json`."""
    status = found.status
    return {
        "version": VERSION,
        "destination": {"database": found.database, "schema": found.destination.schema},
        "ledger": found.ledger.exists,
        "release": status.release.label if status.release else None,
        "deployed": [entry_json(entry, alteration) for entry, alteration in status.deployed],
        "pending": [alteration_json(a) for a in status.pending],
        "out_of_order": [alteration_json(a) for a in status.out_of_order],
        "edited": [entry_json(p.entry, p.alteration) for p in status.edited],
        "edited_next": [entry_json(p.entry, p.alteration) for p in status.edited_next],
        "missing": [entry_json(entry) for entry in status.missing],
        "ahead": [entry_json(entry) for entry in status.ahead],
        "interrupted": [entry_json(entry) for entry in status.interrupted],
        "notes": list(status_notes(status)),
    }


def history_json(events: Iterable[Event]) -> JsonObject:
    """Returns the JSON of `history --json`."""
    return {"version": VERSION, "events": [_event_json(event) for event in events]}


def _event_json(event: Event) -> JsonObject:
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
