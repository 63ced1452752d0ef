"""Scripts sent together and one by one: whatever a history is, both ways end alike."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from support.command import Command, Finished
from support.database import Database, temporary_database
from support.folder import Folder
from support.histories import SETUP, History, histories
from support.schema import dump
from support.sessions import holding

EXAMPLES = 20
WAYS = ((), ("--no-fuse",))
COMMANDS = (("deploy", "latest"), ("rollback", "0", "--yes"))

PASSING = re.compile(r"\d+(\.\d+)? (ms|s|min)\b|\(pid \d+|\d+ of \d+")
JOURNAL = """select seq, prev, open, kind, lineage, id, release, name, checksum, by_user, format,
    (detail - 'pid' - 'began')::text from sartor_journal order by seq"""
LEDGER = "select lineage, id, release, name, checksum, state, deployed_by, seq, format from sartor_ledger order by seq"


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit code and words, and what the database holds."""

    code: int
    out: str
    err: str
    journal: list[tuple[Any, ...]]
    ledger: list[tuple[Any, ...]]
    rows: list[tuple[Any, ...]]
    schema: str


@contextmanager
def _ways(server_url: str) -> Iterator[list[Database]]:
    with temporary_database(server_url) as together, temporary_database(server_url) as apart:
        for database in (together, apart):
            database.run(*SETUP)
        yield [together, apart]


def _carry_out(sartor: Command, history: History, database: Database, options: tuple[str, ...]) -> list[Outcome]:
    """Deploy everything and roll it back; where a lock is in the way, with little patience."""
    held = history.trouble == "held"
    outcomes = []
    for command in COMMANDS:
        arguments = (*command, *options, *(("--lock-budget", "400ms") if held else ()))
        with holding(database.url, *(("begin", "lock table held") if held else ())):
            ended = sartor(*arguments, env={"SARTOR_DB_URL": database.url}, expect=None)
        outcomes.append(_outcome(ended, database))
    return outcomes


def _outcome(ended: Finished, database: Database) -> Outcome:
    there = database.value("select to_regclass('sartor_journal') is not null")
    return Outcome(
        code=ended.code,
        out=_lasting(ended.out, database),
        err=_lasting(ended.err, database),
        journal=database.rows(JOURNAL) if there else [],
        ledger=database.rows(LEDGER) if there else [],
        rows=sorted(database.rows("select who, what from trace union all select 'child', id::text from child")),
        schema=dump(database.url, "public"),
    )


def _lasting(text: str, database: Database) -> str:
    """Words without what differs from one run to the next."""
    return PASSING.sub("...", text.replace(" --no-fuse", "").replace(database.name, "DATABASE"))


@given(history=histories())
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
def test_both_ways_end_alike(history: History, server_url: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Sent together or one by one: the same exit codes, words, ledger, journal, schema and rows, up and down."""
    directory: Path = tmp_path_factory.mktemp("history")
    history.write(Folder(directory / "alterations"))
    sartor = Command(directory, {})
    with _ways(server_url) as databases, ThreadPoolExecutor(2) as lanes:
        together, apart = lanes.map(lambda d, w: _carry_out(sartor, history, d, w), databases, WAYS)
    assert together == apart
