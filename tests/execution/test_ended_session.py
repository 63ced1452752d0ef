"""A session that the server ends while it is idle, as at a shutdown."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import sartor
from sartor import EventKind, Unreachable
from support.database import Database
from support.folder import Folder
from support.sessions import until

SCRIPT = """
import asyncio
from pathlib import Path

irreversible = "never"

async def up(conn):
    Path({pid!r}).write_text(str(conn.get_server_pid()))
    while not Path({ended!r}).exists():
        await asyncio.sleep(0.01)
    await conn.execute("select 1")
"""


def test_its_end_is_no_failure_of_a_script(database: Database, folder: Folder, tmp_path: Path) -> None:
    """Where the server's last message has arrived, and the end of the connection hasn't, the connection is lost."""
    pid, ended = tmp_path / "pid", tmp_path / "ended"
    folder.write("1.0.0-1700000001-a.py", SCRIPT.format(pid=str(pid), ended=str(ended)))
    host, port = database.url.rpartition("@")[2].partition("/")[0].split(":")

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, holds: bool) -> None:
        while data := await reader.read(1 << 16):
            writer.write(data)
            if holds and b"57P01" in data:
                for _ in range(9):  # turns of the loop, in which the driver reads that message
                    await asyncio.sleep(0)
                ended.touch()
        if not holds:
            writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(host, int(port))
        await asyncio.gather(pump(reader, to_server, holds=False), pump(from_server, writer, holds=True))
        writer.close()

    async def end_session() -> None:
        found = await asyncio.to_thread(until, lambda: pid.exists() and pid.read_text())
        await asyncio.to_thread(database.run, f"select pg_terminate_backend({found})")

    async def run() -> None:
        async with await asyncio.start_server(accept, "127.0.0.1") as server:
            between = database.url.replace(f"{host}:{port}", f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
            ending = asyncio.create_task(end_session())
            await asyncio.wait_for(sartor.deploy(between, folder.path), 20)
            await ending

    with pytest.raises(Unreachable, match="the connection was lost"):
        asyncio.run(run())
    assert EventKind.FAILED not in [each.kind for each in asyncio.run(sartor.history(database.url))]
