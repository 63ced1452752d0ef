"""The output of `backup` and `restore`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sartor.cli.results.objects import VERSION, JsonObject, pick
from sartor.cli.results.units import count, duration, size
from sartor.domain.destination import Destination

if TYPE_CHECKING:
    from sartor.domain.backup import Backup, Restored
    from sartor.domain.report import Copying

FEW = 3  # names that are shown where there are more


def copying_line(copying: Copying) -> str:
    return f"{copying.what}: {size(copying.bytes)} in {duration(copying.seconds * 1000)}"


def backup_line(backup: Backup) -> str:
    held = f"schema {backup.schema} of {backup.database}" if backup.schema else backup.database
    proof = "; proved by a restore" if backup.proved else ""
    return f"Backed up {held} into {backup.file}, {size(backup.bytes)}{proof}{rows_line(backup)}"


def rows_line(backup: Backup) -> str:
    """Returns whose rows a backup holds, after a semicolon; "" where it holds those of all tables."""
    if backup.tables is None:
        return ""
    held = _tables(backup.tables) if backup.tables else "Sartor's tables"
    return f"; contains only the rows of {held}"


def _tables(names: Sequence[str]) -> str:
    """Returns the number of tables and the names of the first: `2 tables (public.a, public.b)`."""
    shown = ", ".join([*names[:FEW], *(["..."] if len(names) > FEW else [])])
    return f"{count(len(names), 'table')} ({shown})"


def restored_line(done: Restored) -> str:
    line = f"Restored {done.file} into {done.database} in {duration(done.duration_ms)}"
    return (
        f"{line}; without the rows of {_tables(done.left_out)}, which the backup doesn't contain"
        if done.left_out
        else line
    )


def restore_command(backup: Backup, destination: Destination) -> str:
    """Returns the command that restores a backup into a new database beside its own."""
    beside = destination.at(f"{backup.database}_restored")
    words = ["sartor", "db", "restore", backup.file, "--into", beside.bare_url, "--create"]
    return shlex.join([*words, "--schema", backup.schema] if backup.schema else words)


def restore_line(backup: Backup, destination: Destination) -> str:
    """Returns how to go back to what was before a run."""
    what = "the previous state" if backup.tables is None else "the previous rows of the affected tables"
    return f"To restore {what}: {restore_command(backup, destination)}"


def backup_json(backup: Backup) -> JsonObject:
    """Returns the JSON of a backup; it was verified, or there would be none."""
    rest = pick(backup, "proved database schema lsn checksum tables left_out")
    return pick(backup, "file bytes") | {"verified": True} | rest


def backup_result_json(backup: Backup) -> JsonObject:
    return {"version": VERSION, **backup_json(backup), "journal": backup.in_journal}


def restore_json(done: Restored) -> JsonObject:
    return {"version": VERSION} | pick(done, "file bytes database duration_ms left_out")
