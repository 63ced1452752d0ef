"""What a comparison found, as Markdown: the part of docs/performance.md between its marks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from contest import Act, Standing, Times

BEGIN, END = "<!-- peers -->", "<!-- end of peers -->"
MEASURE = "psql -f"


@dataclass(frozen=True, slots=True)
class Figure:
    """A ratio that is to be reached: what it's called, and its number where both sides took part."""

    title: str
    ratio: float | None
    reach: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """All that a page says: who took part with which version, in which manner, who couldn't, and the times."""

    machine: str
    ours: Sequence[str]
    peers: Sequence[str]
    versions: Mapping[str, str]
    manners: Mapping[str, str]
    absent: Sequence[str]
    near: Sequence[Standing]
    far: Standing | None
    round_trip: float


def placed(document: str, part: str) -> str:
    """The document with this between its marks. Raises ValueError where it has none."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"no {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{part}{END}{after}"


def lines(found: Found) -> Iterator[str]:
    """The page."""
    yield f"{found.machine}\n"
    for standing in found.near:
        yield from _near(standing, found)
    if found.far:
        yield from _far(found.far, found)
    yield from _figures(found)
    yield from _faster(found)
    yield from _manners(found)


def _near(standing: Standing, found: Found) -> Iterator[str]:
    yield (
        f"**{standing.count:,} scripts**: the median of *n* rounds and the least, in seconds; behind them the ratio of "
        f"the median to that of `{MEASURE}`.\n"
    )
    yield "| | version | *n* | " + " | ".join(f"{act.value} | ratio" for act in Act) + " |"
    yield "|---|---|---|" + "---|---|" * len(Act)
    for name in by_deploy(standing):
        cells = [cell for act in Act for cell in _cells(standing, name, act)]
        yield f"| {_name(name, found)} | {found.versions[name]} | {_rounds(standing, name)} | {' | '.join(cells)} |"
    for name, why in standing.out.items():
        yield f"| {_name(name, found)} | {found.versions[name]} | | {why}{' |' * (2 * len(Act))}"
    yield ""


def _far(standing: Standing, found: Found) -> Iterator[str]:
    yield (
        f"**{standing.count:,} scripts over a distance**: the server stands behind a proxy, where a query takes "
        f"{found.round_trip * 1000:.1f} ms there and back.\n"
    )
    yield f"| | *n* | deploy | `{found.ours[0]}` to it |\n|---|---|---|---|"
    for name in by_deploy(standing):
        ratio = _ratio(standing.ratio(found.ours[0], name, Act.DEPLOY))
        seconds = _cells(standing, name, Act.DEPLOY)[0]
        yield f"| {_name(name, found)} | {_rounds(standing, name)} | {seconds} | {ratio} |"
    for name, why in standing.out.items():
        yield f"| {_name(name, found)} | | {why} | |"
    yield ""


def _figures(found: Found) -> Iterator[str]:
    yield "| figure | ratio | to be reached |\n|---|---|---|"
    for figure in figures(found):
        if figure.ratio is not None:
            yield f"| {figure.title} | **{figure.ratio:.2f}** | {figure.reach} |"
    yield ""


def figures(found: Found) -> Iterator[Figure]:
    """The ratios that Sartor is held to, each at the greatest number of scripts."""
    most = max(found.near, key=lambda standing: standing.count)
    first = next((name for name in by_deploy(most) if name in found.peers), "")
    for name in found.ours:
        deploy, rollback = f"deploy {most.count:,}, {name}", f"rollback {most.count:,}, {name}"
        yield Figure(f"{deploy} / `{MEASURE}`", most.ratio(name, MEASURE, Act.DEPLOY), "<= 1.15")
        yield Figure(f"{deploy} / the fastest peer, {first}", most.ratio(name, first, Act.DEPLOY), "< 1")
        yield Figure(f"{rollback} / `{MEASURE}`", most.ratio(name, MEASURE, Act.ROLLBACK), "")
    if far := found.far:
        for other, name in itertools.product(("dbmate", "asyncpg loop"), found.ours):
            title = f"deploy {far.count:,} over the distance, {name} / {other}"
            yield Figure(title, far.ratio(name, other, Act.DEPLOY), "<= 0.15")


def _faster(found: Found) -> Iterator[str]:
    """Where we lose: said for each thing that was timed, by the numbers alone."""
    yield f"What was faster than {found.ours[0]}, and its share of our time:\n"
    for standing in (*found.near, *([found.far] if found.far else [])):
        where = " over the distance" if standing is found.far else ""
        for act in Act:
            if own := standing.times(found.ours[0], act):
                ahead = ", ".join(_ahead(standing, act, own, found)) or "none"
                yield f"- {act.value}, {standing.count:,} scripts{where}: {ahead}."
    yield ""


def _ahead(standing: Standing, act: Act, own: Times, found: Found) -> Iterator[str]:
    for name in by_deploy(standing):
        times = standing.times(name, act)
        if name not in found.ours and times and times.median < own.median:
            yield f"{_name(name, found)} ({times.median / own.median:.2f})"


def _manners(found: Found) -> Iterator[str]:
    yield "How each had the work, with its fastest settings that its documents name:\n"
    for name, manner in found.manners.items():
        yield f"- {_name(name, found)}: {manner}."
    if found.absent:
        yield f"\nNot to be had where this was measured: {', '.join(found.absent)}."


def by_deploy(standing: Standing) -> list[str]:
    """Who finished, the fastest first."""
    return sorted(standing.results, key=lambda name: standing.results[name][Act.DEPLOY].median)


def _name(name: str, found: Found) -> str:
    return f"**{name}**" if name in found.ours else f"`{name}`" if name.startswith("psql") else name


def _rounds(standing: Standing, name: str) -> str:
    return str(len(standing.results[name][Act.DEPLOY].seconds))


def _cells(standing: Standing, name: str, act: Act) -> tuple[str, str]:
    times = standing.times(name, act)
    if times is None:
        return "", ""
    return f"{times.median:.2f} ({times.least:.2f})", _ratio(standing.ratio(name, MEASURE, act))


def _ratio(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"
