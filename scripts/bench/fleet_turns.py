"""The rivals in turn at fleets that are made for them: each is timed, and asked for all that it should have done."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from contest import rotated, say
from fleet_rivals import Fleet, Kind, Rival
from measure import CommandError, Run, Server, ask, ask_each, execute, execute_each, timed
from processor import OTHERS, Clock, settle
from workload import FOUND

TRIED = (1, 2, 4, 8, 16)
"""The connections that are tried for the pool, and for Sartor the destinations at work at once."""
RECORDED = "select (select count(*) from {schema}.sartor_ledger), (select count(*) from {schema}.sartor_fingerprint)"


@dataclass(slots=True)
class Standing:
    """The runs of one rival with one fleet, and the most connections that the server had meanwhile.

    `server` has the server's seconds of a processor, a run each; it's empty where they can't be read.
    """

    runs: list[Run] = field(default_factory=list)
    server: list[float] = field(default_factory=list)
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

    def processor(self, count: int) -> str:
        """Milliseconds of a processor a destination, the client's and the server's: medians."""
        spent = [[run.processor for run in self.runs], self.server]
        return " + ".join(f"{statistics.median(each) / count * 1000:.1f}" for each in spent if each)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The fleets on one server; `work` holds programs and scripts. No process may take over `limit` seconds.

    `clock` reads the server's time, where that is possible.
    """

    server: Server
    work: Path
    scripts: int
    limit: float
    clock: Clock | None = None

    def turn(self, standing: Standing, kind: Kind, count: int, rival: Rival) -> Run:
        """One rival at a fleet that is made for it, and gone afterwards."""
        with self.fleet(kind, count) as fleet:
            call = rival.call(fleet)
            before = self.clock.read() if self.clock else 0
            with watching(self.server.url) as most:
                run = timed(*call.words, directory=self.work, variables=call.variables, limit=self.limit)
            if self.clock:
                settle(self.server.url)
                standing.server.append(self.clock.read() - before)
            self.require(fleet, rival)
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
            databases = places if kind is Kind.DATABASES else []
            try:
                execute_each(self.server.url, [f"create database {place}" for place in databases])
                yield fleet
            finally:
                execute_each(self.server.url, [f"drop database if exists {place} with (force)" for place in databases])

    @staticmethod
    def require(fleet: Fleet, rival: Rival) -> None:
        """Raises CommandError where a script is missing at a destination, or shares a transaction with another.

        The same where the rival keeps records, and the ledger lacks a script, or there is no fingerprint.
        """
        urls = [fleet.url] if fleet.kind is Kind.SCHEMAS else [fleet.at(place) for place in fleet.places]
        found = [ask(url, FOUND) for url in urls]
        due = fleet.scripts * len(fleet.places) // len(found)
        if set(found) != {(due, due)}:
            raise CommandError(f"{sorted(set(map(str, found)))} scripts and transactions, and not {due}")
        if rival.records:
            schemas = fleet.places if fleet.kind is Kind.SCHEMAS else ["public"]
            kept = [row for url in urls for row in ask_each(url, (RECORDED.format(schema=each) for each in schemas))]
            if set(kept) != {(fleet.scripts, 1)}:
                raise CommandError(
                    f"{sorted(set(map(str, kept)))} records and fingerprints, and not {fleet.scripts}, 1"
                )


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
    """Lets the rivals take turns, each round beginning with another one; returns what they did, by their names.

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
