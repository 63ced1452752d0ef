"""Shows what the logger `sartor` has on stderr: its warnings as notes; with --verbose, all of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sartor.cli import output
from sartor.log import LOG


class _Words(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        head = "note" if record.levelno >= logging.WARNING else f"{record.relativeCreated / 1000:.3f}"
        output.tell(f"{head}: {record.getMessage()}")


@contextmanager
def shown() -> Iterator[None]:
    """Shows the logger's records while the block runs, and hands none of them to what a script may have configured."""
    handler = _Words(logging.DEBUG if output.wants("--verbose") else logging.WARNING)
    before = LOG.level, LOG.propagate
    LOG.addHandler(handler)
    LOG.setLevel(handler.level)
    LOG.propagate = False
    try:
        yield
    finally:
        LOG.removeHandler(handler)
        LOG.setLevel(before[0])
        LOG.propagate = before[1]
