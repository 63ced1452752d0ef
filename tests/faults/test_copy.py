"""COPY in a `.sql` alteration, struck while its data are under way; and data that are larger than what Sartor holds."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from support.command import EXECUTABLE, LIMIT, Command, finish
from support.database import Database
from support.folder import Folder
from support.proxy import Proxy, proxy_to
from support.sessions import until

NAME = "1.0.0-1-a.sql"
LINES = "".join(f"{number}\t{'x' * 90}\n" for number in range(10_000))
"""About a megabyte."""
SLOW = 0.05
"""Seconds that the proxy keeps each 64 KB back: the data are under way for a while."""
MEASURE = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
sys.exit(done.returncode)
"""
"""Runs a command and tells its peak memory in MB: that of a process started from here would be ours as well."""


def fill(folder: Folder, megabytes: int) -> None:
    """Write an alteration that makes a table and copies so much into it."""
    with (folder.path / NAME).open("w") as file:
        file.write("-- sartor: up\ncreate table a (id int, note text);\ncopy a from stdin;\n")
        file.writelines([LINES] * megabytes)
        file.write("\\.\n-- sartor: down\ndrop table a;\n")


@pytest.fixture
def slow(folder: Folder, database: Database) -> Iterator[Proxy]:
    """A slow way to the database, and an alteration that needs it for two seconds at least."""
    fill(folder, 3)
    with proxy_to(database.url) as proxy:
        proxy.delay = SLOW
        yield proxy


def is_copying(database: Database) -> bool:
    """Whether some of the data have come, and not all of them."""
    return bool(database.rows("select 1 from pg_stat_progress_copy where bytes_processed between 100000 and 2500000"))


def require_nothing(database: Database) -> None:
    """See that no session of the run's is left, hence no lock, and no table either."""
    others = "select 1 from pg_stat_activity where datname = $1 and application_name like 'sartor%'"
    until(lambda: not database.rows(others, database.name), what="the end of the sessions")
    assert database.tables() == set()


def test_ctrl_c(sartor: Command, slow: Proxy, database: Database) -> None:
    """Exit 130 in words; nothing stays, and nothing is held. The same command then does it."""
    process = sartor.start("deploy", "latest", "--db-url", slow.url)
    until(lambda: is_copying(database), what="the copy")
    done = finish(process, signal.SIGINT)
    assert (done.code, "rolled back" in done.err) == (130, True), done.err
    require_nothing(database)
    sartor("deploy", "latest")
    assert database.value("select count(*) from a") == 30_000


def test_a_connection_that_is_cut(sartor: Command, slow: Proxy, database: Database) -> None:
    """Exit 6: the connection was lost, what was under way is rolled back."""
    process = sartor.start("deploy", "latest", "--db-url", slow.url)
    until(lambda: is_copying(database), what="the copy")
    slow.cut()
    done = finish(process)
    assert (done.code, "the connection was lost" in done.err) == (6, True), done.err
    require_nothing(database)


def test_a_server_that_falls_silent(sartor: Command, slow: Proxy, database: Database) -> None:
    """Ctrl-C ends what no answer ends: exit 130."""
    process = sartor.start("deploy", "latest", "--db-url", slow.url)
    until(lambda: is_copying(database), what="the copy")
    slow.stall()
    done = finish(process, signal.SIGINT)
    assert done.code == 130, done.err
    slow.cut()
    require_nothing(database)


def test_a_statement_timeout(sartor: Command, slow: Proxy, database: Database) -> None:
    """It counts while the server waits for data: exit 1, with the line of the data that it had come to."""
    done = sartor("deploy", "latest", "--db-url", slow.url, "--statement-timeout", "300ms", "--json", expect=1)
    failed = done.json["failed"]
    assert (failed["sqlstate"], failed["rolled_back"]) == ("57014", True)
    assert 3 < failed["line"] < 30_004
    require_nothing(database)


def test_memory_stays_flat(sartor: Command, folder: Folder, database: Database) -> None:
    """Thirty megabytes of data take no more memory than one, up to a few blocks."""
    peaks = []
    for megabytes in (1, 30):
        fill(folder, megabytes)
        command = [sys.executable, "-c", MEASURE, EXECUTABLE, "db", "alteration", "deploy", "latest", "--json"]
        done = subprocess.run(
            command,
            check=True,
            cwd=sartor.directory,
            env=sartor.environment,
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
        assert database.value("select count(*) from a") == megabytes * 10_000
        peaks.append(int(done.stdout.split()[-1]))
        sartor("rollback", "0")
    assert peaks[1] < peaks[0] + 8, peaks
