"""Runs the installed `sartor` command as a fork of a process that has loaded it, which saves most of a start's work.

The fork is a process of its own: with its own arguments, variables, working directory and descriptors. Nothing of the
command has run in the process that it is a fork of.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import sartor

_LARGEST = 1 << 20
"""Bytes of the arguments and variables of a run at most."""
_AT_START = ("PYTHON", "LC_", "LANG", "TZ")
"""How the names of variables begin that Python reads once, at its start."""


class Ended(NamedTuple):
    """What a run left: its exit code (below zero the signal that ended it) and the bytes that it wrote."""

    code: int
    out: bytes
    err: bytes


class Warm:
    """A process that has `executable` loaded, a script of an installed Python command."""

    def __init__(self, executable: str) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LARGEST)
        with theirs:
            words = [sys.executable, __file__, str(theirs.fileno()), executable]
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])

    def serves(self, environment: Mapping[str, str]) -> bool:
        """Returns whether a run with these variables is the same as a process started with them."""
        names = {name for name in {*environment, *os.environ} if name.startswith(_AT_START)}
        return all(environment.get(name) == os.environ.get(name) for name in names)

    def run(self, arguments: Sequence[str], *, directory: Path, environment: Mapping[str, str], limit: float) -> Ended:
        """Runs the command to its end. Raises TimeoutExpired after `limit` seconds; the run is killed then."""
        (out, its_out), (err, its_err), (status, its_status) = (os.pipe() for _ in range(3))
        request = json.dumps([list(arguments), str(directory), dict(environment)]).encode()
        given = [its_out, its_err, its_status]
        try:
            socket.send_fds(self._channel, [request], given)
        finally:
            for descriptor in given:
                os.close(descriptor)
        try:
            found = _read_all([out, err, status], until=time.monotonic() + limit)
        finally:
            for descriptor in (out, err, status):
                os.close(descriptor)
        pid, *ended = found[2].split()
        if not ended:
            os.kill(int(pid), signal.SIGKILL)
            raise subprocess.TimeoutExpired([*arguments], limit, found[0], found[1])
        return Ended(os.waitstatus_to_exitcode(int(ended[0])), found[0], found[1])


def _read_all(descriptors: Sequence[int], *, until: float) -> list[bytes]:
    """Reads each of them to its end, or until that moment of the monotonic clock."""
    found = dict.fromkeys(descriptors, b"")
    with selectors.DefaultSelector() as selector:
        for descriptor in descriptors:
            selector.register(descriptor, selectors.EVENT_READ)
        while selector.get_map() and (left := until - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                chunk = os.read(key.fd, 65_536)
                found[key.fd] += chunk
                if not chunk:
                    selector.unregister(key.fd)
    return list(found.values())


def _serve(channel: socket.socket, executable: str) -> None:
    """Forks for each request. Returns in the process of a run, prepared for it; the server itself ends here."""
    _load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the watchers
    while True:
        request, descriptors, _, _ = socket.recv_fds(channel, _LARGEST, 3)
        if not request:
            os._exit(0)
        if not os.fork():
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            channel.close()
            out, err, status = descriptors
            if _is_the_run(out, err, status):
                arguments, directory, environment = json.loads(request)
                _become([executable, *arguments], directory, environment, out, err)
                return
        for descriptor in descriptors:
            os.close(descriptor)


def _is_the_run(out: int, err: int, status: int) -> bool:
    """Forks the run; its parent tells `status` the run's process id and then how it ended, and ends."""
    if not (pid := os.fork()):
        os.close(status)
        return True
    os.close(out)
    os.close(err)
    os.write(status, f"{pid} ".encode())
    os.write(status, str(os.waitpid(pid, 0)[1]).encode())
    os._exit(0)


def _become(words: Sequence[str], directory: str, environment: Mapping[str, str], out: int, err: int) -> None:
    """Makes this process what a start of the executable would have made it."""
    for descriptor, standard in ((out, 1), (err, 2)):
        os.dup2(descriptor, standard)
        os.close(descriptor)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[:], sys.path[0] = words, str(Path(words[0]).parent)


def _load() -> None:
    """Imports all of Sartor that the command may use, but for what it loads when it is asked for."""
    for module in pkgutil.walk_packages(sartor.__path__, "sartor."):
        if not module.name.startswith(("sartor.testing", "sartor.__main__", "sartor.drawing")):
            importlib.import_module(module.name)
    gc.freeze()


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2])
    importlib.import_module("sartor.cli").main()
