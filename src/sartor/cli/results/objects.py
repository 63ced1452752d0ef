"""The JSON objects that the output of several commands holds.

Documented in docs/json.md, checked against tests/acceptance/schemas. The output of every command has `version`; a field
may be added within a version, none is taken away or changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sartor.cli.words import hint, in_words
from sartor.domain.alteration import Alteration
from sartor.domain.destination import Destination
from sartor.domain.ledger import Entry
from sartor.errors import SartorError

if TYPE_CHECKING:
    from sartor.domain.drift import Difference
    from sartor.domain.report import Failure

VERSION = 1

SHOWN = 3  # objects that a note names

JsonObject = dict[str, Any]


def alteration_json(alteration: Alteration) -> JsonObject:
    return {
        "id": alteration.id,
        "release": alteration.release.label,
        "name": alteration.name,
        "lineage": alteration.lineage,
        "checksum": alteration.checksum,
    }


def entry_json(entry: Entry, alteration: Alteration | None = None) -> JsonObject:
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


def failure_json(failure: Failure) -> JsonObject:
    """Returns the JSON of why a script failed; what isn't known is null."""
    return {
        "id": failure.id,
        "name": failure.name,
        "sqlstate": failure.sqlstate,
        "message": failure.message,
        "advice": failure.advice and in_words(failure.advice),
        "detail": failure.detail,
        "hint": failure.hint,
        "context": failure.context,
        "statement": failure.statement,
        "position": failure.position,
        "file": failure.file,
        "line": failure.line,
        "rolled_back": failure.rolled_back,
    }


def error_json(error: SartorError) -> JsonObject:
    return {
        "kind": error.code,
        "message": in_words(str(error)),
        "hint": hint(error) or None,
        "exit_code": error.exit_code,
    }


def destination_json(destination: Destination, database: str | None = None) -> JsonObject:
    """Returns the JSON of a destination; `database` is the name that the server gives."""
    return {
        "label": destination.label,
        "database": database or destination.database,
        "schema": destination.schema,
    }


def several(objects: Sequence[JsonObject], destinations: Sequence[Destination]) -> JsonObject:
    """Returns the JSON of one destination with its place; that of several, each with its label, as `runs`.

    There are objects for the first of the destinations; those after them are `remaining`.
    """
    runs: list[JsonObject] = [
        {"version": VERSION, "destination": destination_json(place)} | each
        for place, each in zip(destinations, objects, strict=False)
    ]
    if len(destinations) == 1:
        return runs[0]
    return {
        "version": VERSION,
        "runs": [{"label": place.label} | run for place, run in zip(destinations, runs, strict=False)],
        "remaining": [destination_json(place) for place in destinations[len(objects) :]],
    }


def difference_json(difference: Difference) -> JsonObject:
    return {
        "change": difference.change.value,
        "kind": difference.kind,
        "object": difference.name,
        "parent": difference.parent or None,
        "before": difference.before,
        "after": difference.after,
    }


def labels(differences: Sequence[Difference]) -> str:
    """Returns the objects as a note names them."""
    found = [difference.label for difference in differences]
    rest = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(found[:SHOWN]) + rest


def ignored_note(differences: Sequence[Difference]) -> str:
    return f"different, and ignored by the settings: {labels(differences)}"
