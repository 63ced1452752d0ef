"""`import`, from files; tests of single tools are with the tools."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.command import Command
from support.database import Database
from support.shapes import check

USERS = """\
-- migrate:up
create table users (id int, name text);

-- migrate:down
drop table users;
"""
INDEX = """\
-- migrate:up transaction:false
create index concurrently users_name on users (name);

-- migrate:down transaction:false
drop index concurrently users_name;
"""
WRAPPED = """\
-- migrate:up
begin;
-- a note
insert into users values (1, 'a;b');
commit;
"""


def project(folder: Path, **files: str) -> Path:
    """A folder of dbmate's migrations."""
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name.removeprefix('m')}.sql").write_text(text)
    return folder


def test_migrations_become_alterations(sartor: Command, database: Database, tmp_path: Path) -> None:
    """What was imported deploys, each migration in or outside a transaction as it was, and rolls back."""
    place = str(project(tmp_path / "db", m20240102030405_users=USERS, m20240102040000_index=INDEX))
    planned = sartor("import", "dbmate", place, "--release", "1.0.0", "--dry-run").out
    assert "To import: 2 alterations from dbmate" in planned
    assert not (tmp_path / "alterations").exists()
    asked = sartor("import", "dbmate", place, "--release", "1.0.0", expect=2)
    assert "confirm with --yes" in asked.err
    done = sartor("import", "dbmate", place, "--release", "1.0.0", "--yes").out
    assert "wrote  1.0.0-1704164645-users.sql" in done
    sartor("deploy", "latest")
    assert database.tables() == {"users"}
    sartor("rollback", "--steps", "2", "--yes")
    assert database.tables() == set()


def test_what_is_added_is_imported(sartor: Command, tmp_path: Path) -> None:
    """The same command writes what is new alone, and refuses a migration that was edited since."""
    folder = project(tmp_path / "db", m20240102030405_users=USERS)
    command = ("import", "dbmate", str(folder), "--release", "1.0.0", "--yes", "--json")
    assert sartor(*command).json["done"]
    assert not sartor(*command).json["done"]
    project(folder, m20240103000000_wrapped=WRAPPED)
    files = sartor(*command[:4], "1.1.0", "--yes", "--json").json["files"]
    assert [(each["name"], each["exists"]) for each in files] == [
        ("1.0.0-1704164645-users.sql", True),
        ("1.1.0-1704240000-wrapped.sql", False),
    ]
    assert "begin" not in (tmp_path / "alterations" / files[1]["name"]).read_text()
    project(folder, m20240102030405_users=USERS.replace("int", "bigint"), m20240104000000_more=USERS)
    refused = sartor(*command, expect=2)
    assert "it isn't what" in refused.err
    assert len(list((tmp_path / "alterations").iterdir())) == 2
    found = sartor(*command, expect=2).json
    assert (found["done"], ["it isn't what" in each for each in found["refused"]]) == (False, [True])


def test_what_has_no_place_is_named(sartor: Command, tmp_path: Path) -> None:
    """What a SQL script can't do is refused by its file, and nothing is written."""
    copy = "-- migrate:up\n\\copy users from 'users.csv'\n"
    place = str(project(tmp_path / "db", m1_users=USERS, m2_copy=copy, m3_none="create table t ();\n"))
    refused = sartor("import", "dbmate", place, "--release", "1.0.0", "--yes", expect=2)
    assert "2_copy.sql: line 2: `\\copy` is a psql command" in refused.err
    assert "3_none.sql: one line `-- migrate:up`" in refused.err
    assert not (tmp_path / "alterations").exists()
    for words, hint in (
        (("dbmat", place), "did you mean dbmate?"),
        (("dbmate", str(tmp_path / "x")), "give the folder"),
        (("dbmate", str(tmp_path)), "20240102030405_add_users.sql"),
    ):
        assert hint in sartor("import", *words, "--release", "1.0.0", "--yes", expect=2).err
    assert "neither a version" in sartor("import", "dbmate", place, "--release", "one", "--yes", expect=2).err


ISOLATED = """\
-- migrate:up
begin;
set transaction isolation level repeatable read;
set transaction read write;
insert into users values (2);
commit;
"""


@pytest.mark.parametrize("said", ["down", "irreversible x", "transaction off", "lock-timeout 1s", "before_up"])
def test_comments_that_would_be_directives(sartor: Command, tmp_path: Path, said: str) -> None:
    """What was a comment to the tool is no directive of Sartor's: its file is refused by name."""
    place = str(project(tmp_path / "db", m1_t=f"create table t ();\n-- sartor: {said}\ndrop table t;\n"))
    refused = sartor("import", "sql", place, "--release", "1.0.0", "--yes", expect=2)
    assert f"1_t.sql: the comment `-- sartor: {said}` would be a directive" in refused.err
    assert not (tmp_path / "alterations").exists()


