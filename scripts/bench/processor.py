"""The processor's time of a server, where its processes are of this machine."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import asyncpg
import psutil

from measure import ask

OTHERS = "select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()"
PATIENCE = 5.0
"""Seconds in which the sessions of a process that ended are expected to end."""


class Clock:
    """The time that a server's processes have had, from the one that all others are children of."""

    def __init__(self, postmaster: int) -> None:
        self._postmaster = psutil.Process(postmaster)

    def read(self) -> float:
        """Seconds so far: of those that are there, and of those that ended."""
        first = self._postmaster.cpu_times()
        spent = first.user + first.system + first.children_user + first.children_system
        for child in self._postmaster.children():
            try:
                times = child.cpu_times()
            except psutil.NoSuchProcess:
                continue
            spent += times.user + times.system
        return spent


def clock_of(url: str) -> Clock | None:
    """The clock of a server, None where its processes can't be seen: only Linux has all that is needed."""

    async def run() -> int | None:
        connection = await asyncpg.connect(url)
        found = _parent(connection.get_server_pid(), await connection.fetchval("select inet_client_port()"))
        await connection.close()
        return found

    postmaster = asyncio.run(run())
    return Clock(postmaster) if postmaster else None


def _parent(session: int, port: int | None) -> int | None:
    """The process that a session's is a child of, where it is of this machine: its title has our port."""
    try:
        title = Path(f"/proc/{session}/cmdline").read_text()
        return psutil.Process(session).ppid() if f"({port})" in title else None
    except (OSError, psutil.Error):
        return None


def settle(url: str) -> None:
    """Wait until the sessions of others have ended, whose time is counted when they have."""
    until = time.monotonic() + PATIENCE
    while ask(url, OTHERS) != (0,) and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.05)  # the server's first process takes note of their ends a little later
