"""`verify`: what was changed by hand is found and named, and what Sartor does is no false alarm."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sartor import EventKind
from sartor.embedded.server import binaries
from support.command import Command
from support.database import Database, temporary_database
from support.folder import Folder
from support.roles import temporary_role
from support.shapes import check, check_lines

SHOP = """
    create table users (id int primary key, email text not null, name text default 'x');
    create table bills (id int primary key, user_id int references users, total int check (total >= 0));
    create index bills_user_idx on bills (user_id);
    create view debtors as select user_id from bills where total > 100;
    create type mood as enum ('good', 'bad');
    create function twice(a int) returns int language sql as 'select 2 * a';
"""
UNDONE = "drop view debtors; drop table bills, users; drop type mood; drop function twice(int)"

BY_HAND = {
    "create table notes (id int)": ("added", "table", "public.notes"),
    "drop view debtors": ("removed", "view", "public.debtors"),
    "alter table users add phone text": ("added", "column", "public.users.phone"),
    "alter table users drop name": ("removed", "column", "public.users.name"),
    "alter table users alter email type varchar(200)": ("changed", "column", "public.users.email"),
    "alter table users alter email drop not null": ("changed", "column", "public.users.email"),
    "alter table users alter name set default 'y'": ("changed", "column", "public.users.name"),
    "create index on users (email)": ("added", "index", "public.users_email_idx"),
    "drop index bills_user_idx": ("removed", "index", "public.bills_user_idx"),
    "alter table bills drop constraint bills_total_check": ("removed", "constraint", "public.bills.bills_total_check"),
    "alter type mood add value 'ugly'": ("changed", "type", "public.mood"),
    "create or replace function twice(a int) returns int language sql as 'select a + a'": (
        "changed", "function", "public.twice(integer)",
    ),
    "create or replace view debtors as select user_id from bills where total > 50": (
        "changed", "view", "public.debtors",
    ),
    "alter table users enable row level security": ("changed", "table", "public.users"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _deployed(folder: Folder, sartor: Command) -> None:
    folder.add("1.0.0-1700000000-shop.py", up=SHOP, down=UNDONE)
    sartor("deploy", "latest")


def accept_closed_schema(sartor: Command) -> None:
    """Before 15, everybody may create in `public` until a role of a test's comes, and that is drift."""
    sartor("repair", "--accept-drift", "--reason", "closed, as it should be", "--yes")


@pytest.mark.parametrize("statement", BY_HAND)
def test_a_change_by_hand(sartor: Command, database: Database, statement: str) -> None:
    """The object is named, with what became of it, and the exit code is 4."""
    database.run(statement)
    found = check(sartor("verify", "--json", expect=4), "verify")
    assert not found["ok"]
    assert [(d["change"], d["kind"], d["object"]) for d in found["drift"]] == [BY_HAND[statement]]
    told = sartor("verify", expect=4)
    assert f"{BY_HAND[statement][1]} {BY_HAND[statement][2]}: " in told.out
    assert "error: not as expected: 1 changed" in told.err


def test_objects_that_come_at_run_time(sartor: Command, database: Database) -> None:
    """What the settings leave out is no drift, with all that belongs to it; it is named in a note and in the JSON."""
    Path(sartor.directory, "sartor.toml").write_text('ignore-objects = ["public.jobs_*", "public.\\"Seen\\""]\n')
    database.run(
        "create table jobs_1 (id int primary key)",
        'create table "Seen" (id int)',
        "create index elsewhere on jobs_1 (id)",
    )
    found = check(sartor("verify", "--json"), "verify")
    assert (found["ok"], found["drift"]) == (True, [])
    assert {d["object"] for d in found["ignored"]} == {"public.jobs_1", 'public."Seen"'}
    said = 'note: different, and ignored by the settings: table public."Seen", table public.jobs_1'
    assert said in sartor("verify").out
    sartor("repair", "--accept-drift", "--reason", "as it is", "--yes")
    database.run("drop index elsewhere", "alter table jobs_1 add more int", "drop view debtors")
    for command, code in (("verify", 4), ("check", 4)):
        found = check(sartor(command, "--json", expect=code), command)
        assert [d["object"] for d in found["drift"]] == ["public.debtors"]
        assert [d["object"] for d in found["ignored"]] == ["public.jobs_1.more", "public.elsewhere"]


