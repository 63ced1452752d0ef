"""Runs in processes of their own, made ready first so that they start, and can be killed, at a chosen moment."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from support.command import warm

PROGRAM = Path(__file__).with_name("run_once.py")
LIMIT = 120.0
"""Seconds after which a run is held to hang."""


@dataclass(frozen=True)
class Ended:
    """How a run ended: its exit code (negative: the signal), what it says that it did, and what it complained of."""

    code: int
    done: tuple[str, ...]
    error: str


class Run:
    """A run in a process of its own, its scripts `batched` or `apart`: `ready`, then `go`, then `end` or `kill`."""

    def __init__(self, url: str, folder: Path, verb: str, way: str) -> None:
        words = (url, str(folder), verb, way)
        self._process = warm().start(
            words, directory=Path.cwd(), environment=os.environ, program=str(PROGRAM), stdin=subprocess.PIPE
        )

    def ready(self) -> None:
        """Wait until everything is loaded."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line == "ready\n", f"the run didn't start: {self._process.communicate()}"

    def go(self) -> None:
        """Let it begin."""
        assert self._process.stdin
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def end(self, within: float = LIMIT) -> Ended | None:
        """How it ends, None where it goes on for longer than `within` seconds."""
        try:
            out, error = self._process.communicate(timeout=within)
        except subprocess.TimeoutExpired:
            return None
        return Ended(self._process.returncode, tuple(out.split()), error)

    def kill(self) -> None:
        """`kill -9`."""
        self._process.kill()
        self._process.communicate()
