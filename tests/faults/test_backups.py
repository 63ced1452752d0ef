"""Backups that are cut short, damaged, or have no room: no half file under a name, nothing half restored."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from sartor import BackupFailed, Destination
from sartor.archive.dump import dump, exported_snapshot
from sartor.archive.tools import find_tools
from sartor.postgres.session import Session
from support.command import EXECUTABLE, LIMIT, Command, finish
from support.database import Database, temporary_database
from support.folder import Folder
from support.sessions import backend_running, holding, until

ROWS = 20_000


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    """An empty folder for backups."""
    (tmp_path / "backups").mkdir()
    return tmp_path / "backups"


@pytest.fixture
def filled(database: Database) -> Database:
    """The test's database, with a table that fills some hundred kilobytes of a backup."""
    database.run(f"create table big as select g as id, md5(g::text) as text from generate_series(1, {ROWS}) g")
    return database


@pytest.fixture
def other(server_url: str) -> Iterator[Database]:
    """Another empty database."""
    with temporary_database(server_url) as found:
        yield found


def start_backup(sartor: Command, backups: Path, database: Database) -> subprocess.Popen[str]:
    """A backup that waits for a table in the middle of its work."""
    process = sartor.launch("db", "backup", str(backups / "x.dump"))
    until(lambda: backend_running(database, "LOCK TABLE"), what="pg_dump's wait")
    return process


def no_dump_runs(database: Database) -> bool:
    """Whether every session of a backup has ended."""
    query = "select count(*) from pg_stat_activity where datname = $1 and application_name like 'sartor backup%'"
    return bool(database.value(query, database.name) == 0)


