"""Races, kills and cuts: the short form in the tests' gate, the long form in scripts/bench/campaign."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import sartor
from sartor import Destination, Limits, Report, SartorError, Unreachable
from support.proxy import Cut, Proxy
from support.runs import Run
from support.stage import Stage

VERBS = ("deploy", "rollback")
CUTS = (Cut.BEFORE, Cut.HALF, Cut.AFTER, Cut.LATER, Cut.ANSWER, Cut.OPEN)

WAYS = ("batched", "apart")
"""How a run sends its scripts: together, or one by one."""

MOMENTS = {"batched": 0.1, "apart": 0.25}
"""Seconds of a run in which it is killed, at random; the stages' runs take about as long."""


@dataclass
class Tally:
    """What a campaign did, and what it found wrong."""

    counts: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def found(self, where: str, violations: Sequence[str]) -> None:
        """Note what was found wrong."""
        self.violations += [f"{where}: {text}" for text in violations]


def make_chance(seed: int | None = None) -> tuple[random.Random, int]:
    """A source of random moments, and the seed that makes it again."""
    seed = time.time_ns() % (1 << 30) if seed is None else seed
    return random.Random(seed), seed  # noqa: S311 - no secret


Progress = Callable[[int], None]
"""Is told how many rounds, kills or cuts there were."""


def silent(_number: int) -> None:
    pass


def race(
    stage: Stage, urls: Sequence[str], verb: str, ways: Sequence[str], folders: Sequence[Path] | None = None
) -> list[str]:
    """Let one run for each URL and way begin at once; what was wrong. Each script must be done by one of them.

    `folders` are the runs' own, where they don't all run what the stage holds.
    """
    places = folders or [stage.folder.path] * len(urls)
    runs = [Run(url, folder, verb, way) for url, folder, way in zip(urls, places, ways, strict=True)]
    for run in runs:
        run.ready()
    for run in runs:
        run.go()
    ended = [run.end() for run in runs]
    done = [identity for each in ended if each for identity in each.done]
    wrong = [f"{verb}: {each}" for each in ended if each is None or each.code != 0]
    if sorted(done) != list(stage.ids):
        wrong.append(f"{verb}: the runs say that they did {sorted(done)}")
    return wrong + finished(stage, verb)


def finished(stage: Stage, verb: str) -> list[str]:
    """What is wrong on a stage after everything is deployed, or rolled back."""
    wrong = stage.violations()
    if stage.deployed() != (set(stage.ids) if verb == "deploy" else set()):
        wrong.append(f"{verb} isn't complete")
    return wrong


def kill(stage: Stage, urls: Sequence[str], number: int, chance: random.Random, progress: Progress = silent) -> Tally:
    """Run one lane for each URL at once, kill at random moments, begin again: up and down until `number` are killed."""
    tally = Tally()
    while tally.counts["kills"] < number:
        verb = VERBS[tally.counts["ways"] % 2]
        with ThreadPoolExecutor(len(urls)) as lanes:
            for each in [lanes.submit(lane, stage.folder.path, url, verb, number, chance, tally) for url in urls]:
                each.result()
        tally.counts["ways"] += 1
        tally.found(f"way {tally.counts['ways']}", finished(stage, verb))
        progress(tally.counts["kills"])
    return tally


def lane(
    folder: Path,
    url: str,
    verb: str,
    number: int,
    chance: random.Random,
    tally: Tally,
    moments: Mapping[str, float] = MOMENTS,
    killed: Callable[[], None] = lambda: None,
) -> None:
    """Run until a run ends by itself; others are killed, at random within so many seconds for each way.

    `killed` is called after each kill.
    """
    while True:
        way = chance.choice(WAYS)
        run = Run(url, folder, verb, way)
        run.ready()
        run.go()
        spared = tally.counts["kills"] >= number
        ended = run.end() if spared else run.end(within=chance.uniform(0, moments[way]))
        if ended is not None:
            tally.counts["runs that ended"] += 1
            if ended.code != 0:
                tally.found(verb, [str(ended)])
            return
        run.kill()
        if spared:
            tally.found(verb, ["a run hangs"])
            return
        tally.counts.update(["kills", f"kills {way}"])
        killed()


def cut(stage: Stage, proxy: Proxy, number: int, way: str, chance: random.Random, progress: Progress = silent) -> Tally:
    """Deploy and roll back by way of a proxy that cuts most COMMITs, until there were `number` cuts."""
    tally = Tally()
    deck = _shuffled(chance)
    proxy.at_commit = lambda: next(deck) if chance.random() < 0.8 else None
    before = len(proxy.cuts)
    while len(proxy.cuts) - before < number:
        verb = VERBS[tally.counts["runs"] % 2]
        tally.counts["runs"] += 1
        tally.found(f"run {tally.counts['runs']}", _verdict(stage, proxy, verb, way))
        progress(len(proxy.cuts) - before)
    tally.counts["cuts"] = len(proxy.cuts) - before
    tally.counts.update(f"cut {made.value}" for made in proxy.cuts[before:])
    return tally


def _shuffled(chance: random.Random) -> Iterator[Cut]:
    """All kinds of cuts in turn, in an order that is new each time."""
    while True:
        yield from chance.sample(CUTS, len(CUTS))


def _verdict(stage: Stage, proxy: Proxy, verb: str, way: str) -> list[str]:
    """What is wrong with what a run says that it did; where it ended because it was cut, with those after it."""
    done, elsewhere, complete = [], [], False  # type: list[str], list[str], bool
    while not complete:
        try:
            report, complete = asyncio.run(run_here(proxy.url, stage, verb, way))
        except SartorError as error:
            return [f"{verb}: {type(error).__name__}: {error}", *stage.violations()]
        done += [each.alteration.id for each in report.done]
        elsewhere += [each.id for each in report.elsewhere]
    wrong = finished(stage, verb)
    if sorted(done) != list(stage.ids) or elsewhere:
        wrong.append(f"{verb} says that it did {done}, and another run {elsewhere}")
    return wrong


async def run_here(url: str, stage: Stage, verb: str, way: str) -> tuple[Report, bool]:
    """Deploy everything, or roll it back, in this process: the report, and whether the run came to its end.

    A run whose batch is cut may end; one whose scripts are sent one by one finds out how a COMMIT ended, and goes on.
    """
    destination = Destination.parse(url)
    sources = [sartor.LineageSource(name="main", location=str(stage.folder.path))]
    run, target = (sartor.deploy, "next") if verb == "deploy" else (sartor.rollback, "0")
    try:
        return await run(destination, sources, target, limits=Limits(batch=way == "batched")), True
    except Unreachable as error:
        if error.report is None or way == "apart":
            raise
        return error.report, False
