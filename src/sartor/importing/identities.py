"""Gives another tool's migrations identities, `<timestamp>-<slug>`, whose order is the tool's own."""

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Iterator
from decimal import Decimal

from sartor.domain.file_names import REPEATABLE
from sartor.importing.foreign_script import ForeignScript

_STEP = Decimal("0.001")
"""What a timestamp lies behind the one before it, where it wouldn't otherwise."""
_LONGEST = 120
"""Bytes of a slug at most: a file's name has 255."""


def identities(scripts: Iterable[ForeignScript]) -> Iterator[str]:
    """Yields the identity of each script, in order; the same for the first ones where more follow.

    The timestamp is the script's, else that in its version, else its version's number, else its place. Where it doesn't
    lie behind the one before, it follows that by a thousandth of a second.
    """
    last, slug_before = Decimal(-1), ""
    for place, script in enumerate(scripts, 1):
        slug = make_slug(script.slug)
        if script.repeatable:
            yield f"{REPEATABLE}{slug}"
            continue
        found = Decimal(script.timestamp) if script.timestamp else _timestamp(script.version, place)
        if (found, slug) <= (last, slug_before):
            found = last + _STEP
        last, slug_before = found, slug
        yield f"{found:f}-{slug}"


def make_slug(name: str) -> str:
    """Returns a name as a file's name may have it: `Add users (v2)` becomes `add-users-v2`."""
    composed = unicodedata.normalize("NFC", name).lower().replace("'", "")
    slug = re.sub(r"[^\w.]+", "-", composed.replace("_", "-")).strip("-._") or "migration"
    while len(slug.encode()) > _LONGEST:
        slug = slug[:-1].rstrip("-._")
    return slug


def _timestamp(version: str, place: int) -> Decimal:
    """Returns Unix seconds for a version: a date and a time, a number, or its place among the others."""
    digits = re.match(r"[0-9]+(?:[-_:][0-9]+)*", version)
    number = re.sub(r"\D", "", digits[0]) if digits else ""
    moment = _moment(number[:14].ljust(14, "0")) if len(number) in {8, 12} or len(number) > 13 else None
    if moment is not None:
        return moment + Decimal(f"0.{number[14:]}".rstrip(".0") or 0)
    if len(number) == 13:  # milliseconds
        return Decimal(number) / 1000
    return Decimal(number) if 0 < len(number) <= 10 else Decimal(place)


def _moment(number: str) -> Decimal | None:
    """Returns Unix seconds of fourteen digits, a date and a time in UTC; None where they are none."""
    try:
        found = dt.datetime.strptime(f"{number} +0000", "%Y%m%d%H%M%S %z").timestamp()
    except ValueError:
        return None
    return Decimal(int(found)) if 0 <= found < 10**10 else None
