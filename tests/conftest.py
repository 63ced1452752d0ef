"""A real server for every test: the embedded one, or the one that SARTOR_TEST_DB_URL names (as a superuser)."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from sartor.embedded.server import serve
from support.command import Command
from support.database import Database, temporary_database
from support.folder import Folder
from support.memory import open_folder
from support.secured import Secured, find_binaries, secured_server

# Started by `nohup`, or behind a script's `&`, the suite would hand on that SIGHUP or SIGINT is ignored, and commands
# that tests end by it would go on.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The URL of a server, for a superuser, over TCP."""
    if given := os.environ.get("SARTOR_TEST_DB_URL"):
        yield given
        return
    settings = {"fsync": "off", "max_connections": "200", "max_wal_size": "128MB"}
    with open_folder() as directory, serve(directory / "server", tcp=True, settings=settings) as server:
        yield server.url


@pytest.fixture
def database(server_url: str) -> Iterator[Database]:
    """An empty database of the test's own."""
    with temporary_database(server_url) as found:
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """An empty folder of alterations, `alterations/` in the working directory of `sartor`."""
    return Folder(tmp_path / "alterations")


@pytest.fixture
def sartor(tmp_path: Path, database: Database) -> Command:
    """The installed command, in a working directory of its own and with the test's database."""
    return Command(tmp_path, {"SARTOR_DB_URL": database.url})


@pytest.fixture(scope="session")
def secured() -> Iterator[Secured]:
    """A server with TLS, of a distribution's."""
    found = find_binaries()
    if found is None:
        pytest.skip("needs a distribution's Postgres, with TLS and psql, and openssl")
    with secured_server(found) as server:
        yield server
