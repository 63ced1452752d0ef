"""An older package that undoes a newer one's release from the ledger, killed while it does."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sartor.domain.alteration import checksum
from support.campaigns import WAYS, Progress, Tally, finished, lane, silent
from support.database import temporary_database
from support.folder import Folder
from support.runs import Run
from support.stage import SCRIPT, SETUP, Stage

OUTSIDE = """
    -- sartor: up
    insert into effects (script, kind) values ('{id}', 'deployed');
    create table made_{number} (id int);
    create index on_{number} on made_{number} (id);
    update counter set n = n + 1;
    -- sartor: before_down
    drop index concurrently if exists on_{number};
    -- sartor: down
    update counter set n = n - 1;
    drop table made_{number};
    insert into effects (script, kind) values ('{id}', 'rolled-back');
"""
"""A part of its down runs outside a transaction, which needs a session of its own: none of a pooler's."""


@dataclass(frozen=True)
class KeptStage:
    """A stage whose folder is the newer package's, and the older package's folder: it has the first script alone."""

    stage: Stage
    older: Path


@contextmanager
def new_kept_stage(server_url: str, directory: Path, *, scripts: int, outside: bool) -> Iterator[KeptStage]:
    """Both packages in `directory`, all of it proved, and a new database; some scripts work `outside` transactions."""
    older, newer = Folder(directory / "older"), Folder(directory / "alterations")
    ids = tuple(f"{1700000000 + n}-s-{n:03}" for n in range(scripts))
    lines = []
    for n, identity in enumerate(ids):
        release, apart = "1.1.0" if n else "1.0.0", outside and n % 4 == 2
        text = (OUTSIDE if apart else SCRIPT).format(id=identity, number=f"{n:03}", warning="")
        file = newer.write(f"{release}-{identity}.{'sql' if apart else 'py'}", text)
        of = checksum(file.read_bytes())
        lines.append(f'"{identity}" = {{ release = "{release}", checksum = "{of}", proof = "proved", server = 18 }}\n')
        if not n:
            older.write(file.name, text)
    newer.write("manifest.toml", "format = 1\n\n[alterations]\n" + "".join(lines))
    with temporary_database(server_url) as database:
        database.run(*SETUP)
        yield KeptStage(Stage(database, newer, ids), older.path)


def kill_kept(
    kept: KeptStage, urls: Sequence[str], number: int, chance: random.Random, progress: Progress = silent
) -> Tally:
    """Deploy, then undo by the older package in one lane for each URL, killed at random: until `number` are killed.

    The first rollbacks are spared, and tell how long one takes here.
    """
    tally, stage = Tally(), kept.stage
    moments = {way: _up_and_down(kept, urls[0], way, tally) for way in WAYS}
    while tally.counts["kills"] < number:
        _run(urls[0], stage.folder.path, "deploy", chance.choice(WAYS), tally)
        with ThreadPoolExecutor(len(urls)) as lanes:
            given = ("rollback", number, chance, tally, moments)
            for each in [lanes.submit(lane, kept.older, url, *given) for url in urls]:
                each.result()
        tally.counts["rollbacks"] += 1
        tally.found(f"rollback {tally.counts['rollbacks']}", finished(stage, "rollback"))
        progress(tally.counts["kills"])
    return tally


def _up_and_down(kept: KeptStage, url: str, way: str, tally: Tally) -> float:
    """Deploy and undo without a kill; how many seconds undoing takes."""
    _run(url, kept.stage.folder.path, "deploy", way, tally)
    took = _run(url, kept.older, "rollback", way, tally)
    tally.found("a spared rollback", finished(kept.stage, "rollback"))
    return took


def _run(url: str, folder: Path, verb: str, way: str, tally: Tally) -> float:
    """Run to the end; how many seconds that takes."""
    run = Run(url, folder, verb, way)
    run.ready()
    began = time.monotonic()
    run.go()
    if (ended := run.end()) is None or ended.code != 0:
        tally.found(f"a spared {verb}", [str(ended)])
    return time.monotonic() - began
