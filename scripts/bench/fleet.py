"""What a fleet costs beside a pool of the bare driver and loops of a shell, and how that grows with its destinations.

    scripts/with-postgres /usr/lib/postgresql/15/bin .venv/bin/python scripts/bench/fleet.py
        [--counts 10,100,1000] [--rounds 5] [--databases 200] [--loops 20] [--once 10000]

A destination is an empty schema of one database, or a database of one server, and gets the same scripts. Sartor and
the pool take turns, round by round, after a turn that doesn't count, and whole processes are timed; `once` is one turn
each. The pool does what a program of one's own would: each script in a transaction of its own, with a row in a table of
the schema's; it has the number of connections that was the fastest of those tried. After each turn the database is
asked whether all scripts are there, each by a transaction of its own.

Without --url the server is that of SARTOR_TEST_DB_URL, or else the embedded one. Prints tables in Markdown.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import statistics
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from math import log
from pathlib import Path

import asyncpg

from contest import enter, rotated, say
from fleet_rivals import Fleet, Kind, loop, pool, sartor
from measure import CommandError, Run, Server, ask, execute, timed
from peers import machine
from sartor.embedded.server import serve
from tools import PEERS
from tools.sartor import SartorSql
from tools.tool import Call
from workload import FOUND

TRIED = (1, 2, 4, 8, 16)
"""The connections that are tried for the pool, and for Sartor the destinations at work at once."""
LOOPED = ("dbmate", "Alembic", "Sartor, .sql")

Rival = Callable[[Fleet], Call]
"""Makes the command that works through a fleet."""

OTHERS = "select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()"


@dataclass(slots=True)
class Standing:
    """The runs of one rival with one fleet, and the most connections that the server had meanwhile."""

    runs: list[Run] = field(default_factory=list)
    connections: int = 0

    @property
    def seconds(self) -> float:
        """The median."""
        return statistics.median(run.seconds for run in self.runs)

    @property
    def memory(self) -> float:
        """The peak, in MB."""
        return max(run.memory for run in self.runs)

    def rate(self, count: int) -> str:
        """Destinations a second: by the median, and by the least time."""
        return f"{count / self.seconds:.1f} ({count / min(run.seconds for run in self.runs):.1f})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The fleets on one server; `work` holds programs and scripts. No process may take over `limit` seconds."""

    server: Server
    work: Path
    scripts: int
    limit: float

    def turn(self, standing: Standing, kind: Kind, count: int, rival: Rival) -> Run:
        """One rival at a fleet that is made for it, and gone afterwards."""
        with self.fleet(kind, count) as fleet:
            call = rival(fleet)
            with watching(self.server.url) as most:
                run = timed(*call.words, directory=self.work, variables=call.variables, limit=self.limit)
            self.require(fleet)
        standing.runs.append(run)
        standing.connections = max(standing.connections, *most)
        return run

    @contextlib.contextmanager
    def fleet(self, kind: Kind, count: int) -> Iterator[Fleet]:
        """Destinations with nothing in them."""
        with self.server.database() as url:
            places = [f"fleet_{number:05}" for number in range(count)]
            if kind is Kind.SCHEMAS:
                execute(url, "".join(f"create schema {place};" for place in places))
            fleet = Fleet(kind=kind, url=url, places=places, scripts=self.scripts)
            with contextlib.ExitStack() as stack:
                for place in places if kind is Kind.DATABASES else ():
                    execute(self.server.url, f"create database {place}")
                    stack.callback(execute, self.server.url, f"drop database {place} with (force)")
                yield fleet

    @staticmethod
    def require(fleet: Fleet) -> None:
        """Raises CommandError where a script is missing at a destination, or shares a transaction with another."""
        urls = [fleet.url] if fleet.kind is Kind.SCHEMAS else map(fleet.at, fleet.places)
        found = [ask(url, FOUND) for url in urls]
        due = fleet.scripts * len(fleet.places) // len(found)
        if set(found) != {(due, due)}:
            raise CommandError(f"{sorted(set(map(str, found)))} scripts and transactions, and not {due}")


@contextlib.contextmanager
def watching(url: str) -> Iterator[list[int]]:
    """The connections that others have to a server, looked at ten times a second while the block lasts."""
    found, over = [0], threading.Event()

    async def watch() -> None:
        connection = await asyncpg.connect(url)
        while not over.is_set():
            found.append(await connection.fetchval(OTHERS))
            await asyncio.sleep(0.1)
        await connection.close()

    watcher = threading.Thread(target=asyncio.run, args=(watch(),))
    watcher.start()
    try:
        yield found
    finally:
        over.set()
        watcher.join()


def in_turn(bench: Bench, kind: Kind, count: int, rivals: Mapping[str, Rival], rounds: int) -> dict[str, Standing]:
    """What the rivals did, by their names: in turn, and each round begins with another one.

    A turn that doesn't count comes before, unless there is only one.
    """
    standings = {name: Standing() for name in rivals}
    for number in range(rounds + (rounds > 1)):
        for name in rotated(list(rivals), number):
            counts = number > 0 or rounds == 1
            run = bench.turn(standings[name] if counts else Standing(), kind, count, rivals[name])
            say(f"{count:,} {kind.value}, round {number}: {name}, {run.seconds:.2f} s, {run.memory:.0f} MB")
    return standings


