"""Connections cut at COMMIT: the run finds out how it ended, says the truth, and goes on."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator

import pytest
from support.campaigns import CUTS, cut, finished
from support.command import Command, finish
from support.database import with_name
from support.proxy import Cut, Proxy, proxy_to
from support.sessions import backend_running, backends, until
from support.stage import Stage

NUMBER = 60
"""For each way to the server."""


@pytest.fixture(params=["directly", "pooled"])
def proxy(request: pytest.FixtureRequest, server_url: str, pooler_url: str, stage: Stage) -> Iterator[Proxy]:
    """A proxy before the stage's database, or before the pooler of it."""
    url = {"directly": server_url, "pooled": pooler_url}[request.param]
    with proxy_to(with_name(url, stage.database.name)) as found:
        yield found


def test_cuts_at_commit(proxy: Proxy, stage: Stage) -> None:
    """Runs that are cut at COMMIT again and again finish by themselves, and their reports agree with the database."""
    seed = random.randrange(1 << 30)
    tally = cut(stage, proxy, NUMBER, random.Random(seed))
    assert tally.violations == [], f"seed {seed}"
    assert {made for made in CUTS if tally.counts[f"cut {made.value}"]} == set(CUTS)


@pytest.mark.parametrize("made", CUTS)
def test_the_command_is_cut_once(made: Cut, proxy: Proxy, sartor: Command, stage: Stage) -> None:
    """Wherever about its COMMIT a script's connection is cut: the command exits 0 and lists each script once."""
    choices = iter([None, None, made])
    proxy.at_commit = lambda: next(choices, None)
    done = sartor("deploy", "next", "--json", env={"SARTOR_DB_URL": proxy.url}).json["done"]
    assert proxy.cuts == [made]
    assert [a["id"] for a in done] == list(stage.ids)
    assert finished(stage, "deploy") == []
