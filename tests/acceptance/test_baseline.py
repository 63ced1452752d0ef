"""`baseline`: a database that was made otherwise is adopted, once it is seen to be what a release makes."""

from __future__ import annotations

import signal

import pytest

from support.command import Command, finish
from support.database import Database
from support.folder import Folder
from support.roles import temporary_role
from support.sessions import backend_waiting, holding, until
from support.shapes import check
from support.terminal import ENTER, Terminal

USERS = "-- sartor: up\ncreate table users (id int primary key);\n-- sartor: down\ndrop table users;\n"
BILLS = "-- sartor: up\ncreate table bills (id int references users);\n-- sartor: down\ndrop table bills;\n"
MADE = ("create table users (id int primary key)", "create table bills (id int references users)")
EVENTS = "select kind, id, detail ->> 'reason' from sartor_journal order by seq"
WHY = "the database was made otherwise"


@pytest.fixture(autouse=True)
def shipped(folder: Folder) -> None:
    """Two releases, and what comes behind them."""
    folder.write("1.0.0-1700000000-users.sql", USERS)
    folder.write("1.1.0-1700000001-bills.sql", BILLS)
    folder.table("next-1700000002-notes.py")


def test_interrupted(sartor: Command, folder: Folder, database: Database) -> None:
    """Ctrl-C during the replay says that nothing of it is recorded in part, and leaves no ledger."""
    folder.write("1.1.0-1700000003-slow.sql", "-- sartor: up\nselect pg_sleep(600);\n-- sartor: irreversible x\n")
    process = sartor.start("baseline", "1.1.0", "--yes")
    until(lambda: bool(database.rows("select from pg_stat_activity where wait_event = 'PgSleep'")))
    ended = finish(process, signal.SIGINT)
    assert "SIGINT: stopped; a baseline records all or nothing" in ended.err
    assert "completed before" not in ended.err
    assert "resume with: sartor db alteration baseline 1.1.0" in ended.err
    assert (ended.code, database.tables()) == (130, set())


def test_what_another_tool_made(sartor: Command, database: Database) -> None:
    """All up to the release is recorded in one run, with downs and the expected schema; the tool's ledger stays."""
    database.run(*MADE, "create table schema_migrations (version varchar primary key)")
    done = check(sartor("baseline", "1.1.0", "--json"), "baseline")
    assert [a["id"] for a in done["recorded"]] == ["1700000000-users", "1700000001-bills"]
    assert [d["object"] for d in done["ignored"]] == ["public.schema_migrations"]
    assert database.rows(EVENTS) == [
        ("created", None, None),
        ("baseline", None, WHY),
        ("baseline", "1700000000-users", WHY),
        ("baseline", "1700000001-bills", WHY),
    ]
    for options in ((), ("--against-replay",)):
        assert check(sartor("verify", "--json", *options), "verify")["ok"]
    assert sartor("baseline", "1.1.0").out == "Found 0 alteration to record\n"
    sartor("deploy", "next")
    sartor("rollback", "1.1.0")
    sartor("rollback", "0")
    assert database.tables() == {"schema_migrations"}


def test_what_differs(sartor: Command, database: Database) -> None:
    """A schema that isn't the release's is refused with the differences, and nothing is written; or it is accepted."""
    database.run(MADE[0], "alter table users add extra text")
    refused = sartor("baseline", "1.1.0", expect=4)
    assert refused.out.splitlines() == [
        "different from what these alterations make:",
        "  column public.users.extra: added, text",
        "  table public.bills: removed, table",
    ]
    assert (
        "schema public isn't what release 1.1.0 makes: 2 objects differ, first column public.users.extra" in refused.err
    )
    assert "record it as it is with --accept-differences" in refused.err
    shown = check(sartor("baseline", "1.1.0", "--json", expect=4), "baseline")
    assert (shown["ok"], shown["recorded"], len(shown["drift"])) == (False, [], 2)
    assert database.rows("select 1 from pg_class where relname like 'sartor%'") == []
    done = check(sartor("baseline", "1.1.0", "--accept-differences", "--reason", "INC-42", "--json"), "baseline")
    assert (done["ok"], len(done["recorded"]), len(done["drift"])) == (True, 2, 2)
    (event,) = database.rows("select detail ->> 'reason', detail ->> 'differences' from sartor_journal where seq = 1")
    assert event == ("INC-42", '["column public.users.extra", "table public.bills"]')
    assert "accepted 2 differences, first column public.users.extra" in sartor("history").out
    sartor("verify")
    sartor("verify", "--against-replay", expect=4)


