"""Several lineages of alterations in one database."""

from __future__ import annotations

from support.command import Command
from support.database import Database
from support.folder import Folder

BOTH = ("--alterations", "product", "--alterations", "own=ours")


def make(folder: Folder) -> Folder:
    """The product's lineage and one's own, in the working directory; the own one's timestamps are older."""
    found = Folder(folder.path.parent)
    found.table("product/1.0.0-5-users.py")
    found.write("ours/_helpers.py", "TABLE = 'audit'\n")
    text = "async def {}(conn):\n    await conn.execute('{} table ' + TABLE{})\n"
    up, down = text.format("up", "create", " + '(id int)'"), text.format("down", "drop", "")
    found.write("ours/1.0.0-1-audit.py", f"from ._helpers import TABLE\n{up}{down}")
    found.write("product/_helpers.py", "TABLE = 'wrong'\n")
    return found


def test_lineages_follow_each_other(sartor: Command, folder: Folder, database: Database) -> None:
    """Lineages are deployed in the order given, each under its own name in the ledger and with its own helpers."""
    make(folder)
    done = sartor("deploy", "latest", *BOTH, "--json").json["done"]
    assert [(a["lineage"], a["id"]) for a in done] == [("main", "5-users"), ("own", "1-audit")]
    assert database.tables() == {"users", "audit"}
    assert database.rows("select lineage, id from sartor_ledger order by seq") == [
        ("main", "5-users"),
        ("own", "1-audit"),
    ]
    status = sartor("status", *BOTH, "--json").json
    assert (status["pending"], status["out_of_order"], status["missing"]) == ([], [], [])
    assert sartor("list", *BOTH).out.startswith("lineage main\n1.0.0")


def test_one_lineage_leaves_the_other_alone(sartor: Command, folder: Folder, database: Database) -> None:
    """Given one lineage, the other's rows are named by a note, and neither missing nor rolled back."""
    make(folder)
    sartor("deploy", "latest", *BOTH)
    alone = ("--alterations", "product")
    status = sartor("status", *alone, "--json").json
    assert (status["missing"], status["ahead"]) == ([], [])
    assert "the database also has alterations of lineage 'own', which wasn't given" in status["notes"]
    sartor("rollback", "0", *alone)
    assert database.tables() == {"audit"}


def test_a_lineage_that_changed_its_name(sartor: Command, folder: Folder, database: Database) -> None:
    """A lineage under another name is refused, exit 4, before it is deployed twice; the hint has the right name."""
    make(folder)
    sartor("deploy", "latest", *BOTH)
    found = sartor("deploy", "latest", "--alterations", "product", "--alterations", "other=ours", expect=4)
    assert "1-audit is deployed as part of lineage 'own', but was given as part of 'other'" in found.err
    assert "--alterations own=" in found.err
    assert database.value("select count(*) from sartor_ledger") == 2


def test_the_same_identity_in_two_lineages(sartor: Command, folder: Folder, database: Database) -> None:
    """Identity is within a lineage: two may have a timestamp and a slug in common."""
    both = make(folder)
    both.add("ours/1.0.0-5-users.py", "create table other (id int)", "drop table other")
    assert len(sartor("deploy", "latest", *BOTH, "--json").json["done"]) == 3
    assert database.tables() == {"users", "audit", "other"}
    assert len(sartor("rollback", "--steps", "1", *BOTH, "--json").json["done"]) == 1
    assert database.tables() == {"users", "audit"}
