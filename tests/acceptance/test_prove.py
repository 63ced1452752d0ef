"""`prove`: rollbacks that are known to work, and those that aren't, told object by object."""

from __future__ import annotations

import os
import re
import signal
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from support.command import Command, finish
from support.database import Database
from support.folder import Folder
from support.sessions import until
from support.shapes import check

BASE = "1.0.0-1700000000-base.py"
IT = "1700000001-it"
MADE = """
    create type mood as enum ('sad', 'ok', 'glad');
    create table users (id int primary key, email text not null default '', mood mood, born date);
    create index users_email on users (email);
    comment on table users is 'who signs in';
    grant select on users to public;
    create view adults as select id from users;
    create function one() returns int language sql as 'select 1';
"""
ROWS = "insert into users select n, 'u' || n, 'ok', '1999-01-01' from generate_series(1, 10) n"


@pytest.fixture(autouse=True)
def base(folder: Folder) -> None:
    """A first release, which everything else is judged on."""
    folder.add(BASE, up=MADE, down="drop view adults; drop table users; drop type mood; drop function one()")


class Fault(NamedTuple):
    """An `up` and a `down` that doesn't undo it: what differs, and what the diff shows of it."""

    up: str
    down: str
    about: str
    shown: str


FAULTS = {
    "forgets an index": Fault(
        "alter table users add age int; create index on users (age); create index users_b on users (born)",
        "alter table users drop age",
        "index public.users_b",
        "+CREATE INDEX users_b",
    ),
    "forgets a column": Fault(
        "alter table users add column age int", "select 1", "column public.users.age", "+integer"
    ),
    "leaves a table": Fault("create table extra (id int primary key)", "select 1", "table public.extra", "+++ table"),
    "drops an index": Fault(
        "drop index users_email", "select 1", "index public.users_email", "-CREATE INDEX users_email"
    ),
    "forgets a default": Fault(
        "alter table users alter email drop default",
        "select 1",
        "column public.users.email",
        "default ''::text",
    ),
    "forgets not null": Fault(
        "alter table users alter email drop not null", "select 1", "column public.users.email", "not null"
    ),
    "changes a type": Fault(
        "alter table users alter born type timestamptz using null; select 1",
        "alter table users alter born type timestamp",
        "column public.users.born",
        "+timestamp",
    ),
    "forgets a comment": Fault(
        "comment on table users is 'people'",
        "comment on table users is null",
        "comment table public.users",
        "-who signs in",
    ),
    "forgets a grant": Fault(
        "revoke select on users from public", "select 1", "grant table public.users to public", "-select"
    ),
    "forgets a constraint": Fault(
        "alter table users add constraint young check (born > date '1900-01-01')",
        "select 1",
        "constraint public.users.young",
        "+CHECK",
    ),
    "another function": Fault(
        "create or replace function one() returns int language sql as 'select 2'",
        "select 1",
        "function public.one()",
        "+",
    ),
    "another schema": Fault("create schema other create table t (id int)", "drop table other.t", "schema other", "+"),
    "row security stays": Fault("alter table users enable row level security", "select 1", "table public.users", "+"),
    "an extension stays": Fault("create extension citext", "select 1", "extension citext", "+"),
}


def prove(sartor: Command, folder: Folder, up: str, down: str, *options: str, code: int) -> dict[str, Any]:
    """The proof of an alteration of these statements, as JSON."""
    folder.add("next-1700000001-it.py", up=up, down=down)
    found: dict[str, Any] = check(sartor("prove", IT, "--json", *options, expect=code), "prove")["proofs"][0]
    return found


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_faulty_down(sartor: Command, folder: Folder, fault: Fault) -> None:
    """A `down` that leaves something else than there was is found out: exactly what differs is shown, as a diff."""
    folder.add("next-1700000001-it.py", up=fault.up, down=fault.down)
    text = sartor("prove", IT, expect=1).out
    said = "next-1700000001-it.py: `down` doesn't restore the schema before `up`"
    diff = text.partition(f"{said}\n\n")[2].partition("\n\n")[0]
    assert {line[6:] for line in diff.splitlines() if line[:6] in {"  --- ", "  +++ "}} - {"/dev/null"} == {fault.about}
    assert fault.shown in diff


def test_a_true_down(sartor: Command, folder: Folder) -> None:
    """What is undone wholly is proved."""
    proof = prove(sartor, folder, "create table t (id int)", "drop table t", code=0)
    assert (proof["result"], proof["differences"], proof["notes"]) == ("proved", [], [])


