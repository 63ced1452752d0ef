"""The installed `sartor` command, run as its users run it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sysconfig
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from support.warm import Warm
from support.warm_server import serves

EXECUTABLE = str(Path(sysconfig.get_path("scripts")) / "sartor")
"""The command of the environment that runs the tests."""

LIMIT = 120.0
"""Seconds after which a command is held to hang."""


_one = threading.Lock()
_made = cache(lambda: Warm(EXECUTABLE))


def warm() -> Warm:
    """The process that has the command loaded; the same one for all threads."""
    with _one:
        return _made()


@dataclass(frozen=True)
class Finished:
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed to stdout, as JSON."""
        return json.loads(self.out)


class Command:
    """Runs `sartor` in a working directory, with an environment that holds nothing of this machine's settings."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self.directory = directory
        kept = {
            k: v for k, v in os.environ.items() if not k.startswith(("SARTOR_", "PG")) and k not in {"CI", "NO_COLOR"}
        }
        self.environment = {**kept, **environment}

    def __call__(self, *arguments: str, env: Mapping[str, str] | None = None, expect: int | None = 0) -> Finished:
        """Run `sartor db alteration ARGUMENTS`; asserts the exit code `expect` unless it is None."""
        return self.run("db", "alteration", *arguments, env=env, expect=expect)

    def run(self, *arguments: str, env: Mapping[str, str] | None = None, expect: int | None = 0) -> Finished:
        """Run `sartor ARGUMENTS`."""
        finished = finish(self.launch(*arguments, env=env))
        assert "Traceback" not in finished.err, finished.err
        if expect is not None:
            assert finished.code == expect, f"exit code {finished.code}\n{finished.out}\n{finished.err}"
        return finished

    def start(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start `sartor db alteration ARGUMENTS`, and don't wait for it."""
        return self.launch("db", "alteration", *arguments, env=env)

    def launch(
        self,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        own_group: bool = False,
        installed: bool = False,
    ) -> subprocess.Popen[str]:
        """Start `sartor ARGUMENTS`, and don't wait for it; in a process group of its own, if asked.

        It's a fork of a process that has the command loaded, but for `installed`, where the process itself matters.
        """
        environment = {**self.environment, **(env or {})}
        if serves(environment) and not installed:
            return warm().start(arguments, directory=self.directory, environment=environment, own_group=own_group)
        return subprocess.Popen(
            [EXECUTABLE, *arguments],
            cwd=self.directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=own_group,
        )


def finish(process: subprocess.Popen[str], number: signal.Signals | None = None) -> Finished:
    """Wait for a started command, after sending it a signal where one is given."""
    if number is not None:
        process.send_signal(number)
    try:
        out, err = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return Finished(process.returncode, out, err)
