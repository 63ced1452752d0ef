"""What a fingerprint costs: seconds, objects and bytes kept, beside `pg_dump --schema-only` of the same database.

    .venv/bin/python scripts/bench/fingerprint.py [--url URL] [--rounds 5] [--tables 100 500 2000]

Each table has nine columns, four constraints, two more indexes, defaults, a trigger, a comment and a grant. Without
--url the server is the embedded one; with it, any server where the role may create databases. Prints a table in
Markdown.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from sartor.domain.fingerprint import Fingerprint, Scope
from sartor.embedded.server import binaries, serve
from sartor.schema.fingerprint import read_fingerprint

FUNCTION = """
    create function touch() returns trigger language plpgsql as $$begin new.changed_at := now(); return new; end$$
"""
TABLE = """
    create table t{i} (
        id bigint generated always as identity primary key,
        owner_id bigint not null references t{before} on delete cascade,
        email varchar(200) not null unique,
        kind text not null default 'person' check (kind in ('person', 'machine')),
        price numeric(12, 2) default 0,
        settings jsonb not null default '{{}}',
        tags text[],
        created_at timestamptz not null default now(),
        changed_at timestamptz
    );
    create index on t{i} (owner_id, created_at desc);
    create index on t{i} (lower(email)) where kind = 'person';
    create trigger touch before update on t{i} for each row execute function touch();
    comment on table t{i} is 'Table number {i}.';
    grant select on t{i} to public;
"""
REACH = {500: "< 0.5 s", 2000: "< 2 s"}


@contextlib.asynccontextmanager
async def database(server: str, tables: int) -> AsyncIterator[str]:
    """The URL of a database of this many tables."""
    name = f"bench_{os.getpid()}_{tables}"
    await execute(server, f"create database {name}")
    url = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    try:
        made = [TABLE.format(i=i, before=max(i - 1, 0)) for i in range(tables)]
        await execute(url, FUNCTION, *made, "analyze")
        yield url
    finally:
        await execute(server, f"drop database {name} with (force)")


async def execute(url: str, *statements: str) -> None:
    """Run statements, one after another, on a connection of their own."""
    connection = await asyncpg.connect(url)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


async def fingerprint(url: str) -> tuple[float, Fingerprint]:
    """Seconds for a fingerprint by a connection that has done nothing before; and the fingerprint."""
    connection: asyncpg.Connection[Any] = await asyncpg.connect(url, statement_cache_size=0)
    began = time.perf_counter()
    found = await read_fingerprint(connection, ["public"], scope=Scope.DATABASE)
    seconds = time.perf_counter() - began
    await connection.close()
    return seconds, found


def dump(url: str) -> float:
    """Seconds for `pg_dump --schema-only`."""
    began = time.perf_counter()
    command = [str(binaries() / "pg_dump"), "--schema-only", f"--file={os.devnull}", url]
    subprocess.run(command, check=True, timeout=120)
    return time.perf_counter() - began


async def measure(server: str, tables: int, rounds: int, say: Callable[[str], None]) -> None:
    """A line of the table: medians of `rounds`, after one that doesn't count."""
    async with database(server, tables) as url:
        turns = [(await fingerprint(url), await asyncio.to_thread(dump, url)) for _ in range(rounds + 1)][1:]
    ours, theirs = [seconds for (seconds, _), _ in turns], [seconds for _, seconds in turns]
    found = turns[-1][0][1]
    a, b = statistics.median(ours), statistics.median(theirs)
    kept = len(found.text) / 1024
    say(
        f"| {tables:,} | {a:.3f} s ({min(ours):.3f}) | {REACH.get(tables, '')} | {b:.3f} s ({min(theirs):.3f})"
        f" | **{a / b:.2f}** | {len(found.objects):,} | {kept:.0f} KB |"
    )


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="a server; the embedded one where it's left out")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tables", type=int, nargs="+", default=[100, 500, 2000])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sartor-bench-") as work, contextlib.ExitStack() as stack:
        Path(work).chmod(0o755)
        url = given.url or stack.enter_context(serve(Path(work) / "server", tcp=True)).url
        print("| tables | fingerprint: median (least) | reach | pg_dump -s: median (least) | ratio | objects | kept |")
        print("|---|---|---|---|---|---|---|")
        for tables in given.tables:
            asyncio.run(measure(url, tables, given.rounds, lambda line: print(line, flush=True)))


if __name__ == "__main__":
    main()
