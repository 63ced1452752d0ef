"""Lets scripts import from the folders that the settings name, while they are loaded and while they run."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress


@contextmanager
def importing_from(folders: Sequence[str]) -> Iterator[None]:
    """Puts folders at the front of `sys.path` while the block lasts."""
    sys.path[:0] = folders
    try:
        yield
    finally:
        for folder in folders:
            with suppress(ValueError):  # a script may have removed it
                sys.path.remove(folder)
