"""Backups of affected tables, where other runs change the plan behind the rehearsal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import sartor
from sartor import BackedUp, Destination, Note, Planned, Report, RunEvent
from support.command import Command
from support.database import Database
from support.folder import Folder
from support.psql import psql

WHY = "the backup holds the rows of all tables: another run came first, so the plan differs from the rehearsed one"


def deploy(
    database: Database, folder: Folder, at: type[RunEvent], meanwhile: Callable[[], object]
) -> tuple[Report, list[RunEvent]]:
    """Deploy with a backup of the affected tables; something else happens at the first event of a kind."""
    events: list[RunEvent] = []

    def heard(event: RunEvent) -> None:
        if isinstance(event, at) and not any(isinstance(each, at) for each in events):
            meanwhile()
        events.append(event)

    sources = [sartor.LineageSource(name="main", location=str(folder.path))]
    destination = Destination.parse(database.url)
    made = sartor.deploy(destination, sources, "next", backup=str(folder.path.parent), affected=True, observer=heard)
    return asyncio.run(made), events


def ready(sartor: Command, folder: Folder, database: Database) -> None:
    """Two alterations that are deployed, and two that are pending and change little."""
    database.run("create table beside (id int)")
    folder.add("1.0.0-1700000000-a.py", up="create table a as select 1 as id", down="drop table a")
    folder.add("1.0.0-1700000001-b.py", up="create table b as select 1 as id", down="drop table b")
    sartor("deploy", "latest")
    folder.add("1.0.0-1700000002-c.py", up="update a set id = 2")
    folder.add("1.0.0-1700000003-d.py", up="update a set id = 3")


def test_another_deploy_before_the_turn(sartor: Command, folder: Folder, database: Database) -> None:
    """What is left of a plan wasn't rehearsed as it is: the backup holds everything."""
    ready(sartor, folder, database)
    report, events = deploy(database, folder, Planned, lambda: sartor("deploy", "latest", "--steps", "1"))
    assert (len(report.done), len(report.elsewhere)) == (1, 1)
    assert report.backup is not None
    assert report.backup.tables is None
    assert Note(text=WHY) in events


def test_a_rollback_after_the_backup(sartor: Command, folder: Folder, database: Database, tmp_path: Path) -> None:
    """Where it makes the plan longer, what comes in addition isn't run without a backup of everything."""
    ready(sartor, folder, database)
    script = tmp_path / "back.sql"
    sartor("rollback", "--steps", "1", "--check", "--sql", str(script), expect=3)
    report, events = deploy(database, folder, BackedUp, lambda: psql(database.url, script))
    assert [done.alteration.id for done in report.done] == ["1700000001-b", "1700000002-c", "1700000003-d"]
    first, second = [event.backup for event in events if isinstance(event, BackedUp)]
    assert (first.tables, second.tables, report.backup) == (("public.a",), None, second._replace(in_journal=True))
    kinds = [row[0] for row in database.rows("select kind from sartor_journal order by seq")]
    assert kinds[-5:] == ["rolled-back", "backup", "deployed", "deployed", "deployed"]


def test_a_table_made_after_the_rehearsal(sartor: Command, folder: Folder, database: Database) -> None:
    """It is kept, and so is what it references: the archive is chosen by the catalogue as it is at its own moment."""
    ready(sartor, folder, database)
    script = folder.path.parent / "late.sql"
    script.write_text("alter table b add primary key (id); create table late (id int references b);")
    report, _ = deploy(database, folder, Planned, lambda: psql(database.url, script))
    assert report.backup is not None
    assert report.backup.tables == ("public.a", "public.b", "public.late")
    assert report.backup.left_out == ("public.beside",)
