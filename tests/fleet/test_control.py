"""The control database: what its rows decide about a run that several processes share."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from sartor import Destination, Limits
from sartor.domain.fleet_run import FleetRun, FleetWork, RunState, Shard, Turn, lane
from sartor.errors import LedgerTooNew, RunHeld, TargetError
from sartor.fleet.control import Control
from sartor.fleet.control_rows import MOST_CLAIMS, NewRun
from sartor.fleet.control_tables import prepare, require_prepared
from support.database import Database
from support.proxy import proxy_to

ALL = Shard()
DEPLOY = FleetWork("deploy", "1.2.0")


def fleet(number: int, servers: int = 4) -> list[Destination]:
    """So many databases on a few servers, with a password that nobody is to see."""
    return [
        Destination.parse(f"postgresql://app:sesame@db{each % servers}.example.com/app{each}") for each in range(number)
    ]


def new(*sizes: int, **more: object) -> NewRun:
    """A run with waves of these sizes."""
    destinations, waves = fleet(sum(sizes)), []
    for size in sizes:
        waves.append(destinations[:size])
        del destinations[:size]
    return NewRun(**{"work": DEPLOY, "waves": waves, "who": "me", **more})  # type: ignore[arg-type]


def place(database: Database) -> Destination:
    return Destination.parse(database.url, schema="sartor_fleet")


@asynccontextmanager
async def controlled(database: Database, worker: str = "one") -> AsyncIterator[Control]:
    await prepare(place(database), limits=Limits())
    async with Control(place(database), worker=worker) as control:
        yield control


async def work(control: Control, run: int, *, failing: Sequence[str] = ()) -> list[str]:
    """Claims and ends all whose turn it is; returns their labels."""
    done = []
    for turn in await control.turns(run, ALL):
        if (claimed := await control.claim(run, turn.destination)) is not None:
            error = "it failed" if any(each in turn.destination for each in failing) else None
            await control.end(run, claimed, error=error)
            done.append(turn.destination)
    return done


async def counted(control: Control, run: FleetRun) -> Counter[str]:
    found: Counter[str] = Counter()
    for tally in (await control.standing(run.id)).tallies:
        found[tally.state] += tally.destinations
    return found


def test_the_tables_are_deployed_once(database: Database) -> None:
    """Several processes that come first at once deploy them once; what only reads makes nothing."""

    async def go() -> None:
        with pytest.raises(TargetError, match="no run was ever begun here"):
            await require_prepared(place(database))
        schemas = "select count(*) from pg_namespace where nspname = 'sartor_fleet'"
        assert await asyncio.to_thread(database.value, schemas) == 0
        await asyncio.gather(*(prepare(place(database), limits=Limits()) for _ in range(4)))
        await require_prepared(place(database))

    asyncio.run(go())
    kinds = database.rows("select kind from sartor_fleet.sartor_journal where id is not null")
    assert len(kinds) == 1


def test_later_tables_are_left_alone(database: Database) -> None:
    """Tables that a later Sartor has made are refused."""
    asyncio.run(prepare(place(database), limits=Limits()))
    later = "id = '1999999999-later', release = '99.0.0', name = '99.0.0-1999999999-later.sql'"
    database.run(f"update sartor_fleet.sartor_ledger set {later}")

    async def go() -> None:
        for look in (prepare(place(database), limits=Limits()), require_prepared(place(database))):
            with pytest.raises(LedgerTooNew):
                await look

    asyncio.run(go())


def test_waves_follow_each_other(database: Database) -> None:
    """A wave begins when the last destination of the one before it has ended; the last one ends the run."""

    async def go() -> None:
        async with controlled(database) as control:
            run, made = await control.plan(new(2, 3, 1))
            assert (made, run.state, run.wave, run.waves, run.total) == (True, RunState.RUNNING, 0, 3, 6)
            sizes = []
            while not run.state.is_over:
                sizes.append(len(await work(control, run.id)))
                run = await control.look(run.id)
            assert sizes == [2, 3, 1]
            assert run.state is RunState.DONE
            assert run.ended is not None
            assert await counted(control, run) == {"done": 6}

    asyncio.run(go())


def test_of_those_that_end_last_one_opens_the_next_wave(database: Database) -> None:
    """Many workers end the destinations of a wave at the same moment: the next one begins, and once."""

    async def go() -> None:
        async with controlled(database) as control:
            run, _ = await control.plan(new(*[8] * 12))
            opened: list[Turn] = []

            async def told(_connection: object, _run: int, turns: Sequence[Turn]) -> None:
                opened.extend(turns)

            workers = [Control(place(database), worker=str(each), opened=told) for each in range(8)]
            for each in workers:
                await each.__aenter__()
            try:
                while not (await control.look(run.id)).state.is_over:
                    turns = await control.turns(run.id, ALL)
                    assert turns, "the run stands still"
                    pairs = list(zip(workers, turns, strict=True))
                    claimed = [await worker.claim(run.id, turn.destination) for worker, turn in pairs]
                    await asyncio.gather(*(w.end(run.id, c) for w, c in zip(workers, claimed, strict=True) if c))
            finally:
                for each in workers:
                    await each.__aexit__(None, None, None)
            assert len({turn.destination for turn in opened}) == len(opened) == 8 * 11

    asyncio.run(go())


def test_a_run_pauses_behind_its_canaries(database: Database) -> None:
    """Behind the first wave nothing begins until somebody approves, and only a paused run can be approved."""

    async def go() -> None:
        async with controlled(database) as control:
            run, _ = await control.plan(new(1, 4, canary=True))
            with pytest.raises(TargetError, match="doesn't wait for approval: it is running"):
                await control.approve(run.id, "somebody")
            await work(control, run.id)
            assert (await control.look(run.id)).state is RunState.PAUSED
            assert await work(control, run.id) == []
            await control.approve(run.id, "somebody")
            assert len(await work(control, run.id)) == 4
            assert (await control.look(run.id)).approved_by == "somebody"
            assert (await control.look(run.id)).state is RunState.DONE

    asyncio.run(go())


@pytest.mark.parametrize("budget", [0, 1, 3])
def test_more_failures_than_the_budget_stop_the_run(database: Database, budget: int) -> None:
    """With one failure more than it may have, a run stops: nothing new is claimed, what is claimed ends."""

    async def go() -> None:
        async with controlled(database) as control:
            run, _ = await control.plan(new(8, 4, budget=budget))
            turns = await control.turns(run.id, ALL)
            at_work = await control.claim(run.id, turns.pop().destination)
            assert at_work
            for turn in turns[: budget + 1]:
                assert (await control.look(run.id)).state is RunState.RUNNING
                claimed = await control.claim(run.id, turn.destination)
                assert claimed
                await control.end(run.id, claimed, error="it failed")
            assert (await control.look(run.id)).state is RunState.STOPPED
            assert await control.claim(run.id, turns[-1].destination) is None
            await control.end(run.id, at_work)
            assert (await counted(control, run))["done"] == 1
            assert len((await control.standing(run.id)).failures) == budget + 1

    asyncio.run(go())


def test_failures_at_once_are_all_counted(database: Database) -> None:
    """Of failures that end at the same moment, the last one sees all others: none is left out of the budget."""

    async def go() -> None:
        async with controlled(database) as control:
            run, _ = await control.plan(new(16, budget=7))
            workers = [Control(place(database), worker=str(each)) for each in range(8)]
            turns = await control.turns(run.id, ALL)
            for each in workers:
                await each.__aenter__()
            try:
                pairs = list(zip(workers, turns, strict=False))
                claimed = [await worker.claim(run.id, turn.destination) for worker, turn in pairs]
                ends = [w.end(run.id, c, error="no") for w, c in zip(workers, claimed, strict=True) if c]
                await asyncio.gather(*ends)
            finally:
                for each in workers:
                    await each.__aexit__(None, None, None)
            assert (await control.look(run.id)).state is RunState.STOPPED

    asyncio.run(go())


def test_a_run_under_way_is_joined(database: Database) -> None:
    """Who plans the same again joins; other work on the same destinations is refused; other destinations aren't."""

    async def go() -> None:
        async with controlled(database) as control:
            run, _ = await control.plan(new(2, 2))
            assert await control.plan(new(4)) == (run, False)
            with pytest.raises(RunHeld, match=f"run {run.id} has destinations of these and is running: deploy 1.2.0"):
                await control.plan(new(2, work=FleetWork("deploy", "1.3.0")))
            other = NewRun(DEPLOY, [[Destination.parse("postgresql://db/elsewhere")]], "me")
            assert (await control.plan(other))[1]
            while not (await control.look(run.id)).state.is_over:
                await work(control, run.id)
            again, made = await control.plan(new(2, 2))
            assert made
            assert again.id != run.id

    asyncio.run(go())


