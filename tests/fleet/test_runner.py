"""A fleet in one process: what goes on, what stops, what is kept, and what is left whole."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import asyncpg
import pytest

import sartor
from sartor import Destination, End, Ended, FleetEvent, FleetOrder, FleetReport, Observer, Share, Stopped
from support.database import Database
from support.folder import Folder
from support.proxy import proxy_to

Call = Callable[[Destination, Observer], Awaitable[Any]]


def tenants(url: str, number: int) -> list[Destination]:
    return [Destination.parse(url, schema=f"tenant_{at}") for at in range(number)]


def deploying(folder: Folder) -> Call:
    catalogue = sartor.list_alterations(folder.path)

    async def deploy(destination: Destination, observer: Observer) -> sartor.Report:
        return await sartor.deploy(destination, catalogue, observer=observer)

    return deploy


def counts(report: FleetReport) -> dict[str, int]:
    return dict(Counter(outcome.end.value for outcome in report.outcomes))


def test_the_others_go_on_behind_a_failure(database: Database, folder: Folder) -> None:
    """A destination that fails has its error in its outcome; each other one is deployed, exactly once."""
    folder.add("1.0.0-1700000000-users.py", up="create table users (id int)")
    database.run("create schema tenant_3", "create table tenant_3.users (id int)")
    report = asyncio.run(sartor.run_fleet(tenants(database.url, 8), deploying(folder)))
    assert counts(report) == {"done": 7, "failed": 1}
    (failed,) = report.of(End.FAILED)
    assert (failed.destination.schema, type(failed.error)) == ("tenant_3", sartor.AlterationFailed)
    ledgers = [database.value(f"select count(*) from tenant_{at}.sartor_ledger") for at in range(8)]
    assert ledgers == [1, 1, 1, 0, 1, 1, 1, 1]


def test_nothing_new_starts_past_the_failures_it_may_have(database: Database, folder: Folder) -> None:
    """Past `max_failures` nothing new starts; what is at work finishes; the rest is untouched, and has no schema."""
    folder.add("1.0.0-1700000000-users.py", up="select 1 / 0")
    order = FleetOrder(jobs=2, jobs_per_server=2, max_failures=Share(10, is_percentage=True))
    report = asyncio.run(sartor.run_fleet(tenants(database.url, 20), deploying(folder), order))
    assert report.stopped is Stopped.FAILURES
    failed = len(report.of(End.FAILED))
    assert 3 <= failed <= 4  # two may fail, and two were at work
    assert counts(report) == {"failed": failed, "untouched": 20 - failed}
    assert database.value("select count(*) from pg_namespace where nspname like 'tenant%'") == failed


@pytest.mark.parametrize(("approved", "done"), [(None, 2), (False, 2), (True, 7)])
def test_the_canaries_are_first(approved: bool | None, done: int, database: Database, folder: Folder) -> None:
    """Behind the canaries the run stops, unless whoever is asked, with their report, says that it goes on."""
    folder.add("1.0.0-1700000000-users.py", up="create table users (id int)")
    asked: list[dict[str, int]] = []

    async def approve(report: FleetReport) -> bool:
        asked.append(counts(report))
        return bool(approved)

    run = partial(sartor.run_fleet, tenants(database.url, 7), deploying(folder), FleetOrder(canary=2, wave=Share(3)))
    report = asyncio.run(run() if approved is None else run(approve=approve))
    assert counts(report).get("done") == done
    assert report.stopped is (None if approved else Stopped.CANARY)
    assert asked == ([] if approved is None else [{"done": 2, "untouched": 5}])
    assert [outcome.wave for outcome in report.outcomes] == [0, 0, 1, 1, 1, 2, 2]


def test_connections_are_kept_for_the_next_destination(database: Database, folder: Folder) -> None:
    """Destinations of one database share connections: two for each that is at work, however many there are."""
    folder.add("1.0.0-1700000000-users.py", up="insert into public.seen select pg_backend_pid()")
    database.run("create table public.seen (pid int)")
    order = FleetOrder(jobs=3, jobs_per_server=3)
    report = asyncio.run(sartor.run_fleet(tenants(database.url, 15), deploying(folder), order))
    assert counts(report) == {"done": 15}
    assert database.value("select count(distinct pid) from public.seen") <= 6
    assert database.value("select count(*) from pg_stat_activity where application_name like 'sartor %'") == 0


def test_results_are_left_to_the_observer(database: Database, folder: Folder) -> None:
    """A run that doesn't keep results passes each on as it comes, and its report holds none."""
    folder.add("1.0.0-1700000000-users.py", up="create table users (id int)")
    seen: list[FleetEvent] = []
    run = sartor.run_fleet(
        tenants(database.url, 3), deploying(folder), FleetOrder(jobs=2), keep_results=False, observer=seen.append
    )
    report = asyncio.run(run)
    assert [outcome.result for outcome in report.outcomes] == [None] * 3
    assert all(len(event.outcome.result.done) == 1 for event in seen if isinstance(event, Ended))