def test_column_order_is_a_note(sartor: Command, folder: Folder) -> None:
    """A column that comes back as the last one is proved, with a note."""
    up, down = "alter table users drop column mood", "alter table users add column mood mood"
    proof = prove(sartor, folder, up, down, code=0)
    assert proof["result"] == "proved"
    assert proof["notes"] == [
        "after down, column order public.users is id, email, born, mood; before it was id, email, mood, born"
    ]
    assert "note: next-1700000001-it.py: after down, column order" in sartor("prove", IT).out


def test_label_order_counts(sartor: Command, folder: Folder) -> None:
    """An enum whose labels come back in another order isn't what it was: it sorts and compares in another way."""
    again = (
        "alter type mood rename to old; create type mood as enum ({});"
        " alter table users alter mood type mood using mood::text::mood; drop type old"
    )
    up, down = again.format("'sad', 'glad'"), again.format("'sad', 'glad', 'ok'")
    proof = prove(sartor, folder, up, down, code=1)
    assert proof["result"] == "differs"
    assert [found["object"] for found in proof["differences"]] == ["public.mood"]
    assert [found["kind"] for found in proof["differences"]] == ["label order"]


def test_objects_that_come_at_run_time(sartor: Command, folder: Folder) -> None:
    """What the settings leave out may stay behind: it is named, and the alteration is proved."""
    Path(sartor.directory, "sartor.toml").write_text('ignore-objects = ["public.jobs_*"]\n')
    proof = prove(sartor, folder, "create table if not exists jobs_1 (id int)", "select 1", code=0)
    assert (proof["result"], proof["differences"]) == ("proved", [])
    assert [(found["stage"], found["object"]) for found in proof["ignored"]] == [("down", "public.jobs_1")]
    assert proof["notes"] == ["different, and ignored by the settings: table public.jobs_1"]


def test_irreversible(sartor: Command, folder: Folder) -> None:
    """What says that it has no way back is listed with its reason, and is no fault."""
    folder.write(
        "next-1700000001-gone.sql",
        "-- sartor: irreversible the old mails can't be made up\n-- sartor: up\nalter table users drop column email;\n",
    )
    done = sartor("prove", "--all")
    assert "irreversible  next-1700000001-gone.sql" in done.err
    assert "the old mails can't be made up" in done.err
    assert done.out.splitlines()[-1] == "1 proved, 1 irreversible"
    shape = check(sartor("prove", "--all", "--json"), "prove")
    assert [p["result"] for p in shape["proofs"]] == ["proved", "irreversible"]
    assert shape["proofs"][1]["irreversible"] == "the old mails can't be made up"


def test_no_down_and_no_word_why(sartor: Command, folder: Folder) -> None:
    """What can't be rolled back and doesn't say so fails."""
    folder.write("next-1700000001-it.sql", "-- sartor: up\ncreate table t (id int);\n")
    done = sartor("prove", "next-1700000001-it.sql", expect=1)
    assert "next-1700000001-it.sql has no `down`" in done.out


def test_down_fails(sartor: Command, folder: Folder) -> None:
    """A `down` that fails is told as a deploy tells it, and the next alteration is judged on a new database."""
    folder.add("next-1700000002-after.py", up="create table b (id int)", down="drop table b")
    proof = prove(sartor, folder, "create table a (id int)", "drop table c", code=1)
    assert (proof["result"], proof["stage"]) == ("fails", "down")
    assert proof["failed"]["sqlstate"] == "42P01"
    done = sartor("prove", "--all", expect=1)
    assert 'table "c" does not exist  (SQLSTATE 42P01)' in done.out
    assert "    drop table c" in done.out
    assert done.out.splitlines()[-1] == "2 proved, 1 fails"


def test_up_fails_the_second_time(sartor: Command, folder: Folder) -> None:
    """So is an `up` that can't be run again after `down`; what `down` left then is shown as well."""
    proof = prove(sartor, folder, "create table a (id int)", "select 1", code=1)
    assert (proof["result"], proof["stage"]) == ("fails", "up again")
    assert [d["object"] for d in proof["differences"]] == ["public.a"]
    assert proof["failed"]["message"] == 'relation "a" already exists'


