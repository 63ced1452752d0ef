"""The comparison of fleets: each rival works through all destinations, and who leaves something out isn't counted."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from fleet import recorded
from fleet_replay import replay
from fleet_rivals import Fleet, Kind, Rival, loop, pool, sartor
from fleet_tape import Sent, tape
from fleet_turns import Bench, Standing, in_turn
from measure import CommandError, Server, ask
from processor import Clock, clock_of, settle
from tools.sartor import SartorSql
from tools.tool import Call


@pytest.fixture
def bench(server_url: str, tmp_path: Path) -> Bench:
    return Bench(server=Server(server_url), work=tmp_path, scripts=2, limit=120)


def rivals(bench: Bench, kind: Kind) -> dict[str, Rival]:
    """Sartor, the pool, and the same statements."""
    return {
        "Sartor": Rival(partial(sartor, work=bench.work, jobs=2), records=True),
        "pool": Rival(partial(pool, work=bench.work, jobs=2)),
        "same": Rival(partial(replay, jobs=2, program=recorded(bench, kind)), records=True),
    }


def test_schemas(bench: Bench) -> None:
    """Sartor, the pool, the same statements and a loop deploy all scripts to each schema, and their costs are told."""
    looping = Rival(partial(loop, work=bench.work, tool=SartorSql(), prefix=bench.work), records=True)
    found = in_turn(bench, Kind.SCHEMAS, 5, rivals(bench, Kind.SCHEMAS) | {"loop": looping}, 1)
    assert all(len(standing.runs) == 1 and standing.memory > 1 for standing in found.values())
    assert found["Sartor"].rate(4).count("(") == 1


def test_databases(bench: Bench) -> None:
    """Databases are a fleet as well."""
    found = in_turn(bench, Kind.DATABASES, 3, rivals(bench, Kind.DATABASES), 1)
    assert all(standing.seconds > 0 for standing in found.values())


def test_less_work(bench: Bench) -> None:
    """A rival that leaves a destination out is an error."""

    def idle(fleet: Fleet) -> Call:
        return pool(Fleet(kind=fleet.kind, url=fleet.url, places=fleet.places[1:], scripts=2), bench.work, 2)

    with pytest.raises(CommandError, match="not"):
        bench.turn(Standing(), Kind.SCHEMAS, 3, Rival(idle))


def test_no_records(bench: Bench) -> None:
    """A rival that should keep records as Sartor does, and keeps none, is an error."""

    def bare(fleet: Fleet) -> Call:
        scripts = [f"create table {fleet.places[0]}.sartor_{name} ()" for name in ("ledger", "fingerprint")]
        ask(fleet.url, f"do $$begin {'; '.join(scripts)}; end$$")
        return pool(fleet, bench.work, 2)

    with pytest.raises(CommandError, match="0, 0"):
        bench.turn(Standing(), Kind.SCHEMAS, 1, Rival(bare, records=True))


def sent(text: str, *values: object, process: int = 1) -> Sent:
    return Sent(0, "fetch", text, values, process, 1)


def test_what_varies() -> None:
    """A tape has a parameter for the name, each token, each key and the process, and all else as it was."""
    first = [sent('t0 in "f_1": 0a1b2c3d, 7, 2147', "f_1", 987654321012, ["f_1", 2], process=2147)]
    other = [sent('t0 in "f_2": ffeeddcc, 7, 2150', "f_2", 123456789012, ["f_2", 2], process=2150)]
    found = tape(("f_1", first), ("f_2", other))
    ((step,),) = found.groups
    assert (found.kinds, step.text) == ((0, 8), ('t0 in "', 0, '": ', 2, ", 7, ", -1))
    assert step.values == ((0,), (1,), [(0,), 2])


def test_a_name_that_stays() -> None:
    """A name that no parameter stands for is an error: the tape would work at one destination again and again."""
    with pytest.raises(CommandError, match="f_1"):
        tape(("f_1", [sent("a", b"f_1")]), ("f_2", [sent("a", b"f_2")]))


def test_processor(server_url: str) -> None:
    """The time of a session that has ended is the server's."""
    clock = clock_of(server_url)
    assert isinstance(clock, Clock)
    before = clock.read()
    ask(server_url, "select count(*) from generate_series(1, 1000000)")
    settle(server_url)
    assert clock.read() > before
