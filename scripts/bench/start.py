"""What starting a command costs beside what it can't do without; as ratios of medians in one interleaved run.

    .venv/bin/python scripts/bench/start.py [--url URL] [--rounds 15] [--counts 10,1000,10000]

Whole processes are timed. `counts` are alterations, all of them on disk and all deployed. Without --url the server is
the embedded one. Prints a table in Markdown, as docs/performance.md has it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from measure import SARTOR, Run, Server, interleaved, row, timed
from sartor.embedded.server import serve

SCRIPT = """
async def up(conn):
    pass


async def down(conn):
    pass
"""

QUERY = """
import asyncio, asyncpg, sys
async def main(url):
    connection = await asyncpg.connect(url)
    await connection.fetchval("select 1")
    await connection.close()
asyncio.run(main(sys.argv[1]))
"""


class Start(Server):
    """Commands that have little or nothing to do, on folders in `work`."""

    def __init__(self, url: str, work: Path) -> None:
        super().__init__(url)
        self.work = work

    def folder(self, count: int) -> Path:
        """A folder of this many alterations of twenty releases, which change nothing."""
        folder = self.work / f"start{count}"
        if not folder.exists():
            folder.mkdir()
            for i in range(count):
                (folder / f"1.{20 * i // count}.0-{1_700_000_000 + i}-t{i}.py").write_text(SCRIPT)
        return folder

    def sartor(self, url: str, count: int, *arguments: str) -> Run:
        """`sartor db alteration ...` over the folder of `count`."""
        where = ("--db-url", url, "--alterations", str(self.folder(count)))
        return timed(SARTOR, "db", "alteration", *arguments, *where, directory=self.work)

    def python(self, code: str, *arguments: str) -> Run:
        """The interpreter that Sartor has, with this code."""
        return timed(sys.executable, "-c", code, *arguments, directory=self.work)

    def imports(self, module: str) -> int:
        """The microseconds that importing this module takes, as the interpreter itself counts them."""
        command = [sys.executable, "-X", "importtime", "-c", f"import {module}"]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stderr.splitlines()
        return int(next(line for line in reversed(lines) if line.split("|")[-1].strip() == module).split("|")[1])

    def asked(self, word: str) -> Run:
        """`sartor --version`, `sartor --help`."""
        return timed(SARTOR, word, directory=self.work)


def measure(bench: Start, rounds: int, counts: Sequence[int]) -> Iterator[str]:
    """The table's lines."""
    yield "| figure | ratio | reach | Sartor: median (least) | beside it: median (least) |"
    yield "|---|---|---|---|---|"
    version, bare, imported, help_, typer = interleaved(
        rounds,
        lambda: bench.asked("--version"),
        lambda: bench.python("pass"),
        lambda: bench.python("import sartor"),
        lambda: bench.asked("--help"),
        lambda: bench.python("import typer"),
    )
    yield row("`--version` / a bare interpreter", version, bare, "10 ms more")
    yield row("`import sartor` / a bare interpreter", imported, bare, "15 ms more")
    yield row("`--help` / import typer", help_, typer, "<= 2.5")
    for count in counts:
        with bench.database() as url:
            bench.sartor(url, count, "deploy", "latest")
            noop, status, query = interleaved(
                rounds,
                lambda url=url, count=count: bench.sartor(url, count, "deploy", "latest"),  # type: ignore[misc]
                lambda url=url, count=count: bench.sartor(url, count, "status"),  # type: ignore[misc]
                lambda url=url: bench.python(QUERY, url),  # type: ignore[misc]
            )
        reach = "<= 3" if count >= 10_000 else "<= 2.3"
        yield row(f"deploy with nothing to do, {count:,} / the bare driver's connection and query", noop, query, reach)
        yield row(f"status, {count:,} / the same", status, query, reach)
    more = statistics.median(r.seconds for r in version) - statistics.median(r.seconds for r in bare)
    yield f"\n`--version` takes {1000 * more:.0f} ms more than a bare interpreter."
    yield f"`import sartor` takes {bench.imports('sartor') / 1000:.1f} ms by `python -X importtime`."


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="a server; the embedded one where it's left out")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--counts", default="10,1000,10000")
    given = parser.parse_args()
    # An installed command has its modules compiled; so has one that ran before, unless this forbids it.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory(prefix="sartor-bench-") as work, contextlib.ExitStack() as stack:
        Path(work).chmod(0o755)
        url = given.url or stack.enter_context(serve(Path(work) / "server", tcp=True)).url
        for line in measure(Start(url, Path(work)), given.rounds, [int(count) for count in given.counts.split(",")]):
            print(line, flush=True)


if __name__ == "__main__":
    main()
