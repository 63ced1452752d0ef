"""What a rehearsal says of statements is what the manual says, and what a real run shows."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

import sartor
from rehearsal.corpus import CASES, TABLE, Case
from rehearsal.more_cases import MORE, REFUSED
from sartor import Destination, Limits, Rehearsed, RehearsedStatement
from sartor.api.observing import ignore
from sartor.archive.tools import find_tools
from sartor.domain.hazards.hazard import worst
from sartor.domain.plan import Deploy, make_plan
from sartor.domain.release import parse_target
from sartor.execution.run import execute_plan
from sartor.footprint.recorded_connection import RecordedConnection
from sartor.footprint.row_losses import read_known
from sartor.postgres.ledger import read_ledger
from sartor.postgres.session import Session
from sartor.rehearsal.recorded_scripts import ScriptRecorder
from support.database import Database, temporary_database
from support.folder import Folder

EVERY = (*CASES, *MORE)
SETTINGS = ("alter database {0} set timezone = 'Europe/Berlin'", "alter database {0} set app.region = '7'")


class Ran(NamedTuple):
    """What was seen of the cases, by name: on a clone and in a real run; and the live database before and after."""

    rehearsed: dict[str, Rehearsed]
    real: dict[str, tuple[RehearsedStatement, ...]]
    before: object
    after: object


@pytest.fixture(scope="module")
def ran(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """All cases, rehearsed and then run for real, each as an alteration of its own."""
    folder = Folder(tmp_path_factory.mktemp("corpus") / "alterations")
    sources = [sartor.LineageSource(name="main", location=str(folder.path))]
    with temporary_database(server_url) as database:
        server = int(database.value("show server_version_num")) // 10_000
        cases = [case for case in EVERY if case.since <= server]
        names = {_write(folder, number, case): case.name for number, case in enumerate(cases)}
        database.run(*(text.format(database.name) for text in SETTINGS))
        database.run(*(case.own(TABLE + case.setup) for case in cases))
        before = state(database)
        found = asyncio.run(sartor.rehearse(Destination.parse(database.url), sources))
        after = state(database)
        assert found.failed is None
        real = asyncio.run(_run(database, sources))
        rehearsed = {names[each.alteration.name]: each for each in found.alterations}
        yield Ran(rehearsed, {names[name]: statements for name, statements in real.items()}, before, after)


def _write(folder: Folder, number: int, case: Case) -> str:
    outside = "-- sartor: transaction off\n" if case.outside else ""
    name = f"next-{1700000000 + number}-{case.name.replace('_', '-')}.sql"
    folder.write(name, f"{outside}-- sartor: up\n{case.own(case.sql)};\n")
    return name


async def _run(database: Database, sources: list[sartor.LineageSource]) -> dict[str, tuple[RehearsedStatement, ...]]:
    """Deploy for real, observed."""
    catalogue, request = sartor.list_alterations(sources), Deploy(target=parse_target("next"))
    async with Session(Destination.parse(database.url), application="test", kind=RecordedConnection) as session:
        ledger = await read_ledger(session)
        plan = make_plan(catalogue, ledger, request)
        recorder = ScriptRecorder(await read_known(session.connection, "public", counts=True))
        await execute_plan(
            session,
            ledger,
            catalogue,
            request,
            plan,
            limits=Limits(batch=False),
            observer=ignore,
            load=recorder.load,
        )
        return {step.alteration.name: recorder.statements(step.alteration) for step in plan.steps}


def state(database: Database) -> object:
    """The schema as `pg_dump` writes it; files and bytes of all relations; all sequences."""
    version = database.value("show server_version_num")
    dump = find_tools(int(version))[0].program("pg_dump")
    text = subprocess.run([dump, "-s", database.url], check=True, capture_output=True, text=True).stdout
    schema = [line for line in text.splitlines() if not line.startswith("\\")]
    relations = database.rows(
        "select oid, relname, relfilenode, pg_relation_size(oid) from pg_class where oid >= 16384 order by oid"
    )
    return schema, relations, database.rows("select sequencename, last_value from pg_sequences order by 1")


@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.name)
def test_as_the_manual_says(case: Case, ran: Ran) -> None:
    """Locks, rewrites, scans, builds and verdict are those that the manual gives the statement."""
    rehearsed = _known(case, ran.rehearsed)
    last = rehearsed.statements[-1]
    assert case.locks is None or {lock.relation: lock.mode for lock in last.locks} == _own(case, case.locks)
    assert list(last.rewrites) == [case.own(name) for name in case.rewrites]
    assert case.builds is None or [build.name for build in last.builds] == [case.own(name) for name in case.builds]
    assert last.scans == tuple(case.own(name) for name in case.scans or ()) or case.scans is None
    assert worst(statement.stops for statement in rehearsed.statements).value == case.verdict


@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.name)
def test_as_in_a_real_run(case: Case, ran: Ran) -> None:
    """A rehearsal on an empty clone shows what a run on the database itself does."""
    rehearsed, real = _known(case, ran.rehearsed).statements, ran.real[case.name]
    assert [_facts(statement) for statement in rehearsed] == [_facts(statement) for statement in real]
    # A join with an empty table doesn't get to the other one.
    assert all(set(there.scans) <= set(here.scans) for there, here in zip(rehearsed, real, strict=True))


def test_what_the_clone_lacks(ran: Ran) -> None:
    """What the clone couldn't have is named, and puts just those in doubt that touch it."""
    lacking = {each.name: each.lacks for each in EVERY if each.lacks is not None and each.name in ran.rehearsed}
    found = {
        name: doubt.removeprefix("the clone lacks ").split()[0]
        for name, each in ran.rehearsed.items()
        for doubt in each.doubts
        if "lacks" in doubt
    }
    assert found == lacking


@pytest.mark.parametrize("code", REFUSED)
def test_what_rows_may_refuse(code: str, ran: Ran) -> None:
    """Just what rows may refuse is in doubt, as the clone has none; an index that is there already refuses none."""
    doubtful = {name for name, each in ran.rehearsed.items() if any(f"SQLSTATE {code})" in d for d in each.doubts)}
    assert doubtful == set(REFUSED[code].split()) & ran.rehearsed.keys()


def test_the_live_database_is_as_it_was(ran: Ran) -> None:
    """A rehearsal changes no schema, no file, no size and no sequence of the destination."""
    assert ran.after == ran.before


def _known(case: Case, found: dict[str, Rehearsed]) -> Rehearsed:
    if case.name not in found:
        pytest.skip(f"since Postgres {case.since}")
    return found[case.name]


def _own(case: Case, locks: dict[str, str]) -> dict[str, str]:
    return {case.own(name): mode for name, mode in locks.items()}


def _facts(statement: RehearsedStatement) -> Any:
    return (
        statement.sql,
        statement.line,
        statement.locks,
        statement.held,
        statement.rewrites,
        statement.builds,
        statement.stops,
    )
