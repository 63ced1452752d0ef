"""A TCP proxy that puts a distance between a client and its server, and limits nothing else.

    python delay.py HOST PORT SECONDS

Each direction takes half of the round trip's SECONDS. It listens on a port of the loopback address, which it prints.
"""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

Parcel = tuple[float, bytes]
"""When it is to arrive, on the loop's clock, and what; no bytes are the end."""


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Hand on what is read, each piece `delay` seconds later, however many are on their way."""
    clock = asyncio.get_running_loop().time
    road: asyncio.Queue[Parcel] = asyncio.Queue()

    async def arrive() -> None:
        data = b"-"
        while data:
            at, data = await road.get()
            await asyncio.sleep(at - clock())
            writer.write(data)
            await writer.drain()
        writer.close()

    async def leave() -> None:
        data = b"-"
        while data:
            data = await reader.read(65536)
            road.put_nowait((clock() + delay, data))

    with contextlib.suppress(OSError):
        await asyncio.gather(arrive(), leave())


async def serve(host: str, port: int, seconds: float) -> None:
    """Serve until the process is ended."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, requests = await asyncio.open_connection(host, port)
        await asyncio.gather(carry(reader, requests, seconds / 2), carry(answers, writer, seconds / 2))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextlib.contextmanager
def distant(url: str, seconds: float) -> Iterator[str]:
    """The URL that leads to the same server over such a distance, in a process of its own."""
    parts = urlsplit(url)
    command = (sys.executable, __file__, parts.hostname or "127.0.0.1", str(parts.port or 5432), str(seconds))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as proxy:
        assert proxy.stdout is not None  # noqa: S101 - as asked
        login, at, _ = parts.netloc.rpartition("@")
        port = proxy.stdout.readline().strip()
        try:
            yield urlunsplit(parts._replace(netloc=f"{login}{at}127.0.0.1:{port}"))
        finally:
            proxy.terminate()


def main() -> None:
    """Serve. Epoll counts in milliseconds, rounded up; select doesn't."""
    host, port, seconds = sys.argv[1:]
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        runner.run(serve(host, int(port), float(seconds)))


if __name__ == "__main__":
    main()
