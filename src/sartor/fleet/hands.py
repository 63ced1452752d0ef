"""Processes that do what a worker takes, one task at a time each: the worker itself only keeps the queue.

A script may block the event loop it runs in for as long as it likes, change its process, or end it. A worker in the
same process would fall silent or go down with it; others would take its jobs, and meet the same script. So each
deployment runs in a process that is a worker's hand, where it has what a single command has: signals, and a process of
its own.

A hand keeps no connection for its next destination. How many of a server are at work is the queue's limit over all
workers, and none of them knows what the hands of the others would still hold there.

Hands are forked by a process that was forked before the worker had an event loop, a thread or a connection. All of them
end when the worker does: each reads the end of its channel.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection as Channel
from typing import Any, NoReturn, TypeAlias

_PID = 8
"""The bytes in which a process number is told."""

Work: TypeAlias = Callable[[Any], Any]
"""The function that a hand calls with a task; it runs an event loop of its own, and raises nothing."""


class HandLost(Exception):
    """The process that had a task has ended without a result."""


class Hands:
    """The hands of this process. `Hands(work)` forks, and so comes before the event loop."""

    def __init__(self, work: Work) -> None:
        self._mother, theirs = socket.socketpair()
        gc.freeze()  # what is loaded stays shared among the processes
        if os.fork() == 0:
            self._mother.close()
            _bear(theirs, work)
        theirs.close()
        self._free: list[Hand] = []
        self._busy: set[Hand] = set()

    async def do(self, task: Any) -> Any:
        """Returns what a hand made of a task. Raises HandLost where its process ended; where it is cancelled, too."""
        hand = self._free.pop() if self._free else self._bear()
        self._busy.add(hand)
        try:
            result = await hand.do(task)
        except BaseException:
            hand.close()
            raise
        else:
            self._free.append(hand)
            return result
        finally:
            self._busy.discard(hand)

    def stop(self) -> None:
        """Tells the hands at work to stop in order: each rolls back what is under way, and returns what it had done."""
        for hand in self._busy:
            hand.signal(signal.SIGTERM)

    def close(self) -> None:
        """Ends the hands that are free, and the process that forks them."""
        while self._free:
            self._free.pop().close()
        self._mother.close()

    def _bear(self) -> Hand:
        ours, theirs = Pipe()
        with theirs:
            socket.send_fds(self._mother, [b"."], [theirs.fileno()])
        if not (pid := self._mother.recv(_PID)):
            raise HandLost  # the process that forks them is gone
        return Hand(ours, int.from_bytes(pid))


class Hand:
    """A process that does one task at a time."""

    def __init__(self, channel: Channel, pid: int) -> None:
        self._channel = channel
        self._pid = pid

    async def do(self, task: Any) -> Any:
        """Returns the result of a task. Raises HandLost where the process ends before."""
        try:
            self._channel.send(task)
            await self._readable()
            return self._channel.recv()
        except (EOFError, OSError) as error:
            raise HandLost from error

    def signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._pid, number)

    def close(self) -> None:
        self._channel.close()

    async def _readable(self) -> None:
        loop, ready = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._channel.fileno(), ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(self._channel.fileno())


def _bear(calls: socket.socket, work: Work) -> NoReturn:
    """Forks a hand at each call, until the worker is gone."""
    try:
        os.setpgid(0, 0)  # a terminal's Ctrl-C is the worker's alone, which tells its hands
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # hands that have ended are reaped
        while True:
            called, descriptors, *_ = socket.recv_fds(calls, 1, 1)
            if not called:
                break
            if (pid := os.fork()) == 0:
                calls.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # scripts may wait for processes of their own
                _serve(Channel(descriptors[0]), work)
                break
            os.close(descriptors[0])
            calls.send(pid.to_bytes(_PID))
    finally:
        os._exit(0)


def _serve(channel: Channel, work: Work) -> None:
    while True:
        try:
            task = channel.recv()
        except (EOFError, OSError):
            return
        channel.send(work(task))
