"""A run that several processes share: each does its part, and the waves and the failures are those of all."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from urllib.parse import urlsplit

import pytest

import sartor
from sartor import ControlLost, Destination, End, FleetOrder, FleetWork, RunState, Share, Stopped
from sartor.domain.fleet import FleetEvent, FleetObserver, StandsBy
from sartor.domain.fleet_run import Shard
from sartor.errors import SartorError
from sartor.fleet import control as control_module
from support.database import Database
from support.proxy import proxy_to

DEPLOY = FleetWork("deploy", "1.2.0")


def fleet(database: Database, number: int, servers: int = 8) -> list[Destination]:
    """So many schemas of a database, which is reached under several names."""
    port = urlsplit(database.url).port
    user = urlsplit(database.url).username
    return [
        Destination.parse(
            f"postgresql://{user}@tenant{each % servers}.example.com:{port}/{database.name}?hostaddr=127.0.0.1",
            schema=f"t{each}",
        )
        for each in range(number)
    ]


def place(database: Database) -> Destination:
    return Destination.parse(database.url, schema="sartor_fleet")


class Work:
    """What is called at each destination: it notes how often, and fails at some."""

    def __init__(self, failing: Sequence[str] = ()) -> None:
        self.begun: Counter[str] = Counter()
        self.failing = failing

    async def __call__(self, destination: Destination, _observer: object) -> None:
        self.begun[destination.schema] += 1
        if destination.schema in self.failing:
            raise SartorError("no such table")


def telling(canaries: asyncio.Event) -> FleetObserver:
    """An observer that tells when a run waits behind its canaries."""

    def observe(event: FleetEvent) -> None:
        if isinstance(event, StandsBy) and event.approval:
            canaries.set()

    return observe


async def join(
    database: Database,
    work: Work,
    shard: Shard,
    order: FleetOrder,
    canaries: asyncio.Event | None = None,
    **more: object,
) -> sartor.SharedReport:
    return await sartor.join_fleet(
        place(database),
        fleet(database, 40),
        work,
        order,
        work=DEPLOY,
        who="me",
        run="job",
        shard=shard,
        observer=telling(canaries or asyncio.Event()),
        **more,  # type: ignore[arg-type]
    )


def test_shards_do_a_run_together(database: Database) -> None:
    """Each destination is begun once, by one of them; a wave begins when the one before it has ended everywhere."""
    works = [Work() for _ in range(3)]
    order = FleetOrder(canary=4, wave=Share(10), jobs=3)

    async def go() -> list[sartor.SharedReport]:
        return await asyncio.gather(
            *(join(database, work, Shard(part, 3), order, approved=True) for part, work in enumerate(works))
        )

    reports = asyncio.run(go())
    assert sum((work.begun for work in works), Counter()) == Counter({f"t{each}": 1 for each in range(40)})
    assert {report.standing.run.state for report in reports} == {RunState.DONE}
    assert sum(len(report.report.of(End.DONE)) for report in reports) == 40
    times = "select wave, min(began), max(ended) from sartor_fleet.fleet_destination group by 1 order by 1"
    rows = database.rows(times)
    assert len(rows) == 5
    assert all(earlier[2] <= later[1] for earlier, later in pairwise(rows))


def test_a_run_waits_for_approval(database: Database) -> None:
    """Behind the canaries all shards wait, and say so, until somebody approves; then they do the rest."""
    work = Work()

    async def go() -> sartor.SharedReport:
        canaries = asyncio.Event()
        waiting = asyncio.create_task(join(database, work, Shard(), FleetOrder(canary=3), canaries))
        await canaries.wait()
        assert sum(work.begun.values()) == 3
        assert not waiting.done()
        await sartor.approve_fleet(place(database), "1", who="ana")
        return await waiting

    report = asyncio.run(go())
    assert (report.standing.run.approved_by, report.standing.count("done")) == ("ana", 40)


def test_failures_of_all_shards_count(database: Database) -> None:
    """With more failures in all than the run may have, every shard stops; what was begun has ended."""
    failing = [f"t{each}" for each in range(0, 40, 3)]
    works = [Work(failing) for _ in range(4)]
    order = FleetOrder(jobs=2, max_failures=Share(4))

    async def go() -> list[sartor.SharedReport]:
        parts = enumerate(works)
        return await asyncio.gather(*(join(database, work, Shard(part, 4), order) for part, work in parts))

    reports = asyncio.run(go())
    assert {report.report.stopped for report in reports} == {Stopped.FAILURES}
    standing = reports[0].standing
    assert standing.run.state is RunState.STOPPED
    assert 5 <= standing.count("failed") <= 5 + 4 * 2
    assert standing.count("running") == 0
    assert sum(sum(work.begun.values()) for work in works) == standing.count("failed", "done")


def test_a_failure_is_kept_without_secrets(database: Database) -> None:
    """The control database has why a destination failed, and a later process of the same part reports it as well."""
    work = Work(["t1"])
    first = asyncio.run(join(database, work, Shard(), FleetOrder()))
    again = asyncio.run(join(database, Work(), Shard(), FleetOrder()))
    assert [each.error for each in first.standing.failures] == ["no such table"]
    (failed,) = again.report.of(End.FAILED)
    assert (failed.destination.schema, str(failed.error)) == ("t1", "no such table")
    assert len(again.report.of(End.DONE)) == 39


def test_an_interrupted_shard_frees_its_own(database: Database) -> None:
    """What is cut short can be had by the next process, and doesn't count as an attempt or a failure."""
    begun = asyncio.Event()

    async def stuck(_destination: Destination, _observer: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    async def go() -> sartor.SharedReport:
        first = asyncio.create_task(
            sartor.join_fleet(place(database), fleet(database, 9), stuck, work=DEPLOY, who="me")
        )
        await begun.wait()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        standing = await sartor.fleet_status(place(database))
        assert (standing.count("queued"), standing.count("running", "failed")) == (9, 0)
        return await sartor.join_fleet(place(database), fleet(database, 9), Work(), work=DEPLOY, who="me")

    report = asyncio.run(go())
    assert (report.standing.run.id, report.standing.count("done")) == (1, 9)
    assert database.value("select max(attempts) from sartor_fleet.fleet_destination") == 1


def test_a_dead_shard_is_taken_up(database: Database) -> None:
    """What a process had claimed when it died is done by the next process of its part."""
    asyncio.run(join(database, Work(), Shard(), FleetOrder()))
    database.run(
        "update sartor_fleet.fleet_run set state = 'running', ended = null",
        "update sartor_fleet.fleet_destination set state = 'running' where schema in ('t3', 't4')",
    )
    work = Work()
    report = asyncio.run(join(database, work, Shard(), FleetOrder()))
    assert work.begun == {"t3": 1, "t4": 1}
    assert (report.standing.run.state, report.standing.count("done")) == (RunState.DONE, 40)


def test_a_cancelled_run_ends_everywhere(database: Database) -> None:
    """Processes that wait, and those at work, end when somebody cancels their run."""
    work = Work()

    async def go() -> sartor.SharedReport:
        canaries = asyncio.Event()
        waiting = asyncio.create_task(join(database, work, Shard(), FleetOrder(canary=2), canaries))
        await canaries.wait()
        await sartor.cancel_fleet(place(database))
        return await waiting

    report = asyncio.run(go())
    assert report.report.stopped is Stopped.CANCELLED
    assert len(report.report.of(End.UNTOUCHED)) == 38


def test_what_is_not_known_here_is_set_aside(database: Database) -> None:
    """A destination of the run that this process doesn't have, as it was dropped since, doesn't hold the run up."""

    async def go() -> sartor.SharedReport:
        canaries = asyncio.Event()
        places = fleet(database, 6)
        first = asyncio.create_task(
            sartor.join_fleet(
                place(database), places, Work(), FleetOrder(canary=1), work=DEPLOY, who="me", observer=telling(canaries)
            )
        )
        await canaries.wait()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        return await sartor.join_fleet(place(database), places[:-1], Work(), work=DEPLOY, who="me", approved=True)

    report = asyncio.run(go())
    assert (report.standing.count("done"), report.standing.count("aside")) == (5, 1)
    assert "isn't among the destinations" in report.standing.failures[0].error


def test_a_cut_is_survived(database: Database) -> None:
    """A control database whose connections are cut all the time is connected to again; each is done once."""
    work = Work()
    with proxy_to(database.url) as proxy:

        async def cutting(destination: Destination, observer: object) -> None:
            await work(destination, observer)
            if sum(work.begun.values()) % 5 == 0:
                proxy.cut()

        through = Destination.parse(proxy.url, schema="sartor_fleet")
        join_it = sartor.join_fleet(through, fleet(database, 30), cutting, work=DEPLOY, who="me")
        report = asyncio.run(join_it)
    assert report.standing.count("done") == 30
    assert set(work.begun.values()) == {1}


def test_a_control_database_that_stays_away_ends_the_process(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its patience the process ends with an error of its own; the run goes on where it was."""
    monkeypatch.setattr(control_module, "PATIENCE", 0.5)
    work = Work()
    with proxy_to(database.url) as proxy:

        async def losing(destination: Destination, observer: object) -> None:
            await work(destination, observer)
            if sum(work.begun.values()) == 5:
                proxy.stall()
                proxy.cut()

        through = Destination.parse(f"{proxy.url}?connect_timeout=1", schema="sartor_fleet")
        with pytest.raises(ControlLost) as caught:
            asyncio.run(sartor.join_fleet(through, fleet(database, 30), losing, work=DEPLOY, who="me"))
        assert caught.value.exit_code == 8
    report = asyncio.run(sartor.join_fleet(place(database), fleet(database, 30), work, work=DEPLOY, who="me"))
    assert (report.standing.run.id, report.standing.count("done")) == (1, 30)


def test_a_restored_control_database(database: Database) -> None:
    """Of a control database that knows less than what was done, the run is done again, and its report is true."""
    asyncio.run(join(database, Work(), Shard(), FleetOrder(wave=Share(10))))
    database.run(  # as it was within the third wave
        "update sartor_fleet.fleet_run set state = 'running', wave = 2, ended = null",
        "update sartor_fleet.fleet_destination set state = 'waiting', attempts = 0, worker = null where wave = 3",
        "update sartor_fleet.fleet_destination set state = 'queued', attempts = 0, worker = null"
        " where wave = 2 and lane % 2 = 0",
    )
    report = asyncio.run(join(database, Work(), Shard(), FleetOrder(wave=Share(10))))
    assert (report.standing.run.state, report.standing.count("done")) == (RunState.DONE, 40)
    assert len(report.report.of(End.DONE)) == 40
