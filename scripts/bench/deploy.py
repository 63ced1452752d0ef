"""What Sartor costs beside the bare driver: deploys, no-ops, memory; as ratios of medians in one interleaved run.

    .venv/bin/python scripts/bench/deploy.py [--url URL] [--rounds 5] [--many 1000]

Whole processes are timed, start-up included. Without --url the server is the embedded one with its default durability;
with it, any server where the role may create databases. Prints a table in Markdown, as docs/performance.md has it.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

from measure import Run, Server, interleaved, row, timed
from sartor.postgres.embedded import serve
from workload import STATEMENTS, alteration

SARTOR = str(Path(sysconfig.get_path("scripts")) / "sartor")

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

CONNECT = """
import asyncio, asyncpg, sys
async def main(url):
    await (await asyncpg.connect(url)).close()
asyncio.run(main(sys.argv[1]))
"""


class Bench(Server):
    """The workloads on one server: `many` alterations and a few, in folders of `work`."""

    def __init__(self, url: str, work: Path) -> None:
        super().__init__(url)
        self.work = work
        for name, text in (("raw.py", RAW.format(statements=STATEMENTS)), ("connect.py", CONNECT)):
            (work / name).write_text(text)

    def folder(self, count: int) -> Path:
        """A folder of this many alterations, each with its three statements."""
        folder = self.work / f"alterations{count}"
        if not folder.exists():
            folder.mkdir()
            for i in range(count):
                (folder / f"1.0.0-{1_700_000_000 + i}-t{i}.py").write_text(alteration(i))
        return folder

    def sartor(self, url: str, count: int, *arguments: str) -> Run:
        """`sartor db alteration ...` over the folder of `count`."""
        where = ("--db-url", url, "--alterations", str(self.folder(count)))
        return timed(SARTOR, "db", "alteration", *arguments, *where, directory=self.work)

    def script(self, name: str, *arguments: str) -> Run:
        """One of the bare scripts, in the same interpreter."""
        return timed(sys.executable, str(self.work / name), *arguments, directory=self.work)

    def deploy(self, count: int) -> Run:
        """A deploy from nothing."""
        with self.database() as url:
            return self.sartor(url, count, "deploy", "latest")

    def raw(self, count: int) -> Run:
        """The bare driver doing the same."""
        with self.database() as url:
            return self.script("raw.py", url, str(count))


def measure(bench: Bench, rounds: int, many: int) -> Iterator[str]:
    """The table's lines."""
    yield "| figure | ratio | reach | Sartor: median (least) | beside it: median (least) |"
    yield "|---|---|---|---|---|"
    memory = {}
    for count in (many, 20):
        ours, theirs = interleaved(rounds, lambda c=count: bench.deploy(c), lambda c=count: bench.raw(c))  # type: ignore[misc]
        memory[count] = max(r.memory for r in ours)
        reach = "<= 1.25" if count == many else ""
        yield row(f"deploy {count:,} / the same by a bare asyncpg loop", ours, theirs, reach)
    with bench.database() as url:
        bench.sartor(url, many, "deploy", "latest")
        noop, status, connect = interleaved(
            rounds * 2,
            lambda: bench.sartor(url, many, "deploy", "latest"),
            lambda: bench.sartor(url, many, "status"),
            lambda: bench.script("connect.py", url),
        )
    yield row(f"deploy with nothing to do, {many:,} deployed / import asyncpg and connect", noop, connect, "<= 1.6")
    yield row(f"status, {many:,} deployed / import asyncpg and connect", status, connect, "<= 1.6")
    peaks = ", ".join(f"{peak:.0f} MB with {count:,}" for count, peak in memory.items())
    yield f"\nPeak memory of a deploy: {peaks} (reach: <= 80 MB, and not growing)."


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="a server; the embedded one where it's left out")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--many", type=int, default=1000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sartor-bench-") as work, contextlib.ExitStack() as stack:
        Path(work).chmod(0o755)
        url = given.url or stack.enter_context(serve(Path(work) / "server", tcp=True)).url
        for line in measure(Bench(url, Path(work)), given.rounds, given.many):
            print(line, flush=True)


if __name__ == "__main__":
    main()
