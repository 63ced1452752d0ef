"""The table of a fleet's run on a terminal: a few lines, however many destinations there are.

They say how far the run is, and what waits or is longest at work.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from sartor.cli import output, streams
from sartor.cli.fleet_lines import pace
from sartor.cli.progress import Screen
from sartor.cli.results.units import duration
from sartor.domain.fleet_progress import AtWork, Progress
from sartor.domain.visible import visible_line

ROWS = 6
"""The destinations at work that the table names."""
PER_SECOND = 4
"""How often the table is drawn in a second."""
LEAST = 30
"""The columns below which nothing is shortened any more."""
BAR = 24
FULL, EMPTY = "#", "-"
GAP = "..."


class Table:
    """The table of a run: drawn several times a second by a thread, from what `progress` says then."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._height = 0
        console = Console(file=Screen(), highlight=False, force_terminal=True)
        self._shouted: deque[str] = deque()
        self._live = Live(get_renderable=self._itself, console=console, transient=True, refresh_per_second=PER_SECOND)

    @contextmanager
    def drawn(self) -> Iterator[None]:
        with streams.taking_shouts(self._shouted):
            self._live.start(refresh=True)
            try:
                yield
            finally:
                self._live.stop()

    @contextmanager
    def hidden(self) -> Iterator[None]:
        self._live.stop()
        try:
            yield
        finally:
            self._live.start(refresh=True)

    def _itself(self) -> Table:
        """Returns what is drawn next, below what a signal's handler has to say."""
        while self._shouted:
            output.tell(self._shouted.popleft().strip())
        return self

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self.lines(time.monotonic(), options.max_width, console.height)

    def lines(self, now: float, width: int, height: int) -> list[Text]:
        """Returns the lines of the table, each with room left for the ^C that a terminal shows behind it."""
        width = max(LEAST, width - 3)
        told = [
            *_head(self._progress, now, width),
            *_at_work(self._progress, now, width, room=max(1, min(ROWS, height - 6))),
        ]
        # A table that grows and shrinks with each destination would dance.
        self._height = min(max(self._height, len(told)), max(1, height - 1))
        return [*told, *_blank(self._height - len(told))][: self._height]


def _head(progress: Progress, now: float, width: int) -> list[Text]:
    """Returns the lines on how far the run is."""
    wave = progress.waves[-1] if progress.waves else None
    where = f"wave {wave.number + 1} of {progress.waves_in_all}  " if wave and progress.waves_in_all > 1 else ""
    filled = progress.ended * BAR // max(1, progress.total)
    first = _text(
        where, (FULL * filled, "cyan"), (EMPTY * (BAR - filled), "dim"), f"  {progress.ended:,}/{progress.total:,}"
    )
    failed = (f"{progress.failed:,} failed", "bold red" if progress.failed else "")
    second = _text(
        f"{progress.done:,} done, ", failed, f", {progress.remaining:,} to go, {len(progress.at_work)} at work"
    )
    elapsed = int(now - progress.waves[0].begun) if wave else 0
    lasted = f"{elapsed} s" if elapsed < 60 else duration(elapsed * 1000)
    return [_justified(first, pace(progress, now), width), _justified(second, lasted, width)]


def _at_work(progress: Progress, now: float, width: int, *, room: int) -> list[Text]:
    """Returns the lines on what is at work: what waits first, then what is longest at it."""
    # The run's thread changes the dictionary while this one draws; a list of it is made at once.
    at_work = list(progress.at_work.items())
    at_work.sort(key=lambda item: (item[1].wait(now) is None, item[1].since))
    rows = [(visible_line(place.label), _doing(work), work) for place, work in at_work[:room]]
    longest = max((cell_len(doing) for _, doing, _ in rows), default=0)
    most = max(width // 2, width - longest - len("      59 min 59 s"))
    column = min(most, max((cell_len(label) for label, _, _ in rows), default=0))
    lines = []
    for label, doing, work in rows:
        row = _text("  ", set_cell_size(_shortened(label, column), column), "  ", doing)
        lines.append(_justified(row, _lasted(now - work.since), width))
        if (waiting := work.wait(now)) is not None:
            who = "; ".join(map(str, waiting.blockers)) or "its holder is unknown"
            lines.append(
                _justified(_text((f"    waits for {waiting.reason}: {visible_line(who)}", "yellow")), "", width)
            )
    return lines


def _lasted(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 59.95 else duration(seconds * 1000)


def _doing(work: AtWork) -> str:
    again = f"attempt {work.attempt}  " if work.attempt > 1 else ""
    return f"{again}{visible_line(work.script)}"


def _shortened(label: str, width: int) -> str:
    """Returns the end of a label, where it is wider: destinations of a fleet differ there."""
    while cell_len(label) > width:
        label = f"{GAP}{label.removeprefix(GAP)[1:]}"
    return label


def _text(*parts: str | tuple[str, str]) -> Text:
    return Text.assemble(*parts, no_wrap=True, end="\n")


def _justified(left: Text, right: str, width: int) -> Text:
    """Returns a line of `width` columns, its left part cut where there is no room for all of it."""
    right = f"  {right}" if right else ""
    room = max(1, width - cell_len(right))
    if left.cell_len > room:
        left.truncate(room - len(GAP), overflow="crop")
        left.append(GAP)
    left.pad_right(max(0, room - left.cell_len))
    return left.append(right)


def _blank(number: int) -> list[Text]:
    return [_text("")] * max(0, number)
