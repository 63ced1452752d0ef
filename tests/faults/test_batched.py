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

from support.command import Command, Finished, finish
from support.database import Database, temporary_database
from support.folder import Folder
from support.histories import SETUP, History, histories
from support.schema import dump
from support.sessions import Holder, backend_waiting, holding, until

EXAMPLES = 10
WAYS = ((), ("--no-batch",))
COMMANDS = (("deploy", "latest"), ("rollback", "0", "--yes"))

WAITS = {"killed": ("select pg_advisory_lock(7)",), "released": ("begin", "lock table held")}
EVENTS = {"killed": "advisory", "released": "relation"}
"""What is held while a run begins that is to wait, and for what it is then seen to wait."""

PASSING = re.compile(r"\d+(\.\d+)? (ms|s|min)\b|\bpid \d+|backend\(\d+\)|\d+ of \d+|\(open\)=\(\w+\)")
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
    """Deploy everything and roll it back; where a lock stays in the way, with little patience."""
    held = history.trouble == "held"
    outcomes = []
    for command, drama in zip(COMMANDS, (history.drama, None), strict=True):
        arguments = (*command, *options, *(("--lock-budget", "400ms") if held else ()))
        with holding(database.url, *(("begin", "lock table held") if held else ())):
            ended = _run(sartor, database, arguments, drama)
        outcomes.append(_outcome(ended, database))
    return outcomes


def _run(sartor: Command, database: Database, arguments: tuple[str, ...], drama: str | None) -> Finished:
    """Run a command while that happens; how it ended, and where others ran before or beside it, no word of it."""
    there = {"SARTOR_DB_URL": database.url}
    if drama is None:
        return sartor(*arguments, env=there, expect=None)
    if drama == "raced":
        racers = [sartor.start(*arguments, env=there) for _ in range(2)]
        return Finished(max(finish(process).code for process in racers), "", "")
    with holding(database.url, *WAITS[drama]) as holder:
        process = sartor.start(*arguments, env=there)
        until(lambda: process.poll() is not None or backend_waiting(database, EVENTS[drama]))
        if drama == "killed":
            process.kill()
            process.communicate()
            until(lambda: not _at_work(database, holder))
        holder.run("select pg_advisory_unlock_all(); rollback")
        ended = finish(process) if drama == "released" else sartor(*arguments, env=there, expect=None)
    return Finished(ended.code, ended.out, "")


def _at_work(database: Database, holder: Holder) -> bool:
    query = """select 1 from pg_stat_activity where datname = $1 and pid not in (pg_backend_pid(), $2)
        and backend_type = 'client backend' and state <> 'idle'"""
    return bool(database.rows(query, database.name, holder.pid))


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
    return PASSING.sub("...", text.replace(" --no-batch", "").replace(database.name, "DATABASE"))


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
