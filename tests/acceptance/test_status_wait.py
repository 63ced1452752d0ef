"""`status --wait`: an init container that waits for somebody else to deploy."""

from __future__ import annotations

import asyncio

import sartor as library
from support.command import Command, finish
from support.database import Database
from support.folder import Folder
from support.servers import closed_port

ONE, TWO = "1.0.0-1700000001-a.py", "1.1.0-1700000002-b.py"


def line(process: object) -> str:
    """The next line that a command tells."""
    return str(process.stderr.readline())  # type: ignore[attr-defined]


def test_until_deployed(sartor: Command, database: Database, folder: Folder) -> None:
    """It tells what it waits for, once for each change of that, and ends as soon as nothing is pending."""
    folder.table(ONE)
    folder.table(TWO)
    folder.table("next-1700000003-c.py")
    process = sartor.start("status", "--wait", "60s")
    assert f"waiting: {ONE} (and 1 more) isn't deployed in " in line(process)
    asyncio.run(library.deploy(database.url, folder.path, "1.0.0"))
    assert f"waiting: {TWO} isn't deployed in " in line(process)
    asyncio.run(library.deploy(database.url, folder.path, "1.1.0"))
    done = finish(process)
    assert (done.code, done.err) == (0, "")
    assert "release 1.1.0; 2 deployed, 1 pending" in done.out


def test_a_repeatable_script(sartor: Command, database: Database, folder: Folder) -> None:
    """One that has never run is waited for, as the application uses what it makes; one that has changed isn't."""
    folder.table(ONE)
    file = folder.write("repeatable-v.sql", "create or replace view v as select id from missing;")
    sartor("deploy", "latest", expect=1)
    assert "repeatable-v.sql has never run in " in sartor("status", "--wait", "0", expect=3).err
    database.run("create role reader login", "grant select on sartor_ledger to reader")
    as_reader = ("--db-url", database.url.replace("postgres@", "reader@"))
    try:
        assert "repeatable-v.sql has never run in " in sartor("status", "--wait", "0", *as_reader, expect=3).err
        file.write_text("create or replace view v as select id from a;")
        sartor("deploy", "latest")
        file.write_text("create or replace view v as select id, 1 as one from a;")
        sartor("status", "--wait", "0")
    finally:
        database.run("drop owned by reader", "drop role reader")


def test_without_a_release(sartor: Command, folder: Folder) -> None:
    """Where nothing is released, no deploy of a release would run a repeatable script: none is waited for."""
    folder.write("repeatable-v.sql", "select 1;")
    folder.table("next-1700000003-c.py")
    sartor("status", "--wait", "0")


def test_a_target(sartor: Command, folder: Folder) -> None:
    """It waits for the target alone; a target without --wait would say nothing, and is refused."""
    folder.table(ONE)
    folder.table(TWO)
    sartor("deploy", "1.0.0")
    assert "1 deployed, 1 pending" in sartor("status", "1.0.0", "--wait", "0").out
    assert "a target needs --wait" in sartor("status", "1.0.0", expect=2).err
    assert "isn't a duration" in sartor("status", "--wait", "soon", expect=2).err


def test_the_end_of_the_time(sartor: Command, folder: Folder) -> None:
    """At the end it is exit code 3 where something is pending, no schema yet is likewise, and 6 without a server."""
    folder.table(ONE)
    done = sartor("status", "--wait", "0", "--json", expect=3)
    assert done.json["error"]["kind"] == "SchemaPending"
    assert ONE in done.json["error"]["message"]
    assert "there is no schema acme" in sartor("status", "--wait", "1ms", "--schema", "acme", expect=3).err
    nowhere = f"postgresql://app@127.0.0.1:{closed_port()}/app"
    assert "connection refused" in sartor("status", "--wait", "1ms", "--db-url", nowhere, expect=6).err


def test_until_there_is_a_database(sartor: Command, database: Database, folder: Folder) -> None:
    """It outlasts a database that isn't there yet."""
    folder.table(ONE)
    name, url = f"{database.name}_later", f"{database.url}_later"
    process = sartor.start("status", "--wait", "60s", "--db-url", url)
    assert "does not exist" in line(process)
    database.run(f"create database {name}")
    try:
        asyncio.run(library.deploy(url, folder.path))
        assert finish(process).code == 0
    finally:
        database.run(f"drop database {name} with (force)")