def test_up_makes_something_else_the_second_time(sartor: Command, folder: Folder) -> None:
    """A second `up` that makes something else is found out, although `down` brings everything back."""
    folder.add("1.0.0-1700000000.5-times.py", up="create sequence times", down="drop sequence times")
    up = """do $$begin execute format('create table a%s (id int)', nextval('times')); end$$"""
    down = """do $$begin execute format('drop table a%s', (select last_value from times)); end$$"""
    proof = prove(sartor, folder, up, down, code=1)
    assert proof["result"] == "differs"
    assert [(d["stage"], d["object"], d["change"]) for d in proof["differences"]] == [
        ("up again", "public.a1", "removed"),
        ("up again", "public.a2", "added"),
    ]


def test_up_fails(sartor: Command, folder: Folder) -> None:
    """Nothing can be judged behind an `up` that fails; that much is said."""
    folder.add("next-1700000001-a.py", up="create tabel a (id int)")
    folder.table("next-1700000002-b.py")
    done = sartor("prove", "--all", expect=1)
    assert "`up` failed" in done.out
    assert 'syntax error at or near "tabel"' in done.out
    assert done.out.splitlines()[-1] == "1 proved, 1 fails, 1 not run"
    shape = check(sartor("prove", "--all", "--json", expect=1), "prove")
    assert [a["id"] for a in shape["remaining"]] == ["1700000002-b"]


def test_each_is_judged_by_itself(sartor: Command, folder: Folder) -> None:
    """Two faults that cancel each other out are found out; what comes behind them isn't blamed."""
    folder.add("next-1700000001-a.py", up="alter table users add a int", down="select 1")
    folder.add("next-1700000002-b.py", up="alter table users add b int", down="alter table users drop a, drop b")
    folder.table("next-1700000003-c.py")
    shape = check(sartor("prove", "--all", "--json", expect=1), "prove")
    assert [p["result"] for p in shape["proofs"]] == ["proved", "fails", "differs", "proved"]


def test_outside_a_transaction(sartor: Command, folder: Folder) -> None:
    """Scripts that run outside a transaction are proved as well, and what they forget is found out."""
    up = "create index concurrently if not exists i on users (born);"
    text = f"-- sartor: transaction off\n-- sartor: up\n{up}\n-- sartor: down\n"
    folder.write("next-1700000001-i.sql", f"{text}drop index concurrently if exists i;\n")
    sartor("prove", "--all")
    folder.write("next-1700000001-i.sql", f"{text}select 1;\n")
    shape = check(sartor("prove", "--all", "--json", expect=1), "prove")
    assert [d["object"] for d in shape["proofs"][1]["differences"]] == ["public.i"]


def test_rows_that_a_round_trip_changes(sartor: Command, folder: Folder) -> None:
    """With data to begin with, the rows that aren't as they were are counted, table by table."""
    seed = folder.write("../seed.sql", ROWS)
    up, down = "alter table users drop column mood", "alter table users add column mood mood"
    proof = prove(sartor, folder, up, down, "--seed", str(seed), code=0)
    assert proof["rows"] == [{"table": "public.users", "rows": 10, "lost": 10, "new": 10}]
    told = sartor("prove", IT, "--seed", str(seed)).out
    assert (
        "rows: next-1700000001-it.py: after `down`, 10 of 10 rows in public.users are missing or different,"
        " and 10 are new" in told
    )
    proof = prove(sartor, folder, "update users set id = id + 1 where id = 10", "select 1", "--seed", str(seed), code=0)
    assert proof["rows"] == [{"table": "public.users", "rows": 10, "lost": 1, "new": 1}]
    proof = prove(
        sartor, folder, "alter table users add a int", "alter table users drop a", "--seed", str(seed), code=0
    )
    assert proof["rows"] == []


def test_a_seed_module(sartor: Command, folder: Folder) -> None:
    """The seed may be a module as `db seed` has them; one that fails is told with file and line."""
    module = folder.write("../some.py", f"async def seed(conn):\n    await conn.execute({ROWS!r})\n")
    proof = prove(sartor, folder, "delete from users", "select 1", "--seed", str(module), code=0)
    assert proof["rows"] == [{"table": "public.users", "rows": 10, "lost": 10, "new": 0}]
    wrong = folder.write("../wrong.sql", "select 1;\n\ninsert into nowhere values (1);\n")
    done = sartor("prove", "1700000001-it", "--seed", str(wrong), expect=1)
    assert 'relation "nowhere" does not exist' in done.err
    assert "wrong.sql, line 3" in done.err
    assert "there is no seed" in sartor("prove", "--all", "--seed", "gone.sql", expect=2).err


