"""`status`, `verify`, `check`, `history` and `backup` of a fleet: one look at many destinations."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest

from sartor import Destination, End, Observer, Report, deploy, list_alterations, run_fleet
from support.command import Command
from support.database import Database, temporary_database
from support.folder import Folder
from support.sessions import holding
from support.shapes import check_lines

REPAIR = ("repair", "--yes", "--reason", "known", "--accept-drift")


def schemas(*numbers: int) -> list[str]:
    """The options that name these tenants."""
    return [word for number in numbers for word in ("--schema", f"tenant_{number}")]


def deploy_to(database: Database, folder: Folder, numbers: Iterable[int]) -> None:
    """Deploys all that is in the folder to these tenants."""
    catalogue = list_alterations(folder.path)

    async def deploy_one(destination: Destination, _observer: Observer) -> Report:
        return await deploy(destination, catalogue)

    places = [Destination.parse(database.url, schema=f"tenant_{number}") for number in numbers]
    assert not asyncio.run(run_fleet(places, deploy_one)).of(End.FAILED)


@pytest.fixture
def tenants(folder: Folder, database: Database) -> Database:
    """Thirty schemas: 0 to 19 have both releases, 20 to 27 the first one, 28 and 29 nothing."""
    folder.table("1.0.0-1700000000-a.py")
    deploy_to(database, folder, range(28))
    folder.table("1.1.0-1700000001-b.py")
    folder.table("1.1.0-1700000002-c.py")
    deploy_to(database, folder, range(20))
    database.run(*(f"create schema tenant_{number}" for number in (28, 29)))
    return database


def test_where_a_fleet_stands(sartor: Command, tenants: Database) -> None:
    """The status of thirty schemas is two tables and the names of those that are behind, and not a line for each."""
    done = sartor("status", *schemas(*range(30)))
    rows = [line.split() for line in done.out.splitlines()]
    assert ["1.1.0", "20", "0"] in rows
    assert ["1.0.0", "8", "2"] in rows
    assert ["no", "ledger", "2", "3"] in rows
    assert "30 destinations: 20 up to date, 10 pending" in done.out
    classes = [row[1] for row in rows if len(row) == 4 and len(row[0]) == 8]
    assert classes == ["20", "8", "2"]
    assert [f"schema tenant_{number}:" in done.out for number in (0, 19, 20, 27, 28, 29)] == [False] * 2 + [True] * 4
    assert "sartor db alteration deploy latest --schema tenant_0 " in done.out
    assert tenants.value("select count(*) from pg_tables where schemaname in ('tenant_28', 'tenant_29')") == 0


def test_who_does_not_fit(sartor: Command, tenants: Database) -> None:
    """A schema that isn't as that of its class, one that can't be reached and one that is locked are named."""
    tenants.run("alter table tenant_7.a add column by_hand int")
    sartor(*REPAIR, "--schema", "tenant_7")
    urls = {f"SARTOR_DB_URL_{number}": tenants.url for number in range(1, 30)}
    env = {f"SARTOR_SCHEMA_{number}": f"tenant_{number}" for number in range(1, 30)}
    env |= urls | {"SARTOR_SCHEMA": "tenant_0", "SARTOR_DB_URL_9": tenants.as_user("no_such_role")}
    with holding(tenants.url, "begin", "lock table tenant_11.sartor_ledger in access exclusive mode"):
        done = sartor("status", env=env, expect=6)
        streamed = sartor("status", "--json", env=env, expect=6)
    assert "30 destinations: 18 up to date, 10 pending, 1 with another schema, 2 not read" in done.out
    odd = done.out[done.out.index("another schema than most of class") :]
    assert odd.partition("\n\n")[0].endswith(
        "1 destination:\n  " + Destination.parse(tenants.url, schema="tenant_7").label
    )
    assert "sartor db alteration verify" in done.out
    told = done.err.split("failed at ")[1:]
    assert [("tenant_9" in part, "no_such_role" in part) for part in told if "tenant_9" in part] == [(True, True)]
    assert "another session has locked a table" in next(part for part in told if "tenant_11" in part)
    each, last = check_lines(streamed, "status")
    assert len(each) == 30
    assert {line["destination"]["schema"] for line in each if line["state"] == "failed"} == {"tenant_9", "tenant_11"}
    summary = last
    assert (summary["done"], summary["failed"], summary["untouched"], summary["current"]) == (28, 2, 0, 18)
    assert [(row["release"], row["destinations"], row["most"]) for row in summary["releases"]] == [
        ("1.1.0", 18, 0),
        ("1.0.0", 8, 2),
        (None, 2, 3),
    ]
    ((odd_one, why),) = [(outlier["label"], outlier["why"]) for outlier in summary["outliers"]]
    assert (odd_one.endswith("schema tenant_7"), why) == (True, "differs")
    assert [entry["destinations"] for entry in summary["classes"]] == [18, 8, 2]


@pytest.mark.usefixtures("tenants")
def test_it_says_all_where_it_is_asked_to(sartor: Command) -> None:
    """With --verbose, each destination is named."""
    done = sartor("status", "--verbose", *schemas(*range(30)))
    assert all(f"schema tenant_{number}:" in done.out for number in range(30))


@pytest.mark.usefixtures("tenants")
def test_waiting_for_a_fleet(sartor: Command) -> None:
    """`--wait` ends with 3 where something is pending at one of them, and that one is told; with 0 where nothing is."""
    done = sartor("status", "--wait", "0.1s", *schemas(0, 1, 20), expect=3)
    assert "schema tenant_20: 1.0.0, 2 pending" in done.out
    assert sartor("status", "--wait", "30s", *schemas(0, 1)).out.count("2 up to date") == 1
    assert sartor("status", "1.0.0", "--wait", "30s", *schemas(0, 20)).code == 0
    each, _ = check_lines(sartor("status", "--wait", "0.1s", "--json", *schemas(0, 20), expect=3), "status")
    assert {line["destination"]["schema"]: line.get("error", {}).get("kind") for line in each} == {
        "tenant_0": None,
        "tenant_20": "SchemaPending",
    }


def test_a_copy_under_another_name_is_alike(sartor: Command, folder: Folder, database: Database) -> None:
    """Tables, indexes, defaults, views and functions that name their own schema make no difference between tenants."""
    folder.add(
        "1.0.0-1700000000-a.py",
        up="""create table a (id int generated always as identity primary key, b int references a, c serial unique);
            create view v as select a.id, x.c from a join a x on x.b = a.id;
            create function f() returns int language sql set search_path from current as 'select max(id) from a';
            create index on a (lower(c::text)); comment on table a is 'of each tenant'""",
    )
    names = ["tenant_1", "tenant_10", "Tenant 1", "y"]
    options = [word for name in names for word in ("--schema", name)]
    sartor("deploy", "latest", *options)
    database.run(*(f'grant usage on schema "{name}" to pg_monitor' for name in names[:2]))
    (found,) = check_lines(sartor("status", "--json", *options), "status")[-1]["classes"]
    assert (found["destinations"], len(found["varieties"])) == (4, 1)
    assert found["varieties"][0]["fingerprint"] is not None


def test_a_fleet_is_verified(sartor: Command, tenants: Database) -> None:
    """The destinations that aren't as expected are shown, each with what is wrong; the others are counted."""
    tenants.run("alter table tenant_7.a add column by_hand int", "drop table tenant_12.b")
    done = sartor("verify", *schemas(*range(20)), expect=4)
    assert "18 destinations as expected" in done.out
    assert "column tenant_7.a.by_hand: added, integer" in done.out
    assert "schema tenant_12: 1 changed" in done.out
    assert "schema tenant_8" not in done.out
    each, last = check_lines(sartor("verify", "--json", *schemas(*range(20)), expect=4), "verify")
    assert {line["destination"]["schema"] for line in each if not line["ok"]} == {"tenant_7", "tenant_12"}
    assert len(last["wrong"]) == 2


