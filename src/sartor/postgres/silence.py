"""A network that falls silent: how soon the kernel gives a connection up, in Sartor's sessions and its children's."""

from __future__ import annotations

import socket
from collections.abc import Mapping

DEFAULTS = {
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 120_000,
}
"""Seconds, and milliseconds for `tcp_user_timeout`: a server that is gone is missed within about two minutes.

`tcp_user_timeout` isn't shorter, as it also ends the sending to a server that lives, and reads nothing for so long.
"""

_SERVERS = {
    "keepalives_idle": "tcp_keepalives_idle",
    "keepalives_interval": "tcp_keepalives_interval",
    "keepalives_count": "tcp_keepalives_count",
    "tcp_user_timeout": "tcp_user_timeout",
}
"""The server's settings for its own side of a connection, where its defaults wait for two hours."""

_OPTIONS = {
    "keepalives_idle": "TCP_KEEPIDLE",
    "keepalives_interval": "TCP_KEEPINTVL",
    "keepalives_count": "TCP_KEEPCNT",
    "tcp_user_timeout": "TCP_USER_TIMEOUT",
}


def chosen(keywords: Mapping[str, str]) -> dict[str, int]:
    """The values that count; 0 of all but `keepalives` leaves the system's own, as libpq has it."""
    return DEFAULTS | {key: int(keywords[key]) for key in DEFAULTS if key in keywords}


def limit_silence(connected: socket.socket, keywords: Mapping[str, str]) -> None:
    """Set a connection's options, as far as the system has them."""
    if not _by_network(connected):
        return
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, int(chosen(keywords)["keepalives"] != 0))
    for key, value in _limits(keywords).items():
        option = getattr(socket, _OPTIONS[key], None)
        if option is not None:
            connected.setsockopt(socket.IPPROTO_TCP, option, value)


def server_limits(connected: socket.socket, keywords: Mapping[str, str]) -> dict[str, str]:
    """The server's settings by which it gives a silent client up as soon as the client does a silent server.

    Without them a server process whose client is out of reach keeps its transaction, and its locks, for two hours.
    """
    if not _by_network(connected):
        return {}
    return {_SERVERS[key]: str(value) for key, value in _limits(keywords).items()}


def _by_network(connected: socket.socket) -> bool:
    return connected.family in {socket.AF_INET, socket.AF_INET6}


def _limits(keywords: Mapping[str, str]) -> dict[str, int]:
    values = chosen(keywords)
    alive = values["keepalives"] != 0
    return {key: values[key] for key in _OPTIONS if values[key] > 0 and (alive or key == "tcp_user_timeout")}
