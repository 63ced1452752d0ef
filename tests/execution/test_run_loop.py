"""What a run writes to the journal beside its deployments: warnings, failures, and how long each script took."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

import sartor
from sartor import AlterationFailed, EventKind, Finished, Limits, Note, RunEvent
from support.database import Database
from support.folder import Folder
from support.sessions import until

FIRST, SECOND = "1.0.0-1700000001-a.sql", "1.0.0-1700000002-b.sql"
WARNS = "-- sartor: up\ndo $$ begin raise warning 'look at {}'; end $$;\n-- sartor: down\nselect 1;\n"
SLOW = "do $$ begin perform pg_sleep(0.3); raise 'no'; end $$"
PYTHON = f'irreversible = "never"\n\nasync def up(conn):\n    await conn.execute({SLOW!r})\n'
FAILING = {
    "in a batch": ("2.sql", f"-- sartor: up\n{SLOW};\n-- sartor: irreversible never\n", True),
    "alone": ("2.sql", f"-- sartor: up\n{SLOW};\n-- sartor: irreversible never\n", False),
    "Python": ("2.py", PYTHON, True),
    "outside a transaction": ("2.py", f"transaction = False\n{PYTHON}", True),
}
AN_EVENT = """
    with own as (
        insert into sartor_journal (seq, prev, token, kind, by_user, host, sartor, format)
        select seq + 1, seq, 'another', 'seeded', 'x', 'x', '0', format from sartor_journal order by seq desc limit 1
        returning seq
    ) select seq from own
"""
"""Writes another run's event to the journal."""
BOTH = pytest.mark.parametrize("batch", [True, False], ids=["in a batch", "one by one"])


@pytest.fixture
def warning(folder: Folder) -> Folder:
    """Two alterations of which the server warns."""
    for name in (FIRST, SECOND):
        folder.write(name, WARNS.format(name[-5]))
    return folder


def _apart(work: Callable[[], object]) -> None:
    """Does blocking work while an observer is called."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()


def _warned(database: Database) -> list[tuple[str, list[str]]]:
    events = asyncio.run(sartor.history(database.url))
    return [(str(event.name), event.detail["messages"]) for event in events if event.kind is EventKind.WARNED]


@pytest.mark.parametrize("way", FAILING)
def test_how_long_a_failure_took(database: Database, folder: Folder, way: str) -> None:
    """The journal has the time that a script took before it failed, however it was sent."""
    kind, text, batch = FAILING[way]
    folder.write(FIRST, "-- sartor: up\ncreate table a ();\n-- sartor: down\ndrop table a;\n")
    folder.write(f"1.0.0-170000000{kind.replace('.', '-b.')}", text)
    with pytest.raises(AlterationFailed):
        asyncio.run(sartor.deploy(database.url, folder.path, limits=Limits(batch=batch)))
    *_, failed = asyncio.run(sartor.history(database.url))
    assert failed.kind is EventKind.FAILED
    assert failed.duration_ms is not None
    assert 200 <= failed.duration_ms < 10_000


@BOTH
def test_how_long_an_interrupted_script_took(database: Database, folder: Folder, *, batch: bool) -> None:
    """The journal has the time that a script took until its run was cancelled."""
    folder.write(FIRST, "-- sartor: up\nselect pg_sleep(60);\n-- sartor: irreversible never\n")
    asleep = "select from pg_stat_activity where wait_event = 'PgSleep' and now() - query_start > '300 ms'"

    async def run() -> None:
        deploying = asyncio.create_task(sartor.deploy(database.url, folder.path, limits=Limits(batch=batch)))
        await asyncio.to_thread(until, lambda: database.rows(f"{asleep} and datname = current_database()"))
        deploying.cancel()
        await deploying

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())
    *_, failed = asyncio.run(sartor.history(database.url))
    assert (failed.kind, failed.detail["message"]) == (EventKind.FAILED, "interrupted")
    assert failed.duration_ms is not None
    assert 200 <= failed.duration_ms < 60_000


@BOTH
def test_a_lost_warning_is_no_failure(database: Database, warning: Folder, *, batch: bool) -> None:
    """A connection that is lost behind the last COMMIT, before the warnings are written, is noted: all is deployed."""
    notes = []

    def observer(event: RunEvent) -> None:
        if isinstance(event, Finished) and event.alteration.name == SECOND:
            ended = "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'sartor %'"
            _apart(lambda: database.run(f"{ended} and datname = current_database()"))
        notes.extend([event.text] if isinstance(event, Note) else [])

    report = asyncio.run(sartor.deploy(database.url, warning.path, limits=Limits(batch=batch), observer=observer))
    assert [done.alteration.name for done in report.done] == [FIRST, SECOND]
    assert any(f"warnings of {SECOND} couldn't be written to the journal" in note for note in notes), notes


@BOTH
def test_warnings_outlive_another_run(database: Database, warning: Folder, *, batch: bool) -> None:
    """Where another run's event comes between a script and its warnings, the journal has them all the same."""

    def observer(event: RunEvent) -> None:
        if isinstance(event, Finished) and event.alteration.name == SECOND:
            _apart(lambda: database.run(AN_EVENT))

    asyncio.run(sartor.deploy(database.url, warning.path, limits=Limits(batch=batch), observer=observer))
    assert _warned(database) == [(FIRST, ["look at a"]), (SECOND, ["look at b"])]


@BOTH
@pytest.mark.parametrize("name", [FIRST, SECOND])
def test_warnings_outlive_a_cancel(database: Database, warning: Folder, name: str, *, batch: bool) -> None:
    """Where a run is cancelled right behind a COMMIT, the journal has the warnings of what is deployed."""

    async def run() -> None:
        task = asyncio.current_task()

        def observer(event: RunEvent) -> None:
            if isinstance(event, Finished) and event.alteration.name == name and task:
                task.cancel()

        await sartor.deploy(database.url, warning.path, limits=Limits(batch=batch), observer=observer)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())
    deployed = {each[0] for each in database.rows("select name from sartor_ledger")}
    assert [name for name, _ in _warned(database)] == sorted(deployed)
    assert name in deployed


def test_a_cancel_behind_a_commit_is_no_failure(database: Database, folder: Folder) -> None:
    """Where a run is cancelled right behind the COMMIT of a script, the script is deployed, and nothing has failed."""
    for name in (FIRST, SECOND):
        folder.write(name, "-- sartor: up\nselect 1;\n-- sartor: irreversible never\n")
    log = logging.getLogger("sartor")

    class Cancelling(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said, task = record.getMessage(), asyncio.current_task()
            if "sartor_ledger" in said and said.endswith("COMMIT;") and task:
                log.removeHandler(self)
                task.cancel()

    before, handler = log.level, Cancelling()
    log.setLevel(logging.DEBUG)
    log.addHandler(handler)
    try:
        with pytest.raises(asyncio.CancelledError) as cancelled:
            asyncio.run(sartor.deploy(database.url, folder.path, limits=Limits(batch=False)))
    finally:
        log.setLevel(before)
        log.removeHandler(handler)
    assert [each.alteration.name for each in cancelled.value.report.done] == [FIRST]  # type: ignore[attr-defined]
    assert [each.kind for each in asyncio.run(sartor.history(database.url))][1:] == [EventKind.DEPLOYED]
