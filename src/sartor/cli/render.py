"""The text output of a status, a history, a report, a check, a failure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sartor.domain.alteration import Alteration, Catalogue
from sartor.domain.ledger import Entry, Event
from sartor.domain.notes import plan_notes, status_notes
from sartor.domain.plan import Direction
from sartor.domain.release import Release
from sartor.domain.visible import visible_line

if TYPE_CHECKING:
    from sartor.api import DestinationStatus
    from sartor.domain.check import Check
    from sartor.domain.loss import Loss, RollbackPreview
    from sartor.domain.report import Blocker, Failure, Report, Waiting

_TELLING = ("message", "reason", "was", "path")
"""The fields of an event's detail that the history shows: the first that the event has."""

CONTEXT = 4
"""The number of lines of a statement shown before and after the one that the server points at."""


def count(number: int, noun: str = "alteration") -> str:
    """Returns a number with its noun: `1 alteration`, `3 alterations`; none is `0 alteration`."""
    return f"{number} {noun}{'s' if number > 1 else ''}"


def duration(milliseconds: float) -> str:
    """Returns a duration in readable units: `12 ms`, `3.4 s`, `2 min 5 s`."""
    seconds = milliseconds / 1000
    if seconds < 1:
        return f"{milliseconds:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def size(number: int) -> str:
    """Returns a number of bytes in readable units: `312 bytes`, `4.1 MB`."""
    units = ["bytes", "kB", "MB", "GB", "TB"]
    shown = float(number)
    while shown >= 1000 and len(units) > 1:
        shown /= 1000
        units.pop(0)
    return f"{shown:.0f} {units[0]}" if units[0] == "bytes" else f"{shown:.1f} {units[0]}"


def dates(alterations: Iterable[Alteration]) -> str:
    """Returns the days on which alterations were written: `2023-04-01`, or `2023-04-01 to 2023-05-02`."""
    times = sorted(a.timestamp for a in alterations)
    days = [dt.datetime.fromtimestamp(t, dt.UTC).date().isoformat() for t in (times[0], times[-1])]
    return days[0] if days[0] == days[1] else " to ".join(days)


def by_release(alterations: Iterable[Alteration]) -> dict[Release, list[Alteration]]:
    """Returns alterations by their release, lowest first."""
    found: dict[Release, list[Alteration]] = {}
    for alteration in alterations:
        found.setdefault(alteration.release, []).append(alteration)
    return dict(sorted(found.items()))


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Returns rows of text as aligned lines."""
    rows = [[visible_line(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def list_lines(catalogue: Catalogue) -> list[str]:
    """Returns the lines of what is shipped, by release."""
    lines: list[str] = []
    for lineage in catalogue.lineages:
        if len(catalogue.lineages) > 1:
            lines.append(f"lineage {lineage.name}")
        for release, alterations in by_release(lineage.alterations).items():
            lines.append(f"{release}  ({count(len(alterations))}, {dates(alterations)})")
            lines += [f"  {a.name}" for a in alterations]
    return lines or ["no alterations"]


def status_lines(found: DestinationStatus) -> list[str]:
    """Returns the lines of a destination's status."""
    status = found.status
    lines = [standing_line(found)]
    rows = _release_rows(found)
    if rows:
        lines += ["", *(f"  {line}" for line in table([("release", "deployed", "pending"), *rows]))]
    lines += _section("pending", (a.name for a in status.pending if a not in status.out_of_order))
    lines += _section(
        "out of order: pending, and older than the newest deployed", (a.name for a in status.out_of_order)
    )
    lines += _section("edited since deployed: a deploy refuses", (p.alteration.name for p in status.edited))
    lines += _section(
        "missing: deployed here, and not among the files; a deploy refuses", map(held_line, status.missing)
    )
    lines += _section("ahead: deployed here by a newer package", map(held_line, status.ahead))
    lines += [f"note: {note}" for note in status_notes(status)]
    return lines


def standing_line(found: DestinationStatus) -> str:
    """Returns the line that names a destination and what is deployed there."""
    label = found.destination.label
    if not found.ledger.exists:
        return f"{label}: no ledger; nothing was ever deployed here"
    release = f"release {found.status.release}" if found.status.release else "no release complete"
    return f"{label}: {release}; {found.status.number} deployed, {len(found.status.pending)} pending"


def _release_rows(found: DestinationStatus) -> list[tuple[str, str, str]]:
    deployed = found.status.releases
    pending = {release: len(found_) for release, found_ in by_release(found.status.pending).items()}
    return [
        (release.label, str(deployed.get(release, "")), str(pending.get(release, "")))
        for release in sorted({*deployed, *pending})
    ]


def held_line(entry: Entry) -> str:
    """Returns the line of a deployed alteration: its name, when, by which user."""
    return f"{entry.name}  (deployed {entry.deployed_at:%Y-%m-%d %H:%M} by {entry.deployed_by})"


def _section(title: str, names: Iterable[str]) -> list[str]:
    found = list(names)
    return ["", f"{title}:", *(f"  {name}" for name in found)] if found else []


def history_lines(events: Iterable[Event]) -> list[str]:
    """Returns the lines of the journal, oldest first."""
    rows = [
        (
            str(event.seq),
            f"{event.at:%Y-%m-%d %H:%M:%S}",
            event.kind.value,
            event.name or event.detail.get("index") or ", ".join(event.detail.get("files", [])),
            "" if event.duration_ms is None else duration(event.duration_ms),
            f"{event.user}@{event.host}",
            _telling(event),
        )
        for event in events
    ]
    return table(rows) if rows else ["no ledger; nothing was ever deployed here"]