def test_it_says_what_it_was_and_since_when(sartor: Command, database: Database) -> None:
    """The last run, the definition before and after, and the ways out are all there, at three in the morning."""
    database.run("alter table users alter email type varchar(200)")
    lines = sartor("verify", env={"TZ": "UTC"}, expect=4).out.splitlines()
    user = database.value("select by_user from sartor_fingerprint")
    at = database.value("select to_char(at at time zone 'UTC', 'YYYY-MM-DD HH24:MI+00:00') from sartor_fingerprint")
    assert f"changed since the last run ({at} by {user}):" in lines
    assert "  column public.users.email: text not null -> character varying(200) not null" in lines
    assert 'repair --reason "..." --accept-drift' in lines[-1]


def test_no_false_alarm(sartor: Command, folder: Folder, database: Database) -> None:
    """What alterations do, outside a transaction too, data, statistics and settings of a session are no drift."""

    def still(*run: str) -> None:
        sartor(*run)
        assert check(sartor("verify", "--json"), "verify")["ok"]
        assert sartor("verify").err == ""

    still("status")
    folder.write(
        "1.1.0-1700000001-email-index.sql",
        """
        -- sartor: transaction off
        -- sartor: up
        create index concurrently users_email_idx on users (email);
        -- sartor: down
        drop index concurrently users_email_idx;
        """,
    )
    folder.table("1.2.0-1700000002-notes.py")
    still("deploy", "1.1.0")
    database.run("insert into users select i, i from generate_series(1, 100) i", "analyze", "vacuum full users")
    still("deploy", "latest")
    still("rollback", "--steps", "2")
    still("deploy", "latest")
    folder.write(
        "seeds/010_users.py", "async def seed(conn):\n    await conn.execute('insert into notes values (1)')\n"
    )
    sartor.run("db", "seed")
    still("rollback", "0")
    still("fresh", "--yes")


def test_drift_outlives_a_run(sartor: Command, folder: Folder, database: Database) -> None:
    """A later run takes none of it for its own work, and says that it is there; undone, it is gone."""
    database.run("alter table users add phone text", "drop index bills_user_idx")
    folder.add("1.1.0-1700000001-fax.py", up="alter table users add fax text", down="alter table users drop fax")
    told = sartor("deploy", "latest").err
    assert "note: 2 objects changed since the last run, first column public.users.phone" in told
    assert [d["object"] for d in sartor("verify", "--json", expect=4).json["drift"]] == [
        "public.users.phone",
        "public.bills_user_idx",
    ]
    database.run("alter table users drop phone", "create index bills_user_idx on bills (user_id)")
    assert sartor("verify", "--json").json["ok"]


def test_a_failed_run_is_recorded(sartor: Command, folder: Folder) -> None:
    """What came before the failure stays, and is as it should be; so is what a script left outside a transaction."""
    folder.table("1.1.0-1700000001-notes.py")
    folder.write(
        "1.1.0-1700000002-broken.sql",
        """
        -- sartor: transaction off
        -- sartor: up
        create table if not exists half (id int);
        select 1 / 0;
        -- sartor: down
        drop table half;
        """,
    )
    sartor("deploy", "latest", expect=1)
    found = check(sartor("verify", "--json"), "verify")
    assert found["ok"]
    assert "1.1.0-1700000002-broken.sql was interrupted" in found["notes"][0]


def test_a_catalog_version_is_kept_where_nothing_drifted(sartor: Command, folder: Folder, database: Database) -> None:
    """Only there: where something drifted, the next run looks at everything again, and finds it."""
    version = "select catalog_version from sartor_fingerprint"
    many = "do $$ begin for i in 1..200 loop execute {0}; end loop; end $$"  # so many that there is a version
    up, down = (many.format(f"format('{what}', i)") for what in ("create table many_%s ()", "drop table many_%s"))
    folder.add("1.0.1-1700000000-many.py", up=up, down=down)
    folder.table("1.1.0-1700000001-a.py")
    folder.table("1.2.0-1700000002-b.py")
    assert database.value(version) == ""
    sartor("deploy", "1.0.1")
    assert database.value(version)
    database.run("alter table users add phone text")
    sartor("deploy", "1.1.0")
    assert database.value(version) == ""
    told = sartor("deploy", "1.2.0").err
    assert "note: 1 object changed since the last run, first column public.users.phone" in told
    sartor("repair", "--accept-drift", "--reason", "ours", "--yes")
    assert database.value(version)
    assert "note" not in sartor("rollback", "1.1.0", "--yes").err
    assert check(sartor("verify", "--json"), "verify")["ok"]
    assert database.value(version)


