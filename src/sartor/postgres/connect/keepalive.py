"""Limits how long the kernel keeps a connection that is silent, in Sartor's sessions and in its child processes."""

import socket
from collections.abc import Mapping

DEFAULTS = {
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 120_000,
}
"""Times in seconds, `tcp_user_timeout` in milliseconds: a server that is gone is noticed within about two minutes.

`tcp_user_timeout` isn't shorter, as it also ends a send to a server that is alive but reads nothing for that long.
"""

_OPTIONS = {
    "keepalives_idle": ("tcp_keepalives_idle", "TCP_KEEPIDLE"),
    "keepalives_interval": ("tcp_keepalives_interval", "TCP_KEEPINTVL"),
    "keepalives_count": ("tcp_keepalives_count", "TCP_KEEPCNT"),
    "tcp_user_timeout": ("tcp_user_timeout", "TCP_USER_TIMEOUT"),
}
"""The server's setting for its side of a connection, whose default waits for two hours, and the socket's option."""


def chosen(keywords: Mapping[str, str]) -> dict[str, int]:
    """Returns the values in force; 0 for any but `keepalives` keeps the system's default, as in libpq."""
    return DEFAULTS | {key: int(keywords[key]) for key in DEFAULTS if key in keywords}


def limit_silence(connected: socket.socket, keywords: Mapping[str, str]) -> dict[str, str]:
    """Sets a connection's socket options, as far as the system has them, and returns settings for the server's side.

    With these the server drops a silent client as soon as the client drops a silent server; without them, a server
    process whose client is out of reach keeps its transaction and its locks for two hours.
    """
    if connected.family not in {socket.AF_INET, socket.AF_INET6}:
        return {}
    values = chosen(keywords)
    alive = values["keepalives"] != 0
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, int(alive))
    settings = {}
    for key, (setting, name) in _OPTIONS.items():
        if values[key] > 0 and (alive or key == "tcp_user_timeout"):
            settings[setting] = str(values[key])
            if (option := getattr(socket, name, None)) is not None:
                connected.setsockopt(socket.IPPROTO_TCP, option, values[key])
    return settings
