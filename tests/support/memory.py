"""Where tests' servers keep their data: in memory, where a new database costs a third of what it does on disk."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

_PLACE = Path("/dev/shm")  # noqa: S108  folders with random names are made in it
_ROOM = 2 << 30
"""Bytes that must be free there: a server's data with hundreds of databases, and its WAL."""


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder for servers that everyone can reach: as root, a server runs as `nobody`, whom pytest's own shuts out."""
    with tempfile.TemporaryDirectory(prefix="sartor-test-", dir=_memory()) as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


@cache
def _memory() -> Path | None:
    """Returns a folder that is in memory; None if there is none with room enough.

    A folder where nothing can be executed is none: as root, the embedded server keeps its binaries beside the data.
    """
    if not os.access(_PLACE, os.W_OK | os.X_OK):
        return None
    found = os.statvfs(_PLACE)
    roomy = found.f_bavail * found.f_frsize >= _ROOM
    return _PLACE if roomy and not found.f_flag & os.ST_NOEXEC else None
