"""What a fleet costs beside a pool of the bare driver and loops of a shell, and how that grows with its destinations.

    scripts/with-postgres /usr/lib/postgresql/15/bin .venv/bin/python scripts/bench/fleet.py
        [--counts 10 100 1000] [--rounds 5] [--databases 200] [--loops 20] [--once 10000]
    .venv/bin/python scripts/bench/fleet.py --install --prefix FOLDER     # only installs the tools of the loops

A destination is an empty schema of one database, or a database of one server, and gets the same scripts. The rivals
take turns, round by round, after a turn that doesn't count, and whole processes are timed; `once` is one turn each.

- The pool does what a program of one's own would: each script in a transaction of its own, with a row in a table of the
  schema's; it has the number of connections that was the fastest of those tried.
- The same statements: a program of the bare driver that sends what Sartor sends, in the same order and on as many
  connections, from a tape that is taken when this starts. What it takes more than the pool is what Sartor's guarantees
  cost; what Sartor takes more than it is Sartor's own work.

After each turn the database is asked whether all scripts are there, each by a transaction of its own, and whether the
ledger has all of them, and a fingerprint is there, where Sartor's statements ran.

Without --url the server is that of SARTOR_TEST_DB_URL, or else the embedded one. Prints tables in Markdown; they have
the processor's time of the server where this is Linux and the server is of this machine.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from itertools import chain
from math import log
from pathlib import Path

from contest import Entrant, enter, say
from fleet_replay import record, replay
from fleet_rivals import Kind, Rival, loop, pool, sartor
from fleet_turns import Bench, best_jobs, in_turn
from measure import Server, ask
from peers import machine
from processor import clock_of
from sartor.embedded.server import serve
from tools import PEERS
from tools.sartor import SartorSql

TAPED = {Kind.SCHEMAS: 15, Kind.DATABASES: 4}
"""The destinations of a tape, which stands for one in a database that holds as many schemas already."""
LOOPED = ("dbmate", "Alembic", "Sartor, .sql")


def recorded(bench: Bench, kind: Kind) -> Path:
    """The program that sends what Sartor sends to a destination of this kind."""
    with bench.fleet(kind, TAPED[kind]) as fleet:
        program, messages = record(fleet, bench.work)
    say(f"{kind.value}: {messages} messages of Sartor's a destination")
    return program


def beside_pool(bench: Bench, given: argparse.Namespace) -> Iterator[str]:
    """The tables of Sartor beside the pool and the same statements, and how Sartor's time grows."""

    def ours(jobs: int) -> Rival:
        return Rival(partial(sartor, work=bench.work, jobs=jobs), records=True)

    def theirs(jobs: int) -> Rival:
        return Rival(partial(pool, work=bench.work, jobs=jobs))

    tried = min(given.tried, max(given.counts))
    most = given.connections or best_jobs(bench, tried, "pool", theirs)
    jobs = given.jobs or best_jobs(bench, tried, "Sartor", ours)
    yield f"Sartor with `--jobs {jobs}`, the pool with {most} connections; {bench.scripts} scripts a destination.\n"
    yield (
        "| destinations | *n* | pool, a second: median (best) | the same statements | Sartor | Sartor to the pool |"
        " to the same statements | Sartor's memory | connections |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    points, spent = [], []
    for kind, counts in fleets(given).items():
        program = recorded(bench, kind)
        rivals = {
            "pool": theirs(most),
            "the same statements": Rival(partial(replay, jobs=jobs, program=program), records=True),
            "Sartor": ours(jobs),
        }
        for count, rounds in counts:
            found = in_turn(bench, kind, count, rivals, rounds)
            bare, same, own = found.values()
            points += [(count, own.seconds)] if kind is Kind.SCHEMAS else []
            spent.append(f"| {count:,} {kind.value} | " + " | ".join(e.processor(count) for e in found.values()) + " |")
            yield (
                f"| {count:,} {kind.value} | {rounds} | {bare.rate(count)} | {same.rate(count)} | {own.rate(count)}"
                f" | **{bare.seconds / own.seconds:.2f}** | {same.seconds / own.seconds:.2f}"
                f" | {own.memory:.0f} MB | {own.connections} |"
            )
    if len(points) > 1:
        slope = statistics.linear_regression([log(x) for x, _ in points], [log(y) for _, y in points])[0]
        yield f"\nSartor's time grows with the number of schemas to the power of {slope:.2f}, start-up included."
    yield (
        f"\n| milliseconds of a processor, a destination: client{' + server' if bench.clock else ''} | pool |"
        " the same statements | Sartor |"
    )
    yield "|---|---|---|---|"
    yield from spent


def fleets(given: argparse.Namespace) -> dict[Kind, list[tuple[int, int]]]:
    """The numbers of destinations and of turns, by their kind."""
    schemas = [(count, given.rounds) for count in given.counts]
    found = {
        Kind.SCHEMAS: schemas + ([(given.once, 1)] if given.once else []),
        Kind.DATABASES: [(given.databases, given.rounds)] if given.databases else [],
    }
    return {kind: counts for kind, counts in found.items() if counts}


def beside_loops(bench: Bench, given: argparse.Namespace) -> Iterator[str]:
    """The table of Sartor's one process beside a shell's loops with a process for each destination."""
    entrants, absent = install(given.prefix)
    rivals = {"**one `sartor` for all**": Rival(partial(sartor, work=bench.work, jobs=given.jobs or 4), records=True)}
    for entrant in entrants:
        title = f"a loop of {entrant.tool.name.partition(',')[0]} {entrant.version}"
        rivals[title] = Rival(partial(loop, work=bench.work, tool=entrant.tool, prefix=entrant.prefix))
    found = in_turn(bench, Kind.SCHEMAS, given.loops, rivals, given.rounds)
    first = next(iter(found.values()))
    yield f"\n| {given.loops} schemas, *n* = {given.rounds} | destinations/s: median (best) | time, to one `sartor` |"
    yield "|---|---|---|"
    for name, each in found.items():
        yield f"| {name} | {each.rate(given.loops)} | {each.seconds / first.seconds:.1f} |"
    if absent:
        yield f"\nCouldn't be had: {', '.join(absent)}."


def install(prefix: Path) -> tuple[list[Entrant], list[str]]:
    """The tools of the loops, installed where they aren't yet, and the names of those that can't be had."""
    return enter([tool for tool in (*PEERS, SartorSql()) if tool.name in LOOPED], prefix.absolute())


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
    parser.add_argument(
        "--connections", type=int, default=0, help="the pool's; the best of those tried where it's left out"
    )
    parser.add_argument("--tried", type=int, default=100, help="schemas with which numbers of connections are tried")
    parser.add_argument("--limit", type=float, default=3600, help="seconds for a process")
    parser.add_argument(
        "--prefix", type=Path, default=Path(sys.prefix) / "peers", help="where the tools of the loops are"
    )
    parser.add_argument("--install", action="store_true", help="install those there, and nothing else")
    return parser.parse_args()


def main() -> None:
    """Measure, and print the tables."""
    given = options()
    if given.install:
        entrants, absent = install(given.prefix)
        print("\n".join([f"{each.tool.name} {each.version}" for each in entrants]))
        sys.exit(f"error: couldn't be had: {', '.join(absent)}" if absent else 0)
    # An installed command has its modules compiled; so has one that ran before, unless this forbids it.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory(prefix="sartor-bench-") as work, contextlib.ExitStack() as stack:
        Path(work).chmod(0o755)
        url = given.url or os.environ.get("SARTOR_TEST_DB_URL") or ""
        url = url or stack.enter_context(serve(Path(work) / "server", tcp=True)).url
        clock = clock_of(url)
        bench = Bench(server=Server(url), work=Path(work), scripts=given.scripts, limit=given.limit, clock=clock)
        flushes = ask(url, "select current_setting('fsync'), current_setting('synchronous_commit')")
        print(machine(url) if flushes == ("on", "on") else machine(url).replace("its default", "no"), flush=True)
        for line in chain(beside_pool(bench, given), beside_loops(bench, given) if given.loops else ()):
            print(line, flush=True)


if __name__ == "__main__":
    main()
