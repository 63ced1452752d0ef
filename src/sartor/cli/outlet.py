"""A standard stream that words go to: it never raises, and never keeps a run waiting that may hold locks.

A reader that is slow (a terminal stopped with Ctrl-S, a full pipe) is waited for when the work is over; until then what
it doesn't take is kept. One that has gone, or a full disk, loses the words, and the work goes on.
"""

from __future__ import annotations

import errno
import io
import os
import select
from _thread import RLock
from collections.abc import Callable
from typing import TextIO


class Outlet:
    """Where words go. `error` is why some were lost, None as long as none were."""

    def __init__(self, file: Callable[[], TextIO | None]) -> None:
        self._file = file
        self._held = bytearray()
        self._lock = RLock()
        self.error: OSError | None = None

    @property
    def encoding(self) -> str:
        """The encoding of the words."""
        return getattr(self._file(), "encoding", None) or "utf-8"

    @property
    def is_terminal(self) -> bool:
        """Whether somebody sees them."""
        file = self._file()
        return file is not None and not file.closed and file.isatty()

    def write(self, text: str, *, encoding: str | None = None) -> None:
        """Write, or keep what can't be written now."""
        file = self._file()
        if file is None or file.closed:
            self.error = self.error or OSError(errno.EBADF, os.strerror(errno.EBADF))
        elif isinstance(file, io.TextIOWrapper):
            self.put(text.encode(encoding or self.encoding, "backslashreplace"))
        else:  # somebody else's, in place of the stream: what shows a progress bar, an application
            file.write(text)
            file.flush()

    def put(self, content: bytes) -> None:
        """The same for bytes, past whatever stands in place of the stream."""
        with self._lock:
            self._held += content
            self._give(waits=False)

    def drain(self) -> None:
        """Wait until the reader has taken all that was kept. Raises KeyboardInterrupt."""
        with self._lock:
            self._give(waits=True)

    def _give(self, *, waits: bool) -> None:
        try:
            while self._held and _is_ready(self._number, waits=waits):
                self._write_some()
        except OSError as error:
            self.error = error
            self._held.clear()

    def _write_some(self) -> None:
        """Write no more than a stream that is ready takes at once."""
        try:
            del self._held[: os.write(self._number, bytes(self._held[: select.PIPE_BUF]))]
        except BlockingIOError:  # somebody else was faster, and has made the stream one that doesn't wait
            return

    @property
    def _number(self) -> int:
        file = self._file()
        return -1 if file is None else file.fileno()


def _is_ready(number: int, *, waits: bool) -> bool:
    """Whether a write won't wait; a stream that is broken is ready to say so."""
    poll = select.poll()
    poll.register(number, select.POLLOUT)
    return bool(poll.poll(None if waits else 0))


def shout(text: str) -> None:
    """Write to stderr from within a signal's handler: at once or not at all."""
    try:
        if _is_ready(2, waits=False):
            os.write(2, text.encode())
    except OSError:
        return
