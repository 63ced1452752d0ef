"""`check` and `rollback --check`: the plan, its SQL, and a script that a person can run by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.command import Command
from support.database import Database, temporary_database
from support.folder import Folder
from support.psql import psql
from support.roles import temporary_role
from support.schema import dump
from support.shapes import check, check_lines

ODD = "Ten\"ant $sartor$ 'a\\"


def by_hand(sartor: Command, database: Database, *words: str, expect: int = 0) -> str:
    """Have a script written, and run it with psql; what psql said on stderr."""
    file = sartor.directory / "plan.sql"
    sartor(*words, "--sql", str(file), expect=3)
    return psql(database.url, file, expect=expect).err


def events(sartor: Command, *place: str) -> list[str]:
    return [event["event"] for event in sartor("history", "--json", *place).json["events"]]


@pytest.fixture
def history(folder: Folder) -> Folder:
    """Python and SQL, one outside a transaction, one with what psql has its own mind about."""
    folder.table("1.0.0-1700000000-a.py")
    folder.write(
        "1.0.0-1700000001-b.sql",
        """
        -- sartor: transaction off
        -- sartor: up
        create index concurrently if not exists a_id_idx on a (id);
        insert into a values (1);
        -- sartor: down
        drop index concurrently if exists a_id_idx;
        delete from a;
        """,
    )
    folder.write(
        "1.1.0-1700000002-c.py",
        r'''
        async def up(conn):
            await conn.execute("""
                create table "C ä" (x text);
                insert into "C ä" values (E'it\\'s :USER'), ((array['b', 'c'])[1:1]::text) -- done
            """)

        async def down(conn):
            await conn.execute('drop table "C ä"')
        ''',
    )
    return folder


@pytest.mark.parametrize("schema", ["public", "tenant_a", ODD])
def test_a_script_run_by_hand_is_a_deployment(
    sartor: Command, history: Folder, database: Database, schema: str
) -> None:
    """Sartor and psql leave the same: schema, ledger and journal; up and down, each after the other."""
    assert history.path.exists()
    place = ("--schema", schema)
    assert by_hand(sartor, database, "check", "latest", *place) == ""
    assert sartor("check", *place).code == 0
    assert sartor("deploy", "latest", *place).out == "Found 0 alteration to deploy\n"
    made = dump(database.url, schema) if schema != ODD else ""
    assert events(sartor, *place) == ["created", "deployed", "started", "deployed", "deployed"]
    assert by_hand(sartor, database, "rollback", "0", "--check", *place) == ""
    assert sartor("status", "--json", *place).json["deployed"] == []
    sartor("deploy", "latest", *place)
    assert schema == ODD or dump(database.url, schema) == made
    sartor("rollback", "1.0.0", *place)
    by_hand(sartor, database, "rollback", "--steps", "1", "--check", *place)
    assert [e["id"] for e in sartor("status", "--json", *place).json["deployed"]] == ["1700000000-a"]
    assert events(sartor, *place)[-2:] == ["undoing", "rolled-back"]
    sartor("rollback", "0", *place)
    assert database.tables(schema) == set()


def test_psql_keeps_its_hands_off(sartor: Command, history: Folder, database: Database) -> None:
    """What looks like psql's variables, and a session's own settings, don't change what is deployed."""
    file = sartor.directory / "plan.sql"
    assert history.path.exists()
    sartor("check", "latest", "--sql", str(file), expect=3)
    odd = ("--set=AUTOCOMMIT=off", "--set=ON_ERROR_STOP=off", "--set=1=2", "--set=SINGLELINE=off")
    psql(database.url.replace("?", "&") + "?client_encoding=latin1", file, *odd)
    assert database.rows('select x from "C ä"') == [("it's :USER",), ("{b}",)]
    assert sartor("check").code == 0


def test_a_script_is_run_once(sartor: Command, history: Folder, database: Database) -> None:
    """A second time, and where anything was deployed since it was written, it stops before it has changed anything."""
    first, second = sartor.directory / "first.sql", sartor.directory / "second.sql"
    sartor("check", "latest", "--sql", str(first), expect=3)
    psql(database.url, first)
    assert "the database has changed since this script was written" in psql(database.url, first, expect=3).err
    history.table("1.2.0-1700000003-d.py")
    sartor("check", "latest", "--sql", str(second), expect=3)
    sartor("deploy", "latest")
    before = events(sartor)
    assert "the database has changed since this script was written" in psql(database.url, second, expect=3).err
    assert events(sartor) == before


def test_a_script_beside_a_deployment(sartor: Command, folder: Folder, database: Database) -> None:
    """Where another run is first after the script has begun, its next alteration fails and changes nothing."""
    folder.table("1.0.0-1700000000-a.py")
    sartor("deploy", "latest")
    folder.table("1.0.0-1700000001-b.py")
    folder.table("1.0.0-1700000002-c.py")
    file = sartor.directory / "plan.sql"
    sartor("check", "latest", "--sql", str(file), expect=3)
    script = file.read_text().replace("create table c (id int)", "create table wrong (id int); select 1 / 0")
    file.write_text(script)
    assert "division by zero" in psql(database.url, file, expect=3).err
    assert database.tables() == {"a", "b"}
    late = script[: script.index("do $sartor$")] + script[script.index("-- 1.0.0-1700000002-c.py\n\\echo") :]
    sartor("deploy", "latest")
    file.write_text(late)
    assert "sartor_journal_pkey" in psql(database.url, file, expect=3).err
    assert database.tables() == {"a", "b", "c"}


def test_a_script_for_another_database(sartor: Command, folder: Folder, server_url: str, database: Database) -> None:
    """A script knows the journal that it was written for: another database as far along isn't it."""
    folder.table("1.0.0-1700000000-a.py")
    sartor("deploy", "latest")
    with temporary_database(server_url) as other:
        sartor("deploy", "latest", "--db-url", other.url)
        folder.table("1.0.0-1700000001-b.py")
        file = sartor.directory / "plan.sql"
        sartor("check", "latest", "--sql", str(file), expect=3)
        assert "has changed since this script was written" in psql(other.url, file, expect=3).err
    psql(database.url, file)


def test_python_that_only_running_can_tell(sartor: Command, history: Folder, database: Database) -> None:
    """It is named in the plan, the script stops before it, and a deployment goes on from there."""
    history.write(
        "1.1.0-1700000003-d.py",
        """
        async def up(conn):
            for row in await conn.fetch("select 'd' as name union select 'e'"):
                await conn.execute(f"create table {row['name']} (id int)")

        async def down(conn): ...
        """,
    )
    history.table("1.1.0-1700000004-f.py")
    plan = check(sartor("check", "--json", expect=3), "check")["plan"]
    assert [each["sql"] is None for each in plan] == [False, False, False, True, False]
    said = by_hand(sartor, database, "check", "latest", expect=3)
    assert "sartor: 1.1.0-1700000003-d.py is Python" in said
    assert database.tables() == {"a", "C ä"}
    assert "Deployed 2 alterations" in sartor("deploy", "latest").out


LOOP = """
    TABLES = {"d": "it's", "e": None}
    JSON = '{"a": ":b"}'

    async def make(conn, name):
        await conn.execute(f"create table {name} (x text, n int, j jsonb, sure bool)")

    async def up(conn):
        for name, text in TABLES.items():
            await make(conn, name)
            await conn.execute(f"insert into {name} values ($1, $2, $3, $4); -- done", text, -1, JSON, True)
        async with conn.transaction():
            await conn.executemany("insert into d (x) values ($1)", [("x",), ("\\\\",)])
        await conn.execute("select 1; update e set n = 2")
        await conn.fetch("insert into d (x, n) values ($1, $2) returning *", "y", True)

    async def down(conn):
        for name in TABLES:
            await conn.execute(f"drop table {name}")
"""


def test_python_that_a_rehearsal_tells(sartor: Command, history: Folder, database: Database) -> None:
    """Where no data can change its SQL, Python is in the script with what it sent on a clone; and that says so."""
    history.write("1.1.0-1700000003-d.py", LOOP)
    plan = check(sartor("check", "--json", expect=3), "check")["plan"]
    assert [each["rehearsed"] for each in plan] == [False, False, False, True]
    assert plan[3]["sql"].count("create table ") == 2
    assert "1.1.0-1700000003-d.py  SQL as rehearsed\n" in sartor("check", "--sql", "plan.sql", expect=3).out
    assert "is known only when it runs" in sartor("check", "--plan-only", expect=3).out
    assert by_hand(sartor, database, "check", "latest") == ""
    assert "-- Python; the SQL is what it sent in a rehearsal\n" in Path(sartor.directory, "plan.sql").read_text()
    told = database.rows("select x, n, j::text, sure from d order by x"), database.rows("select x, n from e")
    assert told == (
        [("\\", None, None, None), ("it's", -1, '{"a": ":b"}', True), ("x", None, None, None), ("y", 1, None, None)],
        [(None, 2)],
    )
    assert events(sartor)[-1] == "deployed"
    assert by_hand(sartor, database, "rollback", "0", "--check") == ""
    sartor("deploy", "latest")
    assert (database.rows("select x, n, j::text, sure from d order by x"), database.rows("select x, n from e")) == told


@pytest.mark.parametrize(
    "looks",
    [
        "await conn.execute(await conn.fetchval(\"select 'select 1'\"))",
        'while await conn.execute("update a set id = 1 where id <> 1") != "UPDATE 0": pass',
        'async for row in conn.cursor("select 1"): await conn.execute("select 1")',
        'await (await conn.prepare("select 1")).fetch()',
        'await conn.execute("insert into a values ($1)", 1.5 // 1)',
        'await conn.copy_records_to_table("a", records=[(1,)])',
        "from _helpers import work; await work(conn)",
        'await conn.set_type_codec("text", schema="pg_catalog", encoder=str.upper, decoder=str)',
    ],
)
def test_python_that_looks(sartor: Command, folder: Folder, database: Database, looks: str) -> None:
    """What the database answers may lead a script elsewhere, so a rehearsal's SQL is not its own: psql stops."""
    folder.table("1.0.0-1700000000-a.py")
    folder.write("_helpers.py", "async def work(conn): await conn.execute(await conn.fetchval(\"select 'select 1'\"))")
    folder.write("1.0.0-1700000001-b.py", f"async def up(conn):\n    {looks}\n\nasync def down(conn): pass\n")
    assert "sartor: 1.0.0-1700000001-b.py is Python" in by_hand(sartor, database, "check", "latest", expect=3)
    assert database.tables() == {"a"}


def test_no_rehearsal(sartor: Command, folder: Folder, database: Database) -> None:
    """Where there can be no clone, or the clone has no row that a script needs, a note says so, and nothing else."""
    folder.write("1.0.0-1700000003-d.py", LOOP)
    with temporary_role(database) as role:
        reader = Command(sartor.directory, {"SARTOR_DB_URL": role.url})
        shape = check(reader("check", "--json", expect=3), "check")
        assert [(each["sql"], each["rehearsed"]) for each in shape["plan"]] == [(None, False)]
        said = (
            "the SQL of Python alterations is unknown, as no rehearsal was possible:"
            f" role {role.name} has no right to create databases"
        )
        assert any(note.startswith(said) for note in shape["notes"])
        assert "no rehearsal" not in reader("check", "--plan-only", expect=3).err
    folder.add("1.0.0-1700000000-a.py", up="select 1 / count(*) from pg_class where relname = 'b'")
    database.run("create table b (id int)")
    sartor("check", expect=3)
    folder.add("1.0.0-1700000000-a.py", up="create table b (id int)")
    done = sartor("check", expect=3)
    assert "note: the rehearsal stopped at 1.0.0-1700000000-a.py: relation" in done.err
    assert "1.0.0-1700000003-d.py is Python" in done.out
    assert database.rows("select 1 from pg_database where datname like 'sartor_scratch_%'") == []


def test_an_interrupted_one(sartor: Command, folder: Folder, database: Database) -> None:
    """What psql left unfinished outside a transaction, Sartor takes up; no further script is written for it."""
    folder.write(
        "1.0.0-1700000000-a.sql",
        """
        -- sartor: transaction off
        -- sartor: up
        create table if not exists a (id int);
        select 1 / (select count(*) from a);
        -- sartor: down
        drop table if exists a;
        """,
    )
    assert "division by zero" in by_hand(sartor, database, "check", "latest", expect=3)
    assert [e["id"] for e in sartor("status", "--json").json["interrupted"]] == ["1700000000-a"]
    assert "was interrupted" in by_hand(sartor, database, "check", "latest", expect=3)
    database.run("insert into a values (1)")
    assert "resuming after an interruption" in sartor("deploy", "latest").err


def test_what_differs(sartor: Command, folder: Folder, database: Database) -> None:
    """Relabelled, accepted and forgotten alterations are written too; without a word they are refused, as by deploy."""
    for name in ("1.0.0-1700000000-a.py", "1.0.0-1700000001-b.py", "next-1700000002-c.py"):
        folder.table(name)
    sartor("deploy", "next")
    (folder.path / "next-1700000002-c.py").rename(folder.path / "1.1.0-1700000002-c.py")
    folder.add("1.0.0-1700000000-a.py", up="select 1")
    (folder.path / "1.0.0-1700000001-b.py").unlink()
    folder.table("1.1.0-1700000003-d.py")
    refused = check(sartor("check", "--json", expect=4), "check")
    assert (refused["error"]["kind"], refused["plan"]) == ("AlterationEdited", [])
    accepting = ("--accept-edited", "1700000000-a", "--accept-missing", "1700000001-b")
    assert by_hand(sartor, database, "check", "latest", *accepting) == ""
    assert events(sartor)[-4:] == ["relabelled", "accepted", "forgotten", "deployed"]
    assert sartor("check").code == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("set role {role}", "sartor: role "),
        ("reset all", "sartor: no token"),
        ("set constraints all immediate", "open_"),
    ],
)
def test_the_guard_stands(sartor: Command, folder: Folder, database: Database, text: str, said: str) -> None:
    """By hand, too, a script that tampers with its transaction is undone."""
    with temporary_role(database) as role:
        folder.add("1.0.0-1700000000-a.py", up=f"create table a (id int); {text.format(role=role.name)}")
        assert said in by_hand(sartor, database, "check", "latest", expect=3)
    assert database.tables() == set()
    assert events(sartor) == ["created"]


