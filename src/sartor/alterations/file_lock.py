"""Locks a folder, so that one process at a time reads its files and writes them back."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 10.0
"""Seconds to wait for other processes: each holds the folder for a few milliseconds."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the folder's lock while the block lasts; the end of the process releases it, too.

    Raises OSError; it is a TimeoutError where another process holds the folder for `PATIENCE` seconds.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    limit = time.monotonic() + PATIENCE
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > limit:
                raise TimeoutError(errno.ETIMEDOUT, "another process has locked its folder") from None
            time.sleep(0.01)
        except OSError:  # some network disks have no locks: taken as held
            return None
