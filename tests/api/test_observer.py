"""An application's observer: which thread calls it, and what becomes of what it raises."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable

import asyncpg
import pytest

import sartor
from sartor import (
    LATEST,
    AlterationFailed,
    EventKind,
    Finished,
    Limits,
    Note,
    ObserverFailed,
    Planned,
    RunEvent,
    RunHeld,
    Started,
    Unreachable,
    Waiting,
)
from support.database import Database
from support.folder import Folder
from support.sessions import holding

NAMES = ["1.0.0-1700000001-one.py", "1.0.0-1700000002-two.py", "1.0.0-1700000003-three.py"]
ERRORS = [
    ConnectionResetError("the websocket is gone"),
    asyncpg.LockNotAvailableError("not had"),
    asyncpg.ConnectionDoesNotExistError("the application's own"),
    TimeoutError("too slow"),
    RunHeld("of another database"),
    Unreachable("another server"),
    asyncio.CancelledError(),
    SystemExit(3),
]
OUTSIDE = """
transaction = False

async def up(conn, ctx):
    ctx.log("here")
    await conn.execute("create table two (id int)")

async def down(conn):
    await conn.execute("drop table two")
"""
LOGS = """
async def up(conn, ctx):
    ctx.log("here")
    await conn.execute("create table two (id int)")

async def down(conn):
    await conn.execute("drop table two")
"""
WAYS = {
    "in a batch": (True, None),
    "one by one": (False, None),
    "Python": (False, LOGS),
    "outside a transaction": (True, OUTSIDE),
}


def _raises(kind: type[object], error: BaseException) -> Callable[[RunEvent], None]:
    def observer(event: RunEvent) -> None:
        if isinstance(event, kind):
            raise error

    return observer


@pytest.fixture
def three(folder: Folder) -> Folder:
    """A folder with three alterations, a table each."""
    for name in NAMES:
        folder.table(name)
    return folder


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", [Planned, Started, Note, Finished, object], ids=lambda kind: kind.__name__)
def test_the_run_goes_on(database: Database, three: Folder, kind: type[object], way: str) -> None:
    """Whatever event an observer fails at, each alteration is deployed once; the error comes at the end, as its own."""
    batch, script = WAYS[way]
    if script is not None:
        three.write(NAMES[1], script)
    error = OSError("the websocket is gone")
    run = sartor.deploy(database.url, three.path, limits=Limits(batch=batch), observer=_raises(kind, error))
    if kind is Note and script is None:
        assert len(asyncio.run(run).done) == 3  # nothing was noted
    else:
        with pytest.raises(ObserverFailed, match="OSError: the websocket is gone") as caught:
            asyncio.run(run)
        assert caught.value.__cause__ is error
        assert caught.value.report is caught.value.result
        assert caught.value.report
        assert [done.alteration.name for done in caught.value.report.done] == NAMES
    assert database.tables() == {"one", "two", "three"}
    kinds = [event.kind for event in asyncio.run(sartor.history(database.url))]
    assert (kinds.count(EventKind.DEPLOYED), kinds.count(EventKind.FAILED)) == (3, 0)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("way", ["in a batch", "Python"])
def test_whatever_it_raises(database: Database, three: Folder, error: BaseException, way: str) -> None:
    """What looks like a lost connection, a lost lock, a cancel or an exit is none where an observer raised it."""
    batch, script = WAYS[way]
    if script is not None:
        three.write(NAMES[1], script)
    with pytest.raises(ObserverFailed, match=type(error).__name__) as caught:
        asyncio.run(
            sartor.deploy(database.url, three.path, limits=Limits(batch=batch), observer=_raises(object, error))
        )
    assert caught.value.__cause__ is error
    assert database.tables() == {"one", "two", "three"}


@pytest.mark.parametrize("batch", [True, False], ids=["in a batch", "one by one"])
def test_a_run_that_fails_too(database: Database, three: Folder, *, batch: bool) -> None:
    """A script's failure is raised as it is, with its report, and says in a note what the observer raised before."""
    three.add(NAMES[1], up="select 1 / 0")
    with pytest.raises(AlterationFailed, match="division by zero") as caught:
        asyncio.run(
            sartor.deploy(
                database.url, three.path, limits=Limits(batch=batch), observer=_raises(Started, OSError("gone"))
            )
        )
    assert caught.value.__notes__ == ["the observer of the run raised OSError: gone"]
    assert caught.value.report
    assert [done.alteration.name for done in caught.value.report.done] == NAMES[:1]


def test_it_is_logged_once(database: Database, three: Folder, caplog: pytest.LogCaptureFixture) -> None:
    """The first error is in the log while the run still goes on, with its traceback; further ones aren't."""
    with pytest.raises(ObserverFailed):
        asyncio.run(sartor.deploy(database.url, three.path, observer=_raises(object, OSError("gone"))))
    assert [(record.name, record.levelno) for record in caplog.records] == [("sartor", logging.ERROR)]
    assert caplog.records[0].exc_info


def test_other_results(database: Database, three: Folder) -> None:
    """What isn't a run returns what it had found with the error as well."""
    error = OSError("gone")
    with pytest.raises(ObserverFailed) as caught:
        asyncio.run(sartor.prove(database.url, three.path, observer=_raises(object, error)))
    assert len(caught.value.result.proofs) == 3  # type: ignore[attr-defined]  # whatever the function returns
    assert caught.value.report is None


def test_one_thread(database: Database, folder: Folder) -> None:
    """Every event comes on the event loop's thread, in order, and before the function returns; a thread's as well."""
    folder.write(
        "1.0.0-1700000001-a.py",
        """
        import asyncio, threading

        async def up(conn, ctx):
            ctx.log("first")
            await asyncio.to_thread(ctx.log, "second")
            ctx.log("third")
            thread = threading.Thread(target=ctx.log, args=("fourth",))
            thread.start()
            thread.join()

        async def down(conn):
            pass
        """,
    )
    notes: list[str] = []
    threads: set[int] = set()

    def observer(event: RunEvent) -> None:
        threads.add(threading.get_ident())
        if isinstance(event, Note):
            notes.append(event.text.partition(": ")[2])

    asyncio.run(sartor.deploy(database.url, folder.path, LATEST, observer=observer))
    assert notes == ["first", "second", "third", "fourth"]
    assert threads == {threading.get_ident()}


def test_while_a_script_waits(database: Database, three: Folder) -> None:
    """An observer that fails as it is told of a wait for a lock neither ends the wait nor the script that waits."""
    told = threading.Event()

    def observer(event: RunEvent) -> None:
        if isinstance(event, Waiting):
            told.set()
            raise OSError("gone")

    three.add(NAMES[1], up="alter table held add x int")
    database.run("create table held (id int)")
    with holding(database.url, "begin", "lock table held") as holder:

        def let_go() -> None:
            assert told.wait(60)
            holder.run("rollback")

        thread = threading.Thread(target=let_go)
        thread.start()
        with pytest.raises(ObserverFailed) as caught:
            asyncio.run(sartor.deploy(database.url, three.path, observer=observer))
        thread.join()
    assert caught.value.report
    assert [done.alteration.name for done in caught.value.report.done] == NAMES