def test_a_name_with_a_line_end(sartor: Command, folder: Folder) -> None:
    """A file whose name holds a line's end is no alteration: it is refused, and shown so that one sees why."""
    folder.table("1.0.0\n-1700000000-a.py")
    assert "1.0.0\\n-1700000000-a.py" in sartor("check", expect=2).err


@pytest.mark.usefixtures("history")
def test_drift(sartor: Command, database: Database) -> None:
    """What somebody changed by hand is exit code 4, with the plan; there and back, and whatever is pending."""
    sartor("deploy", "1.0.0")
    database.run("alter table a add by_hand int")
    assert [d["object"] for d in check(sartor("check", "--json", expect=4), "check")["drift"]] == ["public.a.by_hand"]
    done = sartor("check", "--plan-only", expect=4)
    assert done.out == "1.1.0-1700000002-c.py\nFound 1 alteration to deploy\n"
    assert "1 object changed since the last run, first column public.a.by_hand" in done.err
    sartor("check", "1.0.0", expect=4)
    sartor("rollback", "0", "--check", expect=4)
    sartor("check", env={"SARTOR_FINGERPRINT": "false"}, expect=3)
    database.run("alter table a drop by_hand")
    assert check(sartor("check", "--json", expect=3), "check")["drift"] == []


def test_drift_that_cannot_be_told(sartor: Command, folder: Folder, database: Database) -> None:
    """Where nothing is recorded, that is a note; where nothing was ever deployed, there is nothing to note."""
    folder.table("1.0.0-1700000000-a.py")
    assert check(sartor("check", "--json", expect=3), "check")["notes"] == []
    sartor("deploy", "latest", env={"SARTOR_FINGERPRINT": "false"})
    database.run("alter table a add by_hand int")
    assert "note: drift since the last run can't be determined: no run has recorded" in sartor("check").err


