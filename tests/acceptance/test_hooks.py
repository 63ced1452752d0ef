"""Hooks: functions in `hooks.py` that are called around a run, and around each of its scripts."""

from __future__ import annotations

import signal

import pytest

from sartor import lint
from support.command import Command, finish
from support.database import Database
from support.folder import Folder
from support.sessions import backend_running, until
from support.shapes import check

ALL = """
    from sartor import Connection, HookRun

    async def told(conn: Connection, run: HookRun, name: str) -> None:
        about = run.alteration.name if run.alteration else None
        done = None if run.report is None else [each.alteration.id for each in run.report.done]
        failed = run.report and run.report.failed and run.report.failed.name
        what = f"{name} {run.direction.value} {about} {done} {failed}"
        await conn.execute("insert into told (what) values ($1)", what)

    async def before_run(conn, run):
        await conn.execute("create table if not exists told (seq serial, what text)")
        await told(conn, run, "before_run")

    async def after_run(conn, run): await told(conn, run, "after_run")
    async def before_each(conn, run): await told(conn, run, "before_each")
    async def after_each(conn, run): await told(conn, run, "after_each")
"""


def told(database: Database) -> list[str]:
    """What the hooks noted, and forget it."""
    found = [row[0] for row in database.rows("select what from told order by seq")]
    database.run("truncate told")
    return found


def test_all_of_them(sartor: Command, folder: Folder, database: Database) -> None:
    """They come around a run, and around each script, there and back; a run without work has none."""
    folder.table("1.0.0-1-a.py")
    folder.write("1.0.0-2-b.sql", "-- sartor: up\ncreate table b ();\n-- sartor: down\ndrop table b;\n")
    folder.write("repeatable-v.sql", "create or replace view v as select 1 as one")
    folder.write("hooks.py", ALL)
    sartor("deploy", "latest")
    assert told(database) == [
        "before_run deploy None None None",
        "before_each deploy 1.0.0-1-a.py None None",
        "after_each deploy 1.0.0-1-a.py None None",
        "before_each deploy 1.0.0-2-b.sql None None",
        "after_each deploy 1.0.0-2-b.sql None None",
        "before_each deploy repeatable-v.sql None None",
        "after_each deploy repeatable-v.sql None None",
        "after_run deploy None ['1-a', '2-b', 'repeatable-v'] None",
    ]
    sartor("deploy", "latest")
    sartor("verify")  # what hooks make is a part of the schema
    assert told(database) == []
    sartor("rollback", "--steps", "1")
    assert told(database) == [
        "before_run rollback None None None",
        "before_each rollback 1.0.0-2-b.sql None None",
        "after_each rollback 1.0.0-2-b.sql None None",
        "after_run rollback None ['2-b'] None",
    ]
    folder.write("1.0.0-2-b.sql", "-- sartor: up\nselect 1 / 0;")
    sartor("deploy", "latest", expect=1)
    assert told(database) == [
        "before_run deploy None None None",
        "before_each deploy 1.0.0-2-b.sql None None",
        "after_run deploy None [] 1.0.0-2-b.sql",
    ]


@pytest.mark.parametrize("hook", ["before_run", "before_each"])
def test_one_before_that_fails(sartor: Command, folder: Folder, database: Database, hook: str) -> None:
    """The run stops there: what was to follow isn't done, and what the hook did is rolled back."""
    folder.table("1.0.0-1-a.py")
    folder.table("1.0.0-2-b.py")
    folder.write(
        "hooks.py",
        f"""
        async def {hook}(conn, run):
            await conn.execute("create table left_over ()")
            if run.alteration is None or run.alteration.id == "2-b":
                raise ValueError("not now")
            await conn.execute("drop table left_over")
        """,
    )
    done = sartor("deploy", "latest", expect=1)
    of = " of 1.0.0-2-b.py" if hook == "before_each" else ""
    assert f"  `{hook}`{of} failed: ValueError: not now\n  at alterations/hooks.py, line 4\n" in done.err
    assert "failed: hooks.py; rolled back" in done.err
    assert "resume with: sartor db alteration deploy latest\n" in done.err
    assert database.tables() == ({"a"} if hook == "before_each" else set())
    found = check(sartor("deploy", "latest", "--json", expect=1), "deploy")
    assert (found["failed"]["name"], found["failed"]["id"]) == ("hooks.py", None)
    assert found["remaining"][-1]["id"] == "2-b"


@pytest.mark.parametrize("hook", ["after_run", "after_each"])
def test_one_after_that_fails(sartor: Command, folder: Folder, database: Database, hook: str) -> None:
    """What is committed stays, the run goes on, and the failure is told."""
    folder.table("1.0.0-1-a.py")
    folder.table("1.0.0-2-b.py")
    folder.write("hooks.py", f"async def {hook}(conn):\n    await conn.execute('select 1 / 0')\n")
    done = sartor("deploy", "latest")
    of = " of 1.0.0-1-a.py" if hook == "after_each" else ""
    assert f"note: hooks.py, line 2: `{hook}`{of} failed: division by zero; what is committed stays\n" in done.err
    assert database.tables() == {"a", "b"}
    sartor("rollback", "--steps", "1")
    found = check(sartor("deploy", "latest", "--json"), "deploy")
    assert [(each["name"], each["sqlstate"]) for each in found["hooks_failed"]] == [("hooks.py", "22012")]


