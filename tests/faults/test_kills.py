"""`kill -9` at random moments: nothing is lost, doubled or partial, and the next run goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.campaigns import finished, kill, make_chance
from support.command import Command
from support.database import with_name
from support.kept import kill_kept, new_kept_stage
from support.redone import kill_redone, new_redone_stage
from support.repeated import kill_repeated, new_repeated_stage
from support.sessions import backend_running, until
from support.stage import Stage

KILLS = 21
"""For each way to the server."""


@pytest.mark.parametrize("way", ["directly", "pooled", "mixed"])
def test_kills_at_random(way: str, stage: Stage, server_url: str, pooler_url: str) -> None:
    """Two runs at a time, killed at random while they deploy and roll back, leave traces that agree."""
    urls = {"directly": (server_url, server_url), "pooled": (pooler_url, pooler_url), "mixed": (server_url, pooler_url)}
    chance, seed = make_chance()
    tally = kill(stage, [with_name(url, stage.database.name) for url in urls[way]], KILLS, chance)
    assert tally.violations == [], f"seed {seed}"
    assert tally.counts["kills"] >= KILLS


def test_kills_in_repeatable_scripts(tmp_path: Path, server_url: str, pooler_url: str) -> None:
    """Two runs at a time, killed at random while they run changed scripts: each change runs once."""
    chance, seed = make_chance()
    with new_repeated_stage(server_url, tmp_path, scripts=24) as stage:
        urls = [with_name(url, stage.database.name) for url in (server_url, pooler_url)]
        tally = kill_repeated(stage, urls, 8, chance)
    assert tally.violations == [], f"seed {seed}"


@pytest.mark.parametrize("way", ["directly", "pooled"])
def test_kills_in_rollbacks_from_the_ledger(tmp_path: Path, way: str, server_url: str, pooler_url: str) -> None:
    """Killed at random, a package without the files loses and doubles nothing; the same command goes on."""
    chance, seed = make_chance()
    pair = (server_url, server_url if way == "directly" else pooler_url)
    with new_kept_stage(server_url, tmp_path, scripts=24, outside=way == "directly") as kept:
        tally = kill_kept(kept, [with_name(url, kept.stage.database.name) for url in pair], 6, chance)
    assert tally.violations == [], f"seed {seed}"


def test_kills_in_redo(tmp_path: Path, server_url: str, pooler_url: str) -> None:
    """Killed at random, each alteration is as it was, pending, or as its file is; redo once more ends well."""
    chance, seed = make_chance()
    with new_redone_stage(server_url, tmp_path, scripts=12) as stage:
        urls = [with_name(url, stage.database.name) for url in (server_url, pooler_url)]
        tally = kill_redone(stage, urls, 8, chance)
    assert tally.violations == [], f"seed {seed}"


@pytest.mark.parametrize("way", ["directly", "pooled"])
def test_kill_in_the_middle_of_a_script(
    way: str, sartor: Command, stage: Stage, server_url: str, pooler_url: str
) -> None:
    """A command killed in a script leaves nothing of that script, and the same command goes on from there."""
    marker = stage.folder.path / "pause"
    stage.folder.write(
        "_pause.py",
        f"""
        import pathlib

        async def pause(conn):
            if pathlib.Path({str(marker)!r}).exists():
                await conn.execute("select pg_sleep(600)")
        """,
    )
    script = stage.folder.path / f"next-{stage.ids[20]}.py"
    script.write_text(
        "from ._pause import pause\n" + script.read_text().replace('+ 1")', '+ 1")\n    await pause(conn)')
    )
    marker.touch()
    there = {"SARTOR_DB_URL": with_name({"directly": server_url, "pooled": pooler_url}[way], stage.database.name)}
    process = sartor.start("deploy", "next", env=there)
    until(lambda: backend_running(stage.database, "pg_sleep"))
    process.kill()
    process.communicate()
    until(lambda: not backend_running(stage.database, "pg_sleep"))
    assert stage.violations() == []
    assert stage.deployed() == set(stage.ids[:20])
    marker.unlink()
    sartor("deploy", "next", env=there)
    assert finished(stage, "deploy") == []
