"""Reads a large lineage in a child process while this process does other work.

Reading ten thousand files takes as long as loading the driver; a thread wouldn't help, as the interpreter runs one at a
time. So a child reads forward from the first file and, once the other work is done, this process reads backward from
the last, until they meet. Where the child fails, or is killed, they meet at the first file that it hasn't read: this
process reports what is wrong with that file, as it always does.

This is for a process that belongs to the caller alone, as a command's does, never for an application's: a fork copies
locks that other threads hold. On macOS the system's libraries may have started threads, so it isn't used there.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sartor.alterations.files import find_folder, lineage_of, list_scripts, sum_file
from sartor.domain.alteration import Lineage, checksum
from sartor.errors import CatalogueError

MANY = 2_000
"""The number of files from which a child process saves time."""

_SIZE = len(checksum(b""))


@contextmanager
def reading_beside(name: str, location: str) -> Iterator[Callable[[], Lineage | None]]:
    """Starts a child, and yields a function that returns the lineage as `read_lineage` would.

    The function does so once; it returns None afterwards, and where no child was started. The child has ended when the
    block ends.
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
    """Returns the folder of a location and the scripts in it; no scripts where reading it will raise an error later."""
    try:
        folder = str(find_folder(location))
        return folder, list_scripts(folder)
    except (CatalogueError, OSError):
        return "", []


def _may_fork() -> bool:
    """Returns whether forking is safe: on Linux, with no other thread, and with SIGCHLD left at its default."""
    if sys.platform != "linux":
        return False
    return signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL and threading.active_count() == 1


class _Beside:
    """Checksums of scripts in memory that two processes share, and the child that computes them."""

    def __init__(self, folder: str, names: list[str]) -> None:
        import mmap  # noqa: PLC0415 - few have so many files

        self._folder, self._names = folder, names
        self._sums = mmap.mmap(-1, len(names) * _SIZE)
        self._done = mmap.mmap(-1, len(names))
        self._child = self._fork()

    def _fork(self) -> int:
        """Forks; returns the child's process number, or 0 where the system can't fork."""
        parent = os.getpid()
        # Ctrl-C goes to both processes: the parent ends the child then.
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
        """Reads files as the child, and exits; stops at the first that it can't read, or that the parent has read.

        It also exits where its `parent` has ended.
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
        """Returns the lineage, or None where it was taken before, as files may have changed. Raises CatalogueError."""
        if not self._child:
            return None
        try:
            return lineage_of(name, location, self._folder, self._names, self._all())
        finally:
            self.end()
            # This object lives as long as the command.
            self._names = []

    def _all(self) -> Iterator[str]:
        """Yields the checksums, in the order of the names."""
        for i in reversed(range(len(self._names))):
            if self._done[i]:
                break
            self._sum(i)
        self.end()
        text = self._sums[:].decode()
        self._sums.close()
        yield from (text[at : at + _SIZE] for at in range(0, len(text), _SIZE))

    def end(self) -> None:
        """Ends the child, where it hasn't ended yet."""
        child, self._child = self._child, 0
        if child:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
