"""The reference history undone by the package of its first release, which lacks the files of all the others."""

from __future__ import annotations

import shutil
from pathlib import Path

from support.command import Command
from support.database import Database
from support.schema import dump

HISTORY = Path(__file__).parents[2] / "alterations"


def test_the_first_package_undoes_the_others(sartor: Command, database: Database, tmp_path: Path) -> None:
    """From the ledger alone the schema comes back as the first release made it; what isn't kept is refused first."""
    older = tmp_path / "older"
    older.mkdir()
    for file in HISTORY.glob("1.0.0-*"):
        shutil.copy(file, older)
    newer, place = ("--alterations", str(HISTORY)), ("--alterations", str(older))
    sartor("deploy", "1.0.0", *place)
    first = dump(database.url, "public")
    refused = []
    for release in ("1.1.0", "2.0.0", "2.1.0"):
        sartor("deploy", release, *newer)
        before = dump(database.url, "public")
        done = sartor("rollback", "1.0.0", "--yes", *place, expect=None)
        if done.code == 0:
            assert dump(database.url, "public") == first
        else:
            refused.append(release)
            assert (done.code, "did-method-backfill.py: its down is Python" in done.err) == (4, True), done.err
            assert dump(database.url, "public") == before
            sartor("rollback", "1.0.0", "--yes", *newer)
    assert refused == ["2.1.0"]
