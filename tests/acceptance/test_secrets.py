"""Passwords never reach stdout, stderr, JSON, the journal or a process title."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from support.command import Command, finish
from support.database import Database
from support.folder import Folder
from support.roles import Role, temporary_role
from support.sessions import backend_waiting, holding, until

PASSWORD = "S3cr3t"  # noqa: S105 - a test's own

WRONG = {
    "another scheme": f"mysql://app:{PASSWORD}@db/shop",
    "no scheme": f"app:{PASSWORD}@db/shop",
    "an @ too many": f"postgresql://app:{PASSWORD}@@db/shop",
    "a / in the password": f"postgresql://app:{PASSWORD}/x@db/shop",
    "a # in the password": f"postgresql://app:{PASSWORD}#x@db/shop",
    "a ? in the password": f"postgresql://app:a?{PASSWORD}@db/shop",
    "a % isn't followed by two hexadecimal digits": f"postgresql://app:{PASSWORD}%zz@db/shop",
    "a space": f"postgresql://app:{PASSWORD} x@db/shop",
    "no port": f"postgresql://app:{PASSWORD}@db:port/shop",
    "an sslmode that is none": f"postgresql://app:{PASSWORD}@db/shop?sslmode=always",
    "keywords": f"host=db password={PASSWORD} nonsense=1",
    "a host that is none": f"postgresql://app:{PASSWORD}@db.invalid/shop",
    "as a parameter": f"postgresql://app@db.invalid/shop?password={PASSWORD}",
}


@pytest.fixture
def role(database: Database) -> Iterator[Role]:
    """A role that may do all that a deploy needs."""
    with temporary_role(database) as found:
        database.run(f"grant all on schema public to {found.name}")
        yield found


@pytest.mark.parametrize("url", WRONG.values(), ids=WRONG)
def test_a_url_that_is_wrong(sartor: Command, folder: Folder, url: str) -> None:
    """Whatever is wrong with a URL, its password isn't shown, by the traceback of --debug neither."""
    folder.table("1.0.0-1700000000-a.py")
    runs = [
        sartor.start("deploy", "--db-url", url),
        sartor.start("deploy", "latest", "--json", "--debug", env={"SARTOR_DB_URL": url}),
    ]
    for done in map(finish, runs):
        assert done.code in {2, 6}
        assert "error:" in done.err
        assert PASSWORD not in done.out + done.err


AWKWARD = "qu\"o'te\\sl ash"
"""A password that JSON, URLs and Python each spell in a way of their own."""


def _given(way: str, password: str, folder: Path) -> dict[str, str]:
    """The variables with which a command finds a password, in the files that they lead to."""
    escaped = password.replace("\\", r"\\").replace(":", r"\:")
    files = {".pgpass": f"*:*:*:*:{escaped}\n", ".pg_service.conf": f"[here]\npassword={password}\n"}
    for name, text in files.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    return {
        "a variable": {"SARTOR_PASSWORD": password},
        "libpq's variable": {"PGPASSWORD": password},
        "the home folder's password file": {"HOME": str(folder)},
        "another password file": {"PGPASSFILE": str(folder / ".pgpass")},
        "a service": {"HOME": str(folder), "PGSERVICE": "here", "PGPASSFILE": "/nowhere"},
    }[way]


WAYS = ["a variable", "libpq's variable", "the home folder's password file", "another password file", "a service"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("password", [PASSWORD, AWKWARD])
def test_a_script_that_tells(
    sartor: Command, folder: Folder, database: Database, role: Role, password: str, way: str
) -> None:
    """A password in an error, a statement or a log line of a script is hidden everywhere, the journal included."""
    folder.write(
        "1.0.0-1700000000-a.py",
        f"""
        PASSWORD = {password!r}

        async def up(conn, run):
            run.log("logging in with " + PASSWORD)
            raise RuntimeError("can't log in as postgresql://other:0ther@db/shop with " + PASSWORD)

        async def down(conn): ...
        """,
    )
    env = {"SARTOR_DB_URL": role.url, **_given(way, password, sartor.directory)}
    told = [sartor("deploy", "latest", *flags, env=env, expect=1) for flags in ([], ["--json"])]
    folder.write(
        "1.0.0-1700000000-a.py",
        f"""
        async def up(conn):
            await conn.execute({"select nothing as " + '"' + password.replace('"', '""') + '"'!r})

        async def down(conn): ...
        """,
    )
    told += [sartor("deploy", "latest", *flags, env=env, expect=1) for flags in ([], ["--json"])]
    told.append(sartor("history"))
    assert "can't log in as postgresql://other:***@db/shop with ***" in told[0].err
    assert told[1].json["failed"]["message"].endswith("with ***")
    journal = json.dumps(database.rows("select detail::text from sartor_journal"))
    spellings = {password, json.dumps(password)[1:-1], json.dumps(json.dumps(password)[1:-1])[1:-1], "0ther"}
    for text in (*(done.out + done.err for done in told), journal):
        assert not [spelling for spelling in spellings if spelling in text], text


def test_statements_stay_json(sartor: Command, folder: Folder) -> None:
    """What looks like a password in a statement is hidden, and the JSON around it stays whole."""
    folder.add("1.0.0-1700000000-a.py", up="update nowhere set password = $1")
    failed = sartor("deploy", "latest", "--json", expect=1).json["failed"]
    assert failed["statement"] == "update nowhere set password = ***"


@pytest.mark.parametrize("form", ["url", "keywords"])
def test_the_process_title(sartor: Command, folder: Folder, database: Database, role: Role, form: str) -> None:
    """`ps` shows the command of a run under way without its password."""
    folder.table("1.0.0-1700000000-a.py")
    sartor("deploy", "latest", env={"SARTOR_DB_URL": role.url})
    folder.add("1.0.0-1700000001-b.py", up="select * from a")
    url = database.as_user(role.name, PASSWORD)
    if form == "keywords":
        server, name = url.rpartition("@")[2].split("/")
        host, port = server.split(":")
        url = f"host={host} port={port} dbname={name} user={role.name} password={PASSWORD}"
    with holding(database.url, "begin", "lock table a"):
        words = ("deploy", "latest", "--lock-timeout", "60s", "--db-url", url)
        process = sartor.launch("db", "alteration", *words, installed=True)
        until(lambda: backend_waiting(database, "relation"), what="the script's statement")
        line = " ".join(psutil.Process(process.pid).cmdline())
    done = finish(process)
    assert done.code == 0
    assert "deploy latest" in line
    assert role.name in line
    assert PASSWORD not in line + done.out + done.err
