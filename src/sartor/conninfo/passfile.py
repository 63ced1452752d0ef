"""A password file such as `~/.pgpass`, read as libpq reads it: the manual's chapter 34.16."""

from __future__ import annotations

import re
from collections.abc import Iterable

_FIELD = r"((?:\\.|[^:\\]|\\$)*)"
_LINE = re.compile(rf"{_FIELD}:{_FIELD}:{_FIELD}:{_FIELD}:{_FIELD}")

LOCAL = ("/tmp", "/run/postgresql", "/var/run/postgresql")  # noqa: S108 - where servers have their sockets
"""The folders of sockets that count as `localhost` in the file; which one a libpq means depends on how it was built."""


def find_password(text: str, *, host: str, port: str, database: str, user: str) -> str | None:
    """Returns the password of the first line that matches, None where none does.

    `host` is a name, an address, or the folder of a socket.
    """
    hosts = {host} if host and host not in LOCAL else {host, "localhost"}
    for line in text.split("\n"):
        found = None if line.startswith("#") else _LINE.match(line.rstrip("\r"))
        if found and _fits(found[1], hosts) and all(map(_fits, found.group(2, 3, 4), ({port}, {database}, {user}))):
            return _plain(found[5])
    return None


def _fits(field: str, texts: Iterable[str]) -> bool:
    return field == "*" or _plain(field) in texts


def _plain(field: str) -> str:
    return re.sub(r"\\(.)", r"\1", field)