def test_only_order_and_owners_differ(sartor: Command, database: Database) -> None:
    """What no application can tell is a note, and no fault."""
    database.run("alter table users drop name", "alter table users add name text default 'x'")
    found = check(sartor("verify", "--json"), "verify")
    assert found["ok"]
    database.run("alter table users drop id cascade", "alter table users add id int")
    database.run("alter table bills owner to pg_monitor")
    found = sartor("verify", "--json", expect=4).json
    assert "owner" in {d["kind"] for d in found["noted"]}
    assert "note: changed, which isn't an error: " in sartor("verify", expect=4).out


def test_rights(sartor: Command, database: Database) -> None:
    """Rights that the operator gave are a note; those that somebody took are drift."""
    with temporary_role(database) as role:
        accept_closed_schema(sartor)
        database.run(
            f"grant select on users, bills to {role.name}",
            f"alter default privileges in schema public grant select on tables to {role.name}",
            "grant update (email) on users to public",
        )
        found = sartor("verify", "--json", expect=4).json
        assert [d["object"] for d in found["drift"]] == ["column public.users.email to public"]
        assert len(found["noted"]) == 3
        database.run("revoke update (email) on users from public")
        assert sartor("verify", "--json").json["ok"]
        sartor("repair", "--accept-drift", "--reason", "the report", "--yes")
        database.run(f"grant insert on users to {role.name}")
        assert sartor("verify", "--json").json["ok"]
        database.run(f"revoke select on users from {role.name}")
        assert sartor("verify", "--json", expect=4).json["drift"][0]["kind"] == "grant"


def test_edited_and_missing(sartor: Command, folder: Folder) -> None:
    """The ledger is held against disk, each fault with its way out; what is late or ahead is only told."""
    folder.table("1.1.0-1700000001-notes.py")
    folder.table("2.0.0-1700000003-newer.py")
    sartor("deploy", "latest")
    (folder.path / "2.0.0-1700000003-newer.py").unlink()
    assert check(sartor("verify", "--json"), "verify")["ahead"][0]["id"] == "1700000003-newer"
    folder.table("1.2.0-1700000004-last.py")
    folder.table("1.0.0-1700000002-late.py")
    folder.add("1.0.0-1700000000-shop.py", up="select 1")
    (folder.path / "1.1.0-1700000001-notes.py").unlink()
    found = check(sartor("verify", "--json", expect=4), "verify")
    assert [[a["id"] for a in found[key]] for key in ("edited", "missing")] == [
        ["1700000000-shop"],
        ["1700000001-notes"],
    ]
    assert "1700000002-late" in {a["id"] for a in found["out_of_order"]}
    told = sartor("verify", expect=4)
    assert "--accept-edited 1700000000-shop" in told.out
    assert "--mark-not-deployed 1700000001-notes" in told.out
    assert "error: not as expected: 1 edited, 1 missing" in told.err


def test_what_the_manifest_says(sartor: Command, folder: Folder) -> None:
    """A released alteration that was edited or is gone is told by name, although the database has never seen it."""
    for name in ("1.1.0-1700000001-notes.py", "1.1.0-1700000002-more.py"):
        folder.table(name)
    sartor("prove", "--all")
    folder.table("1.2.0-1700000003-last.py")
    found = check(sartor("verify", "--json"), "verify")
    assert (found["ok"], [a["id"] for a in found["manifest"]["unproved"]]) == (True, ["1700000003-last"])
    assert "note: 1 alteration isn't proved, first 1.2.0-1700000003-last.py" in sartor("verify").out
    folder.add("1.1.0-1700000001-notes.py", up="select 1")
    (folder.path / "1.1.0-1700000002-more.py").unlink()
    found = check(sartor("verify", "--json", expect=4), "verify")
    assert (found["edited"], found["missing"]) == ([], [])
    assert [[a["id"] for a in found["manifest"][key]] for key in ("edited", "missing")] == [
        ["1700000001-notes"],
        ["1700000002-more"],
    ]
    told = sartor("verify", expect=4)
    assert "  1.1.0-1700000001-notes.py: edited\n  1700000002-more of 1.1.0: missing\n" in told.out
    assert "error: not as expected: 1 edited, 1 missing" in told.err


