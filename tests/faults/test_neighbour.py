"""Whoever may create in a schema on somebody's search path has nothing called by Sartor: not by any command's SQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.command import Command, Finished
from support.database import Database, temporary_database
from support.folder import Folder
from support.neighbour import Neighbour, hostile_neighbour
from support.psql import psql

SCRIPTS = {
    "1.0.0-1700000001-users.sql": """
        -- sartor: up
        create table users (id bigint primary key, name varchar);
        create type mood as enum ('glad', 'sad');
        create type pair as (mood mood, names name[]);
        insert into users values (1, 'a');
        -- sartor: down
        drop type pair;
        drop type mood;
        drop table users;
    """,
    # A script may have what is named like the server's own, and like the ledger.
    "1.0.0-1700000002-temporary.sql": """
        -- sartor: up
        create temp table sartor_journal (seq bigint);
        create temp table sartor_ledger (seq bigint);
        create temp table pg_class (oid oid);
        create temp table pg_locks (pid int);
        create function pg_temp.count(int) returns int language sql as 'select 1';
        -- sartor: down
        create temp table pg_locks (pid int);
    """,
    # What a deferred trigger calls is the script's, and found on its path.
    "1.0.0-1700000003-deferred.sql": """
        -- sartor: up
        create table seen (id bigint);
        create function see() returns trigger language plpgsql as
            $$begin insert into seen values (new.id); return null; end$$;
        create constraint trigger see after insert on users deferrable initially deferred
            for each row execute function see();
        insert into users values (2, 'b');
        -- sartor: down
        drop trigger see on users;
        delete from users where id = 2;
        drop function see;
        drop table seen;
    """,
    "1.0.0-1700000004-typed.py": """
        async def up(conn):
            row = await conn.fetchrow("select 'glad'::mood as mood, array['a', 'b']::name[] as names")
            assert tuple(row) == ("glad", ["a", "b"])
            async with conn.transaction():
                await conn.fetch("select '(sad,{c})'::pair as pair")
            assert await conn.fetchval("show search_path") == "app, public"
            await conn.set_type_codec("mood", schema="app", encoder=str, decoder=str)

        async def down(conn):
            await conn.fetchrow("select 'sad'::mood as mood")
    """,
}
OUTSIDE = {
    "1.1.0-1700000005-index.sql": """
        -- sartor: transaction off
        -- sartor: up
        create index concurrently users_name on users (name);
        -- sartor: down
        drop index concurrently users_name;
    """,
    "1.1.0-1700000006-outside.py": """
        transaction = False

        async def up(conn):
            await conn.fetchrow("select 'glad'::mood as mood")
            assert await conn.fetchval("show search_path") == "app, public"

        async def down(conn):
            await up(conn)
    """,
}


class Place:
    """A database with a neighbour, and the command to work on it."""

    def __init__(self, sartor: Command, neighbour: Neighbour) -> None:
        self.sartor = sartor
        self.neighbour = neighbour

    def __call__(self, *arguments: str, expect: int = 0) -> Finished:
        """Run a command, and see that it had nothing of the neighbour's called, of this database or of a clone."""
        done = self.sartor.run("db", *arguments, expect=None)
        said = f"{arguments}: {done.code}\n{done.out[-2000:]}\n{done.err[-2000:]}"
        assert "CAUGHT" not in done.out + done.err, said
        assert self.neighbour.calls == 0, arguments
        assert done.code == expect, said
        return done


@pytest.fixture
def place(sartor: Command, folder: Folder, database: Database) -> Iterator[Place]:
    for name, text in SCRIPTS.items():
        folder.write(name, text)
    folder.write("seeds/010_users.py", 'async def seed(conn):\n    await conn.execute("analyze users")\n')
    database.run("create schema app", "create schema keep")
    sartor.environment["SARTOR_SCHEMA"] = "app"
    with hostile_neighbour(database, "app") as neighbour:
        assert min(neighbour.made) > 50, neighbour.made
        yield Place(sartor, neighbour)


def test_what_the_neighbour_is_up_to(place: Place, database: Database) -> None:
    """Without a fence it is called: by an operator, a function, a type and a view of a session of this database."""
    for number, query in enumerate(
        [
            "select 1 where 1.5 * 2 is null",
            "select now()",
            "select 'a'::text",
            "select oid from pg_class",
            "select 1::oid <> 2",
        ],
        1,
    ):
        with pytest.raises(Exception, match="CAUGHT"):
            database.run(query)
        assert place.neighbour.calls == number