def test_a_named_run_is_joined_when_it_is_over_too(database: Database) -> None:
    """A process that starts again after its run's end finds it by its name: it doesn't begin another one."""

    async def go() -> None:
        async with controlled(database) as control:
            run, _ = await control.plan(new(2, name="job-1", budget=0))
            joined, made = await control.plan(new(2, name="job-2"))
            assert (joined.id, made, joined.names) == (run.id, False, ("job-1", "job-2"))
            await work(control, run.id, failing=["app0"])
            for name in ("job-1", "job-2"):
                found, made = await control.plan(new(2, name=name))
                assert (found.id, made, found.state) == (run.id, False, RunState.STOPPED)
                assert (await control.find(name)).id == run.id
            assert (await control.plan(new(2, name="job-3")))[1]

    asyncio.run(go())


def test_a_name_stands_for_one_work(database: Database) -> None:
    """A run that does something else isn't joined by its name: its processes would deploy different releases."""

    async def go() -> None:
        async with controlled(database) as control:
            run, _ = await control.plan(new(2, name="nightly"))
            for _ in range(2):
                with pytest.raises(RunHeld, match=f"run {run.id}, which is called nightly, does something else"):
                    await control.plan(new(2, name="nightly", work=FleetWork("deploy", "1.3.0")))
                await work(control, run.id)

    asyncio.run(go())


