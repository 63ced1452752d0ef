"""A program of Postgres's, such as `pg_dump`, run as a child that ends when we do."""

from __future__ import annotations

import asyncio
import re
import signal
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

GRACE = 5.0
"""Seconds that a program may take to end when it is told to."""
SERVICE = "sartor"
"""The service that a program is given, where it is given a file of them."""
LONGEST = 1 << 24
"""Bytes of a line that it says."""

_TALK = re.compile(r"pg_\w+: (?!error|fatal|detail|hint)")
"""What a verbose program says of its work."""

Heard = Callable[[str], None]


class ProgramFailed(Exception):
    """A program that didn't end well; its text is what it complained of."""


def ignore(_line: str) -> None:
    """Hears nothing."""


class Program:
    """A program that runs."""

    def __init__(self, process: Process, name: str, heard: Heard) -> None:
        self.process = process
        self._name = name
        self._heard = heard
        self._complaints: deque[str] = deque(maxlen=20)

    @property
    def stdin(self) -> asyncio.StreamWriter:
        """What it reads, where that was to be a pipe."""
        assert self.process.stdin is not None  # noqa: S101 - for the type checker
        return self.process.stdin

    @property
    def stdout(self) -> asyncio.StreamReader:
        """What it writes, likewise."""
        assert self.process.stdout is not None  # noqa: S101 - for the type checker
        return self.process.stdout

    @property
    def complaints(self) -> tuple[str, ...]:
        """The last of what it complained of; it may have gone on all the same."""
        return tuple(self._complaints)

    def kill(self) -> None:
        """End it at once, if it runs."""
        if self.process.returncode is None:
            self.process.kill()

    async def end(self) -> None:
        """Wait for its end, and hear what it says. Raises ProgramFailed."""
        assert self.process.stderr is not None  # noqa: S101 - for the type checker
        async for line in self.process.stderr:
            text = line.decode(errors="replace").rstrip()
            if _TALK.match(text):
                self._heard(text)
            elif text:
                self._complaints.append(re.sub(r"^\w+(:<stdin>:\d+)?: (error: )?", "", text))
        code = await self.process.wait()
        if code != 0:
            raise ProgramFailed(" ".join("; ".join(self._complaints).split()) or _how_it_ended(self._name, code))


@asynccontextmanager
async def started(
    path: Path,
    *arguments: str,
    environment: Mapping[str, str],
    stdin: int = DEVNULL,
    stdout: int = DEVNULL,
    heard: Heard = ignore,
    service: str = "",
) -> AsyncIterator[Program]:
    """A program for as long as the block lasts; `heard` is told what it says of its work.

    `service` is what it reads as its file of connection services.

    It is in a session of its own: a Ctrl-C is ours, and we end it. Where we are killed, it ends as soon as it has
    something to say, for the pipe has nobody at its other end.
    """
    with _services(service) as file:
        found = {} if file is None else {"PGSERVICEFILE": f"/dev/fd/{file}", "PGSERVICE": SERVICE}
        process = await asyncio.create_subprocess_exec(
            path,
            *arguments,
            env={**environment, **found},
            stdin=stdin,
            stdout=stdout,
            stderr=PIPE,
            limit=LONGEST,
            start_new_session=True,
            pass_fds=[] if file is None else [file],
        )
        try:
            yield Program(process, path.name, heard)
        finally:
            await _stop(process)


@contextmanager
def _services(text: str) -> Iterator[int | None]:
    """The number of an open file that holds this text; None where there is none to be held.

    The file has no name: it is gone with the last of its readers, by whatever end.
    """
    if not text:
        yield None
        return
    with tempfile.TemporaryFile() as file:
        file.write(text.encode())
        file.seek(0)
        yield file.fileno()


async def _stop(process: Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), GRACE)
        except TimeoutError:
            process.kill()
            await process.wait()


def _how_it_ended(name: str, code: int) -> str:
    if code < 0:
        return f"{name} was ended by a signal: {signal.strsignal(-code)}"
    return f"{name} ended with the exit code {code}"
