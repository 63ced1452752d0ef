"""The timeouts of a run: which of several counts, and what is said of a statement that took too long."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from support.command import Command, finish
from support.database import Database
from support.folder import Folder
from support.proxy import proxy_to
from support.psql import psql
from support.sessions import backend_waiting, until

NAME = "1.0.0-1700000000-a.py"
LIMITS = "current_setting('statement_timeout') statement, current_setting('lock_timeout') lock"


def with_parameters(url: str, **parameters: str) -> str:
    """The URL with parameters behind it."""
    return f"{url}?" + "&".join(f"{key}={quote(value, safe='')}" for key, value in parameters.items())


PLACES = {
    "a flag": "longer than --statement-timeout allows",
    "a variable": "longer than SARTOR_STATEMENT_TIMEOUT allows",
    "a settings file": "longer than statement-timeout in {directory}/sartor.toml allows",
    "a URL": "longer than the statement_timeout in SARTOR_DB_URL allows",
    "its options": "longer than the statement_timeout in --db-url allows",
    "PGOPTIONS": "longer than the statement_timeout in PGOPTIONS allows",
    "a service": "longer than the statement_timeout in service 'here' in {directory}/services allows",
    "the script": "longer than a statement_timeout that the script, or a function that it calls, has set",
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("batched", [True, False])
def test_the_limit_that_counted_is_named(
    place: str, batched: bool, sartor: Command, folder: Folder, database: Database
) -> None:
    """Of a statement that took too long, the words name the place where its limit stands, and no other."""
    flags: tuple[str, ...] = ()
    env: dict[str, str] = {}
    before = ""
    match place:
        case "a flag":
            flags = ("--statement-timeout", "50ms")
        case "a variable":
            env = {"SARTOR_STATEMENT_TIMEOUT": "50ms"}
        case "a settings file":
            (sartor.directory / "sartor.toml").write_text('statement-timeout = "50ms"\n')
        case "a URL":
            env = {"SARTOR_DB_URL": with_parameters(database.url, statement_timeout="50")}
        case "its options":
            flags = ("--db-url", with_parameters(database.url, options="-c statement_timeout=50ms"))
        case "PGOPTIONS":
            env = {"PGOPTIONS": "-c statement_timeout=50"}
        case "a service":
            (sartor.directory / "services").write_text("[here]\noptions=-c statement_timeout=50\n")
            env = {"PGSERVICEFILE": f"{sartor.directory}/services", "PGSERVICE": "here"}
        case _:
            before = "set local statement_timeout = 50; "
    folder.add(NAME, up=f"{before}select pg_sleep(600)")
    failed = sartor("deploy", "latest", *flags, *([] if batched else ["--no-batch"]), "--json", env=env, expect=1)
    advice = PLACES[place].format(directory=sartor.directory)
    assert failed.json["failed"]["advice"] == f"the statement ran {advice}"


ENGLISH = b"canceling statement due to statement timeout"
GERMAN = "storniere Anfrage wegen Zeit\xfcberschreitung".encode().ljust(len(ENGLISH), b".")


def test_a_server_of_another_language(sartor: Command, folder: Folder, database: Database) -> None:
    """Where the server's words aren't English, a statement that took too long has its advice all the same."""
    folder.add(NAME, up="select pg_sleep(600)")
    with proxy_to(database.url) as proxy:
        proxy.reword = lambda data: data.replace(ENGLISH, GERMAN)
        env = {"SARTOR_DB_URL": proxy.url}
        failed = sartor("deploy", "latest", "--statement-timeout", "50ms", "--json", env=env, expect=1).json["failed"]
    assert "storniere" in failed["message"]
    assert failed["advice"].endswith("longer than --statement-timeout allows, or another session cancelled it")


def test_a_statement_that_somebody_cancelled(sartor: Command, folder: Folder, database: Database) -> None:
    """A cancel by somebody isn't taken for a timeout."""
    folder.add(NAME, up="select pg_sleep(600)")
    process = sartor.start("deploy", "latest", "--statement-timeout", "10min")
    (pid,) = until(lambda: backend_waiting(database, "PgSleep"))
    database.run(f"select pg_cancel_backend({pid})")
    ended = finish(process)
    assert ended.code == 1, ended
    assert "ran longer" not in ended.err
    assert "user request" in ended.err


def test_the_nearest_timeout_counts(sartor: Command, folder: Folder, database: Database) -> None:
    """A flag counts before a variable, that before the URL's parameter, that before PGOPTIONS, and that before none."""

    def deployed(*flags: str, env: dict[str, str] | None = None) -> tuple[str, str]:
        folder.add(NAME, up=f"create table told as select {LIMITS}", down="drop table told")
        sartor("deploy", "latest", *flags, env=env)
        ((statement, lock),) = database.rows("select * from told")
        sartor("rollback", "0")
        return statement, lock

    assert deployed() == ("0", "300ms")
    there = {"PGOPTIONS": "-c statement_timeout=7s -c lock_timeout=70"}
    assert deployed(env=there) == ("7s", "70ms")
    there["SARTOR_DB_URL"] = with_parameters(database.url, statement_timeout="6s", lock_timeout="60")
    assert deployed(env=there) == ("6s", "60ms")
    there |= {"SARTOR_STATEMENT_TIMEOUT": "5", "SARTOR_LOCK_TIMEOUT": "50"}
    assert deployed(env=there) == ("5s", "50ms")
    assert deployed("--statement-timeout", "4s", "--lock-timeout", "40ms", env=there) == ("4s", "40ms")


