"""A backup of the tables that a run may change holds all that it does change, and restores."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import sartor
from sartor import Backup, Destination, Note, RunEvent
from support.database import Database, temporary_database
from support.folder import Folder

ODD = 'public."Odd $*?.""x | y"'
"""A name with all that means something in a pattern."""
NOTE_IT = """
create function note_it() returns trigger language plpgsql as
$$ begin insert into audit values (7); return null; end $$
"""
TOUCH = "create function touch() returns trigger language plpgsql as $$ begin new.at = now(); return new; end $$"
LIBRARY = (
    "create table users (id int primary key, name text)",
    "create table orders (id int primary key, user_id int references users on delete cascade)",
    "create table items (id int, order_id int references orders on delete set null)",
    "create table notes (id int, user_id int references users)",
    "create table countries (id int primary key)",
    "create table cities (id int primary key, country_id int references countries)",
    f"create table {ODD} (id int)",
    "create table other (id int)",
    "create table events (at int) partition by range (at)",
    "create table events_1 partition of events for values from (0) to (10)",
    "create table events_2 partition of events for values from (10) to (20)",
    "create table base (id int)",
    "create table heir () inherits (base)",
    "create table audit (id int)",
    "create table audited (id int)",
    NOTE_IT,
    "create trigger audits after insert or update or delete on audited for each row execute function note_it()",
    "create table touched (id int, at timestamptz)",
    TOUCH,
    "create trigger touches before update on touched for each row execute function touch()",
    "create table counters (n int)",
    "create function next_number() returns int language sql as 'update counters set n = n + 1 returning n'",
    "create table counted (id int default next_number(), v int)",
    "create view numbered as select id, next_number() as n from users",
    "create materialized view picture as select * from users",
    "insert into users values (1, 'a'), (2, 'b'), (3, 'c')",
    "insert into orders values (1, 1), (2, 2)",
    "insert into items values (1, 1), (2, 2)",
    "insert into notes values (1, 3)",
    "insert into countries values (1)",
    "insert into cities values (1, 1)",
    f"insert into {ODD} values (1)",
    "insert into other values (1)",
    "insert into events values (1), (11)",
    "insert into base values (1)",
    "insert into heir values (2)",
    "insert into audited values (1)",
    "insert into counters values (1)",
    "insert into touched values (1)",
    "insert into counted values (1)",
)
EFFECT = "create function f() returns int language plpgsql as $$ begin delete from other; return 1; end $$"


class Case(NamedTuple):
    """A script, the tables whose rows a backup before it holds, and why it is those of all (None: it isn't)."""

    name: str
    sql: str
    kept: str = ""
    why: str | None = None


CASES = [
    Case("cascade", "delete from users where id = 1", "items orders users"),
    Case("references", "update cities set id = id + 10", "cities countries"),
    Case("odd", f"update {ODD} set id = 2", ODD),
    Case("trigger", "delete from audited", why="trigger audits of audited may change any table"),
    Case("touched", "update touched set id = 2", "touched"),
    Case(
        "passing_trigger",
        "create trigger t after update on other for each row execute function note_it();"
        " update other set id = 2; drop trigger t on other",
        why="a trigger or rule of other that next-1700000000-cases.sql creates may change any table",
    ),
    Case("defined", "create index on users (name); alter table notes add foreign key (id) references countries"),
    Case("outside", "create index concurrently on users (name); update other set id = 2", "other"),
    Case("altered", "alter table audited add x int", "audited"),
    Case("parts", "update events set at = at + 1", "events_1 events_2"),
    Case("part", "drop table events_1", "events_1"),
    Case("routed", "insert into events select id from users", "events_1 events_2"),
    Case("heir", "update base set id = 3", "base heir"),
    Case("default", "insert into counted (v) select id from users", why="function next_number, called by a default, a"),
    Case(
        "called",
        "select next_number() from users",
        why="next-1700000000-cases.sql calls function next_number, which may",
    ),
    Case("view", "create table more as select * from numbered", why="function next_number, called by numbered may"),
    Case("block", "do $$ begin delete from other; end $$", why="cases.sql runs DO or CALL"),
    Case("nothing", "create table more (id int primary key)"),
    Case("truncated", "truncate users cascade", "items notes orders users"),
    Case(
        "new_key",
        "alter table other add user_id int references users on delete cascade; delete from users where id = 1",
        "items orders other users",
    ),
    Case(
        "new_function",
        f"{EFFECT}; select f() from users; drop function f()",
        why="next-1700000000-cases.sql calls function f, which",
    ),
    Case(
        "new_table",
        "create table more (id int); create trigger t after insert on more for each row execute function note_it();"
        " insert into more select id from users",
        why="trigger t of more may change any table",
    ),
    Case(
        "renamed",
        "alter table other rename to another; create trigger t after update on another for each row"
        " execute function note_it(); update another set id = 2",
        why="trigger t of other may change any table",
    ),
    Case(
        "rule",
        "create rule r as on insert to other do also delete from items; insert into other values (3)",
        why="rule r of other may",
    ),
    Case("moved", "with gone as (delete from other returning id) insert into audit select id from gone", "audit other"),
    Case("seen", "refresh materialized view picture"),
    Case("event_trigger", "update other set id = 2", why="event trigger alarm may change any table"),
]


@pytest.fixture
def other(server_url: str) -> Iterator[Database]:
    """An empty database to restore into."""
    with temporary_database(server_url) as found:
        yield found


def rows(database: Database) -> dict[str, object]:
    """The rows of each table."""
    query = "select format('%I.%I', schemaname, tablename), quote_ident(tablename) from pg_tables where"
    tables = database.rows(f"{query} schemaname = 'public' and tablename !~ '^sartor' and tablename <> 'events'")
    found = database.answers(*(f"select * from only {name} order by 1" for _, name in tables))
    return {full: held for (full, _), held in zip(tables, found, strict=True)}


def deploy(database: Database, folder: Folder, backups: Path) -> tuple[Backup, str | None]:
    """Deploy with a backup of the affected tables: that backup, and why it holds all of them."""
    notes: list[str] = []

    def heard(event: RunEvent) -> None:
        if isinstance(event, Note) and event.text.startswith("the backup holds the rows of all tables: "):
            notes.append(event.text.partition(": ")[2])

    sources = [sartor.LineageSource(name="main", location=str(folder.path))]
    destination = Destination.parse(database.url)
    report = asyncio.run(
        sartor.deploy(destination, sources, "next", backup=str(backups), affected=True, observer=heard)
    )
    assert report.backup is not None
    return report.backup, notes[0] if notes else None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_a_run_changes_is_kept(case: Case, database: Database, other: Database, tmp_path: Path) -> None:
    """A table whose rows change has those of before in the archive, which restores; the others come back empty."""
    folder = Folder(tmp_path / "alterations")
    database.run(*LIBRARY)
    if case.name == "event_trigger":
        database.run(
            "create function alarm() returns event_trigger language plpgsql as $$ begin end $$",
            "create event trigger alarm on ddl_command_start execute function alarm()",
        )
    off = "-- sartor: transaction off\n" if "concurrently" in case.sql else ""
    folder.write("next-1700000000-cases.sql", f"{off}-- sartor: up\n{case.sql};\n")
    before = rows(database)
    made, why = deploy(database, folder, tmp_path)
    after = rows(database)
    if case.why is not None:
        assert (made.tables, made.left_out) == (None, ())
        assert case.why in str(why)
        return
    assert why is None
    assert made.tables == tuple(sorted(name if "." in name else f"public.{name}" for name in split(case.kept)))
    assert {*made.left_out} == {*before, "public.picture"} - {*made.tables}
    assert {name for name in before if before[name] != after.get(name)} <= {*made.tables}
    restored = asyncio.run(sartor.restore(other.url, made.file))
    # A materialized view that comes back empty isn't a table without its rows: it is told apart, with its REFRESH.
    assert {*restored.left_out} == {*made.left_out} - {"public.picture"}
    assert rows(other) == {name: before[name] if name in made.tables else [] for name in before}
    assert not other.rows("select 1 from pg_constraint where not convalidated")


def split(kept: str) -> list[str]:
    return [kept] if kept == ODD else kept.split()
