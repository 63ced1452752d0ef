"""Writes statements with their times to the logger; their parameters and rows never, and no secret."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from logging import DEBUG
from typing import Protocol

from sartor.conninfo.redaction import redact
from sartor.log import LOG
from sartor.postgres.target_server import Reached
from sartor.sql.sensitive import without_secrets

LONGEST = 2_000
"""The most characters of a statement that are logged."""


class _Connection(Protocol):
    reached: Reached

    def get_server_pid(self) -> int: ...


@contextmanager
def logged(connection: _Connection, statement: str) -> Iterator[None]:
    """Logs a statement of a connection when the block has ended, with how it ended."""
    began, ended = time.monotonic(), ""
    try:
        yield
    except BaseException as error:  # a cancelled statement is logged too
        ended = f", {getattr(error, 'sqlstate', None) or type(error).__name__}"
        raise
    finally:
        log_statement(connection, statement, since=began, ended=ended)


def log_statement(connection: _Connection, statement: str, *, since: float, ended: str = "") -> None:
    """Logs a statement that began at `since`, in seconds of `time.monotonic`, and ends now."""
    if LOG.isEnabledFor(DEBUG):
        took = (time.monotonic() - since) * 1000
        text = " ".join(redact(without_secrets(statement), [connection.reached.password or ""]).split())
        shown = text if len(text) <= LONGEST else f"{text[:LONGEST]} ... ({len(text)} characters in all)"
        LOG.debug("[%d] %.1f ms%s: %s", connection.get_server_pid(), took, ended, shown)
