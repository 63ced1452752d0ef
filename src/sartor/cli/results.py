"""Standard output, kept for results alone.

What runs beside them (scripts, children of theirs, libraries in C) may write to file descriptor 1 as it likes: from the
moment a command begins, that is standard error.
"""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

_kept: list[TextIO | None] = []
"""The file of results once it is kept, None where the process was started without a standard output."""


def keep() -> None:
    """Move standard output to a descriptor of its own, and let descriptor 1 be standard error from now on."""
    if _kept:
        return
    _hold_standard_descriptors()
    stdout = sys.stdout
    if not isinstance(stdout, io.TextIOWrapper):
        # Closed from the start, or already somebody's own: an application that calls the command in its process.
        _kept.append(stdout)
    else:
        stdout.flush()
        _kept.append(open(os.dup(1), "w", encoding=stdout.encoding, errors=stdout.errors))  # noqa: SIM115, PTH123 - for good
        # What is printed beside the results belongs among the lines that tell of the work, in order.
        stdout.reconfigure(line_buffering=True)
    os.dup2(2, 1)


def _hold_standard_descriptors() -> None:
    """See that 0, 1 and 2 are open: else the next file or connection would be one of them, and be printed to."""
    while (opened := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(opened, True)  # noqa: FBT003 - the standard library's
    os.close(opened)


def file() -> TextIO | None:
    """Where results go."""
    return _kept[0] if _kept else sys.stdout


def flush() -> None:
    """Write what is still held back: of results, and of what was printed beside them."""
    for each in (file(), sys.stdout, sys.stderr):
        if each is not None and not each.closed:
            each.flush()


def abandon() -> None:
    """Drop what comes from now on: whoever read the results has gone."""
    if (results := file()) is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), results.fileno())