def test_shards_of_another_number_take_up_what_was_left(database: Database) -> None:
    """What shards had that died is taken up by those of another number of shards; a live one of their own isn't."""

    async def go() -> None:
        async with controlled(database, "shard 0/1") as dead:
            run, _ = await dead.plan(new(4))
            (first, *_) = await dead.turns(run.id, ALL)
            assert await dead.claim(run.id, first.destination)
        async with Control(place(database), worker="shard 1/1") as beside:
            assert first.destination not in [turn.destination for turn in await beside.turns(run.id, ALL)]
        async with Control(place(database), worker="shard 1/2") as other:
            shard = next(each for each in (Shard(0, 2), Shard(1, 2)) if each.has(first.server))
            turns = await other.turns(run.id, shard)
            assert first.destination in [turn.destination for turn in turns]

    asyncio.run(go())


def test_two_that_plan_at_once_make_one_run(database: Database) -> None:
    """Of processes that plan the same at the same moment, one makes the run and the others join it."""

    async def one(number: int) -> tuple[int, bool]:
        async with Control(place(database), worker=str(number)) as control:
            run, made = await control.plan(new(50, 50))
            return run.id, made

    async def go() -> list[tuple[int, bool]]:
        await prepare(place(database), limits=Limits())
        return list(await asyncio.gather(*(one(number) for number in range(6))))

    found = asyncio.run(go())
    assert len({run for run, _ in found}) == 1
    assert [made for _, made in found].count(True) == 1
    assert database.value("select count(*) from sartor_fleet.fleet_destination") == 100


def test_no_password_is_stored(database: Database) -> None:
    """The control database has labels and URLs without passwords."""

    async def go() -> None:
        async with controlled(database) as control:
            await control.plan(new(3))

    asyncio.run(go())
    whole = database.value("select string_agg(d::text, ' ') from sartor_fleet.fleet_destination d")
    assert "sesame" not in whole
    assert "app@db1.example.com" in whole


def test_a_claim_is_taken_over_and_counted(database: Database) -> None:
    """Another worker takes over what a dead one had; what the dead one says later of a failure doesn't count."""

    async def go() -> None:
        async with controlled(database) as control, Control(place(database), worker="two") as other:
            run, _ = await control.plan(new(2))
            first, second = await control.turns(run.id, ALL)
            mine = await control.claim(run.id, first.destination)
            assert mine
            assert [turn.destination for turn in await control.turns(run.id, ALL)] == [
                first.destination,
                second.destination,
            ]
            assert [turn.destination for turn in await other.turns(run.id, ALL)] == [second.destination]
            theirs = await other.claim(run.id, first.destination)
            assert theirs
            assert theirs.attempts == 2
            await control.end(run.id, mine, error="too late")
            assert await counted(control, run) == {"running": 1, "queued": 1}
            await control.end(run.id, mine)
            await other.end(run.id, theirs, error="the other was first")
            assert await counted(control, run) == {"done": 1, "queued": 1}

    asyncio.run(go())


