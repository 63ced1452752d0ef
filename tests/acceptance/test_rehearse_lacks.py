"""`rehearse` on a clone that isn't all that the destination is."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder
from support.roles import temporary_role
from support.shapes import check

BASE = """
    create function n(text) returns text language sql immutable as $$ select lower($1) $$;
    create function nn(text) returns text language sql immutable as $$ select lower($1) $$;
    create table t (a varchar(20), b int);
    create table other (a varchar(20));
"""
WITHOUT_PATH = """
    create or replace function nn(text) returns text language sql immutable as $$ select n($1) $$;
"""
"""A function that a dump's empty search path keeps from running; set last, as Postgres 17 itself sets such a path."""
WIDER = """
    -- sartor: up
    alter table t alter column a type text;
"""


def rehearse(sartor: Command, *arguments: str, expect: int = 0) -> Any:
    return check(sartor("rehearse", *arguments, "--json", expect=expect), "rehearse")


@pytest.mark.parametrize(
    ("made", "what", "up"),
    [
        ("create index i on t (nn(a))", "index i of t", "alter table t alter column a type text"),
        ("create unique index i on t (b) where nn(a) = 'x'", "index i of t", "alter table t add column c int"),
        (
            "create materialized view m as select nn(b::text) from t",
            "the rows of materialized view m",
            "create index on m (nn)",
        ),
    ],
)
def test_what_couldnt_be_made(
    sartor: Command, folder: Folder, database: Database, made: str, what: str, up: str
) -> None:
    """What the clone lacks is named, and a statement that touches what it is of is in doubt: no gate lets it pass."""
    folder.write("next-1700000001-more.sql", f"-- sartor: up\n{up};")
    database.run(BASE, made, WITHOUT_PATH)
    found = rehearse(sartor)
    (told,) = found["alterations"]
    assert any(note.startswith(f"the clone lacks {what}") for note in found["notes"])
    assert told["in_doubt"]
    assert told["statements"][0]["doubts"] == told["doubts"]
    assert told["doubts"][0].startswith(f"the clone lacks {what}")
    shown = sartor("rehearse", "--max-hazard", "rewrites", expect=1)
    assert f"    in doubt: the clone lacks {what}" in shown.out
    assert f"but in doubt: the clone lacks {what}" in shown.err
    assert rehearse(sartor, "--with-data")["alterations"][0]["in_doubt"]


def test_what_nothing_touches(sartor: Command, folder: Folder, database: Database) -> None:
    """What has nothing to do with what is lacking isn't in doubt; nor is anything where nothing is lacking."""
    folder.write("next-1700000001-other.sql", WIDER.replace("table t", "table other"))
    database.run(BASE)
    assert rehearse(sartor, "--max-hazard", "safe")["notes"] == []
    database.run("create index i on t (nn(a))", WITHOUT_PATH)
    found = rehearse(sartor, "--max-hazard", "safe")
    assert (len(found["notes"]), found["alterations"][0]["doubts"]) == (2, [])


def test_rows_that_werent_copied(sartor: Command, folder: Folder, database: Database) -> None:
    """A table whose rows the clone refuses is named and in doubt, and no note holds what stands in a row."""
    folder.write("next-1700000001-wider.sql", WIDER)
    database.run(BASE, "alter table t add check (nn(a) <> 'x')", "insert into t values ('secret', 4711)", WITHOUT_PATH)
    database.run("create table refused (a int)", "insert into refused values (4712)")
    found = rehearse(sartor, "--with-data")
    assert found["alterations"][0]["doubts"] == ["the clone lacks the rows of t"]
    assert found["notes"][0] == "the clone lacks the rows of t, which the destination has"
    assert not {"secret", "4711", "4712"} & {word for note in found["notes"] for word in re.findall(r"\w+", note)}
    sartor("rehearse", "--with-data", "--max-hazard", "rewrites", expect=1)


def test_what_belongs_to_no_relation(sartor: Command, folder: Folder, database: Database) -> None:
    """What another role's clone can't have, and what may concern any statement, puts each in doubt."""
    folder.write("next-1700000001-other.sql", WIDER.replace("table t", "table other"))
    database.run(
        BASE,
        "create function seen() returns event_trigger language plpgsql as $$ begin end $$",
        "create event trigger watching on ddl_command_end execute function seen()",
    )
    assert not rehearse(sartor)["alterations"][0]["in_doubt"]
    with temporary_role(database) as role:
        database.run(f"alter role {role.name} createdb; grant pg_read_all_data to {role.name}")
        database.run(f"grant create on schema public to {role.name}; alter table other owner to {role.name}")
        found = rehearse(sartor, "--db-url", role.url)
        assert found["alterations"][0]["doubts"] == ["the clone lacks event trigger watching"]