def test_a_killed_backup(sartor: Command, backups: Path, filled: Database) -> None:
    """`kill -9` leaves no file of the name; `pg_dump` ends by itself, and the next backup clears up."""
    with holding(filled.url, "begin", "lock table big"):
        finish(start_backup(sartor, backups, filled), signal.SIGKILL)
        assert not (backups / "x.dump").exists()
    until(lambda: no_dump_runs(filled), what="the end of pg_dump")
    sartor.run("db", "backup", str(backups / "x.dump"))
    assert [file.name for file in backups.iterdir()] == ["x.dump"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_backup_that_is_stopped(sartor: Command, backups: Path, filled: Database, number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM end `pg_dump` too, while it waits, and leave no file at all."""
    with holding(filled.url, "begin", "lock table big"):
        done = finish(start_backup(sartor, backups, filled), number)
        until(lambda: no_dump_runs(filled), what="the end of pg_dump")
    assert done.code == 130
    assert done.err.endswith(f"error: {number.name}: stopped; no backup file was left\n")
    assert not list(backups.iterdir())


def test_a_backup_leaves_another_one_alone(sartor: Command, backups: Path, filled: Database) -> None:
    """What is being written isn't taken for left over by a second backup into the same folder."""
    with holding(filled.url, "begin", "lock table big"):
        process = start_backup(sartor, backups, filled)
        sartor.run("db", "backup", str(backups / "y.dump"), "--db-url", filled.url.replace(filled.name, "postgres"))
    assert finish(process).code == 0
    assert {file.name for file in backups.iterdir()} == {"x.dump", "y.dump"}


def test_a_restore_that_is_stopped(sartor: Command, backups: Path, filled: Database, other: Database) -> None:
    """SIGINT in the middle of a restore ends `psql`, and nothing is restored."""
    # Only when it is read back, into a database where nobody is called that, does the check wait.
    filled.run(
        "create function wait() returns bool language plpgsql as 'begin"
        f" if current_database() <> ''{filled.name}'' then perform pg_sleep(600); end if; return true; end'",
        "create table late (id int check (public.wait()))",
        "insert into late values (1)",
    )
    sartor.run("db", "backup", str(backups / "x.dump"))
    process = sartor.launch("db", "restore", str(backups / "x.dump"), "--into", other.url)
    until(lambda: backend_running(other, "COPY public.late"), what="the restore")
    done = finish(process, signal.SIGINT)
    assert done.code == 130
    assert done.err.endswith("error: SIGINT: stopped; nothing was restored\n")
    assert not other.tables()


def test_two_deploys_at_once_take_one_backup(sartor: Command, folder: Folder, backups: Path) -> None:
    """Of replicas that all deploy with a backup, the one that does the work takes it."""
    folder.table("1.0.0-1700000000-a.py")
    runs = [sartor.start("deploy", "latest", "--backup", str(backups)) for _ in range(3)]
    assert [finish(run).code for run in runs] == [0, 0, 0]
    assert len(list(backups.iterdir())) == 1


def test_a_pooler(sartor: Command, backups: Path, pooled_url: str) -> None:
    """Its sessions are nobody's own: neither backup nor restore goes through it."""
    done = sartor.run("db", "backup", str(backups), "--db-url", pooled_url, expect=6)
    assert "give the address of the server" in done.err
    file = str(backups / "x.dump")
    sartor.run("db", "backup", file)
    assert "give the address of the server" in sartor.run("db", "restore", file, "--into", pooled_url, expect=6).err


def test_no_password_among_the_arguments(sartor: Command, backups: Path, filled: Database) -> None:
    """`ps` shows `pg_dump` with neither the password nor anything else that is secret."""
    sartor.environment["SARTOR_DB_URL"] = filled.as_user("postgres", "s3cr3t-w0rd")
    with holding(filled.url, "begin", "lock table big"):
        process = start_backup(sartor, backups, filled)
        (child,) = psutil.Process(process.pid).children()
        line = " ".join(child.cmdline())
    assert finish(process).code == 0
    assert filled.name in line
    assert "s3cr3t" not in line


def test_a_lock_that_is_not_given(sartor: Command, backups: Path, filled: Database) -> None:
    """A backup waits for a table no longer than `--lock-budget`, and says what would help."""
    with holding(filled.url, "begin", "lock table big"):
        done = sartor.run("db", "backup", str(backups), "--lock-budget", "200ms", expect=6)
    assert "hint: another session has locked a table: wait longer with --lock-budget" in done.err
    assert not list(backups.iterdir())


def test_no_room(sartor: Command, folder: Folder, backups: Path, filled: Database) -> None:
    """Where the file can't be written to its end, there is none, and the deploy doesn't begin."""
    folder.table("1.0.0-1700000000-a.py")
    command = shlex.join([EXECUTABLE, "db", "alteration", "deploy", "latest", "--backup", str(backups)])
    done = subprocess.run(
        ["bash", "-c", f"ulimit -f 64; exec {command}"],  # noqa: S607 - kilobytes
        check=False,
        cwd=sartor.directory,
        env=sartor.environment,
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert done.returncode == 6
    assert "error: no backup was taken: " in done.stderr
    assert "`ulimit -f` shows the limit" in done.stderr
    assert not list(backups.iterdir())
    assert filled.tables() == {"big"}
    assert filled.value("select to_regclass('sartor_ledger')") is None


@pytest.mark.parametrize("part", [0.0, 0.01, 0.5, 0.9, 0.9999])
def test_a_file_that_is_cut_short(
    sartor: Command, backups: Path, filled: Database, other: Database, part: float
) -> None:
    """However much of it is there, it isn't restored; `pg_restore --list` alone would be content with most."""
    file = backups / "x.dump"
    sartor.run("db", "backup", str(file))
    os.truncate(file, int(file.stat().st_size * part))
    done = sartor.run("db", "restore", str(file), "--into", other.url, expect=6)
    assert f"error: {file} isn't a complete backup" in done.err
    assert not other.tables()
    assert filled.value("select count(*) from big") == ROWS


@pytest.mark.parametrize("part", [0.2, 0.5, 0.8])
def test_a_file_that_is_damaged(sartor: Command, backups: Path, filled: Database, other: Database, part: float) -> None:
    """One byte among the data is enough."""
    file = backups / "x.dump"
    sartor.run("db", "backup", str(file))
    content = bytearray(file.read_bytes())
    content[int(len(content) * part)] ^= 0xFF
    file.write_bytes(content)
    done = sartor.run("db", "restore", str(file), "--into", other.url, expect=6)
    assert f"error: {file} isn't a complete backup" in done.err
    assert not other.tables()
    assert filled.tables() == {"big"}


def test_no_tools_for_a_newer_server() -> None:
    """An older `pg_dump` isn't even tried; the error says which versions are here, and which one is needed."""
    assert [tools.major for tools in find_tools(130000)] == sorted(tools.major for tools in find_tools(0))
    with pytest.raises(
        BackupFailed, match=r"the server is Postgres 99, but pg_dump on this computer is of version .*, which is older"
    ):
        find_tools(990000)


def test_an_older_pg_dump(database: Database, backups: Path) -> None:
    """Were it tried, its own refusal would be the error."""

    async def go() -> None:
        async with Session(Destination.parse(database.url), application="sartor backup") as session:
            older = [t for t in find_tools(0) if t.major < session.facts.server_version // 10000]
            if not older:
                pytest.skip("there is no older pg_dump here")
            async with exported_snapshot(session) as snapshot:
                with pytest.raises(BackupFailed, match="server version"):
                    await dump(older[0], session, backups / "x.dump", snapshot.id, schema=None, lock_wait=60.0)

    asyncio.run(go())
