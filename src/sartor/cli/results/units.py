"""Numbers, durations, sizes and dates in readable units."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence

from sartor.domain.alteration import Alteration


def count(number: int, noun: str = "alteration") -> str:
    """Returns a number with its noun: `1 alteration`, `3 alterations`; none is `0 alteration`."""
    return f"{number} {noun}{'s' if number > 1 else ''}"


def rows(number: int) -> str:
    """Returns a number of rows: `1 row`, `12,345 rows`, `0 rows`."""
    return f"{number:,} row{'' if number == 1 else 's'}"


def first(texts: Sequence[str], most: int, *, prefix: str) -> Iterator[str]:
    """Yields the first texts, each behind the prefix, and the number of the others."""
    yield from (f"{prefix}: {text}" for text in texts[:most])
    if len(texts) > most:
        yield f"{prefix}: {len(texts) - most} more like these"


def moment(at: dt.datetime) -> str:
    """Returns a time to the minute."""
    return f"{at:%Y-%m-%d %H:%M}"


def duration(milliseconds: float) -> str:
    """Returns a duration in readable units: `12 ms`, `3.4 s`, `2 min 5 s`."""
    seconds = milliseconds / 1000
    if seconds < 1:
        return f"{milliseconds:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def size(number: int) -> str:
    """Returns a number of bytes in readable units: `312 bytes`, `4.1 MB`."""
    units = ["bytes", "kB", "MB", "GB", "TB"]
    shown = float(number)
    while shown >= 1000 and len(units) > 1:
        shown /= 1000
        units.pop(0)
    return f"{shown:.0f} {units[0]}" if units[0] == "bytes" else f"{shown:.1f} {units[0]}"


def dates(alterations: Iterable[Alteration]) -> str:
    """Returns the days on which alterations were written: `2023-04-01`, or `2023-04-01 to 2023-05-02`."""
    times = sorted(a.timestamp for a in alterations)
    days = [dt.datetime.fromtimestamp(t, dt.UTC).date().isoformat() for t in (times[0], times[-1])]
    return days[0] if days[0] == days[1] else " to ".join(days)
