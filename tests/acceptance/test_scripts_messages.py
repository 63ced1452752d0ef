"""What the server says while a script runs: warnings and notices are shown, and warnings are kept."""

from __future__ import annotations

import pytest

from support.command import Command
from support.folder import Folder

NOTICED = "1.0.0-1700000000-a.sql"
PYTHON = "1.0.0-1700000001-b.py"
OUTSIDE = "1.0.0-1700000002-c.sql"


@pytest.fixture
def talking(folder: Folder) -> Folder:
    """Scripts of each kind, of which the server warns."""
    raising = "do $$ begin raise warning 'look at {}'; raise notice 'made {}'; end $$;"
    folder.write(NOTICED, f"-- sartor: up\n{raising.format('a', 'a')}\n-- sartor: down\nselect 1;\n")
    folder.write(
        PYTHON,
        f"""
async def up(conn):
    await conn.execute({raising.format("b", "b")!r})

async def down(conn):
    await conn.execute("select 1")
""",
    )
    head = "-- sartor: transaction off\n-- sartor: up\n"
    folder.write(OUTSIDE, f"{head}{raising.format('c', 'c')}\n-- sartor: down\nselect 1;\n")
    return folder


@pytest.mark.usefixtures("talking")
@pytest.mark.parametrize("way", [[], ["--no-batch"]])
def test_the_server_is_heard(sartor: Command, way: list[str]) -> None:
    """A WARNING is always shown and a NOTICE with `--verbose`; `--json` has both, and the journal the WARNING."""
    done = sartor("deploy", "latest", "--json", *way)
    names = dict(zip("abc", (NOTICED, PYTHON, OUTSIDE), strict=True))
    texts = [("WARNING", "look at {}"), ("NOTICE", "made {}")]
    assert done.json["said"] == [
        {"script": name, "severity": severity, "text": text.format(key)}
        for key, name in names.items()
        for severity, text in texts
    ]
    assert [line for line in done.err.splitlines() if "look at" in line or "made" in line] == [
        f"warning: {name}: look at {key}" for key, name in names.items()
    ]
    warned = [event for event in sartor("history", "--json").json["events"] if event["event"] == "warned"]
    assert [(event["name"], event["detail"]["messages"]) for event in warned] == [
        (name, [f"look at {key}"]) for key, name in names.items()
    ]
    assert "look at a" in sartor("history").out
    sartor("rollback", "0", "--yes")
    assert f"notice: {NOTICED}: made a\n" in sartor("deploy", "latest", "--verbose", *way).err


def test_a_name_is_cut(sartor: Command, folder: Folder) -> None:
    """What the server says before it runs a script, as of a name that it cuts, is told with that script."""
    for name, table in ((NOTICED, "a"), (OUTSIDE, "b" * 64)):
        folder.write(name, f"-- sartor: up\ncreate table {table} ();\n-- sartor: irreversible once\n")
    (said,) = sartor("deploy", "latest", "--json").json["said"]
    assert (said["script"], said["severity"], "b" * 64 in said["text"]) == (OUTSIDE, "NOTICE", True)


def test_a_flood_is_cut(sartor: Command, folder: Folder) -> None:
    """Of a script's messages the first hundred are shown; a line says that there are more."""
    folder.write(
        NOTICED,
        "-- sartor: up\ndo $$ begin for i in 1..500 loop raise warning 'no. %', i; end loop; end $$;\n"
        "-- sartor: down\nselect 1;\n",
    )
    said = sartor("deploy", "latest", "--json").json["said"]
    assert [len(said), said[99]["text"], said[100]["text"]] == [
        101,
        "no. 100",
        "further messages of the server aren't shown",
    ]


def test_a_warning_outlives_a_failure(sartor: Command, folder: Folder) -> None:
    """Where a later script fails, the journal has the warnings of those before it, and none of what was undone."""
    folder.write(NOTICED, "-- sartor: up\ndo $$ begin raise warning 'kept'; end $$;\n-- sartor: down\nselect 1;\n")
    folder.write(
        OUTSIDE,
        "-- sartor: up\ndo $$ begin raise warning 'undone'; end $$;\nselect 1/0;\n-- sartor: down\nselect 1;\n",
    )
    failed = sartor("deploy", "latest", expect=1)
    assert [f"warning: {NOTICED}: kept" in failed.err, f"warning: {OUTSIDE}: undone" in failed.err] == [True, True]
    events = sartor("history", "--json").json["events"]
    warned = [event["detail"]["messages"] for event in events if event["event"] == "warned"]
    assert warned == [["kept"]]
