"""A synchronous standby that is missing: COMMIT waits for it, and a cancel ends that wait, not the COMMIT."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from sartor.embedded.server import serve
from support.campaigns import make_chance
from support.command import Command, finish
from support.database import Database, temporary_database, with_name
from support.folder import Folder
from support.memory import open_folder
from support.pooler import pooler
from support.sessions import backend_waiting, until
from support.standby import find_standby, lose_standby, strike_commits

BLOWS = 5
IDS = [f"170000000{n}-t{n}" for n in range(4)]


@pytest.fixture(scope="module")
def lonely_url() -> Iterator[str]:
    """A server of the tests' own, which is to lose its standby."""
    with open_folder() as directory, serve(directory / "server", tcp=True, settings={"fsync": "off"}) as server:
        yield server.url


@pytest.fixture(params=["directly", "pooled"])
def lonely(request: pytest.FixtureRequest, lonely_url: str, folder: Folder) -> Iterator[tuple[Database, str]]:
    """A database of that server with a ledger, four scripts to deploy, and the URL by which to reach it."""
    with temporary_database(lonely_url) as database, pooler(lonely_url) as pooled:
        url = {"directly": lonely_url, "pooled": pooled}[request.param]
        folder.table("1.0.0-1600000000-first.py")
        Command(folder.path.parent, {"SARTOR_DB_URL": database.url})("deploy", "latest")
        for identity in IDS:
            folder.table(f"1.0.0-{identity}.py")
        yield database, with_name(url, database.name)


@pytest.mark.parametrize("way", [(), ("--no-batch",)], ids=["batched", "apart"])
def test_interrupted_at_commit(way: tuple[str, ...], sartor: Command, lonely: tuple[Database, str]) -> None:
    """Ctrl-C while a COMMIT waits for a standby: nothing behind that script begins; what is committed is told."""
    database, url = lonely
    there = {"SARTOR_DB_URL": url}
    lose_standby(database)
    try:
        process = sartor.start("deploy", "latest", "--json", *way, env=there)
        until(lambda: backend_waiting(database, "SyncRep"), what="the wait for the standby")
        ended = finish(process, signal.SIGINT)
        assert ended.code == 130, ended
        until(lambda: not backend_waiting(database, "SyncRep"), what="the end of the wait")
    finally:
        find_standby(database)
    assert database.tables() == {"first", "t0"}
    assert [a["id"] for a in ended.json["done"]] == IDS[:1], ended
    assert [a["id"] for a in sartor("deploy", "latest", "--json", env=there).json["done"]] == IDS[1:]


def test_struck_at_commit(lonely_url: str, tmp_path: Path) -> None:
    """However a run is ended while its COMMIT waits: nothing behind that script has run, nothing is done twice."""
    chance, seed = make_chance()
    with pooler(lonely_url) as pooled:
        assert strike_commits([lonely_url, pooled], tmp_path, BLOWS, chance).violations == [], f"seed {seed}"
