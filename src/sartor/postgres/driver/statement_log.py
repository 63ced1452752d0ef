"""Writes statements with their times to the logger; their parameters and rows never, and no secret."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sartor.conninfo.redaction import redact
from sartor.log import LOG
from sartor.sql.sensitive import without_secrets

LONGEST = 2_000
"""The most characters of a statement that are logged."""


@contextmanager
def logged(statement: str, *, pid: int, password: str | None) -> Iterator[None]:
    """Logs a statement when the block has ended, and how it ended; `password` is the connection's, to be hidden."""
    began, ended = time.monotonic(), ""
    try:
        yield
    except BaseException as error:
        ended = f", {getattr(error, 'sqlstate', None) or type(error).__name__}"
        raise
    finally:
        log_statement(statement, pid=pid, password=password, since=began, ended=ended)


def log_statement(statement: str, *, pid: int, password: str | None, since: float, ended: str = "") -> None:
    """Logs a statement that began at `since`, in seconds of `time.monotonic`, and ends now."""
    took = (time.monotonic() - since) * 1000
    text = " ".join(redact(without_secrets(statement), [password or ""]).split())
    shown = text if len(text) <= LONGEST else f"{text[:LONGEST]} ... ({len(text)} characters in all)"
    LOG.debug("[%d] %.1f ms%s: %s", pid, took, ended, shown)
