"""Writes to a standard stream without raising, and without blocking a run that may hold locks.

A slow reader (a terminal stopped with Ctrl-S, a full pipe) is waited for when the work is over; until then what it
doesn't take is kept. Where the reader has gone, or the disk is full, the output is lost and the work goes on.
"""

from __future__ import annotations

import errno
import io
import os
import select
from _thread import RLock
from collections.abc import Callable
from typing import TextIO


class Stream:
    """An output stream. `error` is why output was lost, None as long as none was."""

    def __init__(self, file: Callable[[], TextIO | None]) -> None:
        self._file = file
        self._held = bytearray()
        self._lock = RLock()
        self.error: OSError | None = None

    @property
    def encoding(self) -> str:
        """The encoding of the output."""
        return getattr(self._file(), "encoding", None) or "utf-8"

    @property
    def is_terminal(self) -> bool:
        """True where the stream is a terminal."""
        file = self._file()
        return file is not None and not file.closed and file.isatty()

    def write(self, text: str) -> None:
        """Writes text, or keeps what can't be written now."""
        file = self._file()
        if file is None or file.closed:
            self.error = self.error or OSError(errno.EBADF, os.strerror(errno.EBADF))
        elif isinstance(file, io.TextIOWrapper):
            self.put(text.encode(self.encoding, "backslashreplace"))
        else:  # a file of other code in place of the stream: a progress bar's, an application's
            file.write(text)
            file.flush()

    def put(self, content: bytes) -> None:
        """Writes bytes to the stream's descriptor, or keeps what can't be written now."""
        with self._lock:
            self._held += content
            self._give(waits=False)

    def drain(self) -> None:
        """Waits until the reader has taken all that was kept. Raises KeyboardInterrupt."""
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
        """Writes no more than a stream that is ready takes at once."""
        try:
            del self._held[: os.write(self._number, bytes(self._held[: select.PIPE_BUF]))]
        except BlockingIOError:  # another process wrote first, and has made the stream non-blocking
            return

    @property
    def _number(self) -> int:
        file = self._file()
        return -1 if file is None else file.fileno()


def _is_ready(number: int, *, waits: bool) -> bool:
    """Returns whether a write won't block; a broken stream counts as ready, and fails at once."""
    poll = select.poll()
    poll.register(number, select.POLLOUT)
    return bool(poll.poll(None if waits else 0))


def shout(text: str) -> None:
    """Writes to stderr from within a signal handler: at once or not at all."""
    try:
        if _is_ready(2, waits=False):
            os.write(2, text.encode())
    except OSError:
        return
