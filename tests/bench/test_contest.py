"""The comparison with other tools: nobody is compared who did less, and nobody stops it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from contest import Act, Contest, Entrant, rotated
from delay import distant
from measure import Server, TooLongError, round_trip_of, timed
from support.database import Database
from tools.bare import Loop
from tools.sartor import SartorPython, SartorSql
from tools.tool import Tool


class Idler(Loop):
    """Leaves a script out."""

    name = "idler"

    def write(self, scripts: Path, count: int) -> None:
        super().write(scripts, count - 1)


class Lump(Loop):
    """Puts all scripts into one transaction."""

    name = "lump"

    def write(self, scripts: Path, count: int) -> None:
        super().write(scripts, count)
        texts = [file.read_text() for file in (scripts / "migrations").iterdir()]
        for file in (scripts / "migrations").iterdir():
            file.unlink()
        (scripts / "migrations" / "all.sql").write_text("".join(texts))


def _contest(server_url: str, work: Path) -> Contest:
    return Contest(server=Server(server_url), work=work, count=3, limit=60, patience=0)


def _entrants(work: Path, *tools: Tool) -> list[Entrant]:
    return [Entrant(tool=tool, version="", prefix=work) for tool in tools]


def test_each_act(server_url: str, tmp_path: Path) -> None:
    """Sartor deploys, finds nothing to do and undoes, with scripts of both kinds; without patience one round counts."""
    standing = _contest(server_url, tmp_path).run(_entrants(tmp_path, SartorSql(), SartorPython()), rounds=5, warm=0)
    assert standing.out == {}
    for result in standing.results.values():
        assert {act: len(times.seconds) for act, times in result.items()} == dict.fromkeys(Act, 1)


def test_less_work(server_url: str, tmp_path: Path) -> None:
    """Who deploys less, or in fewer transactions, is out, and the others go on."""
    entrants = _entrants(tmp_path, Idler(), Lump(), Loop())
    standing = _contest(server_url, tmp_path).run(entrants, rounds=1, warm=0)
    assert standing.out == {"idler": "failed", "lump": "failed"}
    assert set(standing.results) == {"asyncpg loop"}


def test_limit(tmp_path: Path) -> None:
    """A command is ended at its limit."""
    with pytest.raises(TooLongError, match="over 1 s"):
        timed(sys.executable, "-c", "import time; time.sleep(600)", directory=tmp_path, limit=1)


def test_turns() -> None:
    """Each round begins with another tool."""
    assert [rotated("abc", i)[0] for i in range(4)] == ["a", "b", "c", "a"]


def test_distance(database: Database) -> None:
    """Over the distance a query takes at least as long as it."""
    with distant(database.url, 0.02) as url:
        assert round_trip_of(url) >= 0.02
