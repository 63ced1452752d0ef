"""Keeps standard output for results alone.

Whatever else runs in the process (scripts, their child processes, libraries in C) may write to file descriptor 1: from
the moment that a command begins, that is standard error.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Any, TextIO

_kept: list[TextIO | None] = []
"""The file for results once it is kept: None where the process was started without a standard output."""


def keep() -> None:
    """Moves standard output to a descriptor of its own, and makes descriptor 1 standard error from now on."""
    if _kept:
        return
    before = sys.stdout
    if not isinstance(before, io.TextIOWrapper):
        # Closed from the start, or already replaced by an application that calls the command in its process.
        _kept.append(before)
    else:
        before.flush()
        _kept.append(open(os.dup(1), "w", encoding=before.encoding, errors=before.errors))  # noqa: SIM115, PTH123 - for good
    os.dup2(2, 1)
    # What is printed beside the results belongs among the lines about the work, in order.
    sys.stdout, sys.stderr = _beside(1, sys.stdout), _beside(2, sys.stderr)


class _Forgiving(io.FileIO):
    """A descriptor for what scripts print: it accepts writes even where its reader has gone, and no script fails."""

    def write(self, content: Any) -> int:
        try:
            return super().write(content) or 0
        except OSError:
            return memoryview(content).nbytes


def _beside(number: int, file: TextIO | None) -> TextIO | None:
    """Returns a file in place of one of the interpreter's own; returns any other file as it is."""
    if file is not None and not isinstance(file, io.TextIOWrapper):
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


def file() -> TextIO | None:
    """Returns the file for results."""
    return _kept[0] if _kept else sys.stdout


def is_kept() -> bool:
    """Returns whether standard output is kept, that is whether a command has begun."""
    return bool(_kept)


def flush() -> None:
    """Writes what is still buffered, and drops what can't be written: the interpreter would fail over it at its end."""
    for each in (file(), sys.stdout, sys.stderr):
        if each is not None and not each.closed:
            try:
                each.flush()
            except OSError:
                # Python would write it again at the process's end, and fail with an exit code of its own.
                os.dup2(os.open(os.devnull, os.O_WRONLY), each.fileno())