@pytest.mark.parametrize("of", ["database {0}", "role {1}", "role {1} in database {0}"])
def test_settings(sartor: Command, folder: Folder, database: Database, of: str) -> None:
    """What the database or the role has set for its sessions holds in the clone: it decides what a change comes to."""
    folder.write("next-1700000001-zone.sql", "-- sartor: up\nalter table moments alter column at type timestamptz;")
    with temporary_role(database) as role:
        database.run(f"alter role {role.name} createdb; grant pg_read_all_data to {role.name}")
        database.run(f"grant create on schema public to {role.name}; create table moments (at timestamp)")
        database.run(f"alter table moments owner to {role.name}")
        for zone, verdict in (("UTC", "safe"), ("Europe/Berlin", "rewrites")):
            place = of.format(database.name, role.name)
            database.run(f"alter {place} set timezone = '{zone}'", f"alter {place} set datestyle = 'SQL, DMY'")
            found = rehearse(sartor, "--db-url", role.url)
            assert (found["verdict"], found["notes"]) == (verdict, [])


def test_settings_of_another_server(sartor: Command, folder: Folder, database: Database) -> None:
    """What the destination's sessions begin with holds in a clone on another server, too."""
    folder.write("next-1700000001-zone.sql", "-- sartor: up\nalter table moments alter column at type timestamptz;")
    database.run("create table moments (at timestamp)")
    for zone, verdict in (("UTC", "safe"), ("Europe/Berlin", "rewrites")):
        url = f"{database.url}?options=-c%20timezone%3D{zone}"
        found = rehearse(sartor, "--db-url", url, "--scratch-url", database.url)
        assert (found["verdict"], found["notes"]) == (verdict, [])


def test_a_setting_of_ones_own(sartor: Command, folder: Folder, database: Database) -> None:
    """Such a one is there as well, blanks and quotes and all; where the role may not set it, it is named."""
    folder.write(
        "next-1700000001-own.sql",
        """-- sartor: up\ncreate table u as select 1 / (current_setting('app.x')
        = 'a, ''b')::int as one;""",
    )
    database.run(f"alter database {database.name} set app.x = 'a, ''b'")
    assert rehearse(sartor)["notes"] == []
    with temporary_role(database) as role:
        database.run(f"alter role {role.name} createdb; grant pg_read_all_data to {role.name}")
        database.run(f"grant create on schema public to {role.name}")
        found = rehearse(sartor, "--db-url", role.url, expect=1)
        assert found["notes"] == ["the clone lacks setting app.x, which the destination has"]
        assert found["alterations"][0]["in_doubt"]


def test_a_setting_is_text_alone(sartor: Command, folder: Folder, database: Database) -> None:
    """What a database's owner stored as a list of names is nothing that whoever rehearses runs as SQL."""
    folder.write("next-1700000001-own.sql", "-- sartor: up\ncreate table u (id int);")
    hostile = f"x;comment/**/on/**/database/**/{database.name}/**/is/**/'stored'"
    owner = replace(database, url=f"{database.url}?{urlencode({'temp_tablespaces': hostile})}")
    owner.run(f"alter database {database.name} set temp_tablespaces from current")
    rehearse(sartor)
    assert (
        database.value("select shobj_description(oid, 'pg_database') from pg_database where datname = $1", owner.name)
        is None
    )


@pytest.mark.parametrize(
    ("up", "refused"),
    [
        ("alter table t add column c int not null", True),
        ("alter table t add column c int not null default 1", False),
        ("alter table t alter column b set not null", True),
        ("alter table t add check (b > 0)", True),
        ("alter table t add check (b > 0) not valid", False),
        ("alter table t add unique (b)", True),
        ("create unique index on t (b)", True),
        ("create index on t (b)", False),
        ("alter table other add column c int not null", False),
        ("do $$ begin execute 'alter table t add check ' || '(b > 0)'; end $$", True),
        ("alter table t add column d int default 1, add column c int not null", True),
        ('alter table t add column "default" int not null', True),
        ("alter table t alter a type varchar(5)", True),
        ("alter table t alter b type bigint, add column c int", False),
        ("alter domain whole add check (value > 0)", True),
        ("alter table t drop constraint kept, add constraint kept check (b > 5)", True),
    ],
)
def test_rows_that_may_refuse(sartor: Command, folder: Folder, database: Database, up: str, *, refused: bool) -> None:
    """What rows may refuse isn't vouched for where there are rows that the clone hasn't."""
    folder.write("next-1700000001-more.sql", f"-- sartor: up\n{up};")
    database.run(BASE, "create domain whole as int; alter table t add w whole, add constraint kept check (b > -5)")
    database.run("create unique index one on t (b)", "insert into t (a) values ('a')")
    found = rehearse(sartor, "--max-hazard", "rewrites", expect=int(refused))
    (told,) = found["alterations"]
    assert [doubt.startswith("the rows of t may violate it (SQLSTATE 2") for doubt in told["doubts"]] == [
        True
    ] * refused