def test_pending(sartor: Command, folder: Folder, database: Database) -> None:
    """`--pending` proves what the destination lacks, and touches nothing of it."""
    sartor("deploy", "latest")
    folder.table("next-1700000001-a.py")
    before = database.tables()
    shape = check(sartor("prove", "--pending", "--json"), "prove")
    assert [p["id"] for p in shape["proofs"]] == ["1700000001-a"]
    assert database.tables() == before
    sartor("deploy", "next")
    assert sartor("prove", "--pending").out == "Found 0 alteration to prove\n"


def test_another_server_for_the_scratch_database(sartor: Command, database: Database) -> None:
    """`--scratch-url` says where the scratch database is made; no other database is needed then, or looked at."""
    done = sartor("prove", "--all", "--scratch-url", database.url, env={"SARTOR_DB_URL": ""})
    assert done.out == "1 proved\n"


def scratch_databases(database: Database) -> set[str]:
    """Those on the server; other tests may have left some."""
    return {
        row[0] for row in database.rows("select datname::text from pg_database where datname like 'sartor_scratch%'")
    }


def test_nothing_is_left(sartor: Command, folder: Folder, database: Database) -> None:
    """Scratch databases are gone afterwards, also behind failures."""
    folder.add("next-1700000001-a.py", up="select 1/0")
    before = scratch_databases(database)
    sartor("prove", "--all", expect=1)
    assert scratch_databases(database) <= before


STUBBORN = "do $$ begin perform pg_sleep(600); exception when query_canceled then perform pg_sleep(600); end $$"


@pytest.mark.parametrize(("number", "up"), [(signal.SIGINT, "select pg_sleep(600)"), (signal.SIGTERM, STUBBORN)])
def test_interrupted(sartor: Command, folder: Folder, database: Database, number: signal.Signals, up: str) -> None:
    """A signal ends it with 130; the scratch database is gone, and what was proved until then is kept."""
    body = f"for _ in range(2):\n        await conn.execute({up!r})"
    folder.write("next-1700000001-slow.py", f"transaction = False\n\nasync def up(conn):\n    {body}\n")
    before = scratch_databases(database)
    process = sartor.start("prove", "--all")
    asleep = "select count(*) from pg_stat_activity where application_name like 'sartor next-1700000001-slow%'"
    until(lambda: database.value(f"{asleep} and state = 'active'"))
    done = finish(process, number)
    assert done.code == 130
    assert "the scratch database was dropped; the manifest has the proofs made so far" in done.err
    assert scratch_databases(database) <= before
    assert list(manifest(folder)) == ["1700000000-base"]


def test_rights(sartor: Command, database: Database) -> None:
    """A role that has no right to create databases is told what it lacks, and the other way."""
    database.run("create role prover login")
    try:
        done = sartor("prove", "--all", "--db-url", database.as_user("prover"), expect=6)
        assert (
            'hint: as a superuser, run: alter role "prover" createdb; or give a server on which the role can create'
            " databases with --scratch-url" in done.err
        )
    finally:
        database.run("drop role prover")


def test_a_folder_that_cannot_be_written_to(sartor: Command, folder: Folder) -> None:
    """What can't be kept in a manifest is proved all the same, and a note says so."""
    folder.path.chmod(0o555)
    done = sartor("prove", "--all")
    folder.path.chmod(0o755)
    assert done.out == "1 proved\n"
    assert os.geteuid() == 0 or "can't be written to, so its manifest isn't updated" in done.err


def test_several_lineages(sartor: Command, folder: Folder) -> None:
    """Each lineage has its manifest, and is deployed in its turn before what is judged."""
    own = Folder(folder.path.parent / "own")
    own.add("1.0.0-1600000000-nick.py", up="alter table users add nick text", down="alter table users drop nick")
    shape = check(
        sartor("prove", "1600000000-nick", "--json", "--alterations", "alterations", "--alterations", "own=own"),
        "prove",
    )
    assert [(p["lineage"], p["result"]) for p in shape["proofs"]] == [("own", "proved")]
    assert list(manifest(own)) == ["1600000000-nick"]
    assert not (folder.path / "manifest.toml").exists()


def test_a_schema_of_ones_own(sartor: Command) -> None:
    """The scripts land in the schema that a deploy would use."""
    assert sartor("prove", "--all", "--schema", "tenant_a").out == "1 proved\n"


