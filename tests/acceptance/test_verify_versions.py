"""A database that moved to a newer major version is as it should be, and what is changed there is seen."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sartor.embedded.server import binaries
from support.changes import EVERYTHING
from support.command import Command
from support.database import Database, temporary_database
from support.folder import Folder
from support.secured import Secured

ZOO = (Path(__file__).parents[1] / "support" / "zoo.sql").read_text("utf-8")
CHANGES = (
    "create or replace view app.people as select id, email, born from app.users where born > date '1981-01-02'",
    "alter table app.t drop constraint two, add constraint two check (a not in ('y', b, upper(b)))",
    "revoke select on app.users from pg_monitor",
    "alter table app.groups alter name set default 'x'",
)
"""What somebody may do to the new database."""


@pytest.fixture
def moved(sartor: Command, folder: Folder, secured: Secured, server_url: str) -> Iterator[tuple[Command, Database]]:
    """The command, and a database that was deployed on an older server and then restored on a newer one."""
    old = f"postgresql://postgres@/postgres?host={secured.socket}&port={secured.port}"
    everything = EVERYTHING.replace("create schema app;", "")
    folder.write("1.0.0-1700000000-everything.sql", f"-- sartor: up\n{everything}\n-- sartor: irreversible all of it\n")
    folder.write("1.0.0-1700000001-zoo.sql", f"-- sartor: up\n{ZOO}\n-- sartor: irreversible a zoo\n")
    with temporary_database(old) as before, temporary_database(server_url) as after:
        if before.value("show server_version_num")[:2] >= after.value("show server_version_num")[:2]:
            pytest.skip("needs a newer server than a distribution's")
        sartor("deploy", "latest", "--schema", "app", "--db-url", before.url)
        before.run("grant all on app.users, app.base to pg_monitor; alter table app.base alter b set storage external")
        sartor("repair", "--accept-drift", "--reason", "x", "--yes", "--schema", "app", "--db-url", before.url)
        dump: list[str | Path] = [binaries() / "pg_dump", before.url]
        done = subprocess.run(dump, check=True, capture_output=True, timeout=60)
        psql: list[str | Path] = [binaries() / "psql", "-qX", "-v", "ON_ERROR_STOP=1", after.url]
        subprocess.run(psql, input=done.stdout, check=True, capture_output=True, timeout=60)
        yield Command(sartor.directory, {"SARTOR_DB_URL": after.url, "SARTOR_SCHEMA": "app"}), after


def test_a_newer_server(moved: tuple[Command, Database], folder: Folder) -> None:
    """It is as expected, each change is drift, and the next deploy records the schema in the new server's words."""
    sartor, database = moved
    found = sartor("verify", "--json").json
    assert (found["drift"], found["unknown"], found["unparsed"]) == ([], None, None)
    assert {each["kind"] for each in found["noted"]} <= {"extension version"}
    assert ": as expected\n" in sartor("verify").out
    for number, change in enumerate(CHANGES, 1):
        database.run(change)
        assert len(sartor("verify", "--json", expect=4).json["drift"]) == number, change
    folder.table("1.1.0-1700000002-more.py")
    sartor("deploy", "latest")
    assert database.value("select packed ->> 'server' from app.sartor_fingerprint") >= "18"
    assert len(sartor("verify", "--json", expect=4).json["drift"]) == len(CHANGES)


def test_where_texts_are_not_compared(moved: tuple[Command, Database]) -> None:
    """What the newer server can't parse again is named and is no fault; what both versions write alike is compared."""
    sartor, database = moved
    database.run(
        "create function app.log() returns event_trigger language plpgsql as 'begin end'",
        "create event trigger logging on ddl_command_end execute function app.log()",
    )
    found = sartor("verify", "--json", expect=4).json
    assert [each["object"] for each in found["drift"]] == ["app.log()"]
    assert found["unparsed"]["why"] == "event trigger logging would run"
    assert {"view app.people", "materialized view app.crowd"} <= {*found["unparsed"]["objects"]}
    database.run("alter function app.log() owner to postgres; drop event trigger logging; drop function app.log()")
    database.run(f"alter database {database.name} set default_transaction_read_only = on")
    told = sartor("verify").out
    assert ": as expected, as far as can be determined\n" in told
    assert "not compared, as another major version wrote it" in told
    assert "the server can't parse it again: transactions are read-only" in told
