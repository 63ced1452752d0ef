"""Runs in processes of their own, made ready first so that they start, and can be killed, at a chosen moment.

As a program: `runs.py URL FOLDER deploy|rollback|redo batched|apart` loads what a run needs, says `ready`, and runs
when a line comes in; it prints the identities that it did and ends with the exit code that the command would have.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

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
        pipe = subprocess.PIPE
        command = [sys.executable, __file__, url, str(folder), verb, way]
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

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


def main() -> int:
    """Run once, when a line comes in."""
    import asyncio  # noqa: PLC0415 - a test that imports this module has no use for these

    import sartor  # noqa: PLC0415
    import sartor.execution.run_loop  # noqa: PLC0415
    from sartor.domain.destination import Destination, Limits  # noqa: PLC0415
    from sartor.errors import SartorError  # noqa: PLC0415

    url, folder, verb, way = sys.argv[1:]
    destination, sources = Destination.parse(url), [sartor.LineageSource(name="main", location=folder)]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    limits = Limits(batch=way == "batched")
    run, target = (sartor.deploy, "next") if verb == "deploy" else (sartor.rollback, "0")
    try:
        if verb == "redo":
            report = asyncio.run(sartor.redo(destination, sources, environment=None, limits=limits)).deployed
        else:
            report = asyncio.run(run(destination, sources, target, limits=limits))
    except SartorError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return error.exit_code
    sys.stdout.write("\n".join(done.alteration.id for done in report.done))
    return 0


if __name__ == "__main__":
    sys.exit(main())
