"""What `deploy` promises, on a real server, from the installed command."""

from __future__ import annotations

from support.command import Command
from support.database import Database
from support.folder import Folder


def test_deploys_up_to_the_target(sartor: Command, folder: Folder, database: Database) -> None:
    """All pending alterations with a release up to the target are deployed, and no others."""
    folder.table("1.0.0-1700000000-a.py")
    folder.table("1.1.0-1700000001-b.py")
    folder.table("next-1700000002-c.py")
    done = sartor("deploy", "1.0.0", "--json").json
    assert [a["id"] for a in done["done"]] == ["1700000000-a"]
    assert database.tables() == {"a"}
    sartor("deploy", "latest")
    assert database.tables() == {"a", "b"}
    sartor("deploy", "next")
    assert database.tables() == {"a", "b", "c"}


def test_a_second_deploy_does_nothing(sartor: Command, folder: Folder) -> None:
    """A second plan to the same target is empty."""
    folder.table("1.0.0-1700000000-a.py")
    sartor("deploy", "latest")
    assert sartor("deploy", "latest").out == "Found 0 alteration to deploy\n"
