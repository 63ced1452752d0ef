"""Connections cut at COMMIT: the run finds out how it ended, says the truth, and goes on."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator

import pytest

from sartor import Destination, LineageSource, Unreachable, deploy
from sartor.execution.executors import batch
from support.campaigns import CUTS, WAYS, cut, finished, make_chance
from support.command import Command, finish
from support.database import Database, with_name
from support.folder import Folder
from support.proxy import Cut, Proxy, proxy_to
from support.sessions import at_work, backend_waiting, until
from support.stage import Stage

NUMBER = 30
"""For each way to the server, and each of sending scripts."""

APART = ("--no-batch",)
"""For a cut at the COMMIT of one script: a batch's are all in one message."""


@pytest.fixture(params=["directly", "pooled"])
def proxy(request: pytest.FixtureRequest, server_url: str, pooler_url: str, stage: Stage) -> Iterator[Proxy]:
    """A proxy before the stage's database, or before the pooler of it."""
    url = {"directly": server_url, "pooled": pooler_url}[request.param]
    with proxy_to(with_name(url, stage.database.name)) as found:
        yield found


@pytest.mark.parametrize("way", WAYS)
def test_cuts_at_commit(way: str, proxy: Proxy, stage: Stage) -> None:
    """Runs that are cut at COMMIT again and again finish by themselves, and their reports agree with the database."""
    chance, seed = make_chance()
    tally = cut(stage, proxy, NUMBER, way, chance)
    assert tally.violations == [], f"seed {seed}"
    assert {made for made in CUTS if tally.counts[f"cut {made.value}"]} == set(CUTS)


@pytest.mark.parametrize("made", CUTS)
def test_the_command_is_cut_once(made: Cut, proxy: Proxy, sartor: Command, stage: Stage) -> None:
    """Wherever about its COMMIT a script's connection is cut: the command exits 0 and lists each script once."""
    choices = iter([None, None, made])
    proxy.at_commit = lambda: next(choices, None)
    done = sartor("deploy", "next", "--json", *APART, env={"SARTOR_DB_URL": proxy.url}).json["done"]
    assert proxy.cuts == [made]
    assert [a["id"] for a in done] == list(stage.ids)
    assert finished(stage, "deploy") == []


@pytest.mark.parametrize("made", CUTS)
def test_a_batch_is_cut_once(made: Cut, proxy: Proxy, sartor: Command, stage: Stage) -> None:
    """Wherever a batch is cut: the command tells what of it is committed, and that stays so; the next one goes on."""
    choices = iter([None, made])
    proxy.at_commit = lambda: next(choices, None)
    there = {"SARTOR_DB_URL": proxy.url}
    first = sartor("deploy", "next", "--json", env=there, expect=None)
    assert first.code in {0, 6}, first
    done = [a["id"] for a in first.json["done"]]
    if first.code == 6:
        done += [a["id"] for a in sartor("deploy", "next", "--json", env=there).json["done"]]
    assert proxy.cuts == [made]
    assert done == list(stage.ids)
    assert finished(stage, "deploy") == []


def test_a_batch_arrives_when_its_run_has_ended(
    server_url: str, pooler_url: str, sartor: Command, stage: Stage
) -> None:
    """A pooler may pass a batch on after its client is gone: what the run told not to be committed never will be."""
    there = with_name(server_url, stage.database.name)
    with proxy_to(with_name(pooler_url, stage.database.name)) as proxy:
        proxy.hold = b"commit;begin;close all"
        ended = sartor("deploy", "next", "--json", env={"SARTOR_DB_URL": proxy.url}, expect=6)
        proxy.release()
    assert ended.json["done"] == []
    assert not stage.deployed()
    assert "failed" in (told := sartor("history", env={"SARTOR_DB_URL": there}).out), told
    assert "the connection was lost" in told
    sartor("deploy", "next", env={"SARTOR_DB_URL": there})
    assert finished(stage, "deploy") == []


@pytest.mark.parametrize("sent", [b"rollback;", b"select token from"], ids=["claim", "token"])
def test_cut_again_while_the_outcome_is_found_out(sent: bytes, proxy: Proxy, sartor: Command, stage: Stage) -> None:
    """The connection that asks how a COMMIT ended may break as well: it's asked again, and nothing wrong is said."""
    choices = iter([None, None, Cut.ANSWER])
    proxy.at_commit = lambda: next(choices, None)
    proxy.cut_before = sent
    done = sartor("deploy", "next", "--json", *APART, env={"SARTOR_DB_URL": proxy.url}).json["done"]
    assert proxy.cuts == [Cut.ANSWER]
    assert not proxy.cut_before
    assert [a["id"] for a in done] == list(stage.ids)
    assert finished(stage, "deploy") == []


@pytest.mark.parametrize("command", ["status", "deploy"])
def test_cut_right_after_connecting(command: str, proxy: Proxy, sartor: Command) -> None:
    """A connection that is made and breaks at its first question is a database that isn't reached, no defect."""
    proxy.cut_before = b"pg_is_in_recovery"
    words = [command, "next"] if command == "deploy" else [command]
    ended = sartor(*words, env={"SARTOR_DB_URL": proxy.url}, expect=6)
    assert "the connection was lost" in ended.err


