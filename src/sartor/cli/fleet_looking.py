"""Looks at each destination of a fleet, several at once: where one can't be asked, the others are.

With --json, each destination that ends is a line, and the last line is on the fleet.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import sartor
from sartor import Settings
from sartor.cli import output
from sartor.cli.command import run
from sartor.cli.command_line import AS_GIVEN
from sartor.cli.fleet_lines import Lines
from sartor.cli.fleet_progress import is_drawn
from sartor.cli.results.fleet import destinations, fleet_json, outcome_json, run_json
from sartor.cli.results.fleet_status import shortened
from sartor.cli.results.objects import JsonObject
from sartor.cli.words import hint, in_words
from sartor.domain.destination import Destination
from sartor.domain.fleet import End, Ended, FleetEvent, FleetOrder, Happened, Outcome
from sartor.domain.fleet_progress import Progress
from sartor.domain.fleet_reasons import reason_of
from sartor.domain.fleet_summary import FAILED, Summary, summarize
from sartor.domain.report import Observer
from sartor.domain.visible import visible_line
from sartor.errors import Interrupted

if TYPE_CHECKING:
    from sartor.cli.fleet_table import Table

T = TypeVar("T")
K = TypeVar("K")

FEW = 10
"""The destinations of a fleet of which each one is shown, whatever there is to say of it."""


class Look(NamedTuple, Generic[T, K]):
    """A question to each destination, and how its answer is shown; without `as_json` and `lines`, it isn't.

    `keep` returns the part of the answer that is needed at the end: a fleet may have a hundred thousand destinations.
    `is_told` is False of an answer that a large fleet's output leaves out. `heading` puts the destination's name above
    its lines, which don't begin with that. `left` says what an interrupted command leaves.
    """

    call: Callable[[Destination, Observer], Awaitable[T]]
    keep: Callable[[T], K]
    as_json: Callable[[T], JsonObject] | None = None
    lines: Callable[[T], Iterable[str]] | None = None
    is_told: Callable[[T], bool] = lambda _found: True
    heading: bool = True
    no_run: JsonObject | None = None
    left: str = "the databases are unchanged"


class Looked(NamedTuple, Generic[K]):
    """The answers that were kept of each destination, in the fleet's order; and the outcomes of the others."""

    found: tuple[tuple[Destination, K], ...]
    failed: tuple[Outcome, ...]
    summary: Summary

    @property
    def total(self) -> int:
        return self.summary.total

    @property
    def code(self) -> int:
        """The exit code of the worst failure; 0 where there is none."""
        return worst(outcome.error.exit_code if outcome.error else 0 for outcome in self.failed)


def worst(codes: Iterable[int]) -> int:
    """Returns the exit code that counts of those of several destinations, as it does for a run."""
    found = {*codes}
    return FAILED if FAILED in found else max(found, default=0)


def is_small(settings: Settings) -> bool:
    """Returns whether each destination of a fleet is shown: there are few, or --verbose asks for it."""
    return len(settings.destinations) <= FEW or output.wants("--verbose")


def look_at_each(settings: Settings, look: Look[T, K], order: FleetOrder) -> Looked[K]:
    """Asks each destination, shows the answers as they come, and returns what is kept of them.

    Raises Interrupted.
    """
    shown = _Shown(settings, look)

    async def ask(destination: Destination, observer: Observer) -> list[T]:
        return [await look.call(destination, observer)]

    try:
        with shown.drawn():
            run(sartor.run_fleet(settings.destinations, ask, order, observer=shown.take), left=look.left)
    except Interrupted:
        tell_end(shown.looked(), (), {})
        raise
    return shown.looked()