def deployed_and_back(place: Place, *options: str) -> None:
    """Up and down, and whatever else works by way of a pooler, too."""
    place("alteration", "deploy", "1.0.0", *options)
    place("alteration", "status")
    place("alteration", "history", "--json")
    place("alteration", "verify")
    place("alteration", "rollback", "--check", "--steps", "1", expect=3)
    place("alteration", "rollback", "--steps", "2", "--yes", *options)
    place("alteration", "check", "--json", expect=3)
    place("alteration", "deploy", "latest", *options)
    place("seed")


def test_runs_together(place: Place) -> None:
    """Nothing of it is called where scripts are sent many at a time."""
    deployed_and_back(place)


def test_runs_one_by_one(place: Place) -> None:
    """Nor where each is sent by itself."""
    deployed_and_back(place, "--no-batch")


def test_runs_through_a_pooler(place: Place, pooled_url: str, database: Database) -> None:
    """Nor through a pooler, where others that use its sessions find the paths that they had."""
    place.sartor.environment["SARTOR_DB_URL"] = pooled_url
    deployed_and_back(place)
    others = Database(pooled_url, database.name)
    assert {others.value("show search_path") for _ in range(8)} == {"public, app, pg_catalog"}


def test_runs_outside_transactions(place: Place, folder: Folder) -> None:
    """Nor where scripts run outside of transactions, or fail, or are undone by hand."""
    for name, text in OUTSIDE.items():
        folder.write(name, text)
    place("alteration", "deploy", "latest")
    place("alteration", "rollback", "1.0.0", "--yes")
    folder.write("1.2.0-1700000007-fails.sql", "-- sartor: up\nselect nothing;\n-- sartor: down\nselect 1;\n")
    place("alteration", "deploy", "latest", expect=1)
    place("alteration", "repair", "--mark-deployed", "1700000007-fails", "--reason", "done by hand", "--yes")
    place("alteration", "repair", "--mark-not-deployed", "1700000007-fails", "--reason", "it wasn't", "--yes")
    place("alteration", "repair", "--accept-drift", "--reason", "as it is", "--yes")


def test_scripts_for_psql(place: Place, folder: Folder, database: Database, tmp_path: Path) -> None:
    """Nor by a plan that psql runs."""
    for name, text in OUTSIDE.items():
        if name.endswith(".sql"):
            folder.write(name, text)
    (folder.path / "1.0.0-1700000004-typed.py").unlink()
    for _ in range(2):  # one that makes the ledger, and one that finds it
        place("alteration", "check", "latest", "--sql", str(tmp_path / "plan.sql"), expect=3)
        psql(database.url, tmp_path / "plan.sql")
        assert place.neighbour.calls == 0
        assert "0 pending" in place("alteration", "status").out
        place("alteration", "rollback", "--steps", "2", "--yes")


def test_rehearsals_and_proofs(place: Place, folder: Folder) -> None:
    """Nor where scripts are rehearsed, proved, or done again from nothing."""
    for name, text in OUTSIDE.items():
        folder.write(name, text)
    place("alteration", "deploy", "1.0.0", "--steps", "2")
    found = place("alteration", "rehearse", "--json").json
    assert {each["verdict"] for each in found["alterations"]} <= {"safe", "brief", "notable"}, found
    place("alteration", "rehearse", "--live")
    place("alteration", "rehearse", "--with-data")
    place("alteration", "deploy", "latest")
    place("alteration", "verify", "--against-replay", expect=4)  # what the neighbour has there is no script's
    place("alteration", "prove", "--all")


def test_backups(place: Place, server_url: str, tmp_path: Path) -> None:
    """Nor where a backup is taken, of all or of what a run may change, proved and put back."""
    place("alteration", "deploy", "1.0.0", "--steps", "2")
    place("backup", str(tmp_path), "--tables", "affected", "--prove")
    place("backup", str(tmp_path / "whole.dump"))
    with temporary_database(server_url) as other:
        place("restore", str(tmp_path / "whole.dump"), "--schema", "app", "--into", other.url)


def test_starting_over(place: Place) -> None:
    """Nor where all is dropped, the neighbour's own things in that schema included."""
    place("alteration", "deploy", "latest")
    place("seed", "--reset", "--yes")
    place("alteration", "fresh", "--yes")