def test_a_role_that_only_reads(sartor: Command, history: Folder, database: Database) -> None:
    """It gets the plan, and with the journal the script; what it couldn't do is said."""
    history.table("1.2.0-1700000003-d.py")
    sartor("deploy", "1.1.0")
    before = database.rows("select xmin::text from sartor_journal union all select xmin::text from sartor_ledger")
    with temporary_role(database) as role:
        database.run(f"grant select on sartor_ledger to {role.name}")
        reader = Command(sartor.directory, {"SARTOR_DB_URL": role.url})
        done = reader("check", expect=3)
        assert done.out.startswith("1.2.0-1700000003-d.py\n")
        assert f"no script can be written: role {role.name} has no right to read the journal" in done.err
        assert f"the plan can't be run from here: role {role.name} lacks the rights to deploy" in done.err
        assert "has no right to read the journal" in reader("check", "--sql", "plan.sql", expect=6).err
        assert reader("check", "--plan-only", expect=3).out.startswith("1.2.0-1700000003-d.py\n")
        database.run(f"grant select on sartor_journal to {role.name}")
        script = reader("check", expect=3).out
    after = database.rows("select xmin::text from sartor_journal union all select xmin::text from sartor_ledger")
    assert before == after
    file = sartor.directory / "printed.sql"
    file.write_text(script)
    psql(database.url, file)
    assert sartor("check").code == 0


