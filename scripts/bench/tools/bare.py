"""The measures: psql over a file, and loops over the bare driver."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from tools.source import Here
from tools.tool import Call, Site, Tool
from workload import down, query

LEDGER = "create table ledger (id text primary key, at timestamptz default now())"

LOOP = """
import asyncio, asyncpg, pathlib, sys
async def main(url, folder):
    conn = await asyncpg.connect(url, statement_cache_size=0)
    await conn.execute({ledger!r})
    for file in sorted(pathlib.Path(folder).iterdir()):
        async with conn.transaction():
            for statement in file.read_text().splitlines():
                await conn.execute(statement)
            await conn.execute("insert into ledger (id) values ($1)", file.stem)
    await conn.close()
asyncio.run(main(*sys.argv[1:]))
"""


def _psql() -> str:
    """Psql itself: on Debian the one on the path is a wrapper that takes longer to start than many commands to run."""
    servers = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: -int(folder.parent.name))
    return shutil.which("psql", path=os.pathsep.join([*map(str, servers), os.environ["PATH"]])) or "psql"


PSQL = _psql()


class Psql(Tool):
    """The measure: one file, a statement a message."""

    name = "psql -f"
    source = Here(PSQL, "--version")
    manner = "one file: for each script `begin`, its statements, an insert into a ledger, `commit`; no start-up files"
    end = ";\n"

    def write(self, scripts: Path, count: int) -> None:
        self._file(scripts / "up.sql", [LEDGER], (self._up(i) for i in range(count)))
        self._file(scripts / "down.sql", [], (self._down(i) for i in reversed(range(count))))

    @staticmethod
    def _up(i: int) -> list[str]:
        record = f"insert into ledger (id) values ('t{i}')"  # noqa: S608 - a number
        return [*query(i).removesuffix(";\n").split(";\n"), record]

    @staticmethod
    def _down(i: int) -> list[str]:
        return [down(i), f"delete from ledger where id = 't{i}'"]  # noqa: S608 - a number

    def _file(self, file: Path, first: list[str], scripts: Iterable[list[str]]) -> None:
        transactions = (self.end.join(["begin", *script, "commit"]) for script in scripts)
        file.write_text(";\n".join([*first, *transactions, ""]))

    def deploy(self, site: Site) -> Call:
        return self._call(site, "up.sql")

    def again(self, site: Site) -> Call | None:
        del site
        return None

    def rollback(self, site: Site) -> Call | None:
        return self._call(site, "down.sql")

    @staticmethod
    def _call(site: Site, file: str) -> Call:
        return Call((PSQL, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", site.url, "-f", file))


class PsqlAtOnce(Psql):
    """The same with a script a message."""

    name = "psql -f, a script a message"
    manner = "the same, with `\\;` between a script's statements, which sends them in one message"
    end = "\\;\n"


class Loop(Tool):
    """The bare driver."""

    name = "asyncpg loop"
    source = Here(sys.executable, "-c", "import asyncpg; print(asyncpg.__version__)")
    manner = "a file a script; a transaction, each statement by itself, an insert into a ledger with a parameter"

    def write(self, scripts: Path, count: int) -> None:
        (scripts / "loop.py").write_text(LOOP.format(ledger=LEDGER))
        (scripts / "migrations").mkdir()
        for i in range(count):
            (scripts / "migrations" / f"{i:06}.sql").write_text(query(i))

    def deploy(self, site: Site) -> Call:
        return Call((sys.executable, "loop.py", site.url, "migrations"))

    def again(self, site: Site) -> Call | None:
        del site
        return None
