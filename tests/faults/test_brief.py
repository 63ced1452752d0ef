"""Brief scripts in a batch: nothing tells which of their statements the server is at, and yet that is known."""

from __future__ import annotations

import signal

import pytest

from support.command import Command, Finished, finish
from support.database import Database, with_name
from support.folder import Folder
from support.proxy import proxy_to
from support.sessions import at_work, backend_waiting, holding, until

NAMES = [f"1.0.0-170000000{n}-t{n}.sql" for n in range(4)]
MIDDLE = NAMES[2]
PATIENT = ("deploy", "latest", "--json", "--lock-timeout", "60s", "--lock-budget", "60s")
HELD = ("begin", "select count(*) from held")


@pytest.fixture(autouse=True)
def scripts(folder: Folder, database: Database) -> None:
    """Four scripts that only define objects; the third one waits while someone reads `held`."""
    database.run("create table held (id int)")
    for number, name in enumerate(NAMES):
        folder.write(name, f"-- sartor: up\ncreate table t{number} (id int);\ncreate index on t{number} (id);")
    _add(folder, "create table t2 (id int);", "alter table held add column body text;")


@pytest.fixture(params=["directly", "pooled"])
def url(request: pytest.FixtureRequest, database: Database, pooler_url: str) -> str:
    """The database's URL, directly or through the pooler."""
    return database.url if request.param == "directly" else with_name(pooler_url, database.name)


def _add(folder: Folder, *statements: str) -> None:
    folder.write(MIDDLE, "\n".join(["-- sartor: up", *statements]))


def _check(ended: Finished, database: Database, code: int) -> None:
    """What was committed before the third script stayed and is told, and nothing else is there, or comes later."""
    assert ended.code == code, ended
    assert [[a["name"] for a in ended.json[key]] for key in ("done", "remaining")] == [NAMES[:2], NAMES[2:]]
    until(lambda: not at_work(database), what="the session's end")
    assert database.tables() == {"held", "t0", "t1"}


@pytest.mark.parametrize("at", range(3))
def test_a_statement_fails(at: int, sartor: Command, folder: Folder, database: Database, url: str) -> None:
    """The statement that fails is named with its line, whichever of the script's it is."""
    statements = ["create table t2 (id int);", "create table t3 (id int);"]
    statements.insert(at, "create table t0 (id int);")
    _add(folder, *statements)
    ended = sartor("deploy", "latest", "--json", env={"SARTOR_DB_URL": url}, expect=1)
    _check(ended, database, 1)
    failed = ended.json["failed"]
    assert (failed["line"], failed["statement"], failed["sqlstate"]) == (at + 2, "create table t0 (id int)", "42P07")
    assert database.rows("select kind from sartor_journal order by seq") == [
        (kind,) for kind in ("created", "deployed", "deployed", "failed")
    ]


def test_the_session_is_terminated(sartor: Command, database: Database, url: str) -> None:
    """A session that an administrator ends isn't tried again, and changed nothing of the script under way."""
    with holding(database.url, *HELD):
        process = sartor.start(*PATIENT, env={"SARTOR_DB_URL": url})
        (pid,) = until(lambda: backend_waiting(database, "relation"))
        database.run(f"select pg_terminate_backend({pid})")
        ended = finish(process)
    _check(ended, database, 6)
    assert [a["name"] for a in sartor("deploy", "latest", "--json").json["done"]] == NAMES[2:]


def test_the_connection_is_cut(sartor: Command, database: Database, url: str) -> None:
    """A run whose connection is lost ends with 6, and the server doesn't go on with the script."""
    with holding(database.url, *HELD) as holder, proxy_to(url) as proxy:
        process = sartor.start(*PATIENT, env={"SARTOR_DB_URL": proxy.url})
        until(lambda: backend_waiting(database, "relation"))
        proxy.cut()
        ended = finish(process)
        holder.run("rollback")
        _check(ended, database, 6)
    assert "rolled back" in ended.json["error"]["message"]


def test_interrupted(sartor: Command, database: Database, url: str) -> None:
    """Ctrl-C ends the script under way, and nothing behind it runs."""
    with holding(database.url, *HELD):
        process = sartor.start(*PATIENT, env={"SARTOR_DB_URL": url})
        until(lambda: backend_waiting(database, "relation"))
        ended = finish(process, signal.SIGINT)
    _check(ended, database, 130)


def test_a_claim_fails_behind_it(sartor: Command, folder: Folder, database: Database, url: str) -> None:
    """An error of the claim behind a script isn't taken for the script's: that is in the journal."""
    _add(folder, "create table t2 (id int);")
    folder.write(
        NAMES[1],
        """
        -- sartor: up
        create table t1 (id int);
        create function take() returns trigger language plpgsql as $$ begin
            insert into public.sartor_journal (seq, prev, token, kind, by_user, host, sartor, format)
            select new.seq + 1, new.seq, 'another', 'backup', new.by_user, new.host, new.sartor, new.format;
            return null; end $$;
        create trigger taking after update on sartor_journal for each row when (new.seq = 3) execute function take();
        """,
    )
    ended = sartor("deploy", "latest", "--json", env={"SARTOR_DB_URL": url})
    assert [a["name"] for a in ended.json["done"]] == NAMES
    assert database.tables() == {"held", "t0", "t1", "t2", "t3"}
    assert database.rows("select seq from sartor_journal order by seq") == [(n,) for n in range(6)]
