"""Whole processes on the clock, databases of their own for them, and ratios of medians."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import statistics
import subprocess
import sysconfig
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

SARTOR = str(Path(sysconfig.get_path("scripts")) / "sartor")
"""The installed command."""


class CommandError(Exception):
    """A command failed, and says why; or took too long."""


class TooLongError(CommandError):
    """A command was ended at its limit."""


@dataclass(frozen=True, slots=True)
class Run:
    """One finished process: seconds on the clock, its peak memory in MB, and its seconds of a processor."""

    seconds: float
    memory: float
    processor: float


def timed(
    *command: str, directory: Path, variables: Mapping[str, str] | None = None, limit: float | None = None
) -> Run:
    """Run a command to its end, and take the system's own account of it. What it says goes to `directory`/output.

    Raises CommandError with its last words where it fails, TooLongError where it takes more than `limit` seconds.
    """
    output = directory / "output"
    late = threading.Event()
    began = time.perf_counter()
    with output.open("wb") as said:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=os.environ | dict(variables or {}),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def end() -> None:
        late.set()
        os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(limit or threading.TIMEOUT_MAX, end)
    timer.daemon = True
    timer.start()
    try:
        _, status, usage = os.wait4(process.pid, 0)
    except KeyboardInterrupt:
        end()
        raise
    seconds = time.perf_counter() - began
    timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    if late.is_set():
        raise TooLongError(f"over {limit:.0f} s")
    if status:
        words = output.read_text("utf-8", "replace")[-2000:]
        raise CommandError(f"{' '.join(command)} ended with {process.returncode}:\n{words}")
    return Run(seconds, usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime)


class Server:
    """A server where the role may create databases."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._names = iter(range(1_000_000))

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """The URL of an empty database."""
        name = f"bench_{os.getpid()}_{next(self._names)}"
        execute(self.url, f"create database {name}")
        try:
            yield urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))
        finally:
            execute(self.url, f"drop database {name} with (force)")


def execute(url: str, sql: str) -> None:
    """Run SQL."""

    async def run() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(sql)
        await connection.close()

    asyncio.run(run())


def execute_each(url: str, statements: Sequence[str], at_once: int = 16) -> None:
    """Run statements, several at once: those that wait for a checkpoint share it."""
    left = iter(statements)

    async def some() -> None:
        connection = await asyncpg.connect(url)
        for statement in left:
            await connection.execute(statement)
        await connection.close()

    async def run() -> None:
        await asyncio.gather(*(some() for _ in range(min(at_once, len(statements)))))

    asyncio.run(run())


def ask(url: str, sql: str) -> tuple[object, ...]:
    """The first row of a query."""
    return ask_each(url, [sql])[0]


def ask_each(url: str, queries: Iterable[str]) -> list[tuple[object, ...]]:
    """The first row of each query, over one connection."""

    async def run() -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(url)
        rows = [tuple(await connection.fetchrow(query) or ()) for query in queries]
        await connection.close()
        return rows

    return asyncio.run(run())


def round_trip_of(url: str, times: int = 5) -> float:
    """Seconds that a query takes over a connection that is there: the least of some."""

    async def run() -> float:
        connection = await asyncpg.connect(url)
        taken = []
        for _ in range(times):
            began = time.perf_counter()
            await connection.execute("select 1")
            taken.append(time.perf_counter() - began)
        await connection.close()
        return min(taken)

    return asyncio.run(run())


def interleaved(rounds: int, *work: Callable[[], Run]) -> list[list[Run]]:
    """Each piece of work `rounds` times, in turn, after one turn that doesn't count."""
    turns = [[piece() for piece in work] for _ in range(rounds + 1)][1:]
    return [[turn[i] for turn in turns] for i in range(len(work))]


def row(title: str, ours: list[Run], theirs: list[Run], reach: str) -> str:
    """A line of the table: the ratio of medians, and both medians with their least."""
    a, b = [r.seconds for r in ours], [r.seconds for r in theirs]
    ratio = statistics.median(a) / statistics.median(b)
    times = " | ".join(f"{statistics.median(x):.3f} s ({min(x):.3f})" for x in (a, b))
    return f"| {title} | **{ratio:.2f}** | {reach} | {times} |"
