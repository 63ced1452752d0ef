"""Who works through a fleet: Sartor, a pool of the bare driver, and loops of a shell with one process a destination."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

from measure import SARTOR
from tools.sartor import SartorSql
from tools.tool import Call, Site, Tool
from workload import query

POOL = """
import asyncio, asyncpg, sys

SCRIPTS = {scripts!r}
MAKE = "create table {{0}}.ledger (id text primary key, at timestamptz default now()); set search_path = {{0}}"

async def deploy(conn, schema):
    await conn.execute(MAKE.format(schema))
    for number, script in enumerate(SCRIPTS):
        async with conn.transaction():
            await conn.execute(script)
            await conn.execute("insert into ledger (id) values ($1)", f"alteration-{{number}}")

async def of_schemas(url, schemas, jobs):
    async with asyncpg.create_pool(url, min_size=jobs, max_size=jobs, statement_cache_size=0) as pool:
        async def one(schema):
            async with pool.acquire() as conn:
                await deploy(conn, schema)
        await asyncio.gather(*map(one, schemas))

async def of_databases(urls, jobs):
    free = asyncio.Semaphore(jobs)
    async def one(url):
        async with free:
            conn = await asyncpg.connect(url, statement_cache_size=0)
            await deploy(conn, "public")
            await conn.close()
    await asyncio.gather(*map(one, urls))

kind, jobs, url, *places = sys.argv[1:]
asyncio.run(of_schemas(url, places, int(jobs)) if kind == "schemas" else of_databases(places, int(jobs)))
"""
"""A program of one's own: the scripts one by one, each in a transaction with its row."""


class Kind(Enum):
    """What the destinations are."""

    SCHEMAS = "schemas"
    DATABASES = "databases"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Destinations, all empty: schemas of the database `url`, or databases of its server; `scripts` for each."""

    kind: Kind
    url: str
    places: Sequence[str]
    scripts: int

    def at(self, place: str) -> str:
        """The URL of a database of the fleet, or of the schema as libpq has it."""
        parts = urlsplit(self.url)
        if self.kind is Kind.DATABASES:
            return urlunsplit(parts._replace(path=f"/{place}"))
        return urlunsplit(parts._replace(query=f"options=-csearch_path%3D{place}"))


class Rival(NamedTuple):
    """Who works through a fleet: `call` makes the command.

    `records` says that it leaves Sartor's ledger and a fingerprint at each destination.
    """

    call: Callable[[Fleet], Call]
    records: bool = False


def sartor(fleet: Fleet, work: Path, jobs: int) -> Call:
    """Sartor itself, by its command."""
    where = ("--db-url", fleet.url, f"--{fleet.kind.value}", f"{fleet.places[0].rpartition('_')[0]}_*")
    most = ("--jobs", str(jobs), "--jobs-per-server", str(jobs))
    alterations = ("--alterations", str(written(SartorSql(), fleet.scripts, work) / "alterations"))
    return Call((SARTOR, "db", "alteration", "deploy", "latest", *where, *most, *alterations))


def pool(fleet: Fleet, work: Path, jobs: int) -> Call:
    """The bare driver."""
    program = work / f"pool-{fleet.scripts}.py"
    program.write_text(POOL.format(scripts=[query(i) for i in range(fleet.scripts)]))
    places = [fleet.at(place) for place in fleet.places] if fleet.kind is Kind.DATABASES else fleet.places
    return Call((sys.executable, str(program), fleet.kind.value, str(jobs), fleet.url, *places))


def loop(fleet: Fleet, work: Path, tool: Tool, prefix: Path) -> Call:
    """A shell's loop over the destinations, with a process of the tool for each."""
    folder = written(tool, fleet.scripts, work)
    site = Site(url=fleet.url, scripts=folder, count=fleet.scripts, prefix=prefix)
    call = tool.deploy(site)
    schema = '"$place"'
    # Each tool makes its tables in the first schema of the path, which libpq and Go's driver take from PGOPTIONS.
    words = (*call.words, "--schema", schema) if isinstance(tool, SartorSql) else call.words
    command = " ".join(word if word == schema else shlex.quote(word) for word in words)
    variables = {} if isinstance(tool, SartorSql) else {"PGOPTIONS": "-csearch_path=$place"}
    settings = " ".join(f'{name}="{value}"' for name, value in variables.items())
    body = (
        f"cd {shlex.quote(str(folder))}; for place in {' '.join(fleet.places)}; do {settings} {command} || exit; done"
    )
    return Call(("sh", "-c", body), call.variables)


def written(tool: Tool, count: int, work: Path) -> Path:
    """The folder of a tool's scripts."""
    folder = work / f"{type(tool).__name__}-{count}"
    if not folder.exists():
        folder.mkdir()
        tool.write(folder, count)
    return folder
