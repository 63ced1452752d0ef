"""The JSON of a command that works on several destinations in order: a line for each, and one on all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from sartor.cli import output
from sartor.cli.command_line import AS_GIVEN
from sartor.cli.results.fleet import fleet_json, outcome_json, run_json
from sartor.cli.results.objects import JsonObject
from sartor.domain.destination import Destination
from sartor.domain.fleet import End, Ended, Outcome
from sartor.domain.fleet_progress import Progress
from sartor.domain.fleet_summary import summarize
from sartor.errors import SartorError


class JsonLines:
    """Writes a line for each destination in order, and ends behind the last one, or behind an error."""

    def __init__(self, places: Sequence[Destination], as_json: Callable[[Any], JsonObject], no_run: JsonObject) -> None:
        self._places, self._as_json, self._no_run = places, as_json, no_run
        self._began = self._last = time.monotonic()
        self._progress = Progress(len(places))

    def add(self, result: Any, error: SartorError | None) -> None:
        """Writes the line of the next destination; where it has an error, those of the others too."""
        place, began, self._last = self._places[self._progress.ended], self._last, time.monotonic()
        end = End.DONE if error is None else End.FAILED
        outcome = Outcome(place, end, 0, self._last - began, 1, result, error)
        self._progress.take(Ended(outcome), self._last)
        self._write(outcome)
        if error is not None or not self._progress.remaining:
            self._end()

    def _end(self) -> None:
        for place in self._places[self._progress.ended :]:
            self._write(Outcome(place, End.UNTOUCHED))
        summary = summarize(self._progress, None, self._last - self._began)
        output.json_line(fleet_json(summary, [AS_GIVEN.line()]))

    def _write(self, outcome: Outcome) -> None:
        output.json_line(outcome_json(outcome, run_json(outcome, self._as_json, self._no_run)))
