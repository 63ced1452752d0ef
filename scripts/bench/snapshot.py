"""Measures where a snapshot pays: a deploy to an empty schema that begins with one, beside one that runs every script.

    .venv/bin/python scripts/bench/snapshot.py [--url URL] [--rounds 5] [--scripts 10 100 1000]

The scripts are the reference history's, up to its last release; then so many that make a tenth as many tables and
change them. Both deployments are whole processes of the installed command, each to a new database, in an order that is
reversed in the next round. Without --url the server is the embedded one. Prints a table in Markdown, with medians and
their ratio.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import statistics
import tempfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from measure import SARTOR, execute, timed
from sartor.embedded.server import serve

HISTORY = Path(__file__).parents[2] / "alterations"
CHANGES = 9
"""Scripts that change a table after the one that makes it."""


def write(number: int, folder: Path) -> None:
    """Writes so many alterations: each table is made by one, and then changed by others."""
    folder.mkdir()
    for i in range(number):
        table, change = f"t{i // (CHANGES + 1)}", i % (CHANGES + 1)
        up = f"alter table {table} add c{change} text" if change else f"create table {table} (id bigint primary key)"
        down = f"alter table {table} drop c{change}" if change else f"drop table {table}"
        text = f"-- sartor: up\n{up};\n-- sartor: down\n{down};\n"
        (folder / f"1.0.0-{1700000000 + i}-change.sql").write_text(text)


def measure(server: str, title: str, home: Path, release: str, rounds: int) -> None:
    """Prints a line of the table."""
    place = urlunsplit(urlsplit(server)._replace(path="/bench_snapshot"))
    variables = {"SARTOR_ALTERATIONS": str(home / "alterations")}
    make = (SARTOR, "db", "alteration", "snapshot", release)
    made = timed(*make, directory=home, variables=variables | {"SARTOR_DB_URL": server}).seconds

    def deploy(*options: str) -> float:
        execute(server, "create database bench_snapshot")
        try:
            command = (SARTOR, "db", "alteration", "deploy", release, *options)
            return timed(*command, directory=home, variables=variables | {"SARTOR_DB_URL": place}).seconds
        finally:
            execute(server, "drop database bench_snapshot with (force)")

    took: dict[str, list[float]] = {"": [], "--replay": []}
    for number in range(rounds):
        for option in list(took)[:: 1 if number % 2 else -1]:
            took[option].append(deploy(*filter(None, [option])))
    ours, replayed = (statistics.median(each) for each in took.values())
    least, least_replayed = (min(each) for each in took.values())
    print(
        f"| {title} | {ours:.2f} s ({least:.2f}) | {replayed:.2f} s ({least_replayed:.2f})"
        f" | **{ours / replayed:.2f}** | {made:.1f} s |",
        flush=True,
    )


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="a server; the embedded one where it's left out")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scripts", type=int, nargs="*", default=[10, 100, 1000])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sartor-bench-") as work, contextlib.ExitStack() as stack:
        Path(work).chmod(0o755)
        url = given.url or stack.enter_context(serve(Path(work) / "server", tcp=True)).url
        print("| alterations | by snapshot: median (least) | replayed: median (least) | ratio | making the snapshot |")
        print("|---|---|---|---|---|")
        (home := Path(work) / "history").mkdir()
        shutil.copytree(HISTORY, home / "alterations")
        measure(url, "reference history", home, "2.1.0", given.rounds)
        for number in given.scripts:
            (home := Path(work) / str(number)).mkdir()
            write(number, home / "alterations")
            measure(url, f"{number}", home, "1.0.0", given.rounds)


if __name__ == "__main__":
    main()
