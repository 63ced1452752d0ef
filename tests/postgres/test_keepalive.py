"""What the kernel is told about a network that falls silent."""

from __future__ import annotations

import asyncio
import socket

import pytest

from sartor import Destination
from sartor.postgres.connect.connect import close, connect
from sartor.postgres.connect.keepalive import DEFAULTS
from support.database import Database

OPTIONS = {
    "keepalives": (socket.SOL_SOCKET, "SO_KEEPALIVE"),
    "keepalives_idle": (socket.IPPROTO_TCP, "TCP_KEEPIDLE"),
    "keepalives_interval": (socket.IPPROTO_TCP, "TCP_KEEPINTVL"),
    "keepalives_count": (socket.IPPROTO_TCP, "TCP_KEEPCNT"),
    "tcp_user_timeout": (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT"),
}

if not all(hasattr(socket, name) for _, name in OPTIONS.values()):
    pytest.skip("this system has names of its own for them", allow_module_level=True)


def options_of(url: str) -> dict[str, int]:
    """The options of a connection's socket."""

    async def ask() -> dict[str, int]:
        connection = await connect(Destination.parse(url), application="test")
        try:
            found = connection.socket
            return {key: found.getsockopt(level, getattr(socket, name)) for key, (level, name) in OPTIONS.items()}
        finally:
            await close(connection)

    return asyncio.run(ask())


def test_keepalives_are_on(database: Database) -> None:
    """Without a word in the URL, a server that is gone is missed."""
    assert options_of(database.url) == DEFAULTS


def test_the_url_counts(database: Database) -> None:
    """Each parameter of the URL reaches the socket; 0 leaves the system's own, and `keepalives=0` turns them off."""
    given = {"keepalives_idle": 7, "keepalives_interval": 3, "keepalives_count": 2, "tcp_user_timeout": 9000}
    query = "&".join(f"{key}={value}" for key, value in given.items())
    assert options_of(f"{database.url}?{query}") == {"keepalives": 1, **given}
    off = options_of(f"{database.url}?keepalives=0&keepalives_idle=7&tcp_user_timeout=0")
    assert (off["keepalives"], off["tcp_user_timeout"]) == (0, 0)
    assert off["keepalives_idle"] != 7