@pytest.mark.usefixtures("tenants")
def test_a_fleet_is_checked(sartor: Command, tmp_path: Path) -> None:
    """What a deploy would do is shown where it would do something; each destination has a file of its own."""
    done = sartor("check", "--plan-only", *schemas(*range(18, 30)), expect=3)
    assert "something to do at 10 of 12 destinations" in done.out
    assert (done.out.count("1.1.0-1700000001-b.py"), "schema tenant_19" in done.out) == (10, False)
    sartor("check", "--sql", "plan.sql", *schemas(0, 20, 21), expect=3)
    texts = [(tmp_path / f"plan-{number}.sql").read_text() for number in (1, 2, 3)]
    assert [f"tenant_{schema}" in text for schema, text in zip((0, 20, 21), texts, strict=True)] == [True] * 3
    each, last = check_lines(sartor("check", "--json", *schemas(0, 20, 21), expect=3), "check")
    assert sorted(len(line["plan"]) for line in each) == [0, 2, 2]
    assert last["pending"] == 2


@pytest.mark.usefixtures("tenants")
def test_the_histories_of_a_fleet(sartor: Command) -> None:
    """Each destination has its journal, below its name; one that can't be read leaves the others."""
    env = {"SARTOR_SCHEMA": "tenant_0", "SARTOR_SCHEMA_1": "tenant_20", "SARTOR_SCHEMA_2": "tenant_99"}
    done = sartor("history", "--jobs", "3", "--jobs-per-server", "2", env=env, expect=2)
    parts = {part.splitlines()[0].rpartition(" ")[2]: part for part in done.out.split("== ")[1:]}
    assert (parts["tenant_0"].count(" deployed "), parts["tenant_20"].count(" deployed ")) == (3, 1)
    assert "there is no schema tenant_99" in done.err
    each, last = check_lines(sartor("history", "--json", env=env, expect=2), "history")
    assert sorted(len(line.get("events", [])) for line in each) == [0, 2, 4]
    assert (last["done"], last["failed"], last["events"]) == (2, 1, 6)


