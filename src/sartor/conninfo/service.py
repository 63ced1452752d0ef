"""A file of connection services such as `~/.pg_service.conf`, read as libpq reads it: the manual's chapter 34.17.

No message holds any part of a line: it may be a password.
"""

from __future__ import annotations

from sartor.conninfo.parameters import NAMES
from sartor.errors import SettingsError

_LONGEST = 1023


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
