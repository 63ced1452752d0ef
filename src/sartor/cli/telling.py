"""Reports a run while it goes on: as a bar on a terminal, as plain lines in a pipeline; both on stderr."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from sartor.cli import again, output, render, shapes
from sartor.cli.again import AS_GIVEN, Resume
from sartor.domain.destination import Destination
from sartor.domain.notes import plan_notes
from sartor.domain.plan import Direction
from sartor.domain.report import (
    BackedUp,
    Copying,
    Finished,
    Judged,
    Judging,
    Note,
    Observer,
    Planned,
    Report,
    RunEvent,
    Started,
    Waiting,
)
from sartor.domain.visible import visible_line
from sartor.errors import AlterationFailed, Interrupted, LockNotHad, SartorError

TOLD = frozenset(10 * 2**n for n in range(16))
"""The seconds after which a pipeline gets a line on how far a backup has come."""

VERBS = {Direction.DEPLOY: "deployed", Direction.ROLLBACK: "rolled back"}


@contextmanager
def telling_run(resume: Resume = AS_GIVEN, destination: Destination | None = None) -> Iterator[Observer]:
    """Yields the observer for one run; reports its failure in full, with the commands to resume and to go back.

    `resume` is the command to resume. The way back is the backup that was taken before the run, for a `destination`.
    """
    try:
        with _bar() if output.words_are_shown() else nullcontext(plain) as observer:
            yield observer
    except SartorError as error:
        if isinstance(error, AlterationFailed):
            _tell_failure(error, resume)
        named = resume.differs or isinstance(error, Interrupted)
        if named and error.report is not None and not isinstance(error, AlterationFailed):
            error.hint = f"this goes on from there: {resume.command(len(error.report.done))}"
        if destination is not None and error.report is not None and (backup := error.report.backup) is not None:
            from sartor.cli import backups

            what = "what was there before" if backup.tables is None else "the rows that affected tables had before"
            output.tell(f"  To have {what}: {backups.restore_command(backup, destination)}")
        raise


def _tell_failure(error: AlterationFailed, resume: Resume) -> None:
    report, name = error.report, error.failure.name
    kept = f", and the {render.count(len(report.done))} before it stay" if report and report.done else ""
    if report and report.done and len(report.done) == 1:
        kept = ", and the 1 alteration before it stays"
    when = "When the lock is free" if isinstance(error, LockNotHad) else "When it is mended"
    line = resume.command(len(report.done) if report else 0)
    changed = "it changed nothing" if error.failure.rolled_back else "what it did outside a transaction stays"
    if error.failure.in_doubt:
        changed = "what it did may have stayed"
    output.tell("")
    output.tell(f"{name}; {changed}{kept}", head="failed:")
    for text in (
        "",
        *render.failure_lines(error.failure),
        "",
        f"  {when}, this goes on from there: {line}",
        *([gap] if (gap := again.gap(line)) else []),
    ):
        output.tell(text)


def show_report(report: Report) -> shapes.Shape:
    """Writes the notes and the totals of a run that ended well; with --json, returns its shape instead."""
    if output.wants("--json"):
        return shapes.report_shape(report)
    for note in plan_notes(report.plan) if report.plan else ():
        output.tell(f"note: {note}")
    output.result(render.report_line(report))
    return {}


def plain(event: RunEvent) -> None:
    """Reports an event in a line, where there is one for it."""
    if (line := _line(event)) is not None:
        output.tell(line)


def _line(event: RunEvent) -> str | None:
    match event:
        case Finished():
            return f"{VERBS[event.direction]}  {event.alteration.name}  {render.duration(event.duration_ms)}"
        case Waiting():
            return render.waiting_line(event)
        case Note():
            return f"note: {event.text}"
        case BackedUp():
            from sartor.cli.backups import rows_line

            made = f"{render.size(event.backup.bytes)}, {render.duration(event.duration_ms)}"
            return f"backed up  {event.backup.file}  {made}{rows_line(event.backup)}"
        case Judged():
            from sartor.cli.proofs import proof_line

            return proof_line(event.proof)
        case Copying(seconds=seconds) if seconds in TOLD:
            from sartor.cli.backups import copying_line

            return copying_line(event)
        case _:
            return None


def _ahead(event: RunEvent) -> int:
    """Returns the number of alterations that an event says are to come."""
    match event:
        case Planned():
            return len(event.plan.steps)
        case Judging():
            return event.number
        case _:
            return 0


class _Screen(io.StringIO):
    """The terminal for the bar, which writes from a thread of its own: writes neither raise nor block."""

    def write(self, text: str) -> int:
        output.draw(text)
        return len(text)

    def fileno(self) -> int:
        return 2


@contextmanager
def _bar() -> Iterator[Observer]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
    )
    console = Console(file=_Screen(), highlight=False, force_terminal=True)
    progress, status = Progress(*columns, console=console, transient=True), console.status("")
    task: Any = None

    def observer(event: RunEvent) -> None:
        nonlocal task
        if ahead := _ahead(event):
            if task is None:
                progress.start()
                task = progress.add_task("", total=0)
            done = progress.tasks[0].completed
            progress.update(task, total=done + ahead)
        elif isinstance(event, Started):
            progress.update(task, description=visible_line(event.alteration.name))
        elif isinstance(event, Finished | Judged):
            progress.advance(task)
        if isinstance(event, Copying):
            from sartor.cli.backups import copying_line

            show_copying(copying_line(event))
            return
        status.stop()
        plain(event)

    def show_copying(line: str) -> None:
        line = visible_line(line)
        # A console can show one of the two.
        if task is None:
            status.update(line)
            status.start()
        else:
            progress.update(task, description=line)

    try:
        yield observer
    finally:
        status.stop()
        progress.stop()
