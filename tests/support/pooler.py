"""pgbouncer in front of a test's server."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

POOL = 5
"""Server connections for a database: fewer than the runs that race through them."""

CONFIGURATION = """
[databases]
* = host={host} port={port} user={user}{password}

[pgbouncer]
listen_addr = {own_address}
listen_port = {own_port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {pool}
max_client_conn = 200
logfile = {log}
"""


def find_pgbouncer() -> str | None:
    """Where pgbouncer is."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def pooler(
    server_url: str, *, mode: str = "transaction", pool: int = POOL, address: str = "127.0.0.1", also: str = ""
) -> Iterator[str]:
    """The server's URL by way of a pgbouncer at `address`, for as long as the block lasts; there must be one.

    It lends its clients `pool` server sessions of a database, each for as long as `mode` says. `also` are more lines of
    its configuration.
    """
    program = find_pgbouncer()
    assert program, "pgbouncer isn't installed"
    with tempfile.TemporaryDirectory(prefix="sartor-pgbouncer-") as folder:
        directory, port = Path(folder), _free_port(address)
        configuration = directory / "pgbouncer.ini"
        text = _configuration(server_url, address, own_port=port, log=directory / "log", mode=mode, pool=pool)
        configuration.write_text(text + also)
        as_user: list[str] = []
        if os.getuid() == 0:  # as whom it refuses to run
            nobody = pwd.getpwnam("nobody")
            os.chown(directory, nobody.pw_uid, nobody.pw_gid)
            as_user = ["-u", "nobody"]
        process = subprocess.Popen([program, "-q", *as_user, str(configuration)])
        try:
            _await_port(process, (address, port), directory / "log")
            parts = urlsplit(server_url)
            yield urlunsplit(parts._replace(netloc=f"{parts.username or 'postgres'}@{address}:{port}"))
        finally:
            process.terminate()
            process.wait(10)


def _configuration(server_url: str, address: str, *, own_port: int, log: Path, mode: str, pool: int) -> str:
    parts = urlsplit(server_url)
    return CONFIGURATION.format(
        host=parts.hostname,
        port=parts.port or 5432,
        user=unquote(parts.username or "postgres"),
        password=f" password={unquote(parts.password)}" if parts.password else "",
        own_address=address,
        own_port=own_port,
        mode=mode,
        pool=pool,
        log=log,
    )


def _free_port(address: str) -> int:
    with socket.socket() as found:
        found.bind((address, 0))
        port: int = found.getsockname()[1]
        return port


def _await_port(process: subprocess.Popen[bytes], place: tuple[str, int], log: Path) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        assert process.poll() is None, f"pgbouncer ended: {log.read_text() if log.exists() else 'no log'}"
        try:
            socket.create_connection(place, timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError("pgbouncer doesn't listen")
