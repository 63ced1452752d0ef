"""A link to the server that falls silent, without a word of it to either end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.campaigns import make_chance
from support.command import Command, finish
from support.database import Database, temporary_database
from support.folder import Folder
from support.links import Beyond, server_beyond, sever
from support.namespace import why_not
from support.sessions import backend_waiting, holding, until

CUTS = 2
SLOW = "1.0.0-1700000000-slow.py"


@pytest.fixture(scope="module")
def beyond() -> Iterator[Beyond]:
    """A server beyond a link that can be cut, where the machine can have one."""
    if reason := why_not():
        pytest.skip(reason)
    with server_beyond() as found:
        yield found


@pytest.fixture
def far(beyond: Beyond) -> Iterator[Database]:
    """A database beyond the link, seen by a way that no cut touches."""
    with temporary_database(beyond.seen) as database:
        yield database
        beyond.link.mend()


@pytest.mark.parametrize("reach", ["directly", "pooled"])
def test_a_statement_under_way(reach: str, beyond: Beyond, far: Database, sartor: Command, folder: Folder) -> None:
    """A run whose server is out of reach ends with 6; its server process doesn't keep the next run waiting."""
    if reach not in beyond.urls:
        pytest.skip("pgbouncer isn't installed")
    there = {"SARTOR_DB_URL": beyond.reaching(reach, far.name)}
    folder.table("1.0.0-1600000000-first.py")
    sartor("deploy", "latest", env=there)
    folder.add(SLOW, up="create table slow (id int); select pg_sleep(600)")
    process = sartor.start("deploy", "latest", "--no-batch", env=there)
    until(lambda: backend_waiting(far, "PgSleep") or process.poll() is not None, what="the statement")
    beyond.link.cut()
    ended = finish(process)
    assert ended.code == 6, ended
    assert "the connection was lost" in ended.err
    beyond.link.mend()
    folder.table(SLOW)
    sartor("deploy", "latest", "--wait", "30", env=there)
    assert far.tables() == {"first", "slow"}


@pytest.mark.parametrize("command", ["status", "verify"])
def test_a_command_that_only_reads(
    command: str, beyond: Beyond, far: Database, sartor: Command, folder: Folder
) -> None:
    """It doesn't wait for ever for an answer that is lost, and says what is the matter."""
    there = {"SARTOR_DB_URL": beyond.reaching("directly", far.name)}
    folder.table("1.0.0-1600000000-first.py")
    sartor("deploy", "latest", env=there)
    with holding(far.url, "begin", "lock table sartor_ledger"):
        process = sartor.start(command, env=there)
        until(lambda: backend_waiting(far, "relation"), what="the wait for the ledger")
        beyond.link.cut()
        ended = finish(process)
    assert ended.code == 6, ended
    assert "the connection was lost" in ended.err
    said = sartor(command, env=there, expect=6).err
    assert "no answer within 2 s" in said


def test_cut_at_random(beyond: Beyond, tmp_path: Path) -> None:
    """Whenever the link falls silent, and whether it comes back: what is done is done exactly once."""
    chance, seed = make_chance()
    tally = sever(beyond, tmp_path, CUTS, chance, away=(0.0, 1.0, 4.0))
    assert tally.violations == [], f"seed {seed}"


@pytest.mark.parametrize("way", [(), ("--no-batch",)], ids=["batched", "apart"])
def test_the_servers_side(way: tuple[str, ...], sartor: Command, database: Database, folder: Folder) -> None:
    """The server gives a silent client up as soon as the client does the server, in each script of a run."""
    for number in (1, 2):
        noted = f"create table noted_{number} as select current_setting('tcp_keepalives_idle') as idle"
        folder.add(f"1.0.0-170000000{number}-s{number}.py", up=noted)
    sartor("deploy", "latest", *way, env={"SARTOR_DB_URL": f"{database.url}?keepalives_idle=77"})
    assert database.rows("select idle from noted_1 union all select idle from noted_2") == [("77",), ("77",)]
