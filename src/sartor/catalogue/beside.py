"""A large lineage read by a child process, beside what this one does meanwhile.

To read ten thousand files takes as long as to load the driver; a thread wouldn't help, as the interpreter runs one at a
time. So a child reads from the first file on and, once the other work is done, this process from the last one back,
until they meet. Where the child fails, or is killed, they meet at its first file undone: whatever is wrong with that is
told by this process, in the one way.

It is for a process that is all the caller's own, as a command's is, never for an application's: a fork copies locks
that other threads hold. On macOS the system's libraries may have started some, so it is left out there.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sartor.catalogue.files import find_folder, lineage_of, list_scripts, sum_file
from sartor.domain.alteration import Lineage, checksum
from sartor.domain.errors import CatalogueError

MANY = 2_000
"""Files from which on a child pays for itself."""

_SIZE = len(checksum(b""))


@contextmanager
def reading_beside(name: str, location: str) -> Iterator[Callable[[], Lineage | None]]:
    """A function that gives the lineage as `read_lineage` would, once: None afterwards, and where nothing was begun.

    The child is gone when the block ends.
    """
    folder, names = _look(location)
    if len(names) < MANY or not _may_fork():
        yield lambda: None
        return
    beside = _Beside(folder, names)
    try:
        yield lambda: beside.take(name, location)
    finally:
        beside.end()


def _look(location: str) -> tuple[str, list[str]]:
    """The folder that a location means, and the scripts in it; none where that will be told as an error."""
    try:
        folder = str(find_folder(location))
        return folder, list_scripts(folder)
    except (CatalogueError, OSError):
        return "", []


def _may_fork() -> bool:
    """Whether there is no other thread, and a child's end is left to be waited for."""
    if sys.platform != "linux":
        return False
    return signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL and threading.active_count() == 1


class _Beside:
    """Checksums of scripts in memory that two processes share, and the child that has begun to make them."""

    def __init__(self, folder: str, names: list[str]) -> None:
        import mmap  # noqa: PLC0415 - few have so many files

        self._folder, self._names = folder, names
        self._sums = mmap.mmap(-1, len(names) * _SIZE)
        self._done = mmap.mmap(-1, len(names))
        self._child = self._fork()

    def _fork(self) -> int:
        """The child's number; 0 where the system makes none."""
        parent = os.getpid()
        # Ctrl-C goes to both: this process ends the child then.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            child = os.fork()
            if child == 0:
                self._read(parent)
        except OSError:
            return 0
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return child

    def _read(self, parent: int) -> None:
        """The child's work, and its end: what it can't read, and whatever lies behind that, it leaves.

        It ends without its `parent`, too.
        """
        try:
            for i in range(len(self._names)):
                if self._done[i] or (i % 100 == 0 and os.getppid() != parent):
                    break
                self._sum(i)
        finally:
            os._exit(0)

    def _sum(self, i: int) -> None:
        self._sums[i * _SIZE : (i + 1) * _SIZE] = sum_file(f"{self._folder}/{self._names[i]}").encode()
        self._done[i] = 1

    def take(self, name: str, location: str) -> Lineage | None:
        """The lineage; None where it was taken before: files may have changed since. Raises CatalogueError."""
        if not self._child:
            return None
        try:
            return lineage_of(name, location, self._folder, self._names, self._all())
        finally:
            self.end()
            # This is there for as long as the command.
            self._names = []

    def _all(self) -> Iterator[str]:
        """The checksums, in the order of the names."""
        for i in reversed(range(len(self._names))):
            if self._done[i]:
                break
            self._sum(i)
        self.end()
        text = self._sums[:].decode()
        self._sums.close()
        yield from (text[at : at + _SIZE] for at in range(0, len(text), _SIZE))

    def end(self) -> None:
        """End the child, where it hasn't ended yet."""
        child, self._child = self._child, 0
        if child:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
