"""Changes of a file that are no edit: a byte order mark, line ends, and another name for a file that isn't released."""

from __future__ import annotations

from support.command import Command
from support.database import Database
from support.folder import Folder


def test_a_byte_order_mark(sartor: Command, folder: Folder, database: Database) -> None:
    """A mark and line ends of Windows, added to deployed files or there from the start, are no edit."""
    files = [folder.table("1.0.0-1-a.py"), folder.write("1.0.0-2-b.sql", "-- sartor: up\ncreate table b ();\n")]
    sartor("deploy", "latest")
    for file in files:
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    assert sartor("status", "--json").json["edited"] == []
    assert sartor("deploy", "latest").out == sartor("check").err == "Found 0 alteration to deploy\n"
    sartor("verify")
    sartor("fresh", "1.0.0", "--yes")
    assert database.tables() == {"a", "b"}


def test_a_renamed_next_file(sartor: Command, folder: Folder, database: Database) -> None:
    """It is told from which name to which; no deploy runs it again, and what is printed records the new name."""
    file = folder.table("next-1-a.py")
    folder.table("next-2-b.py")
    sartor("deploy", "next")
    file.rename(folder.path / "next-3-c.py")
    shown = sartor("status")
    assert "  next-1-a.py -> next-3-c.py\n" in shown.out
    assert "missing:" not in shown.out
    assert "pending:" not in shown.out
    (renamed,) = sartor("status", "--json").json["renamed"]
    assert (renamed["from"]["id"], renamed["to"]["id"]) == ("1-a", "3-c")
    options = "--mark-not-deployed 1-a --mark-deployed 3-c"
    for done in (shown, sartor("verify", expect=4), sartor("deploy", "next", expect=4)):
        assert f'sartor db alteration repair --reason "..." {options}' in done.out + done.err
    sartor("repair", "--reason", "renamed", "--yes", *options.split())
    assert sartor("deploy", "next").out == "Found 0 alteration to deploy\n"
    assert database.tables() == {"a", "b"}