def test_what_ledger_and_manifest_say_alike(sartor: Command, folder: Folder) -> None:
    """What both of them tell is one fault; and without a manifest nobody is told to prove anything."""
    assert check(sartor("verify", "--json"), "verify")["notes"] == []
    sartor("prove", "--all")
    folder.add("1.0.0-1700000000-shop.py", up="select 1")
    assert len(check(sartor("verify", "--json", expect=4), "verify")["manifest"]["edited"]) == 1
    assert "error: not as expected: 1 edited\n" in sartor("verify", expect=4).err


def test_against_a_replay(sartor: Command, folder: Folder, database: Database) -> None:
    """What is deployed, done again from nothing, shows what a `down` has forgotten; later releases don't count."""
    folder.add("1.1.0-1700000001-fax.py", up="alter table users add fax text; create table faxes ()", down="select 1")
    folder.add("next-1700000002-tax.py", up="alter table bills add tax int", down="alter table bills drop tax")
    sartor("deploy", "next")
    assert check(sartor("verify", "--against-replay", "--json"), "verify")["replayed"]
    sartor("rollback", "1.0.0")
    assert check(sartor("verify", "--json"), "verify")["ok"]
    found = check(sartor("verify", "--against-replay", "--json", expect=4), "verify")
    assert [d["object"] for d in found["drift"]] == ["public.users.fax", "public.faxes"]
    told = sartor("verify", "--against-replay", expect=4).out
    assert "different from a replay:\n  column public.users.fax: added" in told
    assert database.rows("select 1 from pg_database where datname like 'sartor_scratch%'") == []


def test_where_a_replay_says_nothing(sartor: Command, folder: Folder) -> None:
    """Without a file there is no replay; and what can't be done again isn't as it should be."""
    folder.table("2.0.0-1700000003-newer.py")
    sartor("deploy", "latest")
    (folder.path / "2.0.0-1700000003-newer.py").unlink()
    notes = sartor("verify", "--against-replay", "--json").json["notes"]
    assert notes[-1].endswith("2.0.0-1700000003-newer.py is deployed here, but has no file")
    folder.add("2.0.0-1700000003-newer.py", up="select * from elsewhere")
    failed = check(sartor("verify", "--against-replay", "--json", expect=4), "verify")
    assert "can't be replayed" in failed["error"]["message"]
    assert "add --against-replay" in sartor("verify", "--scratch-url", "postgresql:///x", expect=2).err


def test_a_replay_without_a_lineage(sartor: Command, tmp_path: Path) -> None:
    """What a lineage that wasn't given has made isn't called drift: nothing can be told, and it is named."""
    (tmp_path / "ours").mkdir()
    Folder(tmp_path / "ours").table("1.0.0-1700000000-own.py")
    sartor("deploy", "latest", "--alterations", "alterations", "--alterations", "own=ours")
    found = check(sartor("verify", "--against-replay", "--json"), "verify")
    assert (found["drift"], found["unknown"]) == (
        [],
        "the database also has alterations of lineage 'own', which wasn't given",
    )


MAKES = {"started", "deployed", "undoing", "rolled-back", "failed", "index-dropped", "repeated"}
"""The events that may change a schema."""


@pytest.mark.parametrize("kind", sorted(each.value for each in EventKind))
def test_what_ends_a_record(kind: str, sartor: Command, database: Database) -> None:
    """Behind an event that may have changed the schema, nothing is held against the record of before."""
    database.run(
        f"""insert into sartor_journal (seq, prev, token, kind, by_user, host, sartor, format)
            select seq + 1, seq, 'x', '{kind}', by_user, host, sartor, format
            from sartor_journal order by seq desc limit 1"""
    )
    unknown = sartor("verify", "--json").json["unknown"]
    assert (unknown == "a run is in progress, or has ended without recording the schema") is (kind in MAKES), unknown


