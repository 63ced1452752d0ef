"""Reports a run while it goes on: as a bar on a terminal, as plain lines in a pipeline; both on stderr."""

import io
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from sartor.cli import command_line, output
from sartor.cli.command_line import AS_GIVEN, Resume
from sartor.cli.results.backup import copying_line, restore_line, rows_line
from sartor.cli.results.run import VERBS, failed_line, failure_lines, waiting_line, way_line
from sartor.cli.results.units import count, duration, size
from sartor.domain import report as events
from sartor.domain.destination import Destination
from sartor.domain.existing import NO_LEDGER
from sartor.domain.plan import Direction
from sartor.domain.plan_notes import plan_notes
from sartor.domain.report import Copying, Finished, Judged, Observer, RunEvent
from sartor.domain.visible import visible_line
from sartor.errors import AlterationFailed, Interrupted, LockNotHad, SartorError

TOLD = frozenset(10 * 2**n for n in range(16))
"""The seconds after which a pipeline gets a line on how far a backup has come."""


@contextmanager
def shown(
    resume: Resume = AS_GIVEN, destination: Destination | None = None, *, heading: str = ""
) -> Iterator[Observer]:
    """Yields the observer for one run; reports its failure in full, with the commands to resume and to go back.

    `resume` is the command to resume. The way back is the backup that was taken before the run, for a `destination`.
    The first line says how far the run goes, after `heading`; the notes on its plan follow.
    """
    begun = False

    def showing(event: RunEvent) -> None:
        nonlocal begun
        if isinstance(event, events.Planned) and not begun:
            begun = True
            output.tell(f"{heading}{way_line(event.plan)}")
            for note in plan_notes(event.plan):
                # What is there already may be lost on whoever reads a pipeline's log for errors.
                is_loud = event.plan.steps and note.startswith(NO_LEDGER)
                output.tell(note, head="warning:") if is_loud else output.tell(f"note: {note}")
        observer(event)

    try:
        with _Bar() if output.words_are_shown() else nullcontext(plain) as observer:
            yield showing
    except SartorError as error:
        report = error.report
        if isinstance(error, AlterationFailed):
            _tell_failure(error, resume)
        elif report is not None and (resume.differs or isinstance(error, Interrupted)):
            error.hint = f"resume with: {resume.line(len(report.done))}"
        if destination is not None and report is not None and report.backup is not None:
            output.tell(f"  {restore_line(report.backup, destination)}")
        raise


def _tell_failure(error: AlterationFailed, resume: Resume) -> None:
    done = len(error.report.done) if error.report else 0
    when = "When the lock is free" if isinstance(error, LockNotHad) else "After fixing it"
    line = resume.line(done)
    output.tell("")
    output.tell(failed_line(error), head="failed:")
    for text in ("", *failure_lines(error.failure), "", f"  {when}, resume with: {line}"):
        output.tell(text)
    if gap := command_line.gap(line):
        output.tell(gap)


def plain(event: RunEvent) -> None:
    """Reports an event in a line, where there is one for it."""
    if (line := _line(event)) is not None:
        output.tell(line)


def _line(event: RunEvent) -> str | None:
    match event:
        case Finished():
            return f"{VERBS[event.direction]}  {event.alteration.name}  {duration(event.duration_ms)}"
        case events.FromSnapshot(release=release):
            number, took = count(event.alterations), duration(event.duration_ms)
            return f"{VERBS[Direction.DEPLOY]}  {release} from its snapshot, {number}  {took}"
        case events.Waiting():
            return waiting_line(event)
        case events.Said(severity=severity) if severity == "WARNING" or output.wants("--verbose"):
            return f"{severity.lower()}: {event.script}: {event.text}"
        case events.Note():
            return f"note: {event.text}"
        case events.BackedUp(backup=backup):
            made = f"{size(backup.bytes)}, {duration(event.duration_ms)}"
            return f"backed up  {backup.file}  {made}{rows_line(backup)}"
        case Judged():
            from sartor.cli.results.prove import proof_line  # a deploy proves nothing

            return proof_line(event.proof)
        case Copying(seconds=seconds) if seconds in TOLD:
            return copying_line(event)
        case _:
            return None


class Screen(io.StringIO):
    """The terminal for the bar, which writes from a thread of its own: writes neither raise nor block."""

    def write(self, text: str) -> int:
        output.draw(text)
        return len(text)

    def fileno(self) -> int:
        return 2


class _Bar:
    """A bar that grows with the alterations done, and a line for what has no number; yields its observer."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        words = TextColumn("{task.description}", markup=False)
        columns = (BarColumn(bar_width=24), MofNCompleteColumn(), TimeElapsedColumn(), words)
        console = Console(file=Screen(), highlight=False, force_terminal=True)
        self._progress = Progress(*columns, console=console, transient=True)
        self._status = console.status("")
        self._task: Any = None

    def __enter__(self) -> Observer:
        return self._show

    def __exit__(self, *_: object) -> None:
        self._status.stop()
        self._progress.stop()

    def _show(self, event: RunEvent) -> None:
        match event:
            case events.Planned(plan=plan) if plan.steps:
                self._extend(len(plan.steps))
            case events.Judging(number=number):
                self._extend(number)
            case events.Started():
                self._progress.update(self._task, description=visible_line(event.alteration.name))
            case Finished() | Judged():
                self._progress.advance(self._task)
            case events.FromSnapshot():
                self._progress.advance(self._task, event.alterations)
            case Copying():
                self._describe(visible_line(copying_line(event)))
                return
            case _:
                pass
        self._status.stop()
        plain(event)

    def _extend(self, number: int) -> None:
        if self._task is None:
            self._progress.start()
            self._task = self._progress.add_task("", total=0)
        self._progress.update(self._task, total=self._progress.tasks[0].completed + number)

    def _describe(self, line: str) -> None:
        # A console can show one of the two.
        if self._task is None:
            self._status.update(line)
            self._status.start()
        else:
            self._progress.update(self._task, description=line)
