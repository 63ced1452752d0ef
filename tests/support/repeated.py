"""Repeatable scripts whose every run leaves a trace, run generation by generation while runs are killed."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sartor
from sartor.domain.alteration import checksum
from support.campaigns import WAYS, Progress, Tally, lane, silent
from support.database import Database, temporary_database
from support.folder import Folder
from support.runs import Run
from support.stage import SETUP

SQL = """
insert into effects (script, kind) values ('{id}', '{generation}');
create or replace view made_{number} as select {generation} as generation;
update counter set n = n + 1;
"""

PYTHON = '''
async def up(conn, run):
    for statement in """{sql}""".strip().removesuffix(";").split(";"):
        await conn.execute(statement)
'''


@dataclass(frozen=True)
class RepeatedStage:
    """A database, and a folder of repeatable scripts: none is idempotent, and each notes in which generation it ran."""

    database: Database
    folder: Folder
    ids: tuple[str, ...]

    def write(self, generation: int) -> None:
        """Write all scripts anew; every other one is Python, which no batch can hold."""
        for n, identity in enumerate(self.ids):
            sql = SQL.format(id=identity, number=f"{n:03}", generation=generation)
            name, text = (f"{identity}.py", PYTHON.format(sql=sql)) if n % 4 == 3 else (f"{identity}.sql", sql)
            self.folder.write(name, text)

    def violations(self, generation: int) -> list[str]:
        """What is wrong once all scripts of this generation have run: what was lost, doubled, half done, left open."""
        journal = self.database.rows("select seq, prev, open, kind, id from sartor_journal order by seq")
        effects = self.database.rows("select script, kind from effects order by seq")
        once = [(identity, str(n)) for n in range(1, generation + 1) for identity in self.ids]
        views = self.database.rows("select definition from pg_views where viewname like 'made_%'")
        files = {file.stem: checksum(file.read_bytes()) for file in self.folder.path.glob("repeatable-*")}
        checks = {
            "the journal has a gap": [row[:2] for row in journal] == [(n, n - 1) for n in range(len(journal))],
            "the journal has an open event": all(row[2] is None for row in journal),
            "a script ran twice, or not at all": effects == once,
            "journal and effects differ": [row[4] for row in journal if row[3] == "repeated"] == [i for i, _ in once],
            "the rows aren't those of the files": dict(self.database.rows("select id, checksum from sartor_ledger"))
            == files,
            "the views aren't the last ones": [row[0].split()[1] for row in views] == [str(generation)] * len(self.ids),
            "the counter differs": self.database.value("select n from counter") == len(once),
            "the rows aren't what the journal says": not self._mismatches(),
        }
        return [text for text, holds in checks.items() if not holds]

    def _mismatches(self) -> tuple[sartor.Mismatch, ...]:
        return asyncio.run(sartor.verify(self.database.url, self.folder.path)).mismatches


@contextmanager
def new_repeated_stage(server_url: str, directory: Path, *, scripts: int) -> Iterator[RepeatedStage]:
    """A stage on a new database, with its folder at `directory`/alterations."""
    with temporary_database(server_url) as database:
        database.run(*SETUP)
        ids = tuple(f"repeatable-{n:03}" for n in range(scripts))
        yield RepeatedStage(database, Folder(directory / "alterations"), ids)


def kill_repeated(
    stage: RepeatedStage, urls: Sequence[str], number: int, chance: random.Random, progress: Progress = silent
) -> Tally:
    """Run one lane for each URL at once, kill at random moments, begin again: generations until `number` are killed.

    The first generations are spared, and tell how long a run takes here.
    """
    tally = Tally()
    moments = {way: _seconds(stage, urls[0], way, tally) for way in WAYS}
    while tally.counts["kills"] < number:
        tally.counts["generations"] += 1
        generation = tally.counts["generations"]
        stage.write(generation)
        with ThreadPoolExecutor(len(urls)) as lanes:
            given = ("deploy", number, chance, tally, moments)
            for each in [lanes.submit(lane, stage.folder.path, url, *given) for url in urls]:
                each.result()
        tally.found(f"generation {generation}", stage.violations(generation))
        progress(tally.counts["kills"])
    return tally


def _seconds(stage: RepeatedStage, url: str, way: str, tally: Tally) -> float:
    """Run a generation that is spared; how many seconds that takes."""
    tally.counts["generations"] += 1
    stage.write(tally.counts["generations"])
    run = Run(url, stage.folder.path, "deploy", way)
    run.ready()
    began = time.monotonic()
    run.go()
    if (ended := run.end()) is None or ended.code != 0:
        tally.found("a spared run", [str(ended)])
    return time.monotonic() - began
