"""The output of `verify` and `repair`."""

import shlex
from collections.abc import Iterator, Sequence

from sartor.cli.results.objects import (
    VERSION,
    JsonObject,
    alteration_json,
    difference_json,
    entry_json,
    ignored_note,
    labels,
    pick,
)
from sartor.cli.results.prove import standing_part
from sartor.cli.results.status import REPAIR, held_line, lost, renamed_lines
from sartor.cli.results.units import count, moment
from sartor.cli.words import in_words
from sartor.domain.drift import Change, Difference, Drift, unified
from sartor.domain.ledger import EventKind, Mismatch
from sartor.domain.manifest import Standing
from sartor.domain.repair import Correction
from sartor.domain.verification import Verification

SHORT = 60
"""The number of characters up to which a definition is shown within its line."""

_DONE = {
    EventKind.ACCEPTED: "accepted",
    EventKind.MARKED_DEPLOYED: "marked as deployed",
    EventKind.MARKED_NOT_DEPLOYED: "marked as not deployed",
    EventKind.INDEX_DROPPED: "dropped",
    EventKind.DRIFT_ACCEPTED: "accepted",
}


def verification_lines(found: Verification) -> Iterator[str]:
    status, drift = found.status, found.drift
    known = "" if drift.certain else ", as far as can be determined"
    good = f"as expected{known}" if found.ledger.exists else "no ledger"
    yield f"{found.destination.label}: {good if found.ok else 'not as expected'}"
    edited = [(pair.alteration.name, pair.alteration.id) for pair in status.edited]
    yield from _section("edited after being deployed", edited, "restore the file, or", "--accept-edited")
    missing = [(held_line(entry), entry.id) for entry in lost(status)]
    yield from _section(
        "missing: deployed here, but without a file", missing, "restore the file, or", "--mark-not-deployed"
    )
    yield from renamed_lines(status)
    yield from _mismatch_lines(found.mismatches)
    yield from _released_lines(found.released)
    yield from _drift_lines(drift)
    yield from (f"note: {in_words(note)}" for note in found.notes)
    if drift.noted:
        yield f"note: changed, which isn't an error: {labels(drift.noted)}"
    if drift.ignored:
        yield f"note: {ignored_note(drift.ignored)}"
    yield from (f"  {REPAIR} --drop-invalid-index {shlex.quote(name)}" for name in found.invalid)


def _section(title: str, named: Sequence[tuple[str, str]], way_out: str, option: str) -> Iterator[str]:
    if named:
        yield from ("", f"{title}:", *(f"  {name}" for name, _ in named))
        options = " ".join(f"{option} {shlex.quote(alteration_id)}" for _, alteration_id in named)
        yield f"  {way_out}: {REPAIR} {options}"


def _mismatch_lines(found: Sequence[Mismatch]) -> Iterator[str]:
    """Yields the ledger's rows that aren't what the journal says; a repair writes such a row, or takes it out."""
    if not found:
        return
    yield from ("", "the ledger isn't what the journal says:")
    for each in found:
        yield f"  {each.id}: {each.ledger or 'no row'}; by the journal: {each.journal or 'no row'}"
    lost = [f"--mark-deployed {shlex.quote(each.id)}" for each in found if not each.ledger]
    added = [f"--mark-not-deployed {shlex.quote(each.id)}" for each in found if not each.journal]
    if lost or added:
        yield f"  find out who wrote the ledger, and: {REPAIR} {' '.join([*lost, *added])}"
    if len(lost) + len(added) < len(found):
        yield "  restore the rows that differ, from a backup or by hand"


def _released_lines(found: Standing) -> Iterator[str]:
    if found.contradicts:
        yield from ("", "changed since the release, according to the manifest:")
        yield from (f"  {a.name}: edited" for a in found.edited)
        yield from (f"  {line.id} of {line.release}: missing" for line in found.missing)
        yield from (f"  {a.name}: {a.release} isn't among the releases that it lists" for a in found.unlisted)
        yield "  restore the files of the release"


def _drift_lines(drift: Drift) -> Iterator[str]:
    if not drift.differences:
        return
    last = drift.recorded
    when = f"changed since the last run ({moment(last.at)} by {last.user})" if last else "different from a replay"
    yield from ("", f"{when}:")
    for difference in drift.differences:
        yield from difference_lines(difference)
    accept = f"; or: {REPAIR} --accept-drift" if last else ""
    yield f"  undo these changes, or write an alteration for them{accept}"


def difference_lines(difference: Difference) -> Iterator[str]:
    """Yields one line where the definitions are short; else, for an object that was there before, a diff below it."""
    before, after, change = difference.before or "", difference.after or "", difference.change
    if all("\n" not in text and len(text) <= SHORT for text in (before, after)):
        yield f"  {difference.label}: " + (
            f"{before} -> {after}" if change is Change.CHANGED else f"{change.value}, {after or before}"
        )
        return
    yield f"  {difference.label}: {change.value}"
    if change is not Change.ADDED:
        yield from (f"      {line}" for line in list(unified([difference]))[3:])


def faults(found: Verification) -> Iterator[str]:
    """Yields the counts of what is wrong: `1 edited`, `2 changed`."""
    kinds = {
        "edited": (*found.status.edited, *found.released.edited),
        "missing": (*found.status.missing, *found.released.missing),
        "never released": found.released.unlisted,
        "changed": found.drift.differences,
        "not as in the journal": found.mismatches,
    }
    if found.ledger.strays:
        yield "no ledger"
    yield from (f"{len(which)} {kind}" for kind, which in kinds.items() if which)


def repair_lines(done: Sequence[Correction]) -> Iterator[str]:
    yield from (f"{correction.name}: {_DONE[correction.kind]}" for correction in done)
    yield f"{count(len(done), 'repair')} recorded in the journal" if done else "Found 0 repair to do"


def question_lines(corrections: Sequence[Correction]) -> Iterator[str]:
    yield "This is recorded in the journal:"
    yield from (f"  {correction.name}: {_DONE[correction.kind]}" for correction in corrections)


def verification_json(found: Verification) -> JsonObject:
    status, drift = found.status, found.drift
    return {
        "version": VERSION,
        **pick(found, "ok"),
        "edited": [entry_json(p.entry, p.alteration) for p in status.edited],
        "missing": [entry_json(entry) for entry in status.missing],
        **pick(found, "mismatches"),
        "manifest": standing_part(found.standing),
        "drift": [difference_json(difference) for difference in drift.differences],
        "noted": [difference_json(difference) for difference in drift.noted],
        "ignored": [difference_json(difference) for difference in drift.ignored],
        **pick(found, "replayed"),
        "recorded": drift.recorded and pick(drift.recorded, "seq at user host sartor adopted_at"),
        "unknown": drift.unknown or None,
        "unparsed": {"why": drift.unread_why, "objects": [d.label for d in drift.unread]} if drift.unread else None,
        "invalid_indexes": list(found.invalid),
        "writers": [pick(writer, "role rights revoke") for writer in found.writers],
        "ahead": [entry_json(entry) for entry in status.ahead],
        "out_of_order": [alteration_json(a) for a in status.out_of_order],
        **pick(found, "notes"),
    }


def repair_json(done: Sequence[Correction]) -> JsonObject:
    return {"version": VERSION, "repaired": [{"event": m.kind.value, "name": m.name, "id": m.id} for m in done]}