def test_a_dump_restored(sartor: Command, server_url: str, database: Database) -> None:
    """A copy that `pg_dump` and `psql` made is as it should be, and the ledger with it."""
    dump = subprocess.run(
        [binaries() / "pg_dump", "--no-owner", database.url], check=True, capture_output=True, timeout=60
    )
    with temporary_database(server_url) as copy:
        command = [str(binaries() / "psql"), "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", copy.url]
        # A newer pg_dump sets what an older server doesn't know.
        text = dump.stdout.replace(b"SET transaction_timeout = 0;\n", b"")
        subprocess.run(command, input=text, check=True, capture_output=True, timeout=60)
        assert sartor("verify", "--json", env={"SARTOR_DB_URL": copy.url}).json["ok"]
        copy.run("drop view debtors")
        sartor("verify", env={"SARTOR_DB_URL": copy.url}, expect=4)


def test_a_run_that_recorded_nothing(sartor: Command, folder: Folder, database: Database) -> None:
    """After a run that was killed, or told not to record, nothing is called drift, nor well either."""
    folder.table("1.1.0-1700000001-notes.py")
    folder.table("1.2.0-1700000002-more.py")
    folder.table("1.3.0-1700000003-most.py")
    database.run("create index by_hand on users (email)")
    sartor("deploy", "1.1.0", env={"SARTOR_FINGERPRINT": "false"})
    found = check(sartor("verify", "--json"), "verify")
    assert (found["drift"], found["unknown"]) == ([], "a run is in progress, or has ended without recording the schema")
    assert ": as expected, as far as can be determined" in sartor("verify").out

    assert "note: the expected schema is recorded again, because a run" in sartor("deploy", "1.2.0").err
    assert "recorded again" not in sartor("deploy", "latest").err
    found = check(sartor("verify", "--json"), "verify")
    assert found["unknown"] is None
    assert found["recorded"]["adopted_at"]
    told = sartor("verify").out
    assert ": as expected, as far as can be determined" in told
    assert "note: changes made by hand before " in told
    assert "index public.by_hand: added" in sartor("verify", "--against-replay", expect=4).out

    sartor("repair", "--accept-drift", "--reason", "ours", "--yes")
    assert sartor("verify", "--json").json["recorded"]["adopted_at"] is None
    assert sartor("verify").out.endswith(": as expected\n")
    database.run("delete from sartor_fingerprint")
    assert "note: drift since the last run can't be determined: no run has recorded" in sartor("verify").out


def test_where_nothing_was_deployed(sartor: Command, database: Database) -> None:
    """Without a ledger there is nothing to hold against anything, and none is made."""
    sartor("fresh", "--yes", "1.0.0")
    database.run("create schema other")
    assert "note: nothing is deployed here" in sartor("verify", "--schema", "other").out
    assert database.rows("select 1 from pg_class where relnamespace = 'other'::regnamespace") == []


def test_several_destinations(sartor: Command, database: Database) -> None:
    """Each tenant is looked at, whatever the one before it is like."""
    env = {"SARTOR_SCHEMA": "one", "SARTOR_SCHEMA_1": "two", "SARTOR_SCHEMA_2": "three"}
    sartor("deploy", "latest", env=env)
    database.run("drop view one.debtors", "drop index three.bills_user_idx")
    runs, _ = check_lines(sartor("verify", "--json", env=env, expect=4), "verify")
    assert {run["destination"]["schema"]: run["ok"] for run in runs} == {"one": False, "two": True, "three": False}


def test_a_role_that_only_reads(sartor: Command, database: Database) -> None:
    """It needs SELECT on the ledger and on the fingerprint, and no right on what it looks at."""
    with temporary_role(database) as role:
        accept_closed_schema(sartor)
        env = {"SARTOR_DB_URL": role.url}
        database.run(f"grant select on sartor_ledger to {role.name}")
        told = sartor("verify", env=env).out
        assert f'grant select on "public".sartor_fingerprint to "{role.name}";' in told
        database.run(f"grant select on sartor_fingerprint to {role.name}")
        assert check(sartor("verify", "--json", env=env), "verify")["unknown"] is None
        database.run("drop view debtors")
        sartor("verify", env=env, expect=4)


