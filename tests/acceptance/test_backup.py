"""`sartor db backup`, and `--backup` of `deploy` and `rollback`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder
from support.roles import Role, temporary_role
from support.sessions import holding
from support.shapes import check, check_lines
from support.terminal import Terminal


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    """An empty folder for backups."""
    (tmp_path / "backups").mkdir()
    return tmp_path / "backups"


@pytest.fixture
def reader(database: Database) -> Iterator[Role]:
    """A role that may read the ledger, and nothing else."""
    with temporary_role(database) as found:
        yield found


def test_a_backup(sartor: Command, folder: Folder, backups: Path) -> None:
    """It is one file, for its owner alone; the journal has its path and bytes, its place in the log, its checksum."""
    folder.table("1.0.0-1700000000-a.py")
    sartor("deploy", "latest")
    made = check(sartor.run("db", "backup", str(backups), "--json"), "backup")
    (file,) = backups.iterdir()
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert (made["file"], made["bytes"]) == (str(file), file.stat().st_size)
    assert (made["verified"], made["proved"], made["journal"]) == (True, False, True)
    assert made["checksum"] == f"sha256:{digest}"
    assert file.stat().st_mode & 0o777 == 0o600
    event = check(sartor("history", "--json"), "history")["events"][-1]
    assert event["event"] == "backup"
    assert event["detail"] == {
        "path": str(file),
        "bytes": made["bytes"],
        "lsn": made["lsn"],
        "sha256": digest,
        "schema": None,
        "proved": False,
        "tables": None,
    }
    assert str(file) in sartor("history").out


def test_a_path_is_shown_as_it_is(sartor: Command, folder: Folder, backups: Path) -> None:
    """A folder that is given by way of `..` is shown, kept in the journal and printed in commands without it."""
    folder.table("1.0.0-1700000000-a.py")
    done = sartor("deploy", "latest", "--backup", f"{backups}/../{backups.name}", "--json")
    (file,) = backups.iterdir()
    assert done.json["backup"]["file"] == str(file)
    assert "/../" not in done.err + sartor("history").out


def test_a_proof(sartor: Command, folder: Folder, backups: Path, database: Database) -> None:
    """`--prove` restores the backup into a scratch database that is gone afterwards, and says that it did."""
    folder.table("1.0.0-1700000000-a.py")
    sartor("deploy", "latest")
    database.run("insert into a select generate_series(1, 100)", "create extension pg_trgm", "create schema other")
    database.run("create view other.v as select id from a", "create materialized view m as select * from other.v")
    done = sartor.run("db", "backup", str(backups / "x.dump"), "--prove")
    assert done.out.endswith("; proved by a restore\n")
    assert not database.rows("select 1 from pg_database where datname like 'sartor_scratch%'")


def test_a_proof_of_hash_partitions(sartor: Command, backups: Path, database: Database) -> None:
    """Rows that a restore puts into other partitions are the table's all the same: an enum's hash follows its OID."""
    database.run(
        "create type mood as enum ('sad', 'ok', 'glad')",
        "create table p (m mood, n int) partition by hash (m)",
        *(f"create table p{n} partition of p for values with (modulus 3, remainder {n})" for n in range(3)),
        "insert into p select m, n from unnest(enum_range(null::mood)) m, generate_series(1, 5) n",
    )
    sartor.run("db", "backup", str(backups), "--prove")


@pytest.mark.parametrize("scope", ["role", "database"])
def test_a_proof_whatever_is_set(sartor: Command, backups: Path, database: Database, scope: str) -> None:
    """Where a role or a database is read-only by default, or statements end soon, a backup is proved all the same."""
    database.run("create table t (a int)", "insert into t values (1)")
    with temporary_role(database) as role:
        name = role.name if scope == "role" else database.name
        database.run(
            f"alter role {role.name} superuser",
            f"alter {scope} {name} set statement_timeout = 50",
            f"alter {scope} {name} set default_transaction_read_only = on",
        )
        sartor.run("db", "backup", str(backups), "--prove", env={"SARTOR_DB_URL": role.url})
        database.run("set default_transaction_read_only = off", f"alter {scope} {name} reset all")


def test_a_file_that_is_there(sartor: Command, backups: Path) -> None:
    """It is never written over."""
    (backups / "x.dump").write_text("dear to somebody")
    done = sartor.run("db", "backup", str(backups / "x.dump"), "--json", expect=6)
    assert check(done, "backup")["error"]["kind"] == "BackupFailed"
    assert (backups / "x.dump").read_text() == "dear to somebody"
    assert sartor.run("db", "backup", str(backups / "nowhere" / "x.dump"), expect=6).err.startswith(
        "error: there is no"
    )
    (backups / "y.dump").symlink_to(backups / "nowhere.dump")
    assert "y.dump already exists" in sartor.run("db", "backup", str(backups / "y.dump"), expect=6).err


def test_an_empty_name(sartor: Command, folder: Folder, database: Database) -> None:
    """It stands for no folder, neither the working one nor the topmost."""
    assert "the name of the backup is empty" in sartor.run("db", "backup", "", expect=6).err
    folder.table("1.0.0-1700000000-a.py")
    assert "the name of the backup is empty" in sartor("deploy", "latest", "--backup", "", expect=6).err
    assert not database.tables()


def test_without_a_ledger(sartor: Command, backups: Path) -> None:
    """A database where nothing was ever deployed is backed up as well, and not written to."""
    done = sartor.run("db", "backup", str(backups), "--json")
    assert check(done, "backup")["journal"] is False
    assert "note: this backup isn't in the journal: nothing is deployed here" in done.err
    assert check(sartor("history", "--json"), "history")["events"] == []


def test_a_role_with_few_rights(
    sartor: Command, folder: Folder, backups: Path, database: Database, reader: Role
) -> None:
    """What it may not read, the error says, with the way out; what it may not write, a note."""
    folder.table("1.0.0-1700000000-a.py")
    sartor("deploy", "latest")
    env = {"SARTOR_DB_URL": reader.url}
    refused = sartor.run("db", "backup", str(backups), env=env, expect=6)
    assert "permission denied for" in refused.err
    assert (
        f'hint: give the role the right to read all tables: grant pg_read_all_data to "{reader.name}";' in refused.err
    )
    assert not list(backups.iterdir())
    database.run(f"grant usage on schema public to {reader.name}")
    database.run(f"grant select on all tables in schema public to {reader.name}")
    done = sartor.run("db", "backup", str(backups), env=env)
    assert f"note: this backup isn't in the journal: role {reader.name} lacks the rights" in done.err


def test_a_scratch_database_needs_a_right(sartor: Command, backups: Path, database: Database, reader: Role) -> None:
    """A role that has no right to create databases is told so, and there is no backup that wasn't proved."""
    env = {"SARTOR_DB_URL": reader.url}
    done = sartor.run("db", "backup", str(backups), "--prove", env=env, expect=6)
    assert f'alter role "{reader.name}" createdb;' in done.err
    assert not list(backups.iterdir())
    sartor.run("db", "backup", str(backups), "--prove", "--scratch-url", database.url, env=env)


