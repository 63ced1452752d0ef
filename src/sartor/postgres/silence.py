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
    if connected.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    values = chosen(keywords)
    alive = values["keepalives"] != 0
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, int(alive))
    for key, name in _OPTIONS.items():
        option = getattr(socket, name, None)
        if option is not None and values[key] > 0 and (alive or key == "tcp_user_timeout"):
            connected.setsockopt(socket.IPPROTO_TCP, option, values[key])
