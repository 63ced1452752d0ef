"""Runs that begin at once: each script is done by exactly one of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.campaigns import VERBS, WAYS, race
from support.command import Command, finish
from support.database import with_name
from support.stage import Stage, new_stage
from support.versions import race_versions, two_versions

RUNS = 8
ROUNDS = (["batched"] * RUNS, [way for way in WAYS * (RUNS // 4) for _ in range(2)])
"""How the runs of each send their scripts; in pairs, as every other one goes through the pooler where it's mixed."""


@pytest.fixture(params=["directly", "pooled", "mixed"])
def addresses(request: pytest.FixtureRequest, server_url: str, pooler_url: str) -> list[str]:
    """The server's URL for each of eight runs."""
    return {
        "directly": [server_url] * RUNS,
        "pooled": [pooler_url] * RUNS,
        "mixed": [server_url, pooler_url] * (RUNS // 2),
    }[request.param]


def test_eight_commands_at_once(addresses: list[str], sartor: Command, stage: Stage) -> None:
    """Of eight commands that deploy the same, on a database that has no ledger yet, each script is in one's report.

    What they made together is what the last of them recorded.
    """
    urls = [with_name(url, stage.database.name) for url in addresses]
    started = [sartor.start("deploy", "next", "--json", env={"SARTOR_DB_URL": url}) for url in urls]
    ended = [finish(process) for process in started]
    assert [each.code for each in ended] == [0] * RUNS, ended
    done = [a["id"] for each in ended for a in each.json["done"]]
    assert sorted(done) == list(stage.ids)
    assert stage.violations() == []
    verified = sartor("verify", "--json", env={"SARTOR_DB_URL": urls[0]}).json
    assert (verified["drift"], verified["unknown"]) == ([], None)


def test_runs_that_begin_in_the_same_moment(addresses: list[str], server_url: str, tmp_path: Path) -> None:
    """Of eight runs released together, up and then down again, each script is done by one, and the traces agree."""
    for number, ways in enumerate(ROUNDS):
        with new_stage(server_url, tmp_path / str(number), scripts=20) as stage:
            urls = [with_name(url, stage.database.name) for url in addresses]
            for verb in VERBS if number == 0 else VERBS[:1]:
                assert race(stage, urls, verb, ways) == []


def test_two_versions_of_a_package(server_url: str, pooler_url: str, tmp_path: Path) -> None:
    """Runs of an older and of a newer package at once: each script once; what is released is never taken back."""
    with two_versions(server_url, tmp_path, scripts=12) as versions:
        urls = [
            with_name(url, versions.stage.database.name) for url in (server_url, server_url, pooler_url, pooler_url)
        ]
        assert race_versions(versions, urls, ["batched", "apart", "apart", "batched"]) == []