def test_the_words(sartor: Command, folder: Folder) -> None:
    """Which alterations must be said; an unknown one is refused with the nearest that there is."""
    assert "no alterations to prove are given" in sartor("prove", expect=2).err
    assert "no alterations to prove are given" in sartor("prove", "--all", "--pending", expect=2).err
    assert f"did you mean {BASE}?" in sartor("prove", "1.0.0-1700000000-bass.py", expect=2).err
    folder.table("next-1700000001-a.py")
    folder.table("next-1700000002-b.py")
    shape = check(sartor("prove", "1700000002-b", BASE, "--json"), "prove")
    assert [p["name"] for p in shape["proofs"]] == [BASE, "next-1700000002-b.py"]


def test_a_script_that_cannot_be_loaded(sartor: Command, folder: Folder) -> None:
    """All scripts are loaded before anything is done."""
    folder.write("next-1700000001-a.py", "async def up(conn:\n    pass\n")
    assert "next-1700000001-a.py, line 1" in sartor("prove", "--all", expect=1).err


def manifest(folder: Folder) -> dict[str, Any]:
    """The lines of the manifest."""
    text = (folder.path / "manifest.toml").read_text("utf-8")
    assert all(re.fullmatch(r'"[^"]+" = \{ .* \}', line) for line in text.splitlines()[4:])
    found: dict[str, Any] = tomllib.loads(text)["alterations"]
    return found


def test_the_manifest_keeps_proofs(sartor: Command, folder: Folder) -> None:
    """Each proof is a line: checksum, result, server; `--check` finds what isn't proved in its current form."""
    folder.table("next-1700000001-a.py")
    assert "next-1700000001-a.py isn't proved in its current form" in sartor("prove", "--check", expect=1).err
    sartor("prove", "--all")
    lines = manifest(folder)
    assert [(key, line["proof"], line["release"]) for key, line in lines.items()] == [
        ("1700000000-base", "proved", "1.0.0"),
        ("1700000001-a", "proved", "next"),
    ]
    assert all(line["server"] >= 13 and line["checksum"].startswith("sha256:") for line in lines.values())
    assert sartor("prove", "--check", env={"SARTOR_DB_URL": ""}).out == "All alterations are as they were proved\n"
    folder.add("next-1700000001-a.py", up="create table other (id int)")
    shape = check(sartor("prove", "--check", "--json", expect=1), "prove")
    assert [a["name"] for a in shape["unproved"]] == ["next-1700000001-a.py"]
    sartor("prove", "1700000001-a", expect=1)
    assert manifest(folder)["1700000001-a"]["proof"] == "fails"
    sartor("prove", "--check", expect=1)


def test_released_alterations_do_not_change(sartor: Command, folder: Folder) -> None:
    """An alteration that was released and has changed or gone is told by name, and isn't proved anew."""
    sartor("prove", "--all")
    folder.add(BASE, up=MADE, down="drop table users cascade")
    done = sartor("prove", "--check", expect=4)
    assert f"{BASE} has changed since its release" in done.err
    assert f"{BASE} has changed since the release" in sartor("prove", "--all", expect=4).err
    shape = check(sartor("prove", "--check", "--json", expect=4), "prove")
    assert [a["name"] for a in shape["edited"]] == [BASE]
    (folder.path / BASE).unlink()
    assert "1700000000-base of release 1.0.0 is missing" in sartor("prove", "--check", expect=4).err


def test_what_was_found_wrong_is_mended(sartor: Command, folder: Folder) -> None:
    """A file that has its release's name already and isn't proved may be mended, and is proved then."""
    folder.add("1.1.0-1700000001-a.py", up="create table a (id int)", down="drop table b")
    sartor("prove", "1700000001-a", expect=1)
    folder.add("1.1.0-1700000001-a.py", up="create table a (id int)", down="drop table a")
    assert "isn't proved in its current form" in sartor("prove", "--check", expect=1).err
    sartor("prove", "1700000001-a")
    assert manifest(folder)["1700000001-a"]["proof"] == "proved"


def test_a_release_keeps_its_proofs(sartor: Command, folder: Folder) -> None:
    """What was proved as `next` and released under another name stays proved."""
    file = folder.table("next-1700000001-a.py")
    sartor("prove", "--all")
    file.rename(folder.path / "1.1.0-1700000001-a.py")
    sartor("prove", "--check")


def test_a_manifest_that_cannot_be_read(sartor: Command, folder: Folder) -> None:
    """A manifest that a merge has broken is told as such."""
    sartor("prove", "--all")
    file = folder.path / "manifest.toml"
    file.write_text(file.read_text() + file.read_text().splitlines()[-1] + "\n")
    assert "isn't a valid manifest" in sartor("prove", "--check", expect=2).err