class _Shown(Generic[T, K]):
    """Shows the answers of a fleet's destinations as they come."""

    def __init__(self, settings: Settings, look: Look[T, K]) -> None:
        self._places = settings.destinations
        self._is_small = is_small(settings)
        self._look = look
        self._progress = Progress(len(self._places))
        self._table = _table(self._progress) if is_drawn() and len(self._places) > FEW else None
        self._lines = Lines(self._progress, table=self._table is not None)
        self._kept: dict[Destination, K] = {}
        self._failed: list[Outcome] = []
        self._held: dict[Destination, T] = {}
        self._shown = 0
        self._began = time.monotonic()

    def drawn(self) -> AbstractContextManager[Any]:
        return nullcontext() if self._table is None else self._table.drawn()

    def take(self, event: FleetEvent) -> None:
        now = time.monotonic()
        self._progress.take(event, now)
        if isinstance(event, Happened):
            self._lines.take(event, now)
        if isinstance(event, Ended) and event.outcome.end is not End.UNTOUCHED:
            self._take_end(event.outcome)
            if len(self._places) <= FEW:
                self._show_held()

    def _take_end(self, outcome: Outcome) -> None:
        if outcome.end is End.FAILED:
            self._failed.append(outcome)
            self._json_line(outcome)
            return
        (found,) = outcome.result
        self._kept[outcome.destination] = self._look.keep(found)
        self._json_line(outcome._replace(result=found))
        self._tell(outcome.destination, found)
        outcome.result.clear()  # the report of the run would hold it to the end

    def _tell(self, destination: Destination, found: T) -> None:
        """Shows an answer: in a small fleet those of the destinations before it come first."""
        if self._look.lines is None or output.wants("--json"):
            return
        if len(self._places) <= FEW:
            self._held[destination] = found
        elif self._is_small or self._look.is_told(found):
            self._show(destination, found)

    def _show_held(self) -> None:
        """Shows the answers of those destinations before which all have ended."""
        ended = {*self._kept, *(outcome.destination for outcome in self._failed)}
        while self._shown < len(self._places) and (place := self._places[self._shown]) in ended:
            self._shown += 1
            if place in self._held:
                self._show(place, self._held.pop(place))

    def _show(self, destination: Destination, found: T) -> None:
        """Shows an answer, where the table isn't: results don't go through the file that is drawn on."""
        with nullcontext() if self._table is None else self._table.hidden():
            if self._look.heading:
                output.result(f"== {visible_line(destination.label)}")
            output.results(self._look.lines(found) if self._look.lines else ())

    def _json_line(self, outcome: Outcome) -> None:
        as_json = self._look.as_json
        if output.wants("--json") and (as_json or outcome.error):
            output.json_line(outcome_json(outcome, run_json(outcome, as_json or dict, self._look.no_run or {})))

    def looked(self) -> Looked[K]:
        found = tuple((place, self._kept[place]) for place in self._places if place in self._kept)
        return Looked(found, tuple(self._failed), summarize(self._progress, None, time.monotonic() - self._began))


def _table(progress: Progress) -> Table:
    from sartor.cli.fleet_table import Table  # rich takes long to load

    return Table(progress)


def tell_end(looked: Looked[Any], lines: Iterable[str], part: JsonObject, *, after: Iterable[str] = ()) -> None:
    """Shows the end of a look: its `lines`, the destinations that didn't answer, and the lines `after` these.

    With --json, it is the last line: on the fleet, with `part`.
    """
    if output.wants("--json"):
        whole = fleet_json(looked.summary, [AS_GIVEN.line()])
        output.json_line(whole | {"fleet": whole["fleet"] | part})
        return
    output.results(lines)
    for line in failed_lines(looked.failed):
        output.tell(line)
    output.results(after)


def failed_lines(failed: Iterable[Outcome]) -> Iterator[str]:
    """Yields the destinations that didn't answer, those with the same reason together, with what to do about it."""
    for text, those in _reasons(failed):
        yield ""
        yield f"failed at {destinations(len(those))}: {in_words(visible_line(text))}"
        names = [f"  {visible_line(each.destination.label)}" for each in those]
        yield from names if output.wants("--verbose") else shortened(names)
        if (error := those[0].error) is not None and error.hint:
            yield f"  hint: {hint(error)}"


def _reasons(failed: Iterable[Outcome]) -> list[tuple[str, list[Outcome]]]:
    """Returns the reasons, that of most destinations first, each with these."""
    found: dict[tuple[object, ...], list[Outcome]] = {}
    for outcome in failed:
        found.setdefault(reason_of(outcome).key, []).append(outcome)
    return [(reason_of(those[0]).text, those) for those in sorted(found.values(), key=lambda those: -len(those))]
