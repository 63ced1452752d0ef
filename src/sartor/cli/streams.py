"""The standard streams. Results alone go to standard output, and no write raises or blocks a run that may hold locks.

Whatever else runs in the process (scripts, their child processes, libraries in C) may write to file descriptor 1: from
the moment that a command begins, that is standard error.

A slow reader (a terminal stopped with Ctrl-S, a full pipe) is waited for when the work is over; until then what it
doesn't take is kept. Where the reader has gone, or the disk is full, the output is lost and the work goes on.
"""

import errno
import io
import os
import select
import sys
from _thread import RLock
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TextIO, TypeGuard

_kept: list[TextIO | None] = []
"""The file for results once it is kept: None where the process was started without a standard output."""


class _Before(NamedTuple):
    """The standard streams as they were before standard output was kept."""

    out: TextIO | None
    err: TextIO | None
    descriptor: int
    """A duplicate of descriptor 1."""


_before: list[_Before] = []


def keep_stdout() -> None:
    """Moves standard output to a descriptor of its own, and makes descriptor 1 standard error from now on."""
    if _kept:
        return
    before = _Before(sys.stdout, sys.stderr, os.dup(1))
    _before.append(before)
    if not has_descriptor(before.out):
        # Closed from the start, or already replaced by an application that calls the command in its process.
        _kept.append(before.out)
    else:
        before.out.flush()
        own = os.dup(before.descriptor)
        _kept.append(open(own, "w", encoding=before.out.encoding, errors=before.out.errors))  # noqa: SIM115, PTH123 - for good
    os.dup2(2, 1)
    # What is printed beside the results belongs among the lines about the work, in order.
    sys.stdout, sys.stderr = _beside(1, sys.stdout), _beside(2, sys.stderr)


def give_back_stdout() -> None:
    """Makes the standard streams again what they were before `keep_stdout`: for an application, which goes on."""
    flush()
    if not _before:
        return
    kept, before = _kept.pop(), _before.pop()
    sys.stdout, sys.stderr = before.out, before.err
    os.dup2(before.descriptor, 1)
    os.close(before.descriptor)
    if kept is not None and kept is not before.out:
        kept.close()


def has_descriptor(file: TextIO | None) -> TypeGuard[io.TextIOWrapper]:
    """Returns whether this is a file of the process's: not one that a test or an application collects text in."""
    try:
        return isinstance(file, io.TextIOWrapper) and file.fileno() >= 0
    except (OSError, ValueError):  # in memory, or closed
        return False


def _has_number(file: TextIO) -> bool:
    """Returns whether a file, or what it stands for, has a descriptor."""
    try:
        return file.fileno() >= 0
    except (AttributeError, OSError, ValueError):
        return False


def _is_closed(file: TextIO) -> bool:
    """Returns whether a file is closed; an application's own kind of file may not say it."""
    return getattr(file, "closed", False)


class _Forgiving(io.FileIO):
    """A descriptor for what scripts print: it accepts writes even where its reader has gone, and no script fails."""

    def write(self, content: Any) -> int:
        try:
            return super().write(content) or 0
        except OSError:
            return memoryview(content).nbytes


def _beside(number: int, file: TextIO | None) -> TextIO | None:
    """Returns a file in place of one of the interpreter's own; returns any other file as it is."""
    if file is not None and not has_descriptor(file):
        return file
    raw = io.BufferedWriter(_Forgiving(number, "w", closefd=False))
    encoding = file.encoding if file else "utf-8"
    return io.TextIOWrapper(raw, encoding, "backslashreplace", line_buffering=True)


def hold_standard_descriptors() -> None:
    """Opens those of descriptors 0, 1 and 2 that are closed.

    Else the next file or connection would get one of these numbers, and be printed to.
    """
    while (opened := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(opened, True)  # noqa: FBT003 - the standard library's
    os.close(opened)


def results_file() -> TextIO | None:
    return _kept[0] if _kept else sys.stdout


def is_stdout_kept() -> bool:
    return bool(_kept)


def flush() -> None:
    """Writes what is still buffered, and drops what can't be written: the interpreter would fail over it at its end."""
    for each in (results_file(), sys.stdout, sys.stderr):
        if each is not None and not _is_closed(each):
            try:
                each.flush()
            except OSError:
                # Python would write it again at the process's end, and fail with an exit code of its own.
                os.dup2(os.open(os.devnull, os.O_WRONLY), each.fileno())


class Stream:
    """An output stream. `error` is why output was lost, None as long as none was."""

    def __init__(self, file: Callable[[], TextIO | None]) -> None:
        self._file = file
        self._held = bytearray()
        self._lock = RLock()
        self.error: OSError | None = None

    @property
    def encoding(self) -> str:
        return getattr(self._file(), "encoding", None) or "utf-8"

    @property
    def is_terminal(self) -> bool:
        file = self._file()
        return file is not None and not _is_closed(file) and bool(getattr(file, "isatty", bool)())

    @property
    def width(self) -> int:
        """The columns of its terminal; 0 where it is none, or doesn't say."""
        return os.get_terminal_size(self._number).columns if self.is_terminal else 0

    def write(self, text: str) -> None:
        """Writes text, or keeps what can't be written now."""
        file = self._file()
        if file is None or _is_closed(file):
            self.error = self.error or OSError(errno.EBADF, os.strerror(errno.EBADF))
        elif has_descriptor(file):
            self.put(text.encode(self.encoding, "backslashreplace"))
        else:  # a file of other code in place of the stream: a progress bar's, an application's
            file.write(text)
            file.flush()

    def put(self, content: bytes) -> None:
        """Writes bytes to the stream's descriptor, or keeps what can't be written now."""
        file = self._file()
        if file is not None and not _has_number(file) and not _is_closed(file):
            file.write(content.decode(self.encoding, "backslashreplace"))
            return
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


_shouted: list[deque[str]] = []
"""Where `shout` leaves its words while something is drawn, which would overwrite them."""


@contextmanager
def taking_shouts(words: deque[str]) -> Iterator[None]:
    """Leaves what is shouted while the block runs to `words`: whoever draws on the terminal tells it."""
    _shouted.append(words)
    try:
        yield
    finally:
        _shouted.pop()
        while words:
            shout(words.popleft())


def shout(text: str, *, last: bool = False) -> None:
    """Writes to stderr from within a signal handler: at once or not at all. The `last` words are left to nobody."""
    if _shouted and not last:
        _shouted[-1].append(text)
        return
    try:
        if _is_ready(2, waits=False):
            os.write(2, text.encode())
    except OSError:
        return
