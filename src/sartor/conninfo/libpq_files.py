"""libpq's files as libpq reads them: passwords (`~/.pgpass`, the manual's chapter 34.16) and services (34.17).

No message holds any part of a line: it may be a password.
"""

import re
from collections.abc import Iterable

from sartor.conninfo.parameters import NAMES
from sartor.errors import SettingsError

_FIELD = r"((?:\\.|[^:\\]|\\$)*)"
_LINE = re.compile(rf"{_FIELD}:{_FIELD}:{_FIELD}:{_FIELD}:{_FIELD}")
_LONGEST = 1023

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


def find_service(text: str, name: str, *, origin: str) -> dict[str, str] | None:
    """Returns the parameters of a service, None where the file doesn't have it.

    Raises SettingsError, naming file and line.
    """
    found: dict[str, str] | None = None
    for number, whole in enumerate(text.split("\n"), 1):
        line = whole.strip(" \t\n\v\f\r")
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            if found is not None:
                break
            found = {} if line.startswith(f"[{name}]") else None
        elif found is not None:
            key, value = _pair(line, f"line {number} of {origin}")
            found.setdefault(key, value)
    return found


def _pair(line: str, where: str) -> tuple[str, str]:
    key, equals, value = line.partition("=")
    if len(line.encode()) > _LONGEST:
        raise SettingsError(f"{where} is too long", hint=f"libpq reads up to {_LONGEST} bytes of a line")
    if key == "service":
        raise SettingsError(f"{where} refers to another service", hint="write the parameters of that service here")
    if not equals or key not in NAMES:
        hint = "write parameter=value, without spaces around the =, with a parameter of libpq"
        raise SettingsError(f"{where} can't be read", hint=hint)
    return key, value