def _telling(event: Event) -> str:
    said = str(next((event.detail[key] for key in _TELLING if event.detail.get(key)), ""))
    tables = event.detail.get("tables")
    return said if tables is None else f"{said}, with the rows of {count(len(tables), 'table')} alone"


def report_line(report: Report) -> str:
    """Returns the sentence that closes a run."""
    deploys = report.direction is Direction.DEPLOY
    if not report.done:
        return f"Found 0 alteration to {'deploy' if deploys else 'roll back'}"
    took = duration(sum(done.duration_ms for done in report.done))
    line = f"{'Deployed' if deploys else 'Rolled back'} {count(len(report.done))} in {took}"
    return line + (f"; {count(len(report.elsewhere))} by another run meanwhile" if report.elsewhere else "")


def check_lines(found: Check) -> list[str]:
    """Returns a line for each step of a run that is checked, in order."""
    return [
        each.step.alteration.name
        + (f"  {each.unsayable}" if each.unsayable else "" if each.transactional else "  outside a transaction")
        + ("  as it was rehearsed" if each.rehearsed and not each.unsayable else "")
        for each in found.steps
    ]


def check_notes(found: Check) -> list[str]:
    """Returns the notes of a check, besides its steps."""
    losses = [f"drops {loss_text(loss)}, with the data in it" for loss in found.losses]
    unknown = [f"what changed since the last run can't be told: {found.drift.unknown}"] if found.drift.unknown else []
    return [*plan_notes(found.plan), *losses, *found.obstacles, *unknown]


def found_line(found: Check) -> str:
    """Returns the line that counts a check's steps."""
    verb = "deploy" if found.plan.direction is Direction.DEPLOY else "roll back"
    return f"Found {count(len(found.steps))} to {verb}"


def waiting_line(waiting: Waiting) -> str:
    """Returns the line that says which session a run waits for."""
    who = "; ".join(blocker_text(b) for b in waiting.blockers) or "it isn't known who holds it"
    if waiting.reason not in {"a lock", "another run"}:
        return f"waiting for {waiting.reason}; {waiting.left:.0f} s left"
    return f"waiting for {waiting.reason}: {who}; {waiting.left:.0f} s left"


def blocker_text(blocker: Blocker) -> str:
    """Returns the description of a blocking session: application, user, state, age, lock, query."""
    facts = [
        visible_line(f"{blocker.application or 'a session without a name'}, user {blocker.user or 'unknown'}"),
        f"pid {blocker.pid}" + (f" from {blocker.client}" if blocker.client else ""),
        (blocker.state or "state hidden")
        + ("" if blocker.seconds is None else f" for {duration(blocker.seconds * 1000)}"),
    ]
    if blocker.holds:
        facts.append(f"holds {blocker.holds}")
    if blocker.query:
        facts.append(f"query: {' '.join(blocker.query.split())[:120]}")
    return ", ".join(facts)


def failure_lines(failure: Failure) -> list[str]:
    """Returns the lines of a failure: what happened, where, and in which statement."""
    code = f"  (SQLSTATE {failure.sqlstate})" if failure.sqlstate else ""
    lines = [f"  {failure.message}{code}"]
    if failure.file:
        lines.append(f"  at {shown_path(failure.file)}" + (f", line {failure.line}" if failure.line else ""))
    if failure.statement:
        lines += ["", *(f"    {line}" for line in statement_lines(failure.statement, failure.position)), ""]
    for word, text in (
        ("detail", failure.detail),
        ("hint", failure.hint),
        ("context", failure.context),
        ("advice", failure.advice),
    ):
        if text:
            lines.append(f"  {word}: " + text.strip().replace("\n", f"\n  {' ' * len(word)}  "))
    return lines if lines[-1] else lines[:-1]


def statement_lines(statement: str, position: int | None) -> list[str]:
    """Returns a statement's lines, with a caret below the character at `position`.

    Of a long statement they are the lines near that, or its first lines.
    """
    lines = [line.expandtabs(4).rstrip() for line in statement.split("\n")]
    filled = [i for i, line in enumerate(lines) if line]
    if not filled:
        return []
    before = statement[:position].split("\n")
    at = filled[0] if position is None else len(before) - 1
    first = max(filled[0], at - CONTEXT)
    last = min(filled[-1], at + CONTEXT if position is not None else first + 2 * CONTEXT)
    indent = min(len(line) - len(line.lstrip()) for line in lines[first : last + 1] if line)
    shown = [line[indent:] for line in lines[first : last + 1]]
    if position is not None:
        shown.insert(at - first + 1, " " * (len(before[-1].expandtabs(4)) - indent) + "^")
    return [*(["..."] if first > filled[0] else []), *shown, *(["..."] if last < filled[-1] else [])]


def loss_lines(preview: RollbackPreview) -> list[str]:
    """Returns the lines of what a rollback will undo, and what is lost by it."""
    lines = ["This rolls back, newest first:"]
    for step in preview.plan.steps:
        entry = step.entry
        when = f"  deployed {entry.deployed_at:%Y-%m-%d %H:%M} by {entry.deployed_by}" if entry else ""
        lines.append(f"  {step.alteration.name}{when}")
    if preview.losses:
        lines.append("and drops, with the data in it:")
        lines += [f"  {loss_text(loss)}" for loss in preview.losses]
    else:
        lines.append("What these alterations made goes, with the data in it.")
    return lines


def loss_text(loss: Loss) -> str:
    """Returns what is dropped, with an estimate of its rows."""
    rows = "" if loss.rows is None else f"  (about {loss.rows:,} row{'' if loss.rows == 1 else 's'})"
    return (f"column {loss.table}.{loss.column}" if loss.column else f"table {loss.table}") + rows


def shown_path(file: str) -> str:
    """Returns a path relative to the working directory where it is below that, else as it is."""
    path = Path(file)
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return file