def test_which_releases(sartor: Command, database: Database) -> None:
    """It takes what a deployment takes: a version between two, `latest`, `next`; and needs one that has alterations."""
    assert "the first release is 1.0.0" in sartor("baseline", "0.5", expect=2).err
    assert "`sartor db alteration baseline 1.2.0`" in sartor("baseline", expect=2).err
    database.run(MADE[0])
    between = sartor("baseline", "1.0.5", "--schema", "public")
    assert "note: no alteration belongs to release 1.0.5; it has the schema of 1.0.0" in between.out
    for schema, tables, target in (("two", 2, "latest"), ("three", 3, "next")):
        made = (*MADE, "create table notes (id int)")[:tables]
        database.run(f"create schema {schema}", f"set search_path = {schema}; {'; '.join(made)}")
        assert len(sartor("baseline", target, "--json", "--schema", schema).json["recorded"]) == tables
    assert "there is no schema absent" in sartor("baseline", "latest", "--schema", "absent", expect=2).err


def test_a_ledger_with_entries(sartor: Command, database: Database) -> None:
    """What is deployed by Sartor goes on by Sartor: a baseline is refused, with what to use."""
    sartor("deploy", "1.0.0")
    refused = sartor("baseline", "1.1.0", expect=2).err
    assert "the ledger has 1 alteration already, and lacks 1 of these, first 1.1.0-1700000001-bills.sql" in refused
    assert '`sartor db alteration repair --reason "..." --mark-deployed 1700000001-bills`' in refused
    assert sartor("baseline", "1.0.0").out == "Found 0 alteration to record\n"
    assert len(database.rows(EVENTS)) == 2


def test_repeatable_scripts_and_snapshots(sartor: Command, folder: Folder, database: Database) -> None:
    """What repeatable scripts made may be there or not: the next deployment runs them. Squashed files may be gone."""
    folder.write("repeatable-ids.sql", "create or replace view ids as select id from users;\n")
    sartor("snapshot", "1.1.0")
    sartor("squash", "--to", "1.1.0", "--yes")
    database.run(*MADE)
    made = "; ".join(MADE)
    database.run("create view ids as select id from users", f"create schema bare; set search_path = bare; {made}")
    for schema in ("public", "bare"):
        where = ("--schema", schema)
        done = check(sartor("baseline", "1.1.0", "--json", *where), "baseline")
        assert done["notes"] == ["1 repeatable script is pending: the next deploy runs it"]
        assert [d["id"] for d in sartor("deploy", "1.1.0", "--json", *where).json["done"]] == ["repeatable-ids"]
        sartor("verify", *where)


def test_what_cannot_be_replayed(sartor: Command, folder: Folder) -> None:
    """A history that doesn't run in an empty database isn't recorded unasked; with the flag, the journal says why."""
    folder.write("1.0.0-1600000000-first.sql", "-- sartor: up\nalter table legacy add x int;\n")
    refused = sartor("baseline", "1.0.0", expect=4).err
    assert "the alterations can't be replayed in an empty database: 1.0.0-1600000000-first.sql" in refused
    assert "with --accept-differences" in refused
    done = check(sartor("baseline", "1.0.0", "--accept-differences", "--json"), "baseline")
    assert (done["ok"], len(done["recorded"])) == (True, 2)
    assert done["unknown"].startswith("the alterations can't be replayed")
    assert "can't be found" in " ".join(sartor("verify", "--json").json["notes"])


