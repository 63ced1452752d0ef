"""What a deploy costs beside the bare driver, in time and in memory, and how that grows with the alterations.

    .venv/bin/python scripts/bench/deploy.py [--url URL] [--rounds 5] [--many 1000] [--counts 100,1000,10000]

Whole processes are timed, start-up included. Without --url the server is the embedded one with its default durability;
with it, any server where the role may create databases. Prints a table in Markdown, as docs/performance.md has it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from math import log
from pathlib import Path

from measure import SARTOR, Run, Server, interleaved, row, timed
from sartor.embedded.server import serve
from workload import STATEMENTS, alteration, down, up

Write = Callable[[int], str]
"""The text of a script, by its number."""

RAW = """
import asyncio, asyncpg, sys
STATEMENTS = {statements!r}
async def main(url, count):
    conn = await asyncpg.connect(url, statement_cache_size=0)
    await conn.execute("create table ledger (id text primary key, at timestamptz default now())")
    for i in range(count):
        async with conn.transaction():
            for statement in STATEMENTS:
                await conn.execute(statement.format(i=i))
            await conn.execute("insert into ledger (id) values ($1)", f"alteration-{{i}}")
    await conn.close()
asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""

UNREADABLE = """
async def up(conn):
    for statement in {statements!r}:
        await conn.execute(statement)


async def down(conn):
    await conn.execute({down!r})
"""
"""A script that only running it tells: it isn't straight, and is run by itself."""


class Bench(Server):
    """The workloads on one server: `many` alterations and a few, in folders of `work`."""

    def __init__(self, url: str, work: Path) -> None:
        super().__init__(url)
        self.work = work
        (work / "raw.py").write_text(RAW.format(statements=STATEMENTS))

    def folder(self, count: int, write: Write) -> Path:
        """A folder of this many alterations, each with its three statements."""
        folder = self.work / f"{write.__name__}{count}"
        if not folder.exists():
            folder.mkdir()
            for i in range(count):
                (folder / f"1.0.0-{1_700_000_000 + i}-t{i}.py").write_text(write(i))
        return folder

    def deploy(self, count: int, write: Write = alteration) -> Run:
        """A deploy from nothing."""
        with self.database() as url:
            where = ("--db-url", url, "--alterations", str(self.folder(count, write)))
            return timed(SARTOR, "db", "alteration", "deploy", "latest", *where, directory=self.work)

    def raw(self, count: int) -> Run:
        """The bare driver doing the same, in the same interpreter."""
        with self.database() as url:
            return timed(sys.executable, str(self.work / "raw.py"), url, str(count), directory=self.work)


def unreadable(i: int) -> str:
    """The script `i`, not straight."""
    return UNREADABLE.format(statements=up(i), down=down(i))


def measure(bench: Bench, rounds: int, many: int) -> Iterator[str]:
    """The table of times."""
    yield "| figure | ratio | reach | Sartor: median (least) | beside it: median (least) |"
    yield "|---|---|---|---|---|"
    apart, together, loop = interleaved(
        rounds, lambda: bench.deploy(many, unreadable), lambda: bench.deploy(many), lambda: bench.raw(many)
    )
    yield row(f"deploy {many:,} that aren't straight / a bare asyncpg loop", apart, loop, "<= 1.15")
    yield row(f"deploy {many:,} straight ones / the same", together, loop, "")
    few, loop = interleaved(rounds, lambda: bench.deploy(20), lambda: bench.raw(20))
    yield row("deploy 20 straight ones / the same", few, loop, "")


def growth(bench: Bench, rounds: int, counts: Sequence[int]) -> Iterator[str]:
    """The table of what grows: time and memory against the number of alterations, and the time's exponent."""
    runs = dict(zip(counts, interleaved(rounds, *(partial(bench.deploy, count) for count in counts)), strict=True))
    yield "\n| straight alterations | deploy: median (least) | a thousand of them | peak memory |"
    yield "|---|---|---|---|"
    middle = {count: statistics.median(r.seconds for r in found) for count, found in runs.items()}
    for count, found in runs.items():
        seconds, least, peak = middle[count], min(r.seconds for r in found), max(r.memory for r in found)
        yield f"| {count:,} | {seconds:.2f} s ({least:.2f}) | {1000 * seconds / count:.2f} s | {peak:.0f} MB |"
    slope = statistics.linear_regression([log(count) for count in counts], [log(middle[count]) for count in counts])[0]
    yield f"\nTime grows with the number to the power of {slope:.2f}, start-up included."


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="a server; the embedded one where it's left out")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--many", type=int, default=1000)
    parser.add_argument("--counts", default="100,1000,10000", help="for the second table; an empty text leaves it out")
    parser.add_argument("--growth-rounds", type=int, default=2)
    given = parser.parse_args()
    # An installed command has its modules compiled; so has one that ran before, unless this forbids it.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    counts = [int(count) for count in given.counts.split(",") if count]
    with tempfile.TemporaryDirectory(prefix="sartor-bench-") as work, contextlib.ExitStack() as stack:
        Path(work).chmod(0o755)
        url = given.url or stack.enter_context(serve(Path(work) / "server", tcp=True)).url
        bench = Bench(url, Path(work))
        tables = measure(bench, given.rounds, given.many), growth(bench, given.growth_rounds, counts) if counts else ()
        for line in chain(*tables):
            print(line, flush=True)


if __name__ == "__main__":
    main()
