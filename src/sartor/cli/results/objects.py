"""The JSON objects that the output of several commands holds.

Documented in docs/json.md, checked against tests/acceptance/schemas. The output of every command has `version`; a field
may be added within a version, none is taken away or changed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any

from sartor.cli.words import hint, in_words
from sartor.domain.alteration import Alteration
from sartor.domain.destination import Destination
from sartor.domain.ledger import Entry
from sartor.domain.release import Release
from sartor.errors import SartorError

if TYPE_CHECKING:
    from sartor.domain.drift import Difference
    from sartor.domain.report import Failure

VERSION = 1

SHOWN = 3  # objects that a note names

JsonObject = dict[str, Any]


def pick(value: object, names: str) -> JsonObject:
    """Returns these fields of a value, whose names have blanks between them, as JSON."""
    return {name: plain(getattr(value, name)) for name in names.split()}


def plain(value: Any) -> Any:
    """Returns a value as JSON has it: a release's label, a time in ISO 8601, a number with three decimals."""
    shown: Any
    match value:
        case Release():
            shown = value.label
        case Enum():
            shown = value.value
        case dt.datetime():
            shown = value.isoformat()
        case float():
            shown = round(value, 3)
        case Mapping():
            shown = {key: plain(each) for key, each in value.items()}
        case tuple() if hasattr(value, "_asdict"):
            shown = plain(value._asdict())
        case tuple() | list():
            shown = [plain(each) for each in value]
        case _:
            shown = value
    return shown


def alteration_json(alteration: Alteration) -> JsonObject:
    """Returns the JSON of a script; a repeatable one belongs to no release."""
    told = pick(alteration, "id release name lineage checksum")
    return told | {"release": None} if alteration.is_repeatable else told


def entry_json(entry: Entry, alteration: Alteration | None = None) -> JsonObject:
    """Returns the JSON of a row of the ledger; where there is a file, with its name and the release that counts."""
    names = "id release name lineage checksum deployed_at duration_ms deployed_by host sartor"
    return pick(entry, names) | pick(alteration or entry, "release name")


def failure_json(failure: Failure) -> JsonObject:
    """Returns the JSON of why a script failed; what isn't known is null."""
    names = "id name sqlstate message advice detail hint context statement position file line rolled_back condition"
    return pick(failure, names) | {"advice": failure.advice and in_words(failure.advice)}


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


def placed(run: JsonObject, destination: Destination) -> JsonObject:
    """Returns the JSON of what was done at a destination, with its place."""
    return {"version": VERSION, "destination": destination_json(destination)} | run


def difference_json(difference: Difference) -> JsonObject:
    place = {"object": difference.name, "parent": difference.parent or None}
    return pick(difference, "change kind") | place | pick(difference, "before after")


def labels(differences: Sequence[Difference]) -> str:
    """Returns the objects as a note names them."""
    found = [difference.label for difference in differences]
    rest = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(found[:SHOWN]) + rest


def ignored_note(differences: Sequence[Difference]) -> str:
    return f"different, and ignored by the settings: {labels(differences)}"
