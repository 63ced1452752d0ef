"""A folder that one process at a time reads and writes back."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 10.0
"""Seconds that one waits for the others: each has the folder for a few milliseconds."""


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """The folder's lock, for as long as the block lasts; it goes with its process. Raises OSError, in time."""
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
                raise TimeoutError(errno.ETIMEDOUT, "another process holds its folder") from None
            time.sleep(0.01)
        except OSError:  # some network disks know no locks: as good as alone
            return None
