"""The process that has Sartor loaded, and forks for each run: `warm_server.py CHANNEL`, a descriptor.

A request on the channel is `(words, directory, variables, whether in a session of its own)`, with four descriptors: the
run's stdin, stdout and stderr, and a socket that is told the run's process id, and then how it ended; or that it is no
run for a fork.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import marshal
import os
import pkgutil
import runpy
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from os import _exit  # the real one, whatever Sartor puts in its place while scripts run
from pathlib import Path

import sartor

LARGEST = 1 << 20
"""Bytes of a request at most."""
_AT_START = ("PYTHON", "LC_", "LANG")
"""How the names of variables begin that Python reads once, at its start."""


def serves(environment: Mapping[str, str]) -> bool:
    """Returns whether a fork of a process with ours can be as a process started with these variables."""
    names = {name for name in {*environment, *os.environ} if name.startswith(_AT_START)}
    return all(environment.get(name) == os.environ.get(name) for name in names)


class Server:
    """Forks for the requests of a channel."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._waiting: dict[int, int] = {}
        """By a run's process id: the descriptor of the socket that is told how it ends."""
        self._woken, self._wakes = socket.socketpair()
        self._wakes.settimeout(0)

    def serve(self) -> None:
        """Forks for each request. Returns in the process of a run, prepared for it; the server itself ends here."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wakes.fileno(), warn_on_full_buffer=False)
        while True:
            ready, _, _ = select.select([self._channel, self._woken], [], [])
            if self._woken in ready:
                self._woken.recv(LARGEST)
                self._reap()
            if self._channel in ready and self._begin():
                return

    def _reap(self) -> None:
        while self._waiting:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            _tell(self._waiting.pop(pid), str(status))

    def _begin(self) -> bool:
        """Forks a run as the next request wants it; returns whether this is the run."""
        request, descriptors, _, _ = socket.recv_fds(self._channel, LARGEST, 4)
        if not request:
            _exit(0)
        *standard, told = descriptors
        words, directory, environment, own_group = marshal.loads(request)  # noqa: S302  of our own
        if not serves(environment):
            _tell(told, "no")
        elif pid := os.fork():
            self._waiting[pid] = told
        else:
            self._leave(own_group=own_group)
            _tell(told, str(os.getpid()))
            _become(words, directory, environment, standard)
            return True
        for descriptor in standard:
            os.close(descriptor)
        return False

    def _leave(self, *, own_group: bool) -> None:
        """Drops, in a run's process, what is the server's."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for part in (self._channel, self._woken, self._wakes):
            part.close()
        for descriptor in self._waiting.values():
            os.close(descriptor)
        if own_group:
            os.setsid()


def _tell(told: int, text: str) -> None:
    with suppress(OSError):  # nobody waits for it any more
        os.write(told, text.encode())
    os.close(told)


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


def _run() -> None:
    if sys.argv[0].endswith(".py"):
        runpy.run_path(sys.argv[0], run_name="__main__")
    else:
        importlib.import_module("sartor.cli").main()


def _end(code: object) -> None:
    """Ends the process, unless there is more to it: Python would take apart whatever is loaded, object by object."""
    if (code is None or isinstance(code, int)) and threading.active_count() == 1:
        atexit._run_exitfuncs()
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
            _exit((code or 0) & 255)


if __name__ == "__main__":
    _load()
    Server(socket.socket(fileno=int(sys.argv[1]))).serve()
    try:
        _run()
    except SystemExit as ended:
        _end(ended.code)
        raise
    _end(None)
