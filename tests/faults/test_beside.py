"""A command that a child reads for, stopped or killed: nobody is left."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from sartor.alterations.beside import MANY
from support.command import LIMIT, Command, finish
from support.folder import Folder
from support.sessions import until


@pytest.fixture
def stuck(folder: Folder) -> Path:
    """The first file of a large folder: nobody comes to its end for minutes, before someone makes it empty."""
    for i in range(MANY):
        folder.write(f"1.0.0-{1_700_000_000 + i}-t{i}.py", "")
    hole = folder.path / "1.0.0-1600000000-stuck.py"
    hole.touch()
    os.truncate(hole, 1 << 38)
    return hole


@pytest.fixture
def begun(sartor: Command, stuck: Path) -> Iterator[tuple[subprocess.Popen[str], psutil.Process]]:
    """A command that has begun to read, in a group of its own, and the child that reads for it."""
    process = sartor.launch("db", "alteration", "status", "--alterations", str(stuck.parent), own_group=True)
    try:
        yield process, until(psutil.Process(process.pid).children, what="a child")[0]
    finally:
        process.kill()
        process.communicate(timeout=LIMIT)


Begun = tuple[subprocess.Popen[str], psutil.Process]


def test_ctrl_c(begun: Begun) -> None:
    """Ctrl-C goes to both: the command ends its child, which has nothing to say."""
    process, child = begun
    until(lambda: driver_loaded(process), what="the driver")
    os.killpg(process.pid, signal.SIGINT)
    done = finish(process)
    assert done.code == 130, done
    assert "Traceback" not in done.err
    assert not child.is_running()


def driver_loaded(process: subprocess.Popen[str]) -> bool:
    """Whether a process has come so far that it reads, too."""
    return any("asyncpg" in each.path for each in psutil.Process(process.pid).memory_maps())


def test_killed(begun: Begun, stuck: Path) -> None:
    """A child without its parent ends, when it has read the file that it was at."""
    process, child = begun
    process.kill()
    process.wait(LIMIT)
    stuck.write_text("")
    until(lambda: ended(child), what="the child's end")


def test_the_child_is_killed(begun: Begun, stuck: Path) -> None:
    """What a child leaves undone, when it is killed, the command does itself."""
    process, child = begun
    child.kill()
    until(lambda: ended(child), what="the child's end")
    stuck.write_text("")
    done = finish(process)
    assert done.code == 0, done
    assert "nothing was ever deployed" in done.out
    assert f"{MANY + 1}" in done.out


def ended(process: psutil.Process) -> bool:
    """Whether a process has ended, and perhaps waits for whoever adopted it to take notice."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