def test_a_run_without_the_right_to_record(sartor: Command, folder: Folder, database: Database) -> None:
    """A deployment that went well went well: that it couldn't be recorded is a note, with the GRANT."""
    folder.table("1.1.0-1700000001-notes.py")
    with temporary_role(database) as role:
        database.run(
            f"grant usage, create on schema public to {role.name}",
            f"grant select, insert, update, delete on sartor_ledger, sartor_journal to {role.name}",
        )
        done = sartor("deploy", "latest", env={"SARTOR_DB_URL": role.url})
        assert "note: the fingerprint of the schema isn't recorded" in done.err
        assert f'grant select, insert, update on "public".sartor_fingerprint to "{role.name}";' in done.err
        assert database.tables() == {"users", "bills", "notes"}


def test_a_seed_keeps_the_fingerprint(sartor: Command, folder: Folder) -> None:
    """`seed --reset` empties the product's tables, and not what the ledger says the schema should be."""
    folder.write("seeds/010_users.py", "async def seed(conn):\n    await conn.execute('truncate users cascade')\n")
    sartor.run("db", "seed", "--reset", "--yes")
    assert sartor("verify", "--json").json["unknown"] is None


def test_a_ledger_that_is_not_what_the_journal_says(sartor: Command, folder: Folder, database: Database) -> None:
    """A row that was deleted, changed or made up is told, with what the journal says, and how it is repaired."""
    for number, name in enumerate("abc"):
        folder.table(f"1.0.0-170000000{number}-{name}.py")
    sartor("deploy", "latest")
    sartor("repair", "--reason", "x", "--yes", "--mark-not-deployed", "1700000002-c")
    assert sartor("verify", "--json").json["mismatches"] == []
    database.run(
        "delete from sartor_ledger where id = '1700000000-a'",
        "update sartor_ledger set checksum = 'sha256:' || repeat('1', 64) where id = '1700000001-b'",
        "insert into sartor_ledger (lineage, id, release, name, checksum, state, deployed_at, duration_ms,"
        " deployed_by, host, sartor, seq, format) select lineage, '1700000002-c', release, '1.0.0-1700000002-c.py',"
        " checksum, state, deployed_at, duration_ms, deployed_by, host, sartor, seq, format from sartor_ledger"
        " where id = '1700000001-b'",
    )
    done = sartor("verify", expect=4)
    assert "  1700000000-a: no row; by the journal: deployed in 1.0.0 as 1.0.0-1700000000-a.py, sha256:" in done.out
    assert "  1700000002-c: deployed in 1.0.0 as 1.0.0-1700000002-c.py, sha256:11" in done.out
    assert "--mark-deployed 1700000000-a --mark-not-deployed 1700000002-c" in done.out
    assert "restore the rows that differ" in done.out
    assert "3 not as in the journal" in done.err
    found = check(sartor("verify", "--json", expect=4), "verify")["mismatches"]
    assert [each["id"] for each in found] == ["1700000000-a", "1700000001-b", "1700000002-c"]
    marks = ("--mark-deployed", "1700000000-a", "--mark-not-deployed", "1700000002-c")
    sartor("repair", "--reason", "x", "--yes", *marks)
    assert [each["id"] for each in sartor("verify", "--json", expect=4).json["mismatches"]] == ["1700000001-b"]


def test_names_in_a_command_are_quoted(sartor: Command, folder: Folder, database: Database) -> None:
    """What a writer of the ledger or an index's owner chose as a name is one word of the command to paste."""
    folder.table("1.0.0-1700000000-a.py")
    sartor("deploy", "latest")
    database.run(
        "insert into sartor_ledger (lineage, id, release, name, checksum, state, deployed_at, duration_ms,"
        " deployed_by, host, sartor, seq, format) select lineage, '1;x', release, 'x', checksum, state, deployed_at,"
        " duration_ms, deployed_by, host, sartor, seq, format from sartor_ledger where id = '1700000000-a'",
        "create table b (i int)",
        'create index "$(x) y" on b (i)',
        "update pg_index set indisvalid = false where indrelid = 'b'::regclass",
    )
    done = sartor("verify", expect=4)
    assert done.out.count("--mark-not-deployed '1;x'\n") == 2
    assert "--drop-invalid-index '$(x) y'\n" in done.out
