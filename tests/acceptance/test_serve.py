"""`db serve`: a server that stays, and that is gone when it is told to stop."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.command import EXECUTABLE, Command
from support.memory import open_folder
from support.shapes import validator


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with open_folder() as path:
        yield path / "server"


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_runs_until_it_is_stopped(sartor: Command, folder: Path, stop: signal.Signals) -> None:
    """Its URL is printed when it can be used; commands share it; a signal stops it, and it ends with 0."""
    words = [EXECUTABLE, "db", "serve", str(folder), "--json"]
    with subprocess.Popen(words, cwd=sartor.directory, env=sartor.environment, stdout=subprocess.PIPE) as process:
        assert process.stdout
        text = b""
        while not text.rstrip().endswith(b"}"):
            text += os.read(process.stdout.fileno(), 4096)
        printed = json.loads(text)
        validator("serve").validate(printed)
        url = printed["url"]
        (sartor.directory / "alterations").mkdir(exist_ok=True)
        shown = sartor("status", "--db-url", url, "--json").json
        assert shown["release"] is None
        assert sartor("status", f"--embedded={folder}", env={"SARTOR_DB_URL": ""}).code == 0
        process.send_signal(stop)
        assert process.wait(60) == 0
    assert "no such file" in sartor("status", "--db-url", url, expect=6).err.lower()


def test_it_may_be_stopped_at_once(sartor: Command, folder: Path) -> None:
    """Whoever reads the first character of the URL may stop it: it ends in order all the same."""
    words = [EXECUTABLE, "db", "serve", str(folder)]
    for _ in range(3):
        with subprocess.Popen(words, cwd=sartor.directory, env=sartor.environment, stdout=subprocess.PIPE) as process:
            assert process.stdout
            os.read(process.stdout.fileno(), 1)
            process.terminate()
            assert process.wait(60) == 0
