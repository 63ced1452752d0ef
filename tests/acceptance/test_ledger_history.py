"""The journal: every event, who caused it, where, and how long it took."""

from __future__ import annotations

import datetime as dt
import socket
from typing import Any

from support.command import Command
from support.database import Database
from support.folder import Folder


def events(sartor: Command) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sartor("history", "--json").json["events"]
    return found


def test_the_journal_tells_everything(sartor: Command, folder: Folder) -> None:
    """Every up, down, failure and repair is an event, in order, with user, host, time and duration."""
    began = dt.datetime.now(dt.UTC)
    file = folder.table("next-1-a.py")
    broken = folder.add("next-2-b.py", "select oops")
    sartor("deploy", "next", expect=1)
    broken.write_text(broken.read_text().replace("oops", "1"))
    sartor("deploy", "next")
    file = file.rename(folder.path / "1.0.0-1-a.py")
    file.write_text(file.read_text() + "# edited\n")
    sartor("deploy", "next", "--accept-edited", "1-a")
    sartor("rollback", "--steps", "1")
    broken.unlink()

    found = events(sartor)
    assert [(e["seq"], e["event"], e["id"], e["release"]) for e in found] == [
        (0, "created", None, None),
        (1, "deployed", "1-a", "next"),
        (2, "failed", "2-b", "next"),
        (3, "deployed", "2-b", "next"),
        (4, "accepted", "1-a", "1.0.0"),
        (5, "rolled-back", "2-b", "next"),
    ]
    assert {(e["user"], e["host"]) for e in found} == {("postgres", socket.gethostname())}
    assert all(e["duration_ms"] > 0 for e in found if e["event"] in {"deployed", "rolled-back"})
    times = [dt.datetime.fromisoformat(e["at"]) for e in found]
    assert began <= times[0]
    assert times == sorted(times)
    assert found[2]["detail"]["sqlstate"] == "42703"
    assert found[2]["detail"]["line"] == 2
    assert 'column "oops" does not exist' in sartor("history").out


def test_the_journal_only_grows(sartor: Command, folder: Folder, database: Database) -> None:
    """A rollback takes the ledger's row away, and never an event."""
    folder.table("1.0.0-1-a.py")
    for _ in range(2):
        sartor("deploy", "latest")
        sartor("rollback", "0")
    assert [e["event"] for e in events(sartor)] == ["created", *["deployed", "rolled-back"] * 2]
    assert database.value("select count(*) from sartor_ledger") == 0


def test_no_journal_yet(sartor: Command, database: Database) -> None:
    """Where nothing was ever deployed there is no history, and asking for it makes none."""
    assert events(sartor) == []
    assert sartor("history").out == "no ledger; nothing is deployed here\n"
    assert database.value("select to_regclass('sartor_journal')") is None
