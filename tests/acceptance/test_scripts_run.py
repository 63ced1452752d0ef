"""What a script is told of its run, and what it notes."""

from __future__ import annotations

import json

from support.command import Command
from support.database import Database
from support.folder import Folder

NAME = "1.0.0-1700000000-told.py"
TOLD = """
import json
from sartor import Connection, Direction, Run

TABLE, COMMENT = 'a "b"', "it's \\\\ old"

async def up(conn: Connection, run: Run) -> None:
    run.note(json.dumps({
        "database": run.database, "schema": run.schema, "destination": run.destination, "rehearsal": run.rehearsal,
        "target": run.target and run.target.label, "deploys": run.direction is Direction.DEPLOY,
        "version": run.server_version == await conn.fetchval("select current_setting('server_version_num')::int"),
    }))
    table = run.quote(TABLE)
    await conn.execute(f"create table {run.quote(run.schema)}.{table} (c text)")
    await conn.execute(f"comment on table {table} is {run.literal(COMMENT)}")

async def down(conn: Connection, run: Run) -> None:
    run.note(f"{run.direction.value} to {run.target}")
    await conn.execute(f"drop table {run.quote(TABLE)}")
"""


def test_a_script_is_told_of_its_run(sartor: Command, folder: Folder, database: Database) -> None:
    """It knows where it runs, which way, how far, and whether anything will stay."""
    folder.write(NAME, TOLD)
    rehearsed = [sartor("rehearse", "latest", *way).err for way in ([], ["--live"])]
    done = sartor("deploy", "latest", "--json", env={"PGPASSWORD": "very secret"})
    (note,) = done.json["done"][0]["notes"]
    assert json.loads(note) == {
        "database": database.name,
        "schema": "public",
        "destination": done.json["destination"]["label"],
        "rehearsal": False,
        "target": "1.0.0",
        "deploys": True,
        "version": True,
    }
    assert "very secret" not in done.out + done.err
    assert database.value("select obj_description(oid) from pg_class where relname = 'a \"b\"'") == "it's \\ old"
    assert all('"rehearsal": true' in err and database.name in err for err in rehearsed)
    assert sartor("rollback", "0", "--yes", "--json").json["done"][0]["notes"] == ["rollback to 0"]


def test_a_note_is_kept(sartor: Command, folder: Folder, database: Database) -> None:
    """A note is shown, and is in the report and in the journal: with the script's transaction, and when it fails."""
    folder.write(
        "1.0.0-1700000000-a.py",
        """
        async def before_up(conn, run):
            run.note("looked first")

        async def up(conn, run):
            run.note("3 rows\\0 \\ud800")
            run.log("in passing")
        """,
    )
    folder.add("1.0.0-1700000001-b.py", up="select 1")
    folder.write(
        "1.0.0-1700000002-c.py",
        """
        async def up(conn, run):
            run.note("began")
            await conn.execute("select nothing")
        """,
    )
    done = sartor("deploy", "latest", "--json", expect=1)
    assert [each["notes"] for each in done.json["done"]] == [["looked first", "3 rows? ?"], []]
    assert "note: 1.0.0-1700000000-a.py: looked first\n" in done.err
    events = sartor("history", "--json").json["events"]
    kept = [(each["event"], each["detail"]["notes"]) for each in events if "notes" in each["detail"]]
    assert kept == [("deployed", ["looked first", "3 rows? ?"]), ("failed", ["began"])]
    assert "looked first; 3 rows? ?" in sartor("history").out
    assert database.value("select count(*) from sartor_journal where detail->'notes' is not null") == 2


def test_notes_are_those_of_the_last_try(sartor: Command, folder: Folder, database: Database) -> None:
    """A script that is tried again notes anew; what came before its transaction isn't noted twice or lost."""
    database.run("create table t (id int)", "create table tries ()")
    folder.write(
        "1.0.0-1700000000-a.py",
        """
        tries = []

        async def before_up(conn, run):
            run.note("before")

        async def up(conn, run):
            tries.append(1)
            run.note(f"try {len(tries)}")
            if len(tries) == 1:
                await conn.execute("do $$ begin raise sqlstate '55P03'; end $$")
            for number in range(200):
                run.note(f"note {number}")
        """,
    )
    notes = sartor("deploy", "latest", "--json").json["done"][0]["notes"]
    assert notes[:3] == ["before", "try 2", "note 0"]
    assert (len(notes), notes[-1]) == (101, "further notes aren't kept")


def test_a_secret_isnt_kept(sartor: Command, folder: Folder, database: Database) -> None:
    """The run's own password is taken out of a note."""
    folder.write("1.0.0-1700000000-a.py", "async def up(conn, run):\n    run.note('as hunter2hunter2')\n")
    done = sartor("deploy", "latest", "--json", "--db-url", database.as_user("postgres", "hunter2hunter2"))
    assert "hunter2" not in done.out + done.err + str(database.rows("select detail::text from sartor_journal"))
