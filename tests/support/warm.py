"""Runs the installed `sartor` command, or a program that uses Sartor, as a fork of a process that has loaded it.

That saves most of a start's work. The fork is a process of its own: with its own arguments, variables, working
directory and descriptors. Nothing of the command has run in the process that it is a fork of.
"""

from __future__ import annotations

import gc
import importlib
import marshal
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import sartor

_LARGEST = 1 << 20
"""Bytes of the arguments and variables of a run at most."""
_SHORT = 100
"""Bytes of a process id or of how a process ended, in digits, at most."""
_AT_START = ("PYTHON", "LC_", "LANG")
"""How the names of variables begin that Python reads once, at its start."""


class Started(subprocess.Popen[str]):
    """A run: to those who wait for it, signal it or read what it prints, it is as a process that they started."""

    def __init__(
        self,
        channel: socket.socket,
        words: Sequence[str],
        *,
        directory: Path,
        environment: Mapping[str, str],
        stdin: int,
        own_group: bool,
    ) -> None:
        self._channel, self._own_group = channel, own_group
        self._tells, self._told = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pipe = subprocess.PIPE
        super().__init__(words, cwd=directory, env=environment, stdin=stdin, stdout=pipe, stderr=pipe, text=True)

    def _execute_child(self, words: Sequence[str], *given: Any) -> None:
        """Has the run forked, where Popen starts a program: with the descriptors that it has made."""
        directory, environment, pipes = given[4], given[5], given[9:15]
        request = marshal.dumps((list(words), str(directory), dict(environment), self._own_group))
        with self._tells:
            socket.send_fds(self._channel, [request], [pipes[0], pipes[3], pipes[5], self._tells.fileno()])
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]  # of Popen, which hides it
        self.pid = int(self._told.recv(_SHORT))
        self._child_created = True

    def poll(self) -> int | None:
        """Returns the exit code, as Popen does; None while it runs."""
        return self._end(0)

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end and returns the exit code, as Popen does. Raises TimeoutExpired."""
        code = self._end(None if timeout is None else max(timeout, 0) * 1000)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def _end(self, patience: float | None) -> int | None:
        """Returns the exit code, if it ends within so many milliseconds."""
        if self.returncode is None:
            ready = select.poll()
            ready.register(self._told, select.POLLIN)
            if ready.poll(patience):
                with self._told:
                    self.returncode = os.waitstatus_to_exitcode(int(self._told.recv(_SHORT)))
        return self.returncode


class Warm:
    """A process that has `executable` loaded, a script of an installed Python command."""

    def __init__(self, executable: str) -> None:
        self._executable = executable
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LARGEST)
        with theirs:
            words = [sys.executable, __file__, str(theirs.fileno())]
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])

    @property
    def channel(self) -> int:
        """The descriptor by which `hand_on.py` reaches it, in a process that inherits it."""
        return self._channel.fileno()

    def start(
        self,
        arguments: Sequence[str],
        *,
        directory: Path,
        environment: Mapping[str, str],
        program: str | None = None,
        stdin: int = subprocess.DEVNULL,
        own_group: bool = False,
    ) -> Started:
        """Starts the command, or another Python `program`, a file; in a session of its own, if asked."""
        return Started(
            self._channel,
            [program or self._executable, *arguments],
            directory=directory,
            environment=environment,
            stdin=stdin,
            own_group=own_group,
        )


def serves(environment: Mapping[str, str]) -> bool:
    """Returns whether a fork of a process with ours can be as a process started with these variables."""
    names = {name for name in {*environment, *os.environ} if name.startswith(_AT_START)}
    return all(environment.get(name) == os.environ.get(name) for name in names)


def _serve(channel: socket.socket) -> None:
    """Forks for each request. Returns in the process of a run, prepared for it; the server itself ends here."""
    _load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the watchers
    while True:
        request, descriptors, _, _ = socket.recv_fds(channel, _LARGEST, 4)
        if not request:
            os._exit(0)
        words, directory, environment, own_group = marshal.loads(request)  # noqa: S302  of our own
        if not serves(environment):
            os.write(descriptors[-1], b"no")
        elif not os.fork():
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            channel.close()
            if _is_the_run(*descriptors, own_group=own_group):
                _become(words, directory, environment, descriptors[:3])
                return
        for descriptor in descriptors:
            os.close(descriptor)


def _is_the_run(*descriptors: int, own_group: bool) -> bool:
    """Forks the run. It tells `status` its process id; its parent, how it ended, and ends."""
    *standard, status = descriptors
    if not (pid := os.fork()):
        if own_group:
            os.setsid()
        os.write(status, str(os.getpid()).encode())
        os.close(status)
        return True
    for descriptor in standard:
        os.close(descriptor)
    os.write(status, str(os.waitpid(pid, 0)[1]).encode())
    os._exit(0)


def _become(words: Sequence[str], directory: str, environment: Mapping[str, str], descriptors: Sequence[int]) -> None:
    """Makes this process what a start of the executable would have made it."""
    for standard, descriptor in enumerate(descriptors):
        os.dup2(descriptor, standard)
        os.close(descriptor)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.argv[:], sys.path[0] = words, str(Path(words[0]).parent)


def _load() -> None:
    """Imports all of Sartor that the command may use, but for what it loads when it is asked for."""
    for module in pkgutil.walk_packages(sartor.__path__, "sartor."):
        if not module.name.startswith(("sartor.testing", "sartor.__main__", "sartor.drawing")):
            importlib.import_module(module.name)
    gc.freeze()


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
    if sys.argv[0].endswith(".py"):
        runpy.run_path(sys.argv[0], run_name="__main__")
    else:
        importlib.import_module("sartor.cli").main()