def test_a_destination_that_ends_its_workers_fails(database: Database) -> None:
    """What was claimed too often, and never ended, fails: the run doesn't go on for ever."""

    async def go() -> None:
        async with controlled(database) as control:
            run, _ = await control.plan(new(1))
            (turn,) = await control.turns(run.id, ALL)
            claims = [await control.claim(run.id, turn.destination) for _ in range(MOST_CLAIMS + 1)]
            assert claims[-1] is None
            assert all(claims[:-1])
            assert "processes ended while it was at work" in ((await control.standing(run.id)).failures)[0].error
            assert (await control.look(run.id)).state is RunState.DONE

    asyncio.run(go())


def test_what_is_freed_is_as_never_claimed(database: Database) -> None:
    """A worker that is told to end puts its destinations back, and its claim isn't counted."""

    async def go() -> None:
        async with controlled(database) as control, Control(place(database), worker="two") as other:
            run, _ = await control.plan(new(2))
            turns = await control.turns(run.id, ALL)
            claims = [await control.claim(run.id, turn.destination) for turn in turns]
            first, second = (claim for claim in claims if claim is not None)
            await control.free(run.id, first)
            assert [(turn.destination, turn.attempts) for turn in await other.turns(run.id, ALL)] == [
                (turns[0].destination, 0)
            ]
            assert await other.claim(run.id, second.destination)
            await control.free(run.id, second)  # another process has it since
            assert (await counted(control, run)) == {"queued": 1, "running": 1}

    asyncio.run(go())


def test_a_change_whose_answer_is_lost_is_made_once(database: Database) -> None:
    """`approve` and `cancel` that are repeated, as the answer was lost, find that it is so, and raise nothing."""

    async def go() -> None:
        async with controlled(database) as control:
            run, _ = await control.plan(new(1, 1, canary=True))
            await work(control, run.id)
        with proxy_to(database.url) as proxy:

            def lose(data: bytes) -> bytes:
                if b"COMMIT" not in data:
                    return data
                proxy.reword = bytes
                proxy.cut()
                lost.append(data)
                return b""

            lost: list[bytes] = []
            async with Control(Destination.parse(proxy.url, schema="sartor_fleet"), worker="one") as control:
                proxy.reword = lose
                await control.approve(run.id, "me")
                assert (await control.look(run.id)).state is RunState.RUNNING
                proxy.reword = lose
                await control.cancel(run.id)
                assert (await control.look(run.id)).state is RunState.CANCELLED
            assert len(lost) == 2

    asyncio.run(go())


def test_a_cancelled_run_begins_nothing(database: Database) -> None:
    """After a cancel nothing is claimed, and it can't be cancelled or approved again."""

    async def go() -> None:
        async with controlled(database) as control:
            run, _ = await control.plan(new(2, 2))
            await control.cancel(run.id)
            (turn, _) = await control.turns(run.id, ALL)
            assert await control.claim(run.id, turn.destination) is None
            for again in (control.cancel(run.id), control.approve(run.id, "me")):
                with pytest.raises(TargetError, match="it is cancelled"):
                    await again
            with pytest.raises(TargetError, match="there is no run"):
                await control.find("nothing")
            assert (await control.find(str(run.id))).state is RunState.CANCELLED
            assert (await control.find()).id == run.id

    asyncio.run(go())


def test_shards_have_all_destinations_once(database: Database) -> None:
    """Each destination belongs to one part, and those of a server to the same one."""

    async def go() -> None:
        async with controlled(database) as control:
            run, _ = await control.plan(new(40))
            parts = [await control.turns(run.id, Shard(part, 3)) for part in range(3)]
            labels = [turn.destination for part in parts for turn in part]
            assert len(set(labels)) == len(labels) == 40
            servers = [{turn.server for turn in part} for part in parts]
            assert sum(map(len, servers)) == len(set().union(*servers)) == 4
            assert all(Shard(lane(turn.server) % 3, 3).has(turn.server) for part in parts for turn in part)

    asyncio.run(go())


@pytest.mark.parametrize("fails", [False, True])
def test_canaries_approved_in_advance(database: Database, fails: bool) -> None:
    """A run that was approved in advance pauses behind canaries all the same where one of them failed."""

    async def go() -> None:
        async with controlled(database) as control:
            run, _ = await control.plan(new(2, 4, canary=True, approve=True))
            await work(control, run.id, failing=["app0"] if fails else [])
            assert (await control.look(run.id)).state is (RunState.PAUSED if fails else RunState.RUNNING)

    asyncio.run(go())
