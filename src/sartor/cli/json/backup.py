"""The JSON output of `backup` and `restore`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sartor.cli.json.objects import VERSION, JsonObject

if TYPE_CHECKING:
    from sartor.domain.backup import Backup, Restored


def backup_json(backup: Backup) -> JsonObject:
    """Returns the JSON of a backup; it was verified, or there would be none."""
    return {
        "file": backup.file,
        "bytes": backup.bytes,
        "verified": True,
        "proved": backup.proved,
        "database": backup.database,
        "schema": backup.schema,
        "lsn": backup.lsn,
        "checksum": backup.checksum,
        "tables": None if backup.tables is None else list(backup.tables),
        "left_out": list(backup.left_out),
    }


def backup_result_json(backup: Backup) -> JsonObject:
    """Returns the JSON of `backup --json`."""
    return {"version": VERSION, **backup_json(backup), "journal": backup.in_journal}


def restore_json(done: Restored) -> JsonObject:
    """Returns the JSON of `restore --json`."""
    return {
        "version": VERSION,
        "file": done.file,
        "bytes": done.bytes,
        "database": done.database,
        "duration_ms": round(done.duration_ms, 3),
        "left_out": list(done.left_out),
    }