def test_a_server_isn_t_asked_for_more_connections_than_it_has(database: Database, folder: Folder) -> None:
    """A role's limit, as any other, is asked for first and holds for all waves: no destination meets too many."""
    folder.add("1.0.0-1700000000-users.py", up="create table users (id int)")
    database.run(
        f"create role limited_{database.name} login connection limit 5",
        f"grant create on database {database.name} to limited_{database.name}",
    )
    order = FleetOrder(canary=1, jobs=16, jobs_per_server=16)
    url = database.as_user(f"limited_{database.name}")

    async def approve(_report: FleetReport) -> bool:
        return True

    try:
        report = asyncio.run(sartor.run_fleet(tenants(url, 12), deploying(folder), order, approve=approve))
        assert counts(report) == {"done": 12}, report.of(End.FAILED)[0].error
        assert {outcome.attempts for outcome in report.outcomes} == {1}
    finally:
        database.run(f"drop owned by limited_{database.name}", f"drop role limited_{database.name}")


def test_what_there_is_no_connection_for_comes_again(database: Database, folder: Folder) -> None:
    """Where others take connections after a server was asked, the run goes on with those that are left, one by one."""
    folder.add("1.0.0-1700000000-users.py", up="select pg_sleep(0.2)")
    role = f"limited_{database.name}"
    grant = f"grant create on database {database.name} to {role}"
    database.run(f"create role {role} login connection limit 14", grant)
    url, ended = database.as_user(role), list[Destination]()
    taken: list[asyncpg.Connection[asyncpg.Record]] = []

    def observe(event: FleetEvent) -> None:
        if isinstance(event, Ended) and event.outcome.end is not End.UNTOUCHED:
            ended.append(event.outcome.destination)

    async def take_all_but_two(_report: FleetReport) -> bool:
        taken.extend([await asyncpg.connect(url) for _ in range(12)])
        return True

    async def go() -> FleetReport:
        order = FleetOrder(canary=1, jobs=16, jobs_per_server=16)
        report = await sartor.run_fleet(
            tenants(url, 12), deploying(folder), order, approve=take_all_but_two, observer=observe
        )
        for each in taken:
            await each.close()
        return report

    try:
        report = asyncio.run(go())
        assert counts(report) == {"done": 12}, report.of(End.FAILED)[0].error
        assert {outcome.attempts for outcome in report.outcomes} == {1}
        assert len(ended) == 12
    finally:
        database.run(f"drop owned by {role}", f"drop role {role}")


def test_a_destination_is_tried_again_where_its_connection_is_lost(database: Database, folder: Folder) -> None:
    """A connection that is cut costs an attempt, not the destination; what it had deployed isn't deployed again."""
    folder.add("1.0.0-1700000000-users.py", up="create table users (id int)")
    folder.add("1.0.0-1700000001-slow.py", up="create table slow (id int); select pg_sleep(0.3)")
    with proxy_to(database.url) as proxy:

        def cut(event: FleetEvent) -> None:
            if isinstance(event, Ended) and not cuts:
                cuts.append(event)
                proxy.cut()

        cuts: list[FleetEvent] = []
        order = FleetOrder(jobs=3, jobs_per_server=3)
        report = asyncio.run(sartor.run_fleet(tenants(proxy.url, 6), deploying(folder), order, observer=cut))
    assert counts(report) == {"done": 6}, report.of(End.FAILED)[0].error
    assert max(outcome.attempts for outcome in report.outcomes) > 1
    assert all(len(outcome.result.done) == 2 for outcome in report.outcomes)
    assert all(database.value(f"select count(*) from tenant_{at}.sartor_ledger") == 2 for at in range(6))


def test_a_cancelled_run_leaves_each_destination_whole(database: Database, folder: Folder) -> None:
    """Where it is cancelled, the scripts at work are rolled back and have ended; the error has the report."""
    folder.add("1.0.0-1700000000-users.py", up="create table users (id int)")
    folder.add("1.0.0-1700000001-slow.py", up="create table slow (id int); select pg_sleep(600)")
    begun: list[str] = []

    async def go() -> FleetReport:
        order = FleetOrder(jobs=3, jobs_per_server=3)
        task = asyncio.create_task(sartor.run_fleet(tenants(database.url, 9), deploying(folder), order))
        watcher = await asyncpg.connect(database.url)
        query = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'"
        while await watcher.fetchval(query) < 3:  # noqa: ASYNC110 - a server sends no event
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as raised:
            await task
        begun.append(str(await watcher.fetchval(query)))
        await watcher.close()
        report: FleetReport = raised.value.fleet  # type: ignore[attr-defined]
        return report

    report = asyncio.run(go())
    assert begun == ["0"]
    assert report.stopped is Stopped.INTERRUPTED
    assert counts(report) == {"failed": 3, "untouched": 6}
    assert [len(outcome.result.done) for outcome in report.of(End.FAILED)] == [1, 1, 1]
    tables = database.rows(
        "select schemaname::text, tablename::text from pg_tables where tablename in ('users', 'slow')"
    )
    assert sorted(tables) == [(f"tenant_{at}", "users") for at in range(3)]
