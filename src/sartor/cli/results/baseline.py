"""The output of `baseline`."""

from collections.abc import Iterator

from sartor.cli.results.objects import (
    VERSION,
    JsonObject,
    alteration_json,
    difference_json,
    ignored_note,
    labels,
    pick,
    plain,
)
from sartor.cli.results.units import count
from sartor.cli.results.verify import difference_lines
from sartor.domain.baseline import Baseline

LEFT = "a baseline records all or nothing"
"""What one that a signal ended has left: what completed was in the scratch database."""


def baseline_lines(found: Baseline) -> Iterator[str]:
    """Yields what was recorded, and how the schema differs from what the alterations make: `-` there, `+` here."""
    drift = found.drift
    if drift.differences:
        yield "different from what these alterations make:"
        for each in drift.differences:
            yield from difference_lines(each)
    if drift.ignored:
        yield f"note: {ignored_note(drift.ignored)}"
    if drift.noted:
        yield f"note: different, which isn't an error: {labels(drift.noted)}"
    if drift.unread:
        yield f"note: {drift.unread_told}"
    if drift.unknown:
        yield f"note: the schema wasn't compared: {drift.unknown}"
    if found.recorded or not drift.differences:
        yield from (f"note: {note}" for note in found.notes)
        yield _recorded(found)


def _recorded(found: Baseline) -> str:
    if not found.recorded:
        return "Found 0 alteration to record"
    upto = f", up to release {found.release}" if found.release else ""
    return f"Recorded {count(len(found.recorded))} as deployed{upto}, without running {_them(found)}"


def _them(found: Baseline) -> str:
    return "it" if len(found.recorded) == 1 else "them"


def baseline_json(found: Baseline) -> JsonObject:
    drift = found.drift
    return {
        "version": VERSION,
        "release": plain(found.release),
        "ok": bool(found.recorded) or not drift.differences,
        "alterations": len(found.alterations),
        "recorded": [alteration_json(each) for each in found.recorded],
        "drift": [difference_json(each) for each in drift.differences],
        "noted": [difference_json(each) for each in drift.noted],
        "ignored": [difference_json(each) for each in drift.ignored],
        "unknown": drift.unknown or None,
        **pick(found, "notes"),
    }
