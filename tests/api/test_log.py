"""The logger `sartor`."""

from __future__ import annotations

import asyncio
import logging
import re
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

import sartor
from sartor import Limits, LockNotHad
from support.database import Database
from support.folder import Folder
from support.sessions import holding


@pytest.fixture
def debug(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What is logged, at DEBUG."""
    caplog.set_level(logging.DEBUG, logger="sartor")
    return caplog


@pytest.mark.parametrize("batch", [True, False], ids=["in a batch", "one by one"])
def test_statements(database: Database, folder: Folder, debug: pytest.LogCaptureFixture, *, batch: bool) -> None:
    """Connections, and statements with their times, are logged at DEBUG, Sartor's and the scripts'; no secret is."""
    user = urlsplit(database.url).username
    url = database.as_user(user or "", "in-the-url")
    folder.add("1.0.0-1700000001-a.py", up="create table a (id int)")
    folder.write(
        "1.0.0-1700000002-b.sql", "-- sartor: up\ncreate server s foreign data wrapper w options (password 'x1y2');"
    )
    database.run("create foreign data wrapper w")
    folder.write(
        "1.0.0-1700000003-c.py",
        """
        irreversible = "never"

        async def up(conn):
            await conn.execute("insert into a values ($1)", 31337)
            await conn.fetchval("select 'in-the-url'")
        """,
    )
    asyncio.run(sartor.deploy(url, folder.path, limits=Limits(batch=batch)))
    lines = [record.getMessage() for record in debug.records]
    assert {(record.name, record.levelno) for record in debug.records} == {("sartor", logging.DEBUG)}
    assert any(re.search(r"^\[\d+\] connected to .*, schema public, in \d+\.\d ms$", line) for line in lines)
    assert any(re.search(r"^\[\d+\] \d+\.\d ms: .*create table a \(id int\)", line) for line in lines)
    assert any("create server s" in line and "****" in line for line in lines)
    assert any("insert into a values ($1)" in line for line in lines)
    assert any("COMMIT;" in line for line in lines)
    for secret in ("in-the-url", "x1y2", "31337"):
        assert secret not in "\n".join(lines)


def test_errors_and_retries(database: Database, folder: Folder, debug: pytest.LogCaptureFixture) -> None:
    """A statement that failed is logged with its SQLSTATE, a wait for a lock with who is in the way, and each retry."""
    database.run("create table held (id int)")
    folder.add("1.0.0-1700000001-a.py", up="alter table held add x int")
    limits = Limits(lock_timeout=1.0, lock_budget=3.0)
    with holding(database.url, "begin", "lock table held"), pytest.raises(LockNotHad):
        asyncio.run(sartor.deploy(database.url, folder.path, limits=limits))
    lines = "\n".join(record.getMessage() for record in debug.records)
    assert re.search(r"^\[\d+\] \d+\.\d ms, 55P03: .*alter table held add x int", lines, re.MULTILINE)
    assert re.search(r"^event \d+: attempt 1 got no lock; the next one in \d\.\d\d s", lines, re.MULTILINE)
    assert re.search(r"a\.py waits for a lock, .*lock table held", lines)


def test_it_is_silent() -> None:
    """Where an application hasn't configured logging, not even an error is printed."""
    code = "from sartor.log import LOG; LOG.error('nothing of this')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