def test_one_schema(sartor: Command, folder: Folder, backups: Path) -> None:
    """A destination with a schema of its own is backed up alone; `--whole` takes all there is."""
    folder.table("1.0.0-1700000000-a.py")
    env = {"SARTOR_SCHEMA": "one", "SARTOR_SCHEMA_1": "two"}
    first = sartor("deploy", "latest", "--backup", str(backups), env=env)
    assert "doesn't exist yet, so there is nothing to back up" in first.err
    assert "there is no schema three" in sartor.run("db", "backup", "--schema", "three", expect=6).err
    runs, _ = check_lines(sartor.run("db", "backup", str(backups), "--prove", "--json", env=env), "backup")
    assert {run["schema"] for run in runs} == {"one", "two"}
    file = str(backups / "x.dump")
    assert "2 destinations" in sartor.run("db", "backup", file, env=env, expect=2).err
    whole = check(sartor.run("db", "backup", file, "--schema", "one", "--whole", "--json"), "backup")
    assert (whole["schema"], whole["journal"]) == (None, True)


def test_a_deploy_with_a_backup(sartor: Command, folder: Folder, backups: Path) -> None:
    """It is taken before the first script, journalled before it, and only where there is something to do."""
    folder.table("1.0.0-1700000000-a.py")
    done = check(sartor("deploy", "latest", "--backup", str(backups), "--json"), "deploy")
    events = check(sartor("history", "--json"), "history")["events"]
    assert [event["event"] for event in events] == ["created", "backup", "deployed"]
    assert done["backup"]["file"] == events[1]["detail"]["path"]
    assert check(sartor("deploy", "latest", "--backup", str(backups), "--json"), "deploy")["backup"] is None
    back = check(sartor("rollback", "0", "--backup", str(backups), "--json"), "rollback")
    assert back["backup"] is not None
    assert len(list(backups.iterdir())) == 2


def test_on_a_terminal(sartor: Command, folder: Folder, backups: Path, database: Database) -> None:
    """A backup that takes long is seen to go on, before a deployment as well as by itself."""
    folder.table("1.0.0-1700000000-a.py")
    sartor("deploy", "latest")
    folder.table("1.1.0-1700000001-b.py")
    database.run("create table big (id int)")
    for words in (("db", "alteration", "deploy", "latest", "--backup"), ("db", "backup")):
        with (
            holding(database.url, "begin", "lock table big") as holder,
            Terminal(sartor, str(backups), words=words) as terminal,
        ):
            terminal.until("backing up: 0 bytes in ")
            holder.run("commit")
            terminal.until("backed up  ")
            assert terminal.end() == 0


def test_no_backup_no_deploy(sartor: Command, folder: Folder, database: Database, tmp_path: Path) -> None:
    """A backup that fails stops the deploy before it has written anything."""
    folder.table("1.0.0-1700000000-a.py")
    done = sartor("deploy", "latest", "--backup", str(tmp_path / "nowhere"), "--json", expect=6)
    assert check(done, "deploy")["error"]["kind"] == "BackupFailed"
    assert database.value("select count(*) from pg_class where relname like 'sartor%'") == 0
    assert not database.tables()