def test_each_backup_has_its_file(sartor: Command, tenants: Database, tmp_path: Path) -> None:
    """The backups of a fleet are in one folder, each in a file named by its database and schema."""
    (tmp_path / "backups").mkdir()
    each, last = check_lines(sartor.run("db", "backup", "backups", "--json", *schemas(0, 1, 20)), "backup")
    files = sorted(file.name for file in (tmp_path / "backups").iterdir())
    assert [name.rpartition("-")[0] for name in files] == [f"{tenants.name}.tenant_{n}" for n in (0, 1, 20)]
    assert sorted(Path(line["file"]).name for line in each) == files
    assert last["bytes"] == sum(file.stat().st_size for file in (tmp_path / "backups").iterdir())


def test_backups_of_one_name(sartor: Command, folder: Folder, database: Database, tmp_path: Path) -> None:
    """Two servers' databases of one name, and names that a file can't have, don't overwrite each other's backups."""
    folder.table("1.0.0-1700000000-a.py")
    options = ["--schema", "a b", "--schema", "a_b"]
    sartor("deploy", "latest", *options)
    sartor.run("db", "backup", ".", *options)
    assert len([*tmp_path.glob("*.dump")]) == 2
    elsewhere = database.url.replace("127.0.0.1", "localhost")
    env = {"SARTOR_DB_URL": database.url, "SARTOR_DB_URL_1": elsewhere}
    (tmp_path / "two").mkdir()
    sartor.run("db", "backup", "two", env=env)
    assert sorted(file.name.partition("_")[0] for file in (tmp_path / "two").iterdir()) == ["127.0.0.1", "localhost"]


def test_one_of_each_class_is_rehearsed(sartor: Command, folder: Folder, tenants: Database) -> None:
    """A rehearsal stands for all that are like it; who isn't like its class is set aside, and named."""
    tenants.run("alter table tenant_7.a add column by_hand int")
    sartor(*REPAIR, "--schema", "tenant_7")
    folder.add("1.2.0-1700000003-d.py", up="alter table a add column d int; select d from a")
    done = sartor("rehearse", *schemas(*range(30)))
    headings = [line.rpartition(", and ")[2] for line in done.out.splitlines() if line.startswith("==")]
    assert sorted(headings) == ["1 destination like it", "18 destinations like it", "7 destinations like it"]
    assert "Rehearsed at 3 destinations, which stand for 29:" in done.out
    aside = done.out[done.out.index("set aside") :]
    assert ("1 destination;" in aside, "schema tenant_7: another schema" in aside) == (True, True)
    assert tenants.rows("select datname from pg_database where datname like 'sartor%'") == []
    each, last = check_lines(sartor("rehearse", "--json", *schemas(*range(30))), "rehearse")
    assert sorted(line["stands_for"] for line in each) == [2, 8, 19]
    assert [entry["why"] for entry in last["aside"]] == ["differs"]


def test_a_hazard_of_a_class(sartor: Command, folder: Folder, tenants: Database) -> None:
    """A verdict that isn't allowed ends a fleet's rehearsal with 1, and says for how many destinations it stands."""
    tenants.run(*(f"insert into tenant_{number}.a values (1)" for number in (20, 21)))
    folder.add("1.2.0-1700000003-d.py", up="alter table a alter column id type bigint")
    done = sartor("rehearse", "--max-hazard", "safe", *schemas(0, 1, 20, 21, 22), expect=1)
    assert "schema tenant_0 and 1 like it: 1.2.0-1700000003-d.py" in done.err
    assert "schema tenant_20 and 2 like it: 1.2.0-1700000003-d.py" in done.err


def test_no_password_is_shown(sartor: Command, folder: Folder, database: Database, server_url: str) -> None:
    """A password that a server refuses is in no line, neither of text nor of JSON."""
    folder.table("1.0.0-1700000000-a.py")
    with temporary_database(server_url) as second:
        env = {"SARTOR_DB_URL_1": second.as_user("no_such_role", "hunter22"), "SARTOR_DB_URL": database.url}
        for words in (("status",), ("status", "--json"), ("verify",), ("history", "--json")):
            done = sartor(*words, env=env, expect=6)
            assert "hunter22" not in done.out + done.err
            assert "no_such_role" in done.out + done.err
