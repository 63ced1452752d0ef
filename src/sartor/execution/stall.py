"""Tells of scripts that block the event loop, and with it all runs in it."""

import asyncio
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sartor.alterations.process_owner import Guest, running_script
from sartor.log import LOG

STALL = 3.0
"""Seconds for which the event loop may be blocked."""

_watches: dict[asyncio.AbstractEventLoop, "_Watch"] = {}


@contextmanager
def watching_for_stalls() -> Iterator[None]:
    """Tells, while the block lasts, which script blocks this event loop; one watch serves all runs in it."""
    loop = asyncio.get_running_loop()
    watch = _watches.setdefault(loop, _Watch(loop))
    watch.runs += 1
    if watch.runs == 1:
        watch.begin()
    try:
        yield
    finally:
        watch.runs -= 1
        if watch.runs == 0:
            _watches.pop(loop).ended.set()


class _Watch:
    """Watches an event loop from a thread of its own. `runs` is the number of runs in it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.runs = 0
        self.ended = threading.Event()
        self._loop = loop
        self._thread = threading.get_ident()
        self._beat = time.monotonic()

    def begin(self) -> None:
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        told = False
        while not self.ended.wait(STALL / 10):
            if time.monotonic() - self._beat < STALL:
                told = False
            elif not told and (script := running_script(self._thread)) and (line := self._line(script)):
                told = True
                # To the logger, as an observer belongs to the thread that is blocked.
                why = "use `await asyncio.sleep(...)` instead of `time.sleep(...)`"
                where = f" at {script.destination}" if self.runs > 1 and script.destination else ""
                name = Path(script.file).name
                LOG.warning("%s, line %d: blocks Python for more than %.0f s%s: %s", name, line, STALL, where, why)
            try:
                self._loop.call_soon_threadsafe(self._note_beat)
            except RuntimeError:
                return  # the loop is closed

    def _note_beat(self) -> None:
        self._beat = time.monotonic()

    def _line(self, script: Guest) -> int | None:
        """Returns the line at which a script is; None where its code doesn't run any longer."""
        frame = sys._current_frames().get(self._thread)  # noqa: SLF001 - documented, if so named
        lines = (f.lineno for f in reversed(traceback.extract_stack(frame)) if f.filename == script.file)
        return next(lines, None)
