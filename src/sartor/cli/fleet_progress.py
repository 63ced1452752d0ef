"""Shows a fleet's run: as a table on a terminal, as lines in a pipeline, both on stderr; with its report at the end.

With --json, each destination that ends is a line of stdout, and the report is the last one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from sartor.cli import output
from sartor.cli.command_line import Resume
from sartor.cli.fleet_lines import Lines
from sartor.cli.results.fleet import fleet_json, outcome_json, run_json, summary_lines
from sartor.cli.results.objects import JsonObject
from sartor.cli.results.run import report_json
from sartor.domain.destination import Destination
from sartor.domain.fleet import End, Ended, FleetEvent, FleetReport, Outcome, Stopped
from sartor.domain.fleet_progress import Progress
from sartor.domain.fleet_summary import Summary, summarize
from sartor.domain.plan import Direction
from sartor.domain.report import Report
from sartor.errors import Interrupted, SartorError

if TYPE_CHECKING:
    from sartor.cli.fleet_table import Table


class What(NamedTuple):
    """The work of a run at each destination: its direction, the JSON of a result, and the command that resumes.

    `alone` returns the options that name one of the destinations: `--steps` counts from where each is, so there is a
    command for each.
    """

    direction: Direction
    resume: Resume
    alone: Callable[[Destination], tuple[str, ...]]
    as_json: Callable[[Any], JsonObject] = report_json

    @property
    def no_run(self) -> JsonObject:
        return report_json(Report(direction=self.direction, target=None))

    def ways_on(self, left: Iterable[tuple[Destination, int]], stopped: Stopped | None) -> list[str]:
        """Returns the commands that do what is `left`: destinations, with the number of alterations done there."""
        if self.resume.steps is None:
            added = ("--approve",) if stopped is Stopped.CANARY else ()
            is_over = stopped in {Stopped.FAILURES, Stopped.CANCELLED}
            return [self.resume._replace(added=added, another_run=is_over).line()]
        return [self.resume._replace(alone=self.alone(place)).line(done) for place, done in left]


class View:
    """The view of a fleet's run: `take` is its observer, `end` tells its report."""

    def __init__(self, destinations: Sequence[Destination], what: What) -> None:
        self._destinations = destinations
        self._what = what
        self._progress = Progress(len(destinations))
        self._table = _table(self._progress) if is_drawn() else None
        self._lines = Lines(self._progress, table=self._table is not None)
        self._began = time.monotonic()

    def take(self, event: FleetEvent) -> None:
        now = time.monotonic()
        self._progress.take(event, now)
        self._lines.take(event, now)
        if isinstance(event, Ended) and event.outcome.end is not End.UNTOUCHED:
            self._json_line(event.outcome, waits=False)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Shows the run while the block lasts. Tells the report of one that is interrupted, or has an error."""
        try:
            if self._table is None:
                yield
            else:
                with self._table.drawn():
                    yield
        except SartorError as error:
            self._tell(Stopped.INTERRUPTED if isinstance(error, Interrupted) else None)
            raise

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Takes the table away while the block runs: it asks something."""
        if self._table is None:
            yield
        else:
            with self._table.hidden():
                yield

    def end(self, report: FleetReport) -> Summary:
        """Tells the report of a run that has ended; returns it."""
        return self._tell(report.stopped)

    def _tell(self, stopped: Stopped | None) -> Summary:
        self._lines.end()
        summary = summarize(self._progress, stopped, time.monotonic() - self._began)
        endings = {each.label: each for each in self._progress.endings}
        untouched = [place for place in self._destinations if place.label not in endings]
        ended = ((place, endings[place.label]) for place in self._destinations if place.label in endings)
        failed = [(place, ending.changes or 0) for place, ending in ended if ending.end is End.FAILED]
        ways = self._what.ways_on([*failed, *((place, 0) for place in untouched)], stopped)
        if output.wants("--json"):
            for place in untouched:
                self._json_line(Outcome(place, End.UNTOUCHED))
            output.json_line(fleet_json(summary, ways))
        for text in summary_lines(summary, self._what.direction, ways):
            output.tell(text) if output.wants("--json") else output.result(text)
        return summary

    def _json_line(self, outcome: Outcome, *, waits: bool = True) -> None:
        if output.wants("--json"):
            run = run_json(outcome, self._what.as_json, self._what.no_run)
            output.json_line(outcome_json(outcome, run), waits=waits)


def _table(progress: Progress) -> Table:
    from sartor.cli.fleet_table import Table  # rich takes long to load

    return Table(progress)


def is_drawn() -> bool:
    """Returns whether a table can be drawn: on a terminal that moves its cursor, and isn't that of a stream of JSON."""
    has_cursor = os.environ.get("TERM") not in {"dumb", "unknown"}
    return output.words_are_shown() and has_cursor and not (output.wants("--json") and output.is_shown_on_terminal())
