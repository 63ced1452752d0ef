"""Standard output, kept for results alone.

What runs beside them (scripts, children of theirs, libraries in C) may write to file descriptor 1 as it likes: from the
moment a command begins, that is standard error.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import Any, TextIO

_kept: list[TextIO | None] = []
"""The file of results once it is kept, None where the process was started without a standard output."""


def keep() -> None:
    """Move standard output to a descriptor of its own, and let descriptor 1 be standard error from now on."""
    if _kept:
        return
    hold_standard_descriptors()
    stdout = sys.stdout
    if not isinstance(stdout, io.TextIOWrapper):
        # Closed from the start, or already somebody's own: an application that calls the command in its process.
        _kept.append(stdout)
    else:
        stdout.flush()
        _kept.append(open(os.dup(1), "w", encoding=stdout.encoding, errors=stdout.errors))  # noqa: SIM115, PTH123 - for good
    os.dup2(2, 1)
    # What is printed beside the results belongs among the lines that tell of the work, in order.
    sys.stdout, sys.stderr = _beside(1, sys.stdout), _beside(2, sys.stderr)


class _Forgiving(io.FileIO):
    """A descriptor for what scripts print: one whose reader has gone takes it all the same, and no script fails."""

    def write(self, content: Any) -> int:
        try:
            return super().write(content) or 0
        except OSError:
            return memoryview(content).nbytes


def _beside(number: int, file: TextIO | None) -> TextIO | None:
    """A file in place of one of the interpreter's own; somebody else's stays."""
    if file is not None and not isinstance(file, io.TextIOWrapper):
        return file
    raw = io.BufferedWriter(_Forgiving(number, "w", closefd=False))
    encoding = file.encoding if file else "utf-8"
    return io.TextIOWrapper(raw, encoding, "backslashreplace", line_buffering=True)


def hold_standard_descriptors() -> None:
    """See that 0, 1 and 2 are open: else the next file or connection would be one of them, and be printed to."""
    while (opened := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(opened, True)  # noqa: FBT003 - the standard library's
    os.close(opened)


def file() -> TextIO | None:
    """Where results go."""
    return _kept[0] if _kept else sys.stdout


def are_kept() -> bool:
    """Whether a command has begun."""
    return bool(_kept)


def flush() -> None:
    """Write what is still held back: of results, and of what was printed beside them."""
    for each in (file(), sys.stdout, sys.stderr):
        with suppress(OSError):
            if each is not None and not each.closed:
                each.flush()