def test_several_destinations(sartor: Command, history: Folder, database: Database) -> None:
    """Each has its plan and a numbered script; pending anywhere is exit code 3."""
    env = {"SARTOR_SCHEMA": "one", "SARTOR_SCHEMA_1": "two"}
    assert history.path.exists()
    sartor("deploy", "latest", "--schema", "one")
    runs, _ = check_lines(sartor("check", "--json", "--sql", "plan.sql", env=env, expect=3), "check")
    assert {run["destination"]["schema"]: len(run["plan"]) for run in runs} == {"one": 0, "two": 3}
    assert "There is nothing to do." in Path(sartor.directory, "plan-1.sql").read_text()
    psql(database.url, Path(sartor.directory, "plan-2.sql"))
    assert sartor("check", env=env).code == 0


def test_wrong_use(sartor: Command, history: Folder) -> None:
    """Options that contradict each other, a file that can't be written, a rollback that can't be."""
    sartor("check", "--plan-only", "--sql", "plan.sql", expect=2)
    sartor("rollback", "0", "--sql", "plan.sql", expect=2)
    assert "can't be written" in sartor("check", "--sql", "no/such/folder.sql", expect=2).err
    history.write("2.0.0-1700000005-e.py", "async def up(conn): pass\n")
    sartor("deploy", "latest")
    assert "has no `down`" in sartor("rollback", "1.0.0", "--check", expect=1).err


