"""Parses durations and switches."""

from __future__ import annotations

import re

from sartor.errors import SettingsError
from sartor.settings.lookup import Found

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_DURATION = r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+) ?(ms|s|min|m|h)?"
_LONGEST = 2_147_483.0
"""The longest duration, in seconds: Postgres keeps its timeouts in 31 bits of milliseconds."""

_SWITCHES = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def parse_duration(found: Found, *, unit: str = "s") -> float:
    """Returns a duration in seconds. Raises SettingsError.

    A bare number counts in `unit`. A bare number of milliseconds must be whole: 0.3 may well mean seconds.
    """
    match = re.fullmatch(_DURATION, found.text.strip())
    if not match:
        raise SettingsError(f"{found.origin}: {found.text!r} isn't a duration", hint="write 300ms, 2s, 1.5s, 1m or 1h")
    number, named = match.groups()
    if not named and unit == "ms" and "." in number:
        hint = f"write {number}s for seconds, {number}ms for milliseconds"
        raise SettingsError(f"{found.origin}: {found.text!r} has no unit", hint=hint)
    return _in_range(float(number) * _UNITS[named or unit], found)


def parse_switch(found: Found) -> bool:
    """Returns whether a switch is on. Raises SettingsError where the text means neither true nor false."""
    switch = _SWITCHES.get(found.text.strip().lower())
    if switch is None:
        raise SettingsError(f"{found.origin}: {found.text!r} is neither true nor false", hint="write true or false")
    return switch


def _in_range(seconds: float, found: Found) -> float:
    if 0 < seconds < 0.001:
        raise SettingsError(f"{found.origin}: {found.text!r} is too short", hint="write 1ms or more, or 0")
    if seconds > _LONGEST:
        raise SettingsError(f"{found.origin}: {found.text!r} is too long", hint="write 576h (24 days) or less")
    return seconds
