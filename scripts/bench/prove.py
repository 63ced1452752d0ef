"""Measures `prove` beside the loop that anyone would write: psql for each script, and `pg_dump -s` after each.

    .venv/bin/python scripts/bench/prove.py [--url URL] [--rounds 5] [--scripts 25 50 100]

Both do the same: up, down, up again, and a look at the schema after each. The scripts are those of the reference
history up to the first that only Python can run, written as SQL; then so many that each change one of ten tables, to
see how time grows with their number. In a round, each takes its turn, in an order that is reversed in the next one.
Without --url the server is the embedded one. Prints a table in Markdown, with medians and their ratio.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

from measure import SARTOR, execute, timed
from sartor import Direction
from sartor.alterations.files import read_lineage
from sartor.alterations.loader import load_script
from sartor.embedded.server import binaries, serve

HISTORY = Path(__file__).parents[2] / "alterations"
TABLES = 10


class Script(NamedTuple):
    """A script as SQL: up and down, and whether both are one transaction."""

    name: str
    up: str
    down: str
    transactional: bool


def history() -> Iterator[Script]:
    """The reference history's scripts up to the first that only Python can run."""
    for alteration in read_lineage("history", str(HISTORY)).alterations:
        script = load_script(alteration)
        up, down = (script.fragments.get(direction) for direction in (Direction.DEPLOY, Direction.ROLLBACK))
        if up is None or down is None:
            return
        do, undo = (";\n".join(part.text.rstrip().rstrip(";") for part in each) + ";\n" for each in (up, down))
        yield Script(Path(alteration.name).stem, do, undo, not script.outside)


def changes(number: int) -> Iterator[Script]:
    """So many scripts after one that makes the tables; each changes one of them, whose size stays about the same."""
    tables = [f"t{i}" for i in range(TABLES)]
    made = "".join(f"create table {each} (id bigint primary key, a int default 0, b text);\n" for each in tables)
    yield Script("1.0.0-1700000000-tables", made, f"drop table {', '.join(tables)};\n", transactional=True)
    for i in range(number):
        old, new, table = i // TABLES, i // TABLES + 1, tables[i % TABLES]
        up, down = (f"alter table {table} alter a set default {each};\n" for each in (new, old))
        yield Script(f"1.0.0-{1700000001 + i}-change", up, down, transactional=True)


def write(scripts: list[Script], folder: Path) -> None:
    """Writes alterations to a folder, and what psql takes beside it."""
    folder.mkdir()
    for each in scripts:
        head = "" if each.transactional else "-- sartor: transaction off\n"
        text = f"{head}-- sartor: up\n{each.up}-- sartor: down\n{each.down}"
        (folder / f"{each.name}.sql").write_text(text)
        (folder.parent / f"{each.name}.up").write_text(each.up)
        (folder.parent / f"{each.name}.down").write_text(each.down)


def loop(scripts: list[Script], url: str, folder: Path) -> float:
    """Seconds of the plain loop."""
    began = time.perf_counter()
    psql = [str(binaries() / "psql"), "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", url]
    before = ""
    for each in scripts:
        looks = []
        for step in ("up", "down", "up"):
            once = ["--single-transaction"] if each.transactional else []
            file = f"--file={folder / f'{each.name}.{step}'}"
            subprocess.run([*psql, *once, file], check=True, timeout=120, capture_output=True)
            dump = [str(binaries() / "pg_dump"), "--schema-only", "--restrict-key=same", url]
            looks.append(subprocess.run(dump, check=True, timeout=120, capture_output=True, text=True).stdout)
        up, down, again = looks
        if (before and down != before) or up != again:
            print(f"differs: {each.name}")
        before = again
    return time.perf_counter() - began


def measure(server: str, title: str, scripts: list[Script], rounds: int, work: Path) -> None:
    """A line of the table."""
    home = work / title.replace(" ", "-")
    home.mkdir()
    write(scripts, home / "alterations")
    variables = {"SARTOR_DB_URL": server, "SARTOR_ALTERATIONS": str(home / "alterations")}

    def ours() -> float:
        (home / "alterations" / "manifest.toml").unlink(missing_ok=True)
        return timed(SARTOR, "db", "alteration", "prove", "--all", directory=home, variables=variables).seconds

    def theirs() -> float:
        execute(server, "create database bench_prove")
        try:
            return loop(scripts, urlunsplit(urlsplit(server)._replace(path="/bench_prove")), home)
        finally:
            execute(server, "drop database bench_prove with (force)")

    took: dict[str, list[float]] = {"ours": [], "theirs": []}
    for number in range(rounds):
        for name, turn in [("ours", ours), ("theirs", theirs)][:: 1 if number % 2 else -1]:
            took[name].append(turn())
    a, b = (statistics.median(took[name]) for name in ("ours", "theirs"))
    print(
        f"| {title} | {len(scripts)} | {a:.2f} s ({min(took['ours']):.2f}) | {b:.2f} s ({min(took['theirs']):.2f})"
        f" | **{a / b:.2f}** | {1000 * a / len(scripts):.0f} ms |",
        flush=True,
    )


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="a server; the embedded one where it's left out")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scripts", type=int, nargs="*", default=[25, 50, 100])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sartor-bench-") as work, contextlib.ExitStack() as stack:
        Path(work).chmod(0o755)
        url = given.url or stack.enter_context(serve(Path(work) / "server", tcp=True)).url
        print("| scripts | | prove: median (least) | psql and pg_dump: median (least) | ratio | prove, a script |")
        print("|---|---|---|---|---|---|")
        measure(url, "reference history", list(history()), given.rounds, Path(work))
        for number in given.scripts:
            measure(url, f"changes {number}", list(changes(number)), given.rounds, Path(work))


if __name__ == "__main__":
    main()