def test_nothing_is_done(sartor: Command, history: Folder, database: Database) -> None:
    """A check leaves no ledger; a rollback's leaves what is deployed, and asks nothing."""
    assert history.path.exists()
    sartor("check", expect=3)
    assert database.rows("select 1 from pg_class where relname like 'sartor%'") == []
    sartor("deploy", "latest")
    shape = check(sartor("rollback", "0", "--check", "--json", expect=3), "check")
    assert [each["transaction"] for each in shape["plan"]] == [True, False, True]
    assert shape["notes"] == ["drops table C ä, with its data", "drops table a, with its data"]
    assert sartor("check").out.endswith("-- There is nothing to do.\n")


DROPS = """
-- sartor: up
create table items (id int);
-- sartor: down
-- drop table in_a_comment;
select 'drop table in_a_string';
drop table if exists nowhere, items;
alter table shared drop column if exists nowhere, drop column b;
drop table other.items;
do $$ begin drop table parts; end $$;
"""
PROSE = '''
async def up(conn): pass

async def down(conn, run):
    """drop table in_a_docstring"""
    for name in ("drop table shared", "drop table if exists nowhere"):
        await conn.execute(name)
'''


def test_what_a_rollback_drops(sartor: Command, folder: Folder, database: Database) -> None:
    """Words in comments, strings and docstrings drop nothing; a name is that of the table that it stands for."""
    database.run(
        "create schema other; create table other.items (id int); insert into other.items select generate_series(1, 7)",
        "create table public.shared (a int, b int); insert into shared select generate_series(1, 5)",
        "create table public.parts (id int) partition by range (id); create table part partition of parts default",
        "insert into parts select generate_series(1, 9); analyze",
    )
    folder.write("1.0.0-1-a.sql", DROPS)
    folder.write("1.0.0-2-b.py", PROSE)
    sartor("deploy", "latest", "--schema", "acme")
    found = check(sartor("rollback", "0", "--check", "--json", "--schema", "acme", expect=3), "check")
    assert [note.removeprefix("drops ").removesuffix(", with its data") for note in found["notes"]] == [
        "table public.shared  (about 5 rows)",
        "table items",
        "column public.shared.b  (about 5 rows)",
        "table other.items  (about 7 rows)",
        "table public.parts  (about 9 rows)",
    ]


BEFORE = """
async def before_up(conn):
    await conn.execute("create index concurrently if not exists users_name on users (name)")

async def up(conn):
    await conn.execute("create table others (id int)")

async def before_down(conn):
    await conn.execute("drop index concurrently if exists users_name")

async def down(conn):
    await conn.execute("drop table others")
"""


def test_steps_before_the_transaction(sartor: Command, folder: Folder, database: Database) -> None:
    """Where all that a script sends stands in it, what it sends before its transaction is in the script for psql."""
    folder.add("1.0.0-1-a.py", up="create table users (name text)", down="drop table users")
    folder.write("1.0.0-2-b.py", BEFORE)
    assert sartor("check", "--sql", "plan.sql", expect=3).err.count("known only when it runs") == 0
    psql(database.url, Path(sartor.directory, "plan.sql"))
    assert sartor("check").code == 0
    assert database.tables() == {"users", "others"}
    assert database.value("select indisvalid from pg_index where indexrelid = 'users_name'::regclass")
    kinds = database.rows("select kind from sartor_journal order by seq desc limit 2")
    assert kinds == [("deployed",), ("started",)]
    shown = check(sartor("rollback", "--steps", "1", "--check", "--json", expect=3), "check")["plan"][0]
    assert "drop index concurrently" in shown["sql"]
    assert "drop table others" in shown["sql"]
    sartor("rollback", "--steps", "1")
    assert database.tables() == {"users"}
