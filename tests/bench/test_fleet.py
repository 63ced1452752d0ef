"""The comparison of fleets: each rival works through all destinations, and who leaves something out isn't counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet import Bench, Standing, in_turn
from fleet_rivals import Fleet, Kind, loop, pool, sartor
from measure import CommandError, Server
from tools.sartor import SartorSql
from tools.tool import Call


@pytest.fixture
def bench(server_url: str, tmp_path: Path) -> Bench:
    return Bench(server=Server(server_url), work=tmp_path, scripts=2, limit=120)


def test_schemas(bench: Bench) -> None:
    """Sartor, the pool and a loop deploy all scripts to each schema, and what they take is told."""
    rivals = {
        "Sartor": lambda fleet: sartor(fleet, bench.work, 2),
        "pool": lambda fleet: pool(fleet, bench.work, 2),
        "loop": lambda fleet: loop(fleet, bench.work, SartorSql(), bench.work),
    }
    found = in_turn(bench, Kind.SCHEMAS, 4, rivals, 1)
    assert all(len(standing.runs) == 1 and standing.memory > 1 for standing in found.values())
    assert found["Sartor"].rate(4).count("(") == 1


def test_databases(bench: Bench) -> None:
    """Databases are a fleet as well."""
    rivals = {
        "Sartor": lambda fleet: sartor(fleet, bench.work, 2),
        "pool": lambda fleet: pool(fleet, bench.work, 2),
    }
    found = in_turn(bench, Kind.DATABASES, 3, rivals, 1)
    assert all(standing.seconds > 0 for standing in found.values())


def test_less_work(bench: Bench) -> None:
    """A rival that leaves a destination out is an error."""

    def idle(fleet: Fleet) -> Call:
        return pool(Fleet(kind=fleet.kind, url=fleet.url, places=fleet.places[1:], scripts=2), bench.work, 2)

    with pytest.raises(CommandError, match="not"):
        bench.turn(Standing(), Kind.SCHEMAS, 3, idle)
