"""Numbers, durations, sizes and dates in readable units."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence

from sartor.domain.alteration import Alteration


def count(number: int, noun: str = "alteration") -> str:
    """Returns a number with its noun: `1 alteration`, `3 alterations`; none is `0 alteration`."""
    return f"{number} {noun}{'s' if number > 1 else ''}"


def scripts(alterations: Sequence[Alteration]) -> str:
    """Returns the number of alterations, and of the repeatable scripts among them: `2 alterations`."""
    repeatable = sum(each.is_repeatable for each in alterations)
    told = [count(len(alterations) - repeatable)] if repeatable < len(alterations) or not repeatable else []
    return " and ".join([*told, *([count(repeatable, "repeatable script")] if repeatable else [])])


def rows(number: int) -> str:
    """Returns a number of rows: `1 row`, `12,345 rows`, `0 rows`."""
    return f"{number:,} row{'' if number == 1 else 's'}"


def first(texts: Sequence[str], most: int, *, prefix: str) -> Iterator[str]:
    """Yields the first texts, each behind the prefix, and the number of the others."""
    yield from (f"{prefix}: {text}" for text in texts[:most])
    if len(texts) > most:
        yield f"{prefix}: {len(texts) - most} more like these"


def moment(at: dt.datetime, *, precision: str = "minutes") -> str:
    """Returns a time in the local zone, with its offset: `2026-11-22 08:51+01:00`."""
    return at.astimezone().isoformat(" ", precision)


def duration(milliseconds: float) -> str:
    """Returns a duration in readable units: `12 ms`, `3.4 s`, `2 min 5 s`."""
    if round(milliseconds) < 1000:
        return f"{milliseconds:.0f} ms"
    if round(milliseconds, -2) < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    return f"{minutes} min {seconds} s"


def size(number: int) -> str:
    """Returns a number of bytes in readable units: `312 bytes`, `4.1 MB`."""
    units = ["bytes", "kB", "MB", "GB", "TB"]
    shown = float(number)
    while round(shown, 1) >= 1000 and len(units) > 1:
        shown /= 1000
        units.pop(0)
    return f"{shown:.0f} {units[0]}" if units[0] == "bytes" else f"{shown:.1f} {units[0]}"


def dates(alterations: Iterable[Alteration]) -> str:
    """Returns the days on which alterations were written: `2023-04-01`, or `2023-04-01 to 2023-05-02`."""
    times = sorted(a.timestamp for a in alterations)
    days = [dt.datetime.fromtimestamp(t, dt.UTC).date().isoformat() for t in (times[0], times[-1])]
    return days[0] if days[0] == days[1] else " to ".join(days)
