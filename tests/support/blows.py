"""Commands that are struck at random moments, and what they leave: no half database, no half file, nothing for ever."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from sartor.archive.tools import find_tools
from support.campaigns import Progress, Tally, silent
from support.command import Command, Finished, finish
from support.database import Database, temporary_database
from support.folder import Folder
from support.sessions import until

BLOWS = {
    "SIGKILL": (signal.SIGKILL,),
    "SIGHUP": (signal.SIGHUP,),
    "SIGINT": (signal.SIGINT,),
    "SIGTERM": (signal.SIGTERM,),
    "SIGINT twice": (signal.SIGINT, signal.SIGINT),
}
FILL = (
    "create table makers (id int primary key, name text not null)",
    "create table things (id int primary key, maker int not null references makers, note text)",
    "insert into makers select g, 'maker ' || g from generate_series(1, 100) g",
    "insert into things select g, 1 + g % 100, md5(g::text) from generate_series(1, 60000) g",
    "create index on things (maker)",
    "create index on things (note)",
    "create view named as select t.id, m.name from things t join makers m on m.id = t.maker",
    "select lo_from_bytea(0, 'abc')",
)
NOTHING: tuple[Any, ...] = ([], 0, 0)


def strike(process: subprocess.Popen[str], blow: str, after: float) -> tuple[Finished, bool]:
    """Strike a command that is still at work after so many seconds: how it ended, and whether it was struck.

    What it started has ended, too, when this returns.
    """
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        struck = True
    else:
        return finish(process), False
    try:
        children = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        children = []
    for number in BLOWS[blow]:
        process.send_signal(number)
    ended = finish(process)
    _, alive = psutil.wait_procs(children, timeout=60)
    assert not alive, f"{alive} live on"
    return ended, struck


def restores(server_url: str, folder: Path, number: int, chance: random.Random, progress: Progress = silent) -> Tally:
    """Restores that are struck: all of the backup is there afterwards, or nothing."""
    tally, sartor, file = Tally(), Command(folder, {}), str(folder / "whole.dump")
    with temporary_database(server_url) as source:
        source.run(*FILL)
        sartor.run("db", "backup", file, "--db-url", source.url)
        whole = held(source)
    longest = 1.0
    while tally.counts["struck"] < number:
        with temporary_database(server_url) as target:
            found = NOTHING
            while found == NOTHING and tally.counts["struck"] < number:
                blow, began = chance.choice(list(BLOWS)), time.monotonic()
                process = sartor.launch("db", "restore", file, "--into", target.url)
                ended, struck = strike(process, blow, chance.uniform(0, longest))
                until(lambda: not _sessions(target), limit=60, what="the end of the restore's sessions")
                found = held(target)
                tally.counts.update(["struck", blow] if struck else ["ended"])
                longest = longest if struck else max(longest * 0.9, time.monotonic() - began)
                if found == whole:
                    tally.counts["whole"] += 1
                tally.found(blow if struck else "left alone", _restore_violations(ended, found, whole))
                progress(tally.counts["struck"])
    return tally


def _restore_violations(ended: Finished, found: tuple[Any, ...], whole: tuple[Any, ...]) -> list[str]:
    checks = {
        f"half a database: {found}": found in (NOTHING, whole),
        f"it said that it is restored: {ended}": ended.code != 0 or found == whole,
        f"it said that nothing is: {ended}": "nothing was restored" not in ended.err or found == NOTHING,
        f"a traceback: {ended}": not _has_traceback(ended),
    }
    return [text for text, holds in checks.items() if not holds]


def _has_traceback(ended: Finished) -> bool:
    """Whether a command shows a traceback; Python's own, of a Ctrl-C while it starts, isn't the command's."""
    return "Traceback" in ended.err and not ended.err.endswith("KeyboardInterrupt\n")


def held(database: Database) -> tuple[Any, ...]:
    """What a database holds: relations with their rows, constraints, large objects."""
    relations = database.rows(
        """select c.relname::text, c.relkind::text from pg_class c
            where c.relnamespace = 'public'::regnamespace and c.relname not like 'sartor%' order by 1"""
    )
    counted = [
        (name, kind, database.value(f"select count(*) from {name}") if kind in "rv" else None)
        for name, kind in relations
    ]
    constraints = database.value("select count(*) from pg_constraint where connamespace = 'public'::regnamespace")
    return counted, constraints, database.value("select count(*) from pg_largeobject_metadata")


