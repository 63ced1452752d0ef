"""Tells of a fleet's run in lines on stderr: each thing once, where hundreds of destinations have the same to say."""

from __future__ import annotations

from collections import Counter

from sartor.cli import output
from sartor.cli.command_line import approve_line
from sartor.cli.results.backup import restore_line, rows_line
from sartor.cli.results.fleet import destinations, done_line
from sartor.cli.results.run import failed_line, failure_lines, waiting_line
from sartor.cli.results.units import duration, size
from sartor.cli.words import hint, in_words
from sartor.domain import report as events
from sartor.domain.destination import Destination
from sartor.domain.fleet import End, Ended, FleetEvent, Happened, Joined, Outcome, StandsBy, WaveBegun
from sartor.domain.fleet_progress import Progress
from sartor.domain.fleet_reasons import reason_of, without_names
from sartor.domain.plan_notes import plan_notes
from sartor.domain.visible import visible_line
from sartor.errors import AlterationFailed

KNOWN = 60
"""The characters by which a note is known again."""
SILENCE = 30.0
"""Seconds after which a run of which nothing was told says how far it is."""
ALIKE = 5
"""The failures of one kind that are told above a table; the report counts the others."""
PARTS = 10
"""The run says how far it is after each of these parts of all destinations."""


class Lines:
    """Tells what happens; `progress` has taken an event before. With a `table`, of what this shows nothing is told."""

    def __init__(self, progress: Progress, *, table: bool = False) -> None:
        self._progress = progress
        self._table = table
        self._told: dict[tuple[object, ...], str] = {}
        self._alike: Counter[tuple[object, ...]] = Counter()
        self._texts: dict[tuple[object, ...], str] = {}
        self._waits: dict[str, float] = {}
        self._last = 0.0
        self._stood: bool | None = None
        self._part = 0

    def take(self, event: FleetEvent, now: float) -> None:
        match event:
            case WaveBegun():
                self._stood = None
                self._last = self._last or now
                if event.waves > 1 and not self._table:
                    number, size_ = event.number + 1, destinations(event.destinations)
                    output.tell(f"== wave {number} of {event.waves}: {size_}")
            case Happened(event=events.Waiting() as waiting):
                if not self._table:
                    self._waiting(event.destination, waiting, now)
            case Happened():
                self._happened(event.destination, event.event)
            case Joined():
                output.tell(f"run {event.run} of the control database: {'begun' if event.is_new else 'joined'}")
            case StandsBy():
                self._standing_by(event)
            case Ended(outcome=outcome):
                self._ended(outcome)
                if not self._table:
                    self._say_how_far(now)
            case _:
                pass

    def end(self) -> None:
        """Tells at how many destinations each note was repeated."""
        for key, text in self._texts.items():
            if number := self._alike[key]:
                output.tell(f"{key[0]}: {number:,} more as at {visible_line(self._told[key])}: {_short(text)}")

    def _standing_by(self, event: StandsBy) -> None:
        """Tells why nothing is at work here, where that is another reason than before."""
        told = f"run {event.run} waits for other processes"
        if event.approval:
            told = f"run {event.run} waits behind its canaries; to go on: {approve_line(event.run)}"
        if self._stood != event.approval:
            output.tell(in_words(told))
        self._stood = event.approval

    def _ended(self, outcome: Outcome) -> None:
        if outcome.end is End.FAILED:
            self._failed(outcome)
        elif not self._table and (line := done_line(outcome)):
            output.tell(line)

    def _failed(self, outcome: Outcome) -> None:
        """Tells a failure in full where no other destination had the same before."""
        label, reason = visible_line(outcome.destination.label), reason_of(outcome)
        first = self._told.setdefault(reason.key, label)
        self._alike[reason.key] += 1
        if first != label:
            if not self._table or self._alike[reason.key] <= ALIKE:
                output.tell(f"{label}  as in {first}", head="failed:")
            return
        error = outcome.error
        if not isinstance(error, AlterationFailed):
            told = in_words(str(error)) if error else reason.text
            output.tell(told if told.startswith(outcome.destination.label) else f"{label}  {told}", head="failed:")
            if error is not None and error.hint:
                output.tell(hint(error), head="  hint:")
            return
        output.tell(f"{label}  {failed_line(error)}", head="failed:")
        for line in failure_lines(error.failure):
            output.tell(line)
        if error.report is not None and error.report.backup is not None:
            output.tell(f"  {restore_line(error.report.backup, outcome.destination)}")

    def _waiting(self, destination: Destination, waiting: events.Waiting, now: float) -> None:
        """Tells a wait, and tells it again when it lasts; for whom several wait is told in full once."""
        label = destination.label
        if now - self._waits.get(label, -SILENCE) < SILENCE:
            return
        self._waits[label] = now
        who = tuple((each.pid, each.client) for each in waiting.blockers)
        if not who or self._told.setdefault((waiting.reason, *who), label) == label:
            output.tell(f"{visible_line(label)}: {visible_line(waiting_line(waiting))}")
            return
        pids = ", ".join(f"pid {each.pid}" for each in waiting.blockers)
        output.tell(f"{visible_line(label)}: waiting for {waiting.reason} behind {pids}, as above")

    def _happened(self, destination: Destination, event: events.RunEvent) -> None:
        match event:
            case events.Planned():
                for note in plan_notes(event.plan):
                    self._once(destination, "note", note)
            case events.Note():
                self._once(destination, "note", event.text)
            case events.Said(severity=severity) if severity == "WARNING" or output.wants("--verbose"):
                self._once(destination, severity.lower(), f"{event.script}: {event.text}")
            case events.BackedUp(backup=backup):
                made = f"{size(backup.bytes)}, {duration(event.duration_ms)}"
                output.tell(f"backed up  {backup.file}  {made}{rows_line(backup)}")
            case _:
                pass

    def _once(self, destination: Destination, kind: str, text: str) -> None:
        """Tells a text unless another destination had the same, but for the names in it."""
        label = destination.label
        key = (kind, without_names(text, destination))
        if self._told.setdefault(key, label) == label:
            output.tell(f"{kind}: {visible_line(label)}: {text}")
            self._texts[key] = text
        else:
            self._alike[key] += 1

    def _say_how_far(self, now: float) -> None:
        progress = self._progress
        part = progress.ended * PARTS // max(1, progress.total)
        if progress.total < PARTS * 2 or not progress.remaining or (part == self._part and now - self._last < SILENCE):
            return
        self._part, self._last = part, now
        told = [
            f"{progress.ended:,} of {destinations(progress.total)} ended",
            f"{progress.failed:,} failed",
            pace(progress, now),
        ]
        output.tell(", ".join(filter(None, told)))


def pace(progress: Progress, now: float) -> str:
    """Returns the rate and the time left; "" where they aren't known."""
    rate, left = progress.rate(now), progress.left(now)
    if rate is None or left is None:
        return ""
    return f"{rate:.{0 if rate >= 10 else 1}f}/s, about {_about(left)} left"


def _short(text: str) -> str:
    """Returns a text that was told before, so that it is known again."""
    return text if len(text) <= KNOWN else f"{text[:KNOWN].rstrip()} ..."


def _about(seconds: float) -> str:
    """Returns a time as an estimate has it: `8 s`, `4 min`, `2 h 10 min`."""
    if seconds < 99.5:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