def test_what_cannot_be_read(sartor: Command, tmp_path: Path) -> None:
    """A folder that isn't one, and a file in the way of an alteration, are errors by their name, and no surprises."""
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat" / "a.sql").write_text("select 1;")
    alterations = tmp_path / "alterations"
    alterations.mkdir()
    (alterations / "1.0.0-1-a.sql").symlink_to("nowhere")
    done = sartor("import", "sql", "flat", "--release", "1.0.0", "--yes", expect=2)
    assert "1.0.0-1-a.sql can't be read: No such file or directory" in done.err
    (alterations / "1.0.0-1-a.sql").unlink()
    (tmp_path / "flat" / "a.sql").write_bytes(b"select 1\0;")
    done = sartor("import", "sql", "flat", "--release", "1.0.0", "--yes", expect=2)
    assert "a.sql: it has a NUL character" in done.err
    done = sartor("import", "pairs", "flat/a.sql", "--release", "1.0.0", "--yes", expect=2)
    assert "flat/a.sql can't be read: Not a directory" in done.err


LEDGER = "create table schema_migrations (version varchar primary key)"
MADE = ("create table users (id int, name text)", "create index users_name on users (name)")
RAN = "insert into schema_migrations values ('20240102030405'), ('20240102040000')"


def test_baseline(sartor: Command, database: Database, tmp_path: Path) -> None:
    """What the tool's ledger has is recorded, without running it; what it lacks stays pending."""
    project(tmp_path / "db", m20240102030405_users=USERS, m20240102040000_index=INDEX, m20240103000000_more=WRAPPED)
    database.run(*MADE, LEDGER, RAN)
    command = ("import", "dbmate", "db", "--release", "1.0.0", "--baseline")
    planned = check(sartor(*command, "--dry-run", "--json"), "import")
    assert planned["ledger"] == {
        "table": "public.schema_migrations",
        "deployed": ["1704164645-users", "1704168000-index"],
    }
    assert planned["baseline"] is None
    assert "public.schema_migrations has 2 of them as deployed" in sartor(*command, expect=2).out
    done = check(sartor(*command, "--yes", "--json"), "import")
    assert [each["id"] for each in done["baseline"]["recorded"]] == planned["ledger"]["deployed"]
    status = sartor("status").out
    assert "2 deployed, 1 pending" in status
    assert "1704240000-more" in status
    for options in ((), ("--against-replay",)):
        sartor("verify", *options)
    assert "Found 0 alteration to record" in sartor(*command, "--yes").out
    sartor("deploy", "latest")
    reason = "select detail ->> 'reason' from sartor_journal where kind = 'baseline' order by seq limit 1"
    assert database.value(reason) == "dbmate's ledger public.schema_migrations has them"


def test_what_isolates_its_transaction(sartor: Command, database: Database, tmp_path: Path) -> None:
    """A migration that begins a transaction with an isolation level of its own keeps it, in a replay too."""
    project(tmp_path / "db", m20240102030405_users=USERS, m20240102040000_isolated=ISOLATED)
    database.run(MADE[0], LEDGER, RAN)
    assert "Recorded 2" in sartor("import", "dbmate", "db", "--release", "1.0.0", "--yes", "--baseline").out
    sartor("fresh", "--yes")
    assert database.rows("select id from users") == [(2,)]


def test_baseline_of_another_schema(sartor: Command, database: Database, tmp_path: Path) -> None:
    """A schema that isn't what the alterations make is shown, and recorded only when that is accepted."""
    project(tmp_path / "db", m20240102030405_users=USERS)
    database.run("create table users (id int)", LEDGER.replace("schema_migrations", "ran"))
    database.run("insert into ran values ('20240102030405')")
    command = ("import", "dbmate", "db", "--release", "1.0.0", "--yes", "--baseline", "--ledger-table", "public.ran")
    refused = sartor(*command, expect=4)
    assert "column public.users.name: removed" in refused.out
    assert "--accept-differences" in refused.err
    assert "no ledger" in sartor("verify", expect=4).err
    accepted = sartor(*command, "--accept-differences")
    assert "Recorded 1 alteration as deployed" in accepted.out
    note = "note: public.ran is a difference to `verify --against-replay`, unless the setting ignore-objects names it"
    assert note in accepted.err


def test_a_ledger_that_does_not_fit(sartor: Command, database: Database, tmp_path: Path) -> None:
    """A ledger that is missing, another tool's, or of other migrations is an error before anything is written."""
    project(tmp_path / "db", m20240102030405_users=USERS)
    command = ("import", "dbmate", "db", "--release", "1.0.0", "--yes", "--baseline")
    assert "no table schema_migrations" in sartor(*command, expect=2).err
    database.run("create schema acme", "create table acme.schema_migrations (id int)")
    hint = "did you mean acme.schema_migrations? Name it with --ledger-table"
    assert hint in sartor(*command, expect=2).err
    other = sartor(*command, "--ledger-table", "acme.schema_migrations", expect=2)
    assert "acme.schema_migrations isn't the ledger of dbmate" in other.err
    database.run(LEDGER, "insert into schema_migrations values ('20230101000000')")
    refused = sartor(*command, "--json", expect=2)
    assert "refused: 20230101000000: the database has it, and the folder hasn't" in refused.err
    assert len(check(refused, "import")["refused"]) == 1
    assert not (tmp_path / "alterations").exists()
    database.run("delete from schema_migrations")
    assert "public.schema_migrations has 0 of them as deployed" in sartor(*command).out
