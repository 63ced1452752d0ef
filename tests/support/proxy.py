"""A TCP proxy between a command and its server, which delays, stalls and cuts: on demand, and at COMMIT.

A batch of scripts is one message with many COMMITs: what is cut there is cut anywhere in it.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import urlsplit, urlunsplit

COMMITS = (b"COMMIT;close all", b"commit;begin;close all")
"""What a message holds that ends a script's transaction: one's own, or those of a batch."""

QUERY = b"Q"
"""The first byte of a message of SQL; its length follows in four."""

READY = b"Z\0\0\0\5"
"""What an answer ends with, and a byte more."""


class Cut(Enum):
    """When a connection is cut that carries a COMMIT."""

    BEFORE = "before it is forwarded"
    HALF = "half of it forwarded"
    AFTER = "right after it"
    LATER = "a while after it"
    ANSWER = "when the answer arrives"
    OPEN = "before it is forwarded, and the server isn't told"
    SILENCE = "never, and nothing passes any more"


Choice = Callable[[], Cut | None]
"""What to do with the next COMMIT; None lets it pass."""


@dataclass(eq=False)
class _Pipe:
    """One client's connection, and the one to the server that belongs to it."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    cut_at_answer: bool = False
    held: bool = False
    flowing: asyncio.Event = field(default_factory=asyncio.Event)

    def abort(self) -> None:
        self.flowing.set()
        for writer in (self.client, self.server):
            writer.transport.abort()


class Proxy:
    """A proxy at work. `url` leads through it; `cuts` are those that it made at COMMIT.

    The next connection that sends `cut_before` is cut instead; that happens once. What holds `hold` is kept back, once,
    and its client cut; `release` lets it go on to the server, and waits for the answer. `reword` changes what the
    server says on its way to the client.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._upstream = (parts.hostname or "127.0.0.1", parts.port or 5432)
        self._parts = parts
        self._pipes: set[_Pipe] = set()
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._stalled = False
        self.delay = 0.0
        self.at_commit: Choice = lambda: None
        self.cut_before: bytes | None = None
        self.hold: bytes | None = None
        self.reword: Callable[[bytes], bytes] = bytes
        self._released, self._answered = asyncio.Event(), threading.Event()
        self.cuts: list[Cut] = []
        self.port = 0

    @property
    def url(self) -> str:
        login, at, _ = self._parts.netloc.rpartition("@")
        return urlunsplit(self._parts._replace(netloc=f"{login}{at}127.0.0.1:{self.port}"))

    def cut(self) -> None:
        """Cut every connection now."""
        self._each(_Pipe.abort)

    def release(self) -> None:
        """Let the message that was held back go on, and wait until the server has answered it."""
        self._loop.call_soon_threadsafe(self._released.set)
        assert self._answered.wait(20)

    def stall(self) -> None:
        """Let nothing pass from now on, new connections included; they stay open."""
        self._stalled = True
        self._each(lambda pipe: pipe.flowing.clear())

    def _each(self, act: Callable[[_Pipe], None]) -> None:
        def go() -> None:
            for pipe in self._pipes:
                act(pipe)

        self._loop.call_soon_threadsafe(go)

    async def serve(self, ready: threading.Event) -> None:
        """Serve until `close`."""
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        tasks: set[asyncio.Task[None]] = set()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task
            tasks.add(task)
            await self._connect(reader, writer)
            tasks.discard(task)

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._stop.wait()
        server.close()
        for pipe in self._pipes:
            pipe.abort()
        await asyncio.gather(*tasks)

    def close(self) -> None:
        """End the proxy, and cut what goes through it."""
        self._loop.call_soon_threadsafe(self._stop.set)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            from_server, to_server = await asyncio.open_connection(*self._upstream)
        except OSError:
            writer.transport.abort()
            return
        pipe = _Pipe(writer, to_server)
        if not self._stalled:
            pipe.flowing.set()
        self._pipes.add(pipe)
        try:
            await asyncio.gather(self._requests(pipe, reader), self._answers(pipe, from_server))
        finally:  # one that comes as the proxy ends is cancelled
            pipe.abort()
            self._pipes.discard(pipe)

    async def _requests(self, pipe: _Pipe, reader: asyncio.StreamReader) -> None:
        with suppress(OSError):
            while data := await _read_message(reader):
                await pipe.flowing.wait()
                if self.cut_before is not None and self.cut_before in data:
                    self.cut_before = None
                    pipe.abort()
                    break
                if self.hold is not None and self.hold in data:
                    self.hold = None
                    await self._hold(pipe, data)
                    break
                cut = self.at_commit() if any(commit in data for commit in COMMITS) else None
                if cut is None:
                    await self._pass(pipe.server, data)
                else:
                    self.cuts.append(cut)
                    await self._cut_at_commit(pipe, data, cut)
        pipe.server.close()

    async def _hold(self, pipe: _Pipe, data: bytes) -> None:
        pipe.client.transport.abort()
        await self._released.wait()
        pipe.held = True
        await self._pass(pipe.server, data)
        await asyncio.to_thread(self._answered.wait, 20)

    async def _cut_at_commit(self, pipe: _Pipe, data: bytes, cut: Cut) -> None:
        if cut is Cut.BEFORE:
            pipe.abort()
            return
        if cut is Cut.OPEN:
            pipe.client.transport.abort()
            await self._stop.wait()
            return
        pipe.cut_at_answer = cut is Cut.ANSWER
        if cut is Cut.SILENCE:
            pipe.flowing.clear()
        pipe.server.write(data[: len(data) // 2] if cut is Cut.HALF else data)
        await pipe.server.drain()
        if cut in {Cut.ANSWER, Cut.SILENCE}:
            return
        pipe.client.transport.abort()
        if cut is not Cut.HALF:
            await asyncio.sleep(0.02 if cut is Cut.LATER else random.random() * 0.003)  # noqa: S311 - no secret
        pipe.abort()

    async def _answers(self, pipe: _Pipe, reader: asyncio.StreamReader) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                await pipe.flowing.wait()
                if pipe.held:
                    if data[-6:-1] == READY:
                        self._answered.set()
                    continue
                if pipe.cut_at_answer:
                    pipe.abort()
                await self._pass(pipe.client, self.reword(data))
        pipe.client.close()

    async def _pass(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        if self.delay:
            await asyncio.sleep(self.delay)
        writer.write(data)
        await writer.drain()


async def _read_message(reader: asyncio.StreamReader) -> bytes:
    """What a client sends next; SQL all in one piece, however long it is."""
    data = await reader.read(65536)
    missing = int.from_bytes(data[1:5]) + 1 - len(data) if data[:1] == QUERY else 0
    return data + await reader.readexactly(max(0, missing))


@contextmanager
def proxy_to(url: str) -> Iterator[Proxy]:
    """A proxy in front of the server of a URL, on the loopback address."""
    proxy, ready = Proxy(url), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(proxy.serve(ready)), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join(10)
