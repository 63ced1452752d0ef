"""The output of `list`, `status` and `history`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sartor.cli.results.objects import VERSION, JsonObject, alteration_json, destination_json, entry_json, pick
from sartor.cli.results.units import count, dates, duration, moment
from sartor.cli.words import in_words
from sartor.domain.alteration import Alteration, Catalogue
from sartor.domain.ledger import Entry, Event
from sartor.domain.release import Release
from sartor.domain.repeatable import Repeatables
from sartor.domain.status import Status, record_renamed, status_notes
from sartor.domain.visible import visible_line

if TYPE_CHECKING:
    from sartor import Application, DestinationStatus

_REPEATABLE = "id name lineage checksum deployed_at duration_ms deployed_by host sartor"
REPAIR = 'sartor db alteration repair --reason "..."'

_DETAILS = ("message", "messages", "notes", "reason", "was_id", "was", "path")
"""The fields of an event's detail that the history shows: the first that the event has."""


def list_lines(catalogue: Catalogue) -> list[str]:
    lines: list[str] = []
    for lineage in catalogue.lineages:
        if len(catalogue.lineages) > 1:
            lines.append(f"lineage {lineage.name}")
        bare: dict[Release, list[Alteration]] = {release: [] for release in lineage.releases or ()}
        for release, alterations in sorted((bare | by_release(lineage.alterations)).items()):
            lines.append(f"{release}  ({_held(alterations)})")
            lines += [f"  {a.name}{'  squashed' if a.squashed else ''}" for a in alterations]
        lines += _section("repeatable", (script.name for script in lineage.repeatables), apart=False)
    return lines or ["no alterations"]


def _held(alterations: Sequence[Alteration]) -> str:
    return f"{count(len(alterations))}, {dates(alterations)}" if alterations else "no alterations"


def by_release(alterations: Iterable[Alteration]) -> dict[Release, list[Alteration]]:
    """Returns alterations by their release, lowest first."""
    found: dict[Release, list[Alteration]] = {}
    for alteration in alterations:
        found.setdefault(alteration.release, []).append(alteration)
    return dict(sorted(found.items()))


def status_lines(found: DestinationStatus) -> list[str]:
    status = found.status
    lines = [standing_line(found)]
    rows = _release_rows(found)
    if rows:
        lines += ["", *(f"  {line}" for line in table([("release", "deployed", "pending"), *rows]))]
    alike = [file for file, _ in status.alike]
    late = [a for a in status.out_of_order if a not in alike]
    lines += _section("pending", (a.name for a in status.pending if a not in (*late, *alike)))
    lines += _section("out of order: pending, but older than the newest deployed alteration", (a.name for a in late))
    lines += _section("edited after being deployed; a deploy is refused", (p.alteration.name for p in status.edited))
    lines += _section(
        "missing: deployed here, but not among the files; a deploy is refused", map(held_line, lost(status))
    )
    lines += renamed_lines(status)
    lines += _section("ahead: deployed here by a newer package", map(held_line, status.ahead))
    lines += _section("connected", (_application_line(found, each) for each in found.applications))
    lines += _repeatable_lines(status.repeatables)
    lines += [f"note: {in_words(note)}" for note in status_notes(status)]
    return lines


def _repeatable_lines(found: Repeatables) -> list[str]:
    changed = {entry.identity: "again, after a rollback" if entry.again else "changed" for entry in found.changed}
    due = (f"{script.name}  {changed.get(script.identity, 'new')}" for script in found.due)
    lines = _section("repeatable, to run in the next deploy", due)
    return lines + _section("repeatable, as deployed", (script.name for script in found.current))


def _application_line(found: DestinationStatus, application: Application) -> str:
    release = found.status.release
    misfit = "" if application.fits(release) else f": not this schema, of {release or 'no complete release'}"
    return f"{application}{misfit}"


def standing_line(found: DestinationStatus) -> str:
    """Returns the line that names a destination and what is deployed there."""
    label = found.destination.label
    if not found.ledger.exists:
        return f"{label}: no ledger" + ("" if found.status.strays else "; nothing is deployed here")
    release = f"release {found.status.release}" if found.status.release else "no complete release"
    return f"{label}: {release}; {found.status.number} deployed, {len(found.status.pending)} pending"


def _release_rows(found: DestinationStatus) -> list[tuple[str, str, str]]:
    deployed = found.status.releases
    pending = {release: len(found_) for release, found_ in by_release(found.status.pending).items()}
    return [
        (release.label, str(deployed.get(release, "")), str(pending.get(release, "")))
        for release in sorted({*deployed, *pending})
    ]


