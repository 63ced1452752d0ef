"""Runs a program such as `pg_dump` as a child process that ends when Sartor does."""

from __future__ import annotations

import asyncio
import re
import signal
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

GRACE = 5.0
"""Seconds that a program may take to end after SIGTERM."""
SERVICE = "sartor"
"""The name of the connection service that a program uses, where it is given a service file."""
MOST = 100
"""The number of lines of errors that are kept: the statement that failed is among them."""
LONGEST = 1 << 24
"""The longest line that a program may write, in bytes."""

_TALK = re.compile(r"pg_\w+: (?!error|fatal|detail|hint)")
"""Matches the lines in which a verbose program reports its progress."""
_SPEAKER = re.compile(r"^(?:psql|pg_\w+)(?::<stdin>:\d+)?: (?:error: )?")

Heard = Callable[[str], None]


class ProgramFailed(Exception):
    """A program failed; the text is its error messages, `lines` are those lines."""

    def __init__(self, message: str, lines: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.lines = tuple(lines)


class Program:
    """A running program."""

    def __init__(self, process: Process, name: str, heard: Heard | None) -> None:
        self.process = process
        self._name = name
        self._heard = heard
        self._complaints: deque[str] = deque(maxlen=MOST)

    @property
    def stdin(self) -> asyncio.StreamWriter:
        """The program's standard input, where it is a pipe."""
        assert self.process.stdin is not None  # noqa: S101 - for the type checker
        return self.process.stdin

    @property
    def stdout(self) -> asyncio.StreamReader:
        """The program's standard output, where it is a pipe."""
        assert self.process.stdout is not None  # noqa: S101 - for the type checker
        return self.process.stdout

    @property
    def complaints(self) -> tuple[str, ...]:
        """The last lines of the program's errors; it may have continued despite them."""
        return tuple(self._complaints)

    def kill(self) -> None:
        """Kills the program at once, if it is running."""
        if self.process.returncode is None:
            self.process.kill()

    async def end(self) -> None:
        """Reads the program's standard error until it ends. Raises ProgramFailed where its exit code isn't 0."""
        assert self.process.stderr is not None  # noqa: S101 - for the type checker
        async for line in self.process.stderr:
            text = line.decode(errors="replace").rstrip()
            if _TALK.match(text):
                if self._heard:
                    self._heard(text)
            elif text:
                self._complaints.append(_SPEAKER.sub("", text))
        if code := await self.process.wait():
            if code < 0:
                raise ProgramFailed(f"{self._name} was terminated by a signal: {signal.strsignal(-code)}")
            lines = self.complaints or (f"{self._name} failed with exit code {code}",)
            raise ProgramFailed(" ".join("; ".join(lines).split()), lines)


@asynccontextmanager
async def started(
    path: Path,
    *arguments: str | bytes,
    environment: Mapping[str, str],
    stdin: int = DEVNULL,
    stdout: int = DEVNULL,
    heard: Heard | None = None,
    service: str = "",
) -> AsyncIterator[Program]:
    """Runs a program for as long as the block lasts; `heard` is called with each line about its progress.

    `service` is the text of the connection service file that it reads. The program has a session of its own, so Ctrl-C
    reaches Sartor alone, which then ends the program. Where Sartor is killed, the program ends as soon as it writes
    something, for the pipe has no reader any more.
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
    """Yields the descriptor of an open file that holds this text; None where the text is empty.

    The file has no name: it is gone when its last reader ends, in whatever way.
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
