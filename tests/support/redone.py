"""Unreleased alterations whose files change generation by generation, done again while the runs are killed."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sartor.domain.alteration import checksum
from support.campaigns import WAYS, Progress, Tally, lane, silent
from support.database import Database, temporary_database
from support.folder import Folder
from support.runs import Run
from support.stage import SETUP

UP = (
    "insert into effects (script, kind) values ('{id}', 'up {generation}')",
    "create table made_{number}_{generation} (id int)",
    "update counter set n = n + 1",
)
DOWN = (
    "update counter set n = n - 1",
    "drop table made_{number}_{generation}",
    "insert into effects (script, kind) values ('{id}', 'down {generation}')",
)
CROOKED = """
import os

async def up(conn):
    for statement in {up!r}:
        await conn.execute(statement)

async def down(conn):
    for statement in {down!r}:
        await conn.execute(statement)
"""
"""Python whose SQL isn't known: the ledger keeps its source."""


@dataclass(frozen=True)
class RedoneStage:
    """A database, and a folder of unreleased scripts: each notes with which generation of its file it was run."""

    database: Database
    folder: Folder
    ids: tuple[str, ...]

    def write(self, generation: int) -> None:
        """Write all scripts anew, as SQL and as Python."""
        for n, identity in enumerate(self.ids):
            names = {"id": identity, "number": f"{n:03}", "generation": generation}
            up, down = ([text.format(**names) for text in texts] for texts in (UP, DOWN))
            if n % 3 == 2:
                self.folder.write(f"next-{identity}.py", CROOKED.format(up=up, down=down))
            else:
                sql = f"-- sartor: up\n{';'.join(up)};\n-- sartor: down\n{';'.join(down)};\n"
                self.folder.write(f"next-{identity}.sql", sql)

    def violations(self, generation: int | None = None) -> list[str]:
        """What was lost, doubled, half done, or undone by another file's down; what isn't of `generation` yet."""
        journal = self.database.rows("select seq, prev, open, kind, id from sartor_journal order by seq")
        effects = self.database.rows("select script, kind from effects order by seq")
        ledger = dict(self.database.rows("select id, checksum from sartor_ledger"))
        held, wrong = self._replay(effects)
        kinds = {"deployed": "up", "rolled-back": "down"}
        made = {name.removeprefix("made_") for name in self.database.tables() if name.startswith("made_")}
        files = {
            file.stem.removeprefix("next-"): checksum(file.read_bytes()) for file in self.folder.path.glob("next*")
        }
        last = str(generation)
        checks = {
            "the journal has a gap": [row[:2] for row in journal] == [(n, n - 1) for n in range(len(journal))],
            "the journal has an open event": all(row[2] is None for row in journal),
            f"{wrong[:3]} can't have happened": not wrong,
            "journal and effects differ": [(row[4], kinds[row[3]]) for row in journal if row[3] in kinds]
            == [(script, kind.split()[0]) for script, kind in effects],
            "journal and ledger differ": held.keys() == ledger.keys(),
            "effects and tables differ": made == {f"{i.rpartition('-')[2]}_{g}" for i, g in held.items()},
            "the counter differs": self.database.value("select n from counter") == len(ledger),
            "redo isn't complete": generation is None or (held == dict.fromkeys(self.ids, last) and ledger == files),
        }
        return [text for text, holds in checks.items() if not holds]

    @staticmethod
    def _replay(effects: Sequence[tuple[str, str]]) -> tuple[dict[str, str], list[tuple[str, str]]]:
        """The generation that each script is at, and what can't have happened: a down that isn't what was deployed."""
        held: dict[str, str] = {}
        wrong = []
        for script, kind in effects:
            what, generation = kind.split()
            if what == "up" and script not in held:
                held[script] = generation
            elif what == "up" or held.pop(script, None) != generation:
                wrong.append((script, kind))
        return held, wrong


@contextmanager
def new_redone_stage(server_url: str, directory: Path, *, scripts: int) -> Iterator[RedoneStage]:
    """A stage on a new database, with its folder at `directory`/alterations."""
    with temporary_database(server_url) as database:
        database.run(*SETUP)
        ids = tuple(f"{1700000000 + n}-s-{n:03}" for n in range(scripts))
        yield RedoneStage(database, Folder(directory / "alterations"), ids)


def kill_redone(
    stage: RedoneStage, urls: Sequence[str], number: int, chance: random.Random, progress: Progress = silent
) -> Tally:
    """Change all files and redo, killed at random, by each URL in turn: generations until `number` are killed.

    The first ones are spared, and tell how long a redo takes here. Each kill's traces are looked at.
    """
    tally = Tally()
    moments = {way: max(_seconds(stage, urls[0], way, tally) for _ in range(2)) for way in WAYS}
    while tally.counts["kills"] < number:
        tally.counts["generations"] += 1
        generation = tally.counts["generations"]
        stage.write(generation)
        url = urls[generation % len(urls)]

        def look(where: str = f"generation {generation}, after a kill") -> None:
            tally.found(where, stage.violations())

        lane(stage.folder.path, url, "redo", number, chance, tally, moments, look)
        tally.found(f"generation {generation}", stage.violations(generation))
        progress(tally.counts["kills"])
    return tally


def _seconds(stage: RedoneStage, url: str, way: str, tally: Tally) -> float:
    """Redo a generation that is spared; how many seconds that takes."""
    tally.counts["generations"] += 1
    stage.write(tally.counts["generations"])
    run = Run(url, stage.folder.path, "redo", way)
    run.ready()
    began = time.monotonic()
    run.go()
    if (ended := run.end()) is None or ended.code != 0:
        tally.found("a spared redo", [str(ended)])
    tally.found("a spared redo", stage.violations(tally.counts["generations"]))
    return time.monotonic() - began