def _section(title: str, names: Iterable[str], *, apart: bool = True) -> list[str]:
    found = list(names)
    return [*([""] if apart else []), f"{title}:", *(f"  {name}" for name in found)] if found else []


def lost(status: Status) -> list[Entry]:
    """Returns the rows whose file is missing, those apart whose file may have been renamed."""
    alike = {entry.identity for _, entry in status.alike}
    return [entry for entry in status.missing if entry.identity not in alike]


def renamed_lines(status: Status) -> list[str]:
    """Returns the lines about files that may have been renamed, which a person has to tell apart."""
    names = [f"{entry.name} -> {file.name}?" for file, entry in status.alike]
    lines = _section("renamed, or several with the same content; a deploy is refused", names)
    way_out = f"  rename the file back, or record its new name: {REPAIR} {record_renamed(status.alike)}"
    return [*lines, way_out] if lines else []


def held_line(entry: Entry) -> str:
    """Returns the line of a deployed alteration: its name, when, by which user."""
    return f"{entry.name}  (deployed {moment(entry.deployed_at)} by {entry.deployed_by})"


def history_lines(events: Iterable[Event]) -> list[str]:
    rows = [
        (
            str(event.seq),
            moment(event.at, precision="seconds"),
            event.kind.value,
            event.name or event.detail.get("index") or ", ".join(event.detail.get("files", [])),
            "" if event.duration_ms is None else duration(event.duration_ms),
            f"{event.user}@{event.host}",
            _detail(event),
        )
        for event in events
    ]
    return table(rows) if rows else ["no ledger; nothing is deployed here"]


def _detail(event: Event) -> str:
    said = next((event.detail[key] for key in _DETAILS if event.detail.get(key)), "")
    said = "; ".join(said) if isinstance(said, list) else str(said)
    if not said and "snapshot" in event.detail:
        said = f"snapshot of {event.detail['snapshot']}"
    if differences := event.detail.get("differences"):
        said += f"; accepted {count(len(differences), 'difference')}, first {differences[0]}"
    tables = event.detail.get("tables")
    return said if tables is None else f"{said}, with only the rows of {count(len(tables), 'table')}"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Returns rows of text as aligned lines."""
    rows = [[visible_line(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def list_json(catalogue: Catalogue) -> JsonObject:
    releases = None if catalogue.releases is None else [release.label for release in sorted(catalogue.releases)]
    return {
        "version": VERSION,
        "releases": releases,
        "alterations": [alteration_json(a) for a in catalogue],
        "repeatables": [alteration_json(script) for script in catalogue.repeatables],
    }


def status_json(found: DestinationStatus) -> JsonObject:
    status = found.status
    return {
        "version": VERSION,
        "destination": destination_json(found.destination, found.database),
        "ledger": found.ledger.exists,
        **pick(status, "release"),
        "deployed": [entry_json(entry, alteration) for entry, alteration in status.deployed],
        "pending": [alteration_json(a) for a in status.pending],
        "out_of_order": [alteration_json(a) for a in status.out_of_order],
        "edited": [entry_json(p.entry, p.alteration) for p in status.edited],
        "edited_next": [entry_json(p.entry, p.alteration) for p in status.edited_next],
        "missing": [entry_json(entry) for entry in status.missing],
        "renamed": [{"from": entry_json(entry), "to": alteration_json(a)} for a, entry in status.moved],
        "ahead": [entry_json(entry) for entry in status.ahead],
        "interrupted": [entry_json(entry) for entry in status.interrupted],
        "repeatables": {
            "pending": [alteration_json(script) for script in status.repeatables.due],
            "current": [alteration_json(script) for script in status.repeatables.current],
            "missing": [pick(entry, _REPEATABLE) for entry in status.repeatables.missing],
        },
        "applications": [
            pick(each, "name release sessions") | {"wanted": each.wanted.text, "fits": each.fits(status.release)}
            for each in found.applications
        ],
        "notes": list(status_notes(status)),
    }


def history_json(events: Iterable[Event]) -> JsonObject:
    return {"version": VERSION, "events": [_event_json(event) for event in events]}


def _event_json(event: Event) -> JsonObject:
    names = "at id release name lineage checksum duration_ms user host sartor detail"
    return {"seq": event.seq, "event": event.kind.value} | pick(event, names)