LIFTED = {
    "a statement of a file": ("a.sql", "-- sartor: up\nset lock_timeout = 0;\n{table}", "300ms"),
    "set_config": ("a.sql", "-- sartor: up\nselect set_config('lock_timeout', '1h', true);\n{table}", "300ms"),
    "in a block": ("a.sql", "-- sartor: up\ndo $$begin set local lock_timeout = 0; end$$;\n{table}", "300ms"),
    "outside a transaction": (
        "a.sql",
        "-- sartor: transaction off\n-- sartor: up\nset lock_timeout = 0;\n{table}",
        "300ms",
    ),
    "one text outside a transaction": (
        "a.py",
        'transaction = False\n\nasync def up(conn):\n    await conn.execute("set lock_timeout = 0; {table}")',
        "300ms",
    ),
    "one text that lowers it": (
        "a.py",
        (
            "transaction = False\n\n"
            "async def up(conn):\n    await conn.execute(\"set local lock_timeout = '50ms'; {table}\")"
        ),
        "50ms",
    ),
    "one text": ("a.py", 'async def up(conn):\n    await conn.execute("set lock_timeout = 0; {table}")', "300ms"),
    "a query": (
        "a.py",
        (
            "async def up(conn):\n    await conn.fetchval(\"select set_config('lock_timeout', '0', true)\")\n"
            '    await conn.execute("{table}")'
        ),
        "300ms",
    ),
    "lowered": ("a.sql", "-- sartor: up\nset local lock_timeout = '50ms';\n{table}", "50ms"),
    "a directive": ("a.sql", "-- sartor: lock-timeout 5s\n-- sartor: up\nset lock_timeout = 0;\n{table}", "5s"),
    "a directive without limit": ("a.sql", "-- sartor: lock-timeout 0\n-- sartor: up\n{table}", "0"),
    "a constant": ("a.py", "lock_timeout = '5s'\n\nasync def up(conn):\n    await conn.execute(\"{table}\")", "5s"),
}


@pytest.mark.parametrize(("file", "script", "limit"), LIFTED.values(), ids=LIFTED)
def test_a_script_lowers_its_lock_timeout_and_does_not_lift_it(
    file: str, script: str, limit: str, sartor: Command, folder: Folder, database: Database
) -> None:
    """Where a script sets a longer lock_timeout than the run's, that is lowered again; a directive asks for another.

    A run and a plan by hand do alike.
    """
    table = f"create table a as select {LIMITS}"
    text = script.replace("{table}", table if file.endswith("py") else f"{table};\n")
    folder.write(f"1.0.0-1700000000-{file}", text + "\n")
    sartor("deploy", "latest")
    assert database.value("select lock from a") == limit
    sartor("check", "latest", "--schema", "by_hand", "--sql", "plan.sql", expect=3)
    psql(database.url, sartor.directory / "plan.sql")
    assert database.value("select lock from by_hand.a") == limit


@pytest.mark.parametrize("before", ["", "set local lock_timeout = '1h'; "])
def test_the_drivers_own_timeout(before: str, sartor: Command, folder: Folder) -> None:
    """A statement that its caller ends by the driver's timeout fails the script; no connection is lost by that."""
    up = f"{before}select pg_sleep(30)"
    folder.write("1.0.0-1700000000-a.py", f'async def up(conn):\n    await conn.execute("{up}", timeout=0.1)\n')
    failed = sartor("deploy", "latest", expect=1).err
    assert "  TimeoutError\n  at alterations/1.0.0-1700000000-a.py, line 2\n" in failed


def test_a_text_outside_a_transaction_is_one(sartor: Command, folder: Folder, database: Database) -> None:
    """A text of several statements is done in all or not at all, also where it names lock_timeout."""
    body = 'await conn.execute("set lock_timeout = 0; create table a (id int);  select * from b")'
    folder.write("1.0.0-1700000000-a.py", f"transaction = False\n\nasync def up(conn):\n    {body}\n")
    failed = sartor("deploy", "latest", expect=1).err
    lines = failed.splitlines()
    at = next(number for number, line in enumerate(lines) if "  select * from b" in line)
    assert lines[at + 1].index("^") == lines[at].index("from b") + len("from ")
    assert database.value("select to_regclass('a')") is None


def test_a_lock_timeout_that_is_no_duration(sartor: Command, folder: Folder) -> None:
    """A wrong duration is an error of the script, with its line, before anything is run."""
    folder.write("1.0.0-1700000000-a.sql", "-- sartor: lock-timeout soon\n-- sartor: up\nselect 1;\n")
    done = sartor("deploy", "latest", expect=1)
    assert "1.0.0-1700000000-a.sql, line 1: lock-timeout isn't a duration" in done.err
