"""The output of `status` of a fleet: how many destinations stand where, who doesn't fit, and what comes next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sartor.cli.results.fleet import destinations
from sartor.cli.results.objects import JsonObject, pick
from sartor.cli.results.status import table
from sartor.domain.destination import Destination
from sartor.domain.fleet_status import AtRelease, FleetStatus, Standing
from sartor.domain.likeness import Likeness, LikenessClass, Oddity
from sartor.domain.visible import visible_line

NAMED = 10
"""The destinations that are named for one reason; --verbose and the JSON have them all."""
DIGITS = 8
"""The digits of a class's name."""

WHY = {
    Oddity.DIFFERS: "another schema than most of class {}",
    Oddity.UNKNOWN: "whether the schema is that of most of class {} isn't known, as it isn't recorded",
}


def fleet_status_lines(found: FleetStatus, *, all_: bool) -> Iterator[str]:
    """Yields the tables by release and by likeness, and names who doesn't fit: with `all_`, each one."""
    if not found.standings:
        return
    yield ""
    rows = [(_at(row), f"{row.destinations:,}", _pending(row)) for row in found.releases]
    yield from (f"  {line}" for line in table([("release", "destinations", "pending"), *rows]))
    yield ""
    yield from (
        f"  {line}" for line in table([("class", "destinations", "Postgres", "release", "odd"), *_classes(found)])
    )
    for title, lines in _sections(found):
        yield ""
        yield f"{title}:"
        yield from (f"  {line}" for line in (lines if all_ else shortened(lines)))


def shortened(lines: Sequence[str]) -> list[str]:
    """Returns the first lines, and the number of the others."""
    more = len(lines) - NAMED
    return [*lines[:NAMED], *([f"and {more:,} more; --verbose names them all"] if more > 0 else [])]


def _at(row: AtRelease) -> str:
    if row.release is not None:
        return row.release.label
    return "no complete release" if row.exists else "no ledger"


def _pending(row: AtRelease) -> str:
    return str(row.most) if row.least == row.most else f"{row.least} to {row.most}"


def _classes(found: FleetStatus) -> Iterator[tuple[str, ...]]:
    for each in found.classes:
        odd = len(each.outliers) if each.majority else f"{len(each.varieties)} schemas, none of most"
        yield name_of(each), f"{each.size:,}", str(each.server), str(each.release or "none"), str(odd or "")


def name_of(each: LikenessClass) -> str:
    """Returns the name of a class: the first digits of its ledger's hash."""
    return each.ledger[:DIGITS]


def _sections(found: FleetStatus) -> Iterator[tuple[str, list[str]]]:
    """Yields what doesn't fit: a title with the number of destinations, and a line for each of them."""
    behind, refused = found.behind, found.refused
    if behind:
        yield f"pending at {destinations(len(behind))}", [f"{_name(each)}: {_standing(each)}" for each in behind]
    if refused:
        title = f"edited or missing at {destinations(len(refused))}; a deploy is refused there"
        yield title, [f"{_name(each)}: {each.edited} edited, {each.missing} missing" for each in refused]
    if found.interrupted:
        title = f"interrupted outside a transaction at {destinations(len(found.interrupted))}"
        yield title, [f"{_name(each)}: {each.interrupted} interrupted" for each in found.interrupted]
    if found.ahead:
        title = f"ahead of these files at {destinations(len(found.ahead))}"
        yield title, [f"{_name(each)}: {each.ahead} by a newer package" for each in found.ahead]
    for each in found.classes:
        for why, text in WHY.items():
            if odd := [outlier.destination for outlier in each.outliers if outlier.why is why]:
                yield f"{text.format(name_of(each))}: {destinations(len(odd))}", [_label(place) for place in odd]
    for each in found.split:
        title = f"class {name_of(each)} has {len(each.varieties)} schemas, none of which more than half have"
        yield title, [f"{len(kind.destinations):,} as {_label(kind.destinations[0])}" for kind in each.varieties]


def _standing(each: Standing) -> str:
    late = f", {each.out_of_order} of them out of order" if each.out_of_order else ""
    where = str(each.release or ("no complete release" if each.exists else "no ledger"))
    return f"{where}, {each.pending} pending{late}"


def _name(each: Standing) -> str:
    return _label(each.destination)


def _label(destination: Destination) -> str:
    return visible_line(destination.label)


def head_line(found: FleetStatus, *, failed: int, total: int) -> str:
    """Returns the line that says how many are as they should be, and how many aren't."""
    counts = (
        (len(found.current), "up to date"),
        (len(found.behind), "pending"),
        (len(found.refused), "edited or missing"),
        (len(found.outliers), "with another schema"),
        (failed, "not read"),
    )
    return f"{destinations(total)}: " + ", ".join(f"{number:,} {word}" for number, word in counts if number)


def fleet_status_json(found: FleetStatus) -> JsonObject:
    """Returns the summary's part on where a fleet stands."""
    return {
        "current": len(found.current),
        "releases": [pick(row, "release exists destinations least most") for row in found.releases],
        "classes": [_class_json(each) for each in found.classes],
        "behind": _named(found.behind),
        "refused": _named(found.refused),
        "interrupted": _named(found.interrupted),
        "ahead": _named(found.ahead),
        "outliers": [
            {"label": outlier.destination.label, "class": each.ledger, "server": each.server, "why": _word(outlier.why)}
            for each in found.classes
            for outlier in each.outliers
        ],
    }


def _word(why: Oddity) -> str:
    return why.name.lower()


def _named(standings: Iterable[Standing]) -> list[JsonObject]:
    return [{"label": each.destination.label} | pick(each, "release pending") for each in standings]


def _class_json(each: LikenessClass) -> JsonObject:
    varieties = [
        {"fingerprint": kind.fingerprint, "destinations": len(kind.destinations), "first": kind.destinations[0].label}
        for kind in each.varieties
    ]
    has_majority = each.majority is not None
    return pick(each, "ledger server release") | {
        "destinations": each.size, "majority": has_majority, "varieties": varieties
    }  # fmt: skip


def likeness_json(likeness: Likeness) -> JsonObject:
    """Returns the part of a destination's line on what makes it like others."""
    return pick(likeness, "ledger server fingerprint")
