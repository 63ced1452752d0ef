"""Sartor and its peers side by side: the same scripts, each tool in its own format, beside `psql -f` as the measure.

    .venv/bin/python scripts/bench/peers.py [--url URL] [--only alembic,dbmate] [--write]

Every tool is installed in a folder of its own, from the registries that pip, npm and apt-get have here; one that can't
be had is named, and the others run. All take turns, round by round, each from an empty database: deploy, deploy again,
rollback. After each the database is asked whether all scripts are there, each by a transaction of its own. Without
--url the server is that of SARTOR_TEST_DB_URL, or else the embedded one; it must flush what it commits.

--write puts the table into docs/performance.md, and the chart beside it; else they are printed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from chart import Bar, draw
from contest import Act, Contest, Entrant, enter
from delay import distant
from measure import Server, ask, round_trip_of
from page import Found, by_deploy, lines, placed
from sartor.embedded.server import serve
from tools import BARE, MEASURE, OURS, PEERS
from tools.tool import Tool

DOCS = Path(__file__).parents[2] / "docs"
PICTURE = "peers.svg"
FAR = (MEASURE.name, *(tool.name for tool in BARE), "dbmate")
"""Who is measured over the distance, beside ourselves: each with another number of messages a script."""


def main() -> None:
    """Measure, and print or write."""
    given = options()
    # An installed command has its modules compiled; so has one that ran before, unless this forbids it.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    chosen = [tool for tool in (*BARE, *PEERS) if not given.only or _called(tool, given.only.split(","))]
    entrants, absent = enter((MEASURE, *OURS, *chosen), given.prefix.absolute())
    with tempfile.TemporaryDirectory(prefix="sartor-bench-") as folder, server(given.url, Path(folder)) as url:
        found = compare(url, Path(folder), entrants, given, absent)
    page = "".join(f"{line}\n" for line in lines(found))
    if given.write:
        write(page, chart(found))
    else:
        print(page)


def write(page: str, picture: str) -> None:
    """Put both into the documents."""
    document = DOCS / "performance.md"
    shown = f"![Seconds of a deployment, a bar a tool]({PICTURE})\n\n{page}"
    document.write_text(placed(document.read_text("utf-8"), shown), "utf-8")
    (DOCS / PICTURE).write_text(picture, "utf-8")


def options() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="a server; the embedded one where it's left out")
    parser.add_argument("--only", help="peers by name, separated by commas; all where it's left out")
    parser.add_argument("--prefix", type=Path, default=Path(sys.prefix) / "peers", help="where peers are installed")
    parser.add_argument("--count", type=int, default=200, help="scripts in the first part")
    parser.add_argument("--rounds", type=int, default=7, help="of the first part, after one that doesn't count")
    parser.add_argument("--many", type=int, default=1000, help="scripts in the second; 0 leaves it out")
    parser.add_argument("--many-rounds", type=int, default=5, help="of the second part, after one that doesn't count")
    parser.add_argument("--far", type=int, default=1000, help="scripts in the third, over a distance; 0 leaves it out")
    parser.add_argument("--far-rounds", type=int, default=2, help="of the third part")
    parser.add_argument("--round-trip", type=float, default=20, help="milliseconds of the distance")
    parser.add_argument("--limit", type=float, default=240, help="seconds for a command; what takes longer drops out")
    parser.add_argument("--minutes", type=float, default=30, help="for each part: no round begins that wouldn't end")
    parser.add_argument("--write", action="store_true", help="into the documents")
    return parser.parse_args()


def _called(tool: Tool, names: Sequence[str]) -> bool:
    return any(tool.name.lower().startswith(name.strip().lower()) for name in names)


@contextlib.contextmanager
def server(given: str | None, folder: Path) -> Iterator[str]:
    """The server's URL. Ends the program where it doesn't flush what it commits: nobody's server is like that."""
    with contextlib.ExitStack() as stack:
        folder.chmod(0o755)
        url = given or os.environ.get("SARTOR_TEST_DB_URL") or ""
        if not url:
            url = stack.enter_context(serve(folder / "server", tcp=True)).url
        if ask(url, "select current_setting('fsync'), current_setting('synchronous_commit')") != ("on", "on"):
            sys.exit("error: the server doesn't flush what it commits")
        yield url


def compare(
    url: str, work: Path, entrants: Sequence[Entrant], given: argparse.Namespace, absent: Sequence[str]
) -> Found:
    """All that is timed."""
    near = [_contest(url, work, given, given.count).run(entrants, rounds=given.rounds)]
    if given.many:
        near.append(_contest(url, work, given, given.many).run(entrants, rounds=given.many_rounds))
    far, round_trip = None, 0.0
    if given.far:
        with distant(url, given.round_trip / 1000) as there:
            round_trip = round_trip_of(there)
            some = [e for e in entrants if e.tool in OURS or e.tool.name in FAR]
            contest = _contest(there, work, given, given.far, Act.DEPLOY)
            far = contest.run(some, rounds=given.far_rounds, warm=0)
    return Found(
        machine=machine(url),
        ours=[tool.name for tool in OURS],
        versions={e.tool.name: e.version for e in entrants},
        manners={e.tool.name: e.tool.manner for e in entrants},
        absent=absent,
        peers=[tool.name for tool in PEERS],
        near=near,
        far=far,
        round_trip=round_trip,
    )


def _contest(url: str, work: Path, given: argparse.Namespace, count: int, *acts: Act) -> Contest:
    return Contest(
        server=Server(url),
        work=Path(tempfile.mkdtemp(dir=work)),
        count=count,
        limit=given.limit,
        patience=given.minutes * 60,
        acts=acts or tuple(Act),
    )


def chart(found: Found) -> str:
    """What every tool took to deploy, as a picture."""
    standing = found.near[0]
    kinds = dict.fromkeys(found.ours, "ours") | {MEASURE.name: "measure"}
    bars = [
        Bar(name, standing.results[name][Act.DEPLOY].median, kinds.get(name, "bar")) for name in by_deploy(standing)
    ]
    return draw(f"Deploying {standing.count:,} scripts, seconds (median)", bars)


def machine(url: str) -> str:
    """What this was measured on."""
    (version,) = ask(url, "show server_version")
    cpu = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return (
        f"{time.strftime('%B %Y')}, {os.cpu_count()} cores{f' ({cpu[1]})' if cpu else ''}, {platform.system()}, "
        f"Python {platform.python_version()}, Postgres {str(version).split()[0]} with its default durability."
    )


if __name__ == "__main__":
    main()
