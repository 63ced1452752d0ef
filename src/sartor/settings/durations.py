"""Durations and switches, from their texts."""

from __future__ import annotations

import re

from sartor.domain.errors import SettingsError
from sartor.settings.lookup import Found

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+) ?(ms|s|min|m|h)?")
_LONGEST = 2_147_483.0
"""Postgres keeps its timeouts in 31 bits of milliseconds."""

_SWITCHES = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def parse_duration(found: Found, *, unit: str = "s") -> float:
    """Seconds. A bare number counts in `unit`; of milliseconds, whole ones: 0.3 there may well mean seconds."""
    match = _DURATION.fullmatch(found.text.strip())
    if not match:
        raise SettingsError(f"{found.origin}: {found.text!r} isn't a duration", hint="write 300ms, 2s, 1.5s, 1m or 1h")
    number, named = match.groups()
    if not named and unit == "ms" and "." in number:
        hint = f"write {number}s for seconds, {number}ms for milliseconds"
        raise SettingsError(f"{found.origin}: {found.text!r} lacks its unit", hint=hint)
    return _in_range(float(number) * _UNITS[named or unit], found)


def parse_switch(found: Found) -> bool:
    """Yes or no."""
    try:
        return _SWITCHES[found.text.strip().lower()]
    except KeyError:
        raise SettingsError(
            f"{found.origin}: {found.text!r} is neither true nor false", hint="write true or false"
        ) from None


def _in_range(seconds: float, found: Found) -> float:
    if 0 < seconds < 0.001:
        raise SettingsError(
            f"{found.origin}: {found.text!r} is shorter than 1ms", hint="write 1ms or more, or 0 for none"
        )
    if seconds > _LONGEST:
        raise SettingsError(
            f"{found.origin}: {found.text!r} is longer than Postgres can wait",
            hint="write 24 days (576h) or less, or 0 for no limit",
        )
    return seconds
