"""Every script of a plan is loaded and checked before the first one runs."""

from __future__ import annotations

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder

UP = "async def up(conn): ...\n"

BROKEN = {
    "a syntax error": ("x = 1\nasync def up(conn)\n    pass\n", "line 2: expected ':'"),
    "an import error": ("x = 1\nimport nowhere_at_all\n", "line 2: ModuleNotFoundError while loading"),
    "no up": ("async def down(conn): ...\n", "has no `up`: write `async def up(conn)`"),
    "an up that isn't async": ("def up(conn): ...\n", "`up` isn't async: write `async def up(conn)`"),
    "a bad signature": ("async def up(): ...\n", "`up` takes 0 parameters"),
    "a bad option": (UP + "transaction = 'no'\n", "`transaction` is 'no'; it must be of type bool"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_nothing_runs_when_a_later_script_is_broken(
    sartor: Command, folder: Folder, database: Database, fault: str
) -> None:
    """A fault in the third of three scripts is told by file and line with nothing deployed, no ledger made."""
    text, reason = BROKEN[fault]
    folder.table("1.0.0-1-a.py")
    folder.table("1.0.0-2-b.py")
    folder.write("1.0.0-3-c.py", text)
    done = sartor("deploy", "latest", expect=1)
    assert done.out == ""
    assert "error: 1.0.0-3-c.py" in done.err
    assert reason in done.err
    assert "no alteration was run" in done.err
    assert database.value("select count(*) from pg_class where relnamespace = 'public'::regnamespace") == 0


def test_a_rollback_loads_first_too(sartor: Command, folder: Folder, database: Database) -> None:
    """A rollback whose last script has no `down`, or an irreversible one, undoes nothing and says why."""
    first = folder.write("1.0.0-1-a.py", UP)
    folder.write("1.0.0-2-b.py", UP + "irreversible = 'invoices were sent'\n")
    folder.table("1.0.0-3-c.py")
    told = sartor("deploy", "latest").err
    assert f"note: {first.name} has neither `down` nor `irreversible`, so it can't be rolled back" in told
    assert told.count("can't be rolled back") == 1
    done = sartor("rollback", "--steps", "2", expect=1)
    assert "1.0.0-2-b.py can't be rolled back: invoices were sent" in done.err
    (folder.path / "1.0.0-2-b.py").write_text(UP + "async def down(conn): ...\n")
    done = sartor("rollback", "0", "--accept-edited", "2-b", expect=1)
    assert f"{first.name} has no `down`: write `async def down(conn)`" in done.err
    assert database.tables() == {"c"}
    assert database.value("select count(*) from sartor_ledger") == 3


def test_notes_are_counted(sartor: Command, folder: Folder) -> None:
    """What is said of many alterations alike is one note with their number and the first of them."""
    for number in range(1, 6):
        folder.write(f"1.0.0-{number}-a.py", UP)
    told = sartor("deploy", "latest").err
    assert told.count("can't be rolled back") == 1
    assert "note: 5 alterations have no way back; the first: 1.0.0-1-a.py has neither" in " ".join(told.split())


def test_only_what_will_run_is_loaded(sartor: Command, folder: Folder, database: Database) -> None:
    """A broken script above the target is in nobody's way."""
    folder.table("1.0.0-1-a.py")
    folder.write("1.1.0-2-b.py", "raise SystemExit('not yet')\n")
    sartor("deploy", "1.0.0")
    assert database.tables() == {"a"}


def test_a_script_is_loaded_again_during_the_one_before(sartor: Command, folder: Folder) -> None:
    """No more than the next script is loaded while one runs, so that nothing is loaded between two of them."""
    log = sartor.directory / "log"
    note = "def note(text):\n    with open({log!r}, 'a') as log:\n        log.write(text + '\\n')\n\n"
    for i in range(1, 5):
        ran = f"async def up(conn):\n    await conn.execute('select 1')\n    note('ran {i}')\n"
        folder.write(f"1.0.0-{i}-t{i}.py", note.format(log=str(log)) + f"note('loaded {i}')\n\n" + ran)
    sartor("deploy", "latest")
    found = log.read_text().splitlines()
    assert found[:4] == [f"loaded {i}" for i in range(1, 5)]
    for i in range(1, 4):
        assert found[4 : found.index(f"ran {i}")].count(f"loaded {i + 1}") == 1
        assert f"loaded {i + 2}" not in found[4 : found.index(f"ran {i}")]


def test_bad_file_names_are_usage_errors(sartor: Command, folder: Folder, database: Database) -> None:
    """A file that looks like an alteration and isn't named like one stops every command, exit 2, naming it."""
    folder.table("1.0.0-1-a.py")
    folder.write("1.0.0-users.py", UP)
    for command in (["deploy", "latest"], ["list"], ["status"]):
        done = sartor(*command, expect=2)
        assert "error: 1.0.0-users.py isn't a valid name of an alteration" in done.err
    assert database.tables() == set()


def test_helpers_of_the_product(sartor: Command, folder: Folder, database: Database) -> None:
    """A script, a seed and a hook import from the folders that the settings name, when loaded and when they run."""
    folder.write("../src/acme_c/crypto.py", "def hashed(text):\n    return text[::-1]\n")
    folder.write("../src/acme_c/late.py", "TABLE = 'b'\n")
    uses = "from acme_c.crypto import hashed\nimport sys\nBEFORE = list(sys.path)\n"
    script = f"""
    {uses}
    async def up(conn):
        from acme_c.late import TABLE
        await conn.execute(f"create table {{TABLE}} (c text)")
        await conn.execute("insert into b values ($1)", hashed("abc"))

    async def down(conn):
        await conn.execute("drop table b")
    """
    folder.write("1.0.0-1-a.py", script.replace("\n    ", "\n"))
    folder.write("seeds/1.py", f"{uses}async def seed(conn):\n    await conn.execute('delete from b')\n")
    folder.write("hooks.py", f"{uses}async def after_run(conn, run):\n    run.log(hashed('dlrow'))\n")
    missing = sartor("deploy", "latest", expect=1).err
    assert "No module named 'acme_c'" in missing
    assert "the setting import-path" in missing
    (sartor.directory / "sartor.toml").write_text('import-path = ["src", "nowhere"]\n')
    done = sartor("deploy", "latest").err
    assert "world" in done
    assert "changed sys.path" not in done
    assert database.value("select c from b") == "cba"
    sartor.run("db", "seed")
    sartor("prove", "1-a")
    sartor("rollback", "0", "--yes", env={"SARTOR_IMPORT_PATH": "src:other"})
    assert "SA107" in sartor("lint").out


def test_helpers_and_packages(sartor: Command, folder: Folder, database: Database) -> None:
    """A script may import its folder's helpers, and the folder may be an import package."""
    folder.write("shop/__init__.py", "")
    folder.write("shop/alterations/_helpers.py", "TABLE = 'create table %s (id int)'\n")
    script = "from ._helpers import TABLE\nasync def up(conn):\n    await conn.execute(TABLE % 'a')\n"
    folder.write("shop/alterations/1.0.0-1-a.py", script)
    sartor("deploy", "latest", "--alterations", "shop.alterations", env={"PYTHONPATH": str(folder.path)})
    assert database.tables() == {"a"}
