"""The reference history from a snapshot."""

from __future__ import annotations

import shutil
from pathlib import Path

from support.command import Command
from support.database import Database
from support.schema import dump

HISTORY = Path(__file__).parents[2] / "alterations"


def test_a_snapshot_of_each_kind_of_place(sartor: Command, database: Database) -> None:
    """A snapshot of the history builds what its replay builds, in `public` and for a tenant; all of it rolls back."""
    shutil.copytree(HISTORY, sartor.directory / "alterations")
    sartor("snapshot", "2.1.0")
    sartor("deploy", "next", "--replay", "--schema", "replayed")
    for schema in ("public", "tenant_a"):
        assert sartor("deploy", "next", "--json", "--schema", schema).json["snapshot"] == "2.1.0"
        assert sartor("verify", "--against-replay", "--json", "--schema", schema).json["drift"] == []
    assert dump(database.url, "tenant_a") == dump(database.url, "replayed").replace("replayed", "tenant_a")
    sartor("rollback", "0", "--yes", "--schema", "tenant_a")
    assert database.tables("tenant_a") == set()
