"""Runs the installed `sartor` command, or a program that uses Sartor, as a fork of a process that has loaded it.

That saves most of a start's work. The fork is a process of its own: with its own arguments, variables, working
directory and descriptors. Nothing of the command has run in the process that it is a fork of, `warm_server.py`.
"""

from __future__ import annotations

import marshal
import os
import select
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from support import warm_server

_SHORT = 100
"""Bytes of a process id or of how a process ended, in digits, at most."""


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
        self._channel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, warm_server.LARGEST)
        with theirs:
            words = [sys.executable, warm_server.__file__, str(theirs.fileno())]
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
