"""The end of the output of `verify` and `check` of a fleet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sartor.cli.results.fleet import destinations
from sartor.cli.results.objects import JsonObject
from sartor.domain.destination import Destination
from sartor.domain.visible import visible_line

Wrong = tuple[Destination, tuple[str, ...]]
"""A destination that isn't as expected, with the counts of what is wrong."""
Changed = tuple[Destination, str]
"""A destination whose schema has changed since the last run, and how."""


def verified_lines(wrong: Sequence[Wrong], *, right: int) -> Iterator[str]:
    """Yields how many destinations of a fleet are as expected, and names the others."""
    yield ""
    yield f"{destinations(right)} as expected"
    if wrong:
        yield f"{destinations(len(wrong))} not as expected:"
        yield from (f"  {visible_line(place.label)}: {', '.join(told)}" for place, told in wrong)


def verified_json(wrong: Sequence[Wrong]) -> JsonObject:
    return {"wrong": [{"label": place.label, "faults": list(told)} for place, told in wrong]}


def checked_lines(pending: int, changed: Sequence[Changed], *, of: int) -> Iterator[str]:
    """Yields at how many of a fleet's destinations something would be done, and those whose schema has changed."""
    yield ""
    yield f"something to do at {pending:,} of {of:,} destinations"
    if changed:
        yield f"changed since the last run, at {len(changed):,} of them; to see the changes, verify:"
        yield from (f"  {visible_line(place.label)}: {told}" for place, told in changed)


def checked_json(pending: int, changed: Sequence[Changed]) -> JsonObject:
    return {
        "pending": pending,
        "changed": [{"label": place.label, "message": told} for place, told in changed],
    }