HARMS = (
    "await conn.execute('set search_path = nowhere')",
    "await conn.execute('set role pg_monitor')",
    "await conn.execute('begin')",
    "await conn.execute('commit; begin; lock table t0 in access exclusive mode')",
    "await conn.execute('rollback')",
    "await conn.execute('listen x')",
    "await conn.execute('prepare p as select 1')",
    "await conn.close()",
    "await conn.execute('select pg_terminate_backend(pg_backend_pid())')",
    "raise SystemExit(3)",
    "raise KeyboardInterrupt",
    "raise asyncio.CancelledError",
    "asyncio.create_task(asyncio.sleep(3600))",
    "conn.execute('select 1')",
    "os.chdir('/')",
)


def test_those_that_leave_something(sartor: Command, folder: Folder, database: Database) -> None:
    """Whatever a hook leaves or breaks, the scripts run as they do without it, each once."""
    for n in range(len(HARMS)):
        folder.table(f"1.0.0-{n + 1}-t{n}.py")
    harms = "".join(f"\nasync def _harm_{n}(conn):\n    {harm}\n" for n, harm in enumerate(HARMS))
    hook = """
async def after_each(conn, run):
    assert await conn.fetchval("select current_setting('search_path')") != "nowhere"
    await globals()["_harm_" + run.alteration.id.rpartition("t")[2]](conn)
"""
    (folder.path / "hooks.py").write_text(f"import asyncio, os\n{harms}{hook}")
    done = sartor("deploy", "latest", "--json").json
    assert len(done["hooks_failed"]) >= 6
    assert database.tables() == {f"t{n}" for n in range(len(HARMS))}
    assert database.value("select count(*) from sartor_journal where kind = 'deployed'") == len(HARMS)
    sartor("verify")


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("async def after_all(conn): ...", 1, "`after_all` isn't a hook and is never called; hooks are `before_run`"),
        ("# one\ndef before_run(conn): ...", 2, "`before_run` isn't async: write `async def before_run(conn, run)`"),
        ("async def before_run(", 1, "isn't valid Python: "),
        ("x = 1", None, "hooks.py has no hook: write `async def before_run(conn, run)`"),
        ("async def before_run(): ...", None, "`before_run` takes 0 parameters"),
        ("import nothing_of_this_name", 1, "ModuleNotFoundError while loading"),
    ],
)
def test_mistakes(
    sartor: Command, folder: Folder, database: Database, text: str, line: int | None, reason: str
) -> None:
    """A file of hooks that can't be loaded is an error before anything runs; `lint` knows what its text shows."""
    folder.table("1.0.0-1-a.py")
    folder.write("hooks.py", text)
    done = sartor("deploy", "latest", expect=1)
    assert reason in done.err
    assert database.tables() == set()
    assert database.value("select to_regclass('sartor_ledger')") is None
    shown = [] if line is None or "loading" in reason else [("SA106", line)]
    assert [(each.rule.code, each.line) for each in lint(folder.path).findings] == shown


def test_several_lineages(sartor: Command, folder: Folder, database: Database) -> None:
    """Each lineage's hooks are called for its own scripts, and around a run that has some of them."""
    folder.table("1.0.0-1-a.py")
    own = Folder(folder.path.parent / "own")
    own.table("1.0.0-2-b.py")
    own.table("next-3-c.py")
    hook = "async def before_each(conn, run):\n    run.log(run.alteration.name)\n"
    own.write("hooks.py", hook + "async def before_run(conn, run):\n    run.log('begins')\n")
    both = ("--alterations", "alterations", "--alterations", "own=own")
    done = sartor("deploy", "latest", *both)
    notes = [line for line in done.err.splitlines() if line.startswith("note: ")]
    assert notes == ["note: hooks.py: before_run: begins", "note: hooks.py: before_each: 1.0.0-2-b.py"]
    folder.table("1.1.0-4-d.py")
    assert "hooks.py" not in sartor("deploy", "latest", *both).err
    assert database.tables() == {"a", "b", "d"}


def test_where_they_dont_run(sartor: Command, folder: Folder) -> None:
    """They act on the world: a rehearsal, a proof and a replay have none; so has a script for psql."""
    folder.table("1.0.0-1-a.py")
    folder.write("hooks.py", "async def before_run(conn):\n    raise ValueError('called')\n")
    assert "note: hooks aren't called in a rehearsal\n" in sartor("rehearse").err
    assert "note: hooks aren't called in a rehearsal\n" in sartor("rehearse", "--live").err
    sartor("prove", "--all")
    assert "note: hooks aren't part of a script for psql\n" in sartor("check", expect=3).err
    (folder.path / "hooks.py").unlink()
    sartor("deploy", "latest")
    folder.write("hooks.py", "async def before_run(conn):\n    raise ValueError('called')\n")
    sartor("verify", "--against-replay")


def test_interrupted(sartor: Command, folder: Folder, database: Database) -> None:
    """Ctrl-C ends a hook that hangs; what was committed before it stays, and no other hook is called."""
    folder.table("1.0.0-1-a.py")
    folder.table("1.0.0-2-b.py")
    folder.write(
        "hooks.py",
        """
        import asyncio

        async def after_each(conn):
            await conn.execute("create table hanging ()")
            await conn.execute("notify hanging")
            await conn.fetchval("select pg_sleep(3600)")

        async def after_run(conn):
            await conn.execute("create table called ()")
        """,
    )
    running = sartor.start("deploy", "latest")
    until(lambda: backend_running(database, "pg_sleep(3600)"))
    done = finish(running, signal.SIGINT)
    assert done.code == 130
    assert database.tables() == {"a"}
    (folder.path / "hooks.py").unlink()
    sartor("deploy", "latest")
