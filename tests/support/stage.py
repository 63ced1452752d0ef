"""What fault campaigns play on: scripts whose every run leaves a trace, and the question whether the traces agree."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sartor
from sartor import Mismatch
from support.database import Database, temporary_database
from support.folder import Folder

SETUP = (
    "create table effects (seq bigserial primary key, script text not null, kind text not null)",
    "create table counter as select 0 as n",
)

SCRIPT = """
    async def up(conn):
        await conn.execute("insert into effects (script, kind) values ('{id}', 'deployed')")
        await conn.execute("create table made_{number} (id int)")
        await conn.execute("update counter set n = n + 1")
        {warning}


    async def down(conn):
        await conn.execute("update counter set n = n - 1")
        await conn.execute("drop table made_{number}")
        await conn.execute("insert into effects (script, kind) values ('{id}', 'rolled-back')")
"""


WARNING = "await conn.execute(\"do $$ begin raise warning 'made'; end $$\")"
"""In every third script but the first, so that events of its warning come between the others."""


@dataclass(frozen=True)
class Stage:
    """A database and `ids`, the alterations of a folder: none is idempotent, and each notes that it ran."""

    database: Database
    folder: Folder
    ids: tuple[str, ...]

    def deployed(self) -> set[str]:
        """What the ledger holds."""
        if not self.database.value("select to_regclass('sartor_ledger') is not null"):
            return set()
        return {row[0] for row in self.database.rows("select id from sartor_ledger")}

    def violations(self) -> list[str]:
        """Where ledger, journal and effects don't agree: what was lost, doubled, half done, or left open."""
        journal = self.database.rows("select seq, prev, open, kind, id from sartor_journal order by seq")
        events = [(row[4], row[3]) for row in journal if row[3] in {"deployed", "rolled-back"}]
        effects = self.database.rows("select script, kind from effects order by seq")
        ledger = [row[0] for row in self.database.rows("select id from sartor_ledger order by seq")]
        held, doubled = _replay(events)
        told = [(row[4], row[3]) for row in journal if row[3] in {"deployed", "rolled-back", "warned"}]
        made = sorted(name.removeprefix("made_") for name in self.database.tables() if name.startswith("made_"))
        checks = {
            "the journal has a gap": [row[:2] for row in journal] == [(n, n - 1) for n in range(len(journal))],
            "the journal has an open event": all(row[2] is None for row in journal),
            "an event happened twice": not doubled,
            "a warning was told twice, or of what isn't deployed": not _stray_warnings(told),
            "journal and effects differ": events == effects,
            "journal and ledger differ": held == ledger,
            "ledger and tables differ": made == sorted(i.rpartition("-")[2] for i in ledger),
            "the ledger isn't what the journal says": not self._mismatches(),
            "ledger and counter differ": self.database.value("select n from counter") == len(ledger),
        }
        return [text for text, holds in checks.items() if not holds]

    def _mismatches(self) -> tuple[Mismatch, ...]:
        return asyncio.run(sartor.verify(self.database.url, self.folder.path)).mismatches


def _replay(events: list[tuple[str, str]]) -> tuple[list[str], list[tuple[str, str]]]:
    """What is deployed after these events, in order, and the events that can't have happened."""
    held: list[str] = []
    wrong = []
    for script, kind in events:
        if (kind == "deployed") is (script in held):
            wrong.append((script, kind))
        elif kind == "deployed":
            held.append(script)
        else:
            held.remove(script)
    return held, wrong


def _stray_warnings(events: list[tuple[str, str]]) -> list[str]:
    """The scripts of which a warning came that weren't deployed then, or had one already."""
    last: dict[str, str] = {}
    wrong = []
    for script, kind in events:
        if kind == "warned" and last.get(script) != "deployed":
            wrong.append(script)
        last[script] = kind
    return wrong


def write_scripts(folder: Folder, number: int) -> tuple[str, ...]:
    """Write this many alterations; their identities."""
    ids = tuple(f"{1700000000 + n}-s-{n:03}" for n in range(number))
    for n, identity in enumerate(ids):
        warning = WARNING if n and n % 3 == 0 else ""
        folder.write(f"next-{identity}.py", SCRIPT.format(id=identity, number=f"{n:03}", warning=warning))
    return ids


@contextmanager
def new_stage(server_url: str, directory: Path, *, scripts: int) -> Iterator[Stage]:
    """A stage on a new database, with its folder of alterations at `directory`/alterations."""
    folder = Folder(directory / "alterations")
    ids = write_scripts(folder, scripts)
    with temporary_database(server_url) as database:
        database.run(*SETUP)
        yield Stage(database, folder, ids)