def best_jobs(bench: Bench, count: int, name: str, rival: Callable[[int], Rival]) -> int:
    """The number of connections, or of destinations at once, at which a rival was the fastest; one turn each."""
    took = {jobs: bench.turn(Standing(), Kind.SCHEMAS, count, rival(jobs)).seconds for jobs in TRIED}
    say(f"{name}, {count} schemas: " + ", ".join(f"{jobs} at once: {each:.2f} s" for jobs, each in took.items()))
    return min(took, key=lambda jobs: took[jobs])


def beside_pool(bench: Bench, given: argparse.Namespace) -> Iterator[str]:
    """The table of Sartor beside the pool, and how Sartor's time grows."""

    def ours(jobs: int) -> Rival:
        return partial(sartor, work=bench.work, jobs=jobs)

    def theirs(jobs: int) -> Rival:
        return partial(pool, work=bench.work, jobs=jobs)

    tried = min(given.tried, max(given.counts))
    most, jobs = best_jobs(bench, tried, "pool", theirs), given.jobs or best_jobs(bench, tried, "Sartor", ours)
    rivals = {"Sartor": ours(jobs), "pool": theirs(most)}
    yield f"Sartor with `--jobs {jobs}`, the pool with {most} connections; {bench.scripts} scripts a destination.\n"
    yield "| destinations | *n* | Sartor, a second: median (best) | pool | ratio | Sartor's memory | connections |"
    yield "|---|---|---|---|---|---|---|"
    points = []
    fleets = [*((Kind.SCHEMAS, count, given.rounds) for count in given.counts)]
    fleets += [(Kind.DATABASES, given.databases, given.rounds)] if given.databases else []
    fleets += [(Kind.SCHEMAS, given.once, 1)] if given.once else []
    for kind, count, rounds in fleets:
        found = in_turn(bench, kind, count, rivals, rounds)
        a, b = found["Sartor"], found["pool"]
        points += [(count, a.seconds)] if kind is Kind.SCHEMAS else []
        yield (
            f"| {count:,} {kind.value} | {rounds} | {a.rate(count)} | {b.rate(count)} | **{b.seconds / a.seconds:.2f}**"
            f" | {a.memory:.0f} MB | {a.connections} |"
        )
    if len(points) > 1:
        slope = statistics.linear_regression([log(x) for x, _ in points], [log(y) for _, y in points])[0]
        yield f"\nSartor's time grows with the number of schemas to the power of {slope:.2f}, start-up included."


def beside_loops(bench: Bench, given: argparse.Namespace) -> Iterator[str]:
    """The table of Sartor's one process beside a shell's loops with a process for each destination."""
    entrants, absent = enter([tool for tool in (*PEERS, SartorSql()) if tool.name in LOOPED], given.prefix.absolute())
    rivals: dict[str, Rival] = {"**one `sartor` for all**": partial(sartor, work=bench.work, jobs=given.jobs or 4)}
    for entrant in entrants:
        title = f"a loop of {entrant.tool.name.partition(',')[0]} {entrant.version}"
        rivals[title] = partial(loop, work=bench.work, tool=entrant.tool, prefix=entrant.prefix)
    found = in_turn(bench, Kind.SCHEMAS, given.loops, rivals, given.rounds)
    first = next(iter(found.values()))
    yield f"\n| {given.loops} schemas, *n* = {given.rounds} | destinations/s: median (best) | time, to one `sartor` |"
    yield "|---|---|---|"
    for name, each in found.items():
        yield f"| {name} | {each.rate(given.loops)} | {each.seconds / first.seconds:.1f} |"
    if absent:
        yield f"\nCouldn't be had: {', '.join(absent)}."


def options() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="a server; the embedded one where it's left out")
    parser.add_argument("--counts", type=int, nargs="+", default=[10, 100, 1000], help="schemas")
    parser.add_argument("--rounds", type=int, default=5, help="of each, after one that doesn't count")
    parser.add_argument("--databases", type=int, default=200, help="0 leaves them out")
    parser.add_argument("--once", type=int, default=0, help="schemas, in one turn; 0 leaves it out")
    parser.add_argument("--loops", type=int, default=20, help="schemas for the loops; 0 leaves them out")
    parser.add_argument("--scripts", type=int, default=20, help="for each destination")
    parser.add_argument("--jobs", type=int, default=0, help="Sartor's; the best of those tried where it's left out")
    parser.add_argument("--tried", type=int, default=100, help="schemas with which numbers of connections are tried")
    parser.add_argument("--limit", type=float, default=3600, help="seconds for a process")
    parser.add_argument("--prefix", type=Path, default=Path(sys.prefix) / "peers", help="where peers are installed")
    return parser.parse_args()


def main() -> None:
    """Measure, and print the tables."""
    given = options()
    # An installed command has its modules compiled; so has one that ran before, unless this forbids it.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory(prefix="sartor-bench-") as work, contextlib.ExitStack() as stack:
        Path(work).chmod(0o755)
        url = given.url or os.environ.get("SARTOR_TEST_DB_URL") or ""
        url = url or stack.enter_context(serve(Path(work) / "server", tcp=True)).url
        bench = Bench(server=Server(url), work=Path(work), scripts=given.scripts, limit=given.limit)
        flushes = ask(url, "select current_setting('fsync'), current_setting('synchronous_commit')")
        print(machine(url) if flushes == ("on", "on") else machine(url).replace("its default", "no"), flush=True)
        for line in chain(beside_pool(bench, given), beside_loops(bench, given) if given.loops else ()):
            print(line, flush=True)


if __name__ == "__main__":
    main()
