"""A ledger that is dropped: refused where a script would do it, and told where somebody did."""

from __future__ import annotations

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder

TABLES = "sartor_ledger, sartor_journal, sartor_fingerprint"
WAY_OUT = 'sartor db alteration repair --reason "..." --mark-deployed'


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("drop schema public cascade", "drops schema public"),
        ('drop table if exists x, public."sartor_ledger"', "drops sartor_ledger"),
        ('alter schema "public" rename to old', "renames schema public"),
        ("alter table sartor_journal set schema old", "moves sartor_journal"),
        ("do $$ begin execute 'drop schema public cascade'; end $$", "drops schema public"),
    ],
)
def test_a_script_outside_a_transaction(
    sartor: Command, folder: Folder, database: Database, sql: str, message: str
) -> None:
    """A statement that would take the ledger away isn't run, and what came before it stays, as of any such script."""
    folder.table("1.0.0-1-a.py")
    folder.write("1.0.0-2-b.sql", f"-- sartor: transaction off\n-- sartor: up\ncreate table b ();\n{sql};\n")
    failed = sartor("deploy", "latest", "--json", expect=1).json["failed"]
    assert failed["message"].startswith(f"the script {message}")
    assert (failed["statement"], failed["line"]) == (sql, 4)
    assert "must leave Sartor's own tables" in failed["advice"]
    assert database.tables() == {"a", "b"}
    assert sartor("history").out.count("failed") == 1


def test_what_no_text_shows(sartor: Command, folder: Folder) -> None:
    """A ledger that a block has dropped is told with the way out."""
    folder.write(
        "1.0.0-1-a.sql",
        "-- sartor: transaction off\n-- sartor: up\n"
        "do $$ begin execute format('drop schema %I cascade', current_schema); end $$;\n",
    )
    found = sartor("deploy", "latest", expect=6).err
    assert "the ledger of schema public can't be written" in found
    assert WAY_OUT in found


def test_somebody_dropped_it(sartor: Command, folder: Folder, database: Database) -> None:
    """Tables without a ledger are never as expected: each command says what is there, and the way out works."""
    folder.table("1.0.0-1-a.py")
    folder.table("1.0.0-2-b.py")
    sartor("deploy", "latest")
    database.run(f"drop table {TABLES}")
    told = "there is no ledger, but the schema has public.a, public.b: if a release made them, record that"
    missing = sartor("verify", expect=4)
    assert missing.out.splitlines()[0].endswith(": not as expected")
    assert "error: not as expected: no ledger" in missing.err
    for done in (missing, sartor("status"), sartor("rollback", "0", "--yes"), sartor("deploy", "latest", expect=1)):
        assert told in done.out + done.err
        assert WAY_OUT in done.out + done.err
    database.run(f"drop table {TABLES}")  # the failed deployment has begun another one
    sartor("baseline", "latest")
    assert sartor("deploy", "latest").out == "Found 0 alteration to deploy\n"
    assert sartor("verify").out.splitlines()[0].endswith(": as expected")


def test_tables_of_others(sartor: Command, folder: Folder, database: Database) -> None:
    """Without a ledger, tables that the settings leave out are no fault, and nothing is called as expected."""
    folder.table("1.0.0-1-a.py")
    database.run("create table jobs ()")
    (sartor.directory / "sartor.toml").write_text('ignore-objects = ["public.jobs"]\n')
    assert sartor("verify").out.splitlines()[0].endswith(": no ledger")
