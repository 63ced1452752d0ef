"""The end of the output of `rehearse` of a fleet: for how many destinations each verdict stands, who is set aside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sartor.cli.results.fleet import destinations
from sartor.cli.results.fleet_status import WHY, name_of, shortened
from sartor.cli.results.objects import JsonObject
from sartor.cli.results.status import table
from sartor.domain.destination import Destination
from sartor.domain.likeness import LikenessClass
from sartor.domain.visible import visible_line
from sartor.errors import SartorError


class Rehearsed(NamedTuple):
    """The verdict at a destination, the number of those that it stands for, and the error where it isn't allowed."""

    destination: Destination
    stands_for: int
    verdict: str
    error: SartorError | None


def rehearsed_fleet_lines(found: Sequence[Rehearsed]) -> Iterator[str]:
    yield ""
    alike = sum(one.stands_for for one in found)
    yield f"Rehearsed at {destinations(len(found))}, which {'stands' if len(found) == 1 else 'stand'} for {alike:,}:"
    rows = [(one.verdict, f"{one.stands_for:,}", visible_line(one.destination.label)) for one in found]
    yield from (f"  {line}" for line in table([("verdict", "destinations", "rehearsed at"), *rows]))


def aside_lines(classes: Iterable[LikenessClass], *, all_: bool) -> Iterator[str]:
    """Yields the destinations for which no rehearsal stands, as they aren't like those of their class."""
    odd = [
        f"{visible_line(outlier.destination.label)}: {WHY[outlier.why].format(name_of(each))}"
        for each in classes
        for outlier in each.outliers
    ]
    if odd:
        yield ""
        yield f"set aside, as they don't fit their class: {destinations(len(odd))}; rehearse each by itself"
        yield from (f"  {line}" for line in (odd if all_ else shortened(odd)))


def verdict_json(one: Rehearsed) -> JsonObject:
    return {
        "label": one.destination.label,
        "stands_for": one.stands_for,
        "verdict": one.verdict,
        "ok": one.error is None,
    }


def aside_json(classes: Iterable[LikenessClass]) -> list[JsonObject]:
    return [
        {"label": outlier.destination.label, "why": outlier.why.name.lower()}
        for each in classes
        for outlier in each.outliers
    ]