def test_a_schema_made_again(sartor: Command, database: Database) -> None:
    """The rights on the schema and its comment came with the database: a note where no alteration sets them."""
    database.run("drop schema public cascade", "create schema public", "comment on schema public is 'ours'", *MADE)
    done = check(sartor("baseline", "1.1.0", "--json"), "baseline")
    assert {"schema public", "schema public to public"} <= {d["object"] for d in done["noted"]}
    assert sartor("verify", "--against-replay", "--json").json["ok"]


def test_rights(sartor: Command, database: Database) -> None:
    """A role that can't record is told so, with the GRANT, before anything is replayed; so is one without databases."""
    database.run(*MADE)
    with temporary_role(database) as role:
        limited = Command(sartor.directory, {"SARTOR_DB_URL": role.url})
        refused = limited("baseline", "1.1.0", expect=6).err
        assert f'grant usage, create on schema "public" to "{role.name}";' in refused
        database.run(f'grant usage, create on schema public to "{role.name}"')
        refused = limited("baseline", "1.1.0", expect=6).err
        assert f"alter role {role.name} createdb; or give a server" in refused.replace('"', "")
        assert database.rows("select 1 from pg_class where relname like 'sartor%'") == []
        assert "Recorded 2 alterations" in limited("baseline", "1.1.0", "--scratch-url", database.url).out


def test_all_or_nothing(sartor: Command, folder: Folder, database: Database) -> None:
    """A run that is killed while it records leaves nothing recorded, and the same command finishes; one at a time."""
    count = 300
    for number in range(count):
        folder.write(f"1.1.0-18000{number:05}-t.sql", f"-- sartor: up\ncreate table t{number} ();\n")
    sartor("deploy", "1.0.0")
    sartor("rollback", "0", "--yes")
    database.run(*MADE, *(f"create table t{number} ()" for number in range(count)))
    before = len(database.rows(EVENTS))
    with holding(database.url, "begin", "lock table sartor_ledger in share mode"):
        process = sartor.start("baseline", "1.1.0")
        (pid,) = until(lambda: backend_waiting(database, "relation"))
        assert "another run is in progress" in sartor("baseline", "1.1.0", "--wait", "0", expect=5).err
        process.kill()
        process.communicate()
    until(lambda: not database.rows("select 1 from pg_stat_activity where pid = $1", pid))
    assert (database.value("select count(*) from sartor_ledger"), len(database.rows(EVENTS))) == (0, before)
    assert sartor("baseline", "1.1.0").out.splitlines()[-1].startswith(f"Recorded {count + 2} alterations as deployed")
    assert len(database.rows(EVENTS)) == before + count + 3
    assert check(sartor("verify", "--json"), "verify")["mismatches"] == []


def test_a_terminal_is_asked(sartor: Command, database: Database) -> None:
    """A terminal chooses the release, and confirms; no is the default."""
    database.run(*MADE)
    with Terminal(sartor, "baseline") as terminal:
        terminal.until("Choose the release that")
        terminal.press(ENTER)
        terminal.until("Record 1.1.0 as deployed in")
        terminal.press("y", ENTER)
        assert terminal.end() == 0
    assert terminal.lines[-1] == "Recorded 2 alterations as deployed, up to release 1.1.0, without running them"


def test_production_is_confirmed(sartor: Command, database: Database) -> None:
    """In production, a pipeline says --yes."""
    database.run(*MADE)
    production = {"SARTOR_ENVIRONMENT": "production"}
    assert "baseline --yes 1.1.0" in sartor("baseline", "1.1.0", env=production, expect=2).err
    sartor("baseline", "1.1.0", "--yes", env=production)