def _sessions(database: Database) -> bool:
    query = "select exists (select from pg_stat_activity where datname = $1 and application_name like 'sartor%')"
    return bool(database.value(query, database.name))


COMMANDS = {
    "rehearse": ("db", "alteration", "rehearse", "next"),
    "rehearse with data": ("db", "alteration", "rehearse", "next", "--with-data"),
    "prove": ("db", "alteration", "prove", "--all"),
    "backup": ("db", "backup", "backups/x.dump"),
    "verify": ("db", "alteration", "verify", "--against-replay"),
}
"""What works beside a database, and is to leave that as it is."""
KEPT = {"manifest.toml", "rehearsed.json", ".gitignore"}
"""Files that they write, and that are to stay."""


def works_beside(
    server_url: str, folder: Path, number: int, chance: random.Random, progress: Progress = silent
) -> Tally:
    """Commands that are struck while they work beside a database: that isn't touched, and the next ones clear up."""
    tally = Tally()
    with _shop(server_url, folder) as (sartor, database):
        before, files, longest = _live(database), _files(folder), dict.fromkeys(COMMANDS, 1.5)
        while tally.counts["struck"] < number:
            name, blow, began = chance.choice(list(COMMANDS)), chance.choice(list(BLOWS)), time.monotonic()
            process = sartor.launch(*COMMANDS[name])
            ended, struck = strike(process, blow, chance.uniform(0, longest[name]))
            if not struck:
                longest[name] = time.monotonic() - began
            tally.counts.update(["struck", blow, name] if struck else ["ended"])
            tally.found(f"{name}, {blow}", _beside_violations(ended, database, before, folder, files))
            progress(tally.counts["struck"])
        until(lambda: not _any_sessions(database), limit=60, what="the end of all sessions")
        for name, words in COMMANDS.items():
            ended = sartor.run(*words, expect=None)
            tally.found(f"{name} afterwards", [] if ended.code == 0 else [str(ended)])
            (folder / "backups" / "x.dump").unlink(missing_ok=True)
        left = database.rows("select datname::text from pg_database where datname like 'sartor_scratch%'")
        tally.found("afterwards", [f"{left} are left"] if left else [])
        tally.found("afterwards", [f"{found} is left" for found in _files(folder) - files - KEPT])
    return tally


@contextmanager
def _shop(server_url: str, folder: Path) -> Iterator[tuple[Command, Database]]:
    """A database with rows, what is deployed in it, and what isn't yet."""
    alterations = Folder(folder / "alterations")
    (folder / "backups").mkdir(exist_ok=True)
    with temporary_database(server_url) as database:
        sartor = Command(folder, {"SARTOR_DB_URL": database.url})
        for number in range(6):
            alterations.table(f"1.0.0-{1700000000 + number}-t{number}.py")
        sartor("deploy", "latest")
        database.run("insert into t0 select g from generate_series(1, 100000) g")
        for number in range(6, 9):
            alterations.table(f"next-{1700000000 + number}-t{number}.py")
        yield sartor, database


def _live(database: Database) -> tuple[Any, ...]:
    return held(database), database.rows("select seq, kind, id from sartor_journal where kind <> 'backup' order by seq")


def _files(folder: Path) -> set[str]:
    return {file.name for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts}


def _beside_violations(
    ended: Finished, database: Database, before: tuple[Any, ...], folder: Path, files: set[str]
) -> list[str]:
    backup = folder / "backups" / "x.dump"
    whole = not backup.exists() or is_whole(backup)
    backup.unlink(missing_ok=True)
    hidden = {name for name in _files(folder) - files if not name.startswith(".")} - KEPT
    checks = {
        f"the database isn't as it was: {ended}": _live(database) == before,
        f"half a backup: {ended}": whole,
        f"{hidden} are left in sight": not hidden,
        f"a traceback: {ended}": not _has_traceback(ended),
    }
    return [text for text, holds in checks.items() if not holds]


def is_whole(backup: Path) -> bool:
    """Whether a backup can be read to its end."""
    tool = find_tools(0)[-1].folder / "pg_restore"
    done = subprocess.run([tool, "--file=/dev/null", backup], check=False, capture_output=True, timeout=60)
    return done.returncode == 0


def _any_sessions(database: Database) -> bool:
    query = """select exists (select from pg_stat_activity where application_name like 'sartor%'
        and (datname = $1 or datname like 'sartor_scratch%'))"""
    return bool(database.value(query, database.name))