def test_interrupted_while_the_answer_to_commit_is_outstanding(proxy: Proxy, sartor: Command, stage: Stage) -> None:
    """Ctrl-C with the answer to a COMMIT outstanding: the command says of that script what the database says."""
    choices = iter([None, None, Cut.SILENCE])
    proxy.at_commit = lambda: next(choices, None)
    process = sartor.start("deploy", "next", *APART, env={"SARTOR_DB_URL": proxy.url})
    until(lambda: len(stage.deployed()) == 3)
    ended = finish(process, signal.SIGINT)
    assert ended.code == 130, ended
    assert f"next-{stage.ids[2]}.py" in ended.err
    assert stage.violations() == []
    sartor("deploy", "next", env={"SARTOR_DB_URL": proxy.url})
    assert finished(stage, "deploy") == []


def test_interrupted_while_the_network_is_gone(proxy: Proxy, sartor: Command, stage: Stage) -> None:
    """Ctrl-C ends the command even where nothing passes to the server and back any more."""
    stage.folder.add("next-1800000000-slow.py", up="select pg_sleep(600)")
    process = sartor.start("deploy", "next", env={"SARTOR_DB_URL": proxy.url})
    until(lambda: backend_waiting(stage.database, "PgSleep"))
    proxy.stall()
    began = time.monotonic()
    ended = finish(process, signal.SIGINT)
    assert ended.code == 130, ended
    assert time.monotonic() - began < 3
    proxy.cut()
    until(lambda: not at_work(stage.database))
    assert finished(stage, "deploy") == []


def test_the_connection_is_cut_in_the_middle_of_a_script(proxy: Proxy, sartor: Command, stage: Stage) -> None:
    """A connection lost before COMMIT changed nothing of its script: the command says so, and the next one goes on."""
    last = stage.folder.add("next-1800000000-slow.py", up="select pg_sleep(600)")
    process = sartor.start("deploy", "next", env={"SARTOR_DB_URL": proxy.url})
    until(lambda: backend_waiting(stage.database, "PgSleep"))
    proxy.cut()
    ended = finish(process)
    assert ended.code == 6, ended
    assert "rolled back" in ended.err
    assert finished(stage, "deploy") == []
    last.unlink()
    assert sartor("deploy", "next", env={"SARTOR_DB_URL": proxy.url}).out == "Found 0 alteration to deploy\n"


def test_nobody_can_tell_how_a_batch_ended(folder: Folder, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection lost while a batch is at work, and no other to be had: the words don't speak of COMMIT."""
    monkeypatch.setattr(batch, "RESOLVE", 0.2)
    folder.add("1.0.0-1700000000-slow.py", up="select pg_sleep(600)")
    sources = (LineageSource(name="main", location=str(folder.path)),)

    async def run(proxy: Proxy) -> None:
        destination = Destination.parse(f"{proxy.url}?connect_timeout=1")
        running = asyncio.create_task(deploy(destination, sources))
        await asyncio.to_thread(until, lambda: backend_waiting(database, "PgSleep"))
        proxy.stall()
        proxy.cut()
        await running

    with proxy_to(database.url) as proxy, pytest.raises(Unreachable) as caught:
        asyncio.run(run(proxy))
    assert "lost while 1.0.0-1700000000-slow.py was running and the server doesn't answer" in str(caught.value)
    assert "COMMIT" not in str(caught.value)


OUTSIDE = {
    "body": "transaction = False\n\n\nasync def up(conn):\n    await conn.execute({!r})\n",
    "before": "async def before_up(conn):\n    await conn.execute({!r})\n\n\nasync def up(conn):\n    pass\n",
}


@pytest.mark.parametrize("end", ["cut", "terminated"])
@pytest.mark.parametrize("text", OUTSIDE.values(), ids=OUTSIDE)
def test_the_connection_is_cut_outside_a_transaction(
    text: str, end: str, sartor: Command, folder: Folder, database: Database
) -> None:
    """A connection lost outside a transaction is no failure of the script: exit 6, and the next run resumes it."""
    name = "1.0.0-1700000000-slow.py"
    folder.write(name, text.format("select pg_sleep(600)"))
    with proxy_to(database.url) as proxy:
        process = sartor.start("deploy", "latest", env={"SARTOR_DB_URL": proxy.url})
        (pid,) = until(lambda: backend_waiting(database, "PgSleep"))
        if end == "cut":
            proxy.cut()
        else:
            database.run(f"select pg_terminate_backend({pid})")
        ended = finish(process)
    assert ended.code == 6, ended
    assert f"the changes of {name} outside a transaction are incomplete and stay" in ended.err
    until(lambda: not at_work(database))
    assert database.rows("select state from sartor_ledger") == [("started",)]
    folder.write(name, text.format("create table made (id int)"))
    assert "a deploy or rollback resumes it" in sartor("deploy", "latest").err
    assert database.tables() == {"made"}


def test_interrupted_while_nobody_can_tell_the_outcome(proxy: Proxy, sartor: Command, stage: Stage) -> None:
    """Ctrl-C with a COMMIT's answer outstanding and the network gone: the command ends, and claims nothing."""
    choices = iter([None, None, Cut.SILENCE])
    proxy.at_commit = lambda: next(choices, None)
    process = sartor.start("deploy", "next", *APART, env={"SARTOR_DB_URL": proxy.url})
    until(lambda: len(stage.deployed()) == 3)
    proxy.stall()
    began = time.monotonic()
    ended = finish(process, signal.SIGINT)
    assert time.monotonic() - began < 3
    assert "isn't known" in ended.err
    assert f"next-{stage.ids[2]}.py" not in ended.err
    assert ended.code == 130, ended
    proxy.cut()
    sartor("deploy", "next", env={"SARTOR_DB_URL": stage.database.url})
    assert finished(stage, "deploy") == []
