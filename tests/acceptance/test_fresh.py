"""`fresh`: all that the schema holds goes, nothing else does, and everything is deployed again."""

from __future__ import annotations

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder

CONTENTS = """
    create table parent (id int primary key, note text);
    create table child (id serial primary key, parent_id int references parent, "Odd ""name" text);
    create table parts (id int) partition by range (id);
    create table part_1 partition of parts for values from (0) to (10);
    create unlogged table scratch (id int generated always as identity);
    create view seen as select * from parent;
    create materialized view counted as select count(*) from seen;
    create sequence numbers;
    create type mood as enum ('sad', 'happy');
    create type pair as (a int, b mood);
    create type span as range (subtype = float8);
    create domain positive as int check (value > 0);
    create table typed (m mood, p pair, s span, d positive);
    create function twice(i int) returns int language sql as 'select i * 2';
    create function twice(t text) returns text language sql as 'select t || t';
    create procedure nothing() language sql as 'select 1';
    create function wake() returns trigger language plpgsql as 'begin return new; end';
    create trigger waking before insert on parent for each row execute function wake();
    create aggregate product(int) (sfunc = int4mul, stype = int, initcond = 1);
    create aggregate lines(*) (sfunc = int8inc, stype = int8, initcond = '0');
    create operator === (leftarg = text, rightarg = text, function = texteq);
    create operator family odd_family using btree;
    create collation plain from "C";
    create text search dictionary words (template = simple);
    create text search configuration plain (copy = simple);
    create policy mine on parent using (true);
    create rule silent as on delete to child do instead nothing;
    create statistics parent_stats (dependencies) on id, note from parent;
"""

HELD = """
    select pg_describe_object(classid, objid, 0) from (
        select 'pg_class'::regclass as classid, oid as objid, relnamespace as space from pg_class
        union all select 'pg_proc'::regclass, oid, pronamespace from pg_proc
        union all select 'pg_type'::regclass, oid, typnamespace from pg_type
        union all select 'pg_operator'::regclass, oid, oprnamespace from pg_operator
        union all select 'pg_opfamily'::regclass, oid, opfnamespace from pg_opfamily
        union all select 'pg_collation'::regclass, oid, collnamespace from pg_collation
        union all select 'pg_ts_config'::regclass, oid, cfgnamespace from pg_ts_config
        union all select 'pg_ts_dict'::regclass, oid, dictnamespace from pg_ts_dict
        union all select 'pg_statistic_ext'::regclass, oid, stxnamespace from pg_statistic_ext
    ) all_of_them where space = 'public'::regnamespace
    order by 1
"""
"""All that stands in `public`."""


@pytest.fixture(autouse=True)
def _shipped(folder: Folder) -> None:
    folder.table("1.0.0-1700000000-a.py")


def test_everything_in_the_schema_goes(sartor: Command, database: Database) -> None:
    """Whatever kinds of objects a schema holds, what is there afterwards is what the alterations make, no more."""
    sartor("deploy", "next")
    right = database.rows(HELD)
    database.run(CONTENTS)
    assert len(database.rows(HELD)) > len(right) + 25
    sartor("fresh", "--yes")
    assert database.rows(HELD) == right


def test_what_was_deployed_is_deployed_again(sartor: Command, folder: Folder, database: Database) -> None:
    """Rows and ledger start over, up to the target; by default that is `next`."""
    folder.table("next-1700000001-b.py")
    sartor("deploy", "next")
    database.run("insert into a values (1)")
    done = sartor("fresh", "--yes")
    assert "Deployed 2 alterations" in done.out
    assert "note: dropped all " in done.err
    assert database.value("select count(*) from a") == 0
    sartor("fresh", "latest", "--yes")
    assert database.tables() == {"a"}
    assert [row[0] for row in database.rows("select kind from sartor_journal order by seq")] == ["created", "deployed"]


def test_an_empty_database(sartor: Command, database: Database) -> None:
    """Where nothing is to be dropped, and not even the schema is there, it deploys."""
    sartor("fresh", "--yes", "--schema", "shop")
    assert database.tables("shop") == {"a"}


def test_extensions_stay(sartor: Command, database: Database) -> None:
    """An extension, and what belongs to it, isn't the schema's to drop."""
    if not database.rows("select 1 from pg_available_extensions where name = 'citext'"):
        pytest.skip("this server has no citext")
    database.run("create extension citext", "create table b (name citext)")
    extension = "(select oid from pg_extension where extname = 'citext')"
    members = f"select count(*) from pg_depend where deptype = 'e' and refobjid = {extension}"
    before = database.value(members)
    sartor("fresh", "--yes")
    assert database.tables() == {"a"}
    assert database.value(members) == before
    assert database.value("select 'A'::citext = 'a'::citext") is True


def test_other_schemas_stay(sartor: Command, database: Database) -> None:
    """Only the destination's schema is emptied; what refers to others from here is no reason to stop."""
    database.run(
        "create schema other",
        "create table other.parent (id int primary key)",
        "create type other.mood as enum ('sad')",
        "create table child (id int references other.parent, m other.mood)",
        "create view seen as select * from other.parent",
    )
    sartor("fresh", "--yes")
    assert database.tables("other") == {"parent"}


OTHERS = {
    "create view other.seen as select * from public.parent": "view other.seen",
    "create materialized view other.kept as select * from public.parent": "materialized view other.kept",
    "create table other.child (id int references public.parent)": "table constraint child_id_fkey on other.child",
    "create table other.felt (m public.mood)": "table column other.felt.m",
    "create table other.felt (m text default public.twice(1))": "default value for other.felt.m",
    "create table other.felt (m int check (public.twice(m) > 1))": "table constraint felt_m_check on other.felt",
    "create domain other.odd as int check (public.twice(value) > 1)": "domain constraint odd_check on other.odd",
    "create domain other.mine as public.mood": "type other.mine",
    "create table other.part partition of public.parts for values from (90) to (99)": "table other.part",
    "create table other.heir () inherits (public.parent)": "table other.heir",
    "create table other.t (id int); create index i on other.t (public.twice(id))": "index other.i",
    "create table other.t (id int);"
    " create policy p on other.t using (id in (select id from public.parent))": "policy p on other.t",
    "create table other.t (id int);"
    " create rule r as on insert to other.t do also delete from public.parent": "rule r on other.t",
    "create table other.t (id int); create trigger w before insert on other.t"
    " for each row execute function public.wake()": "trigger w on other.t",
    "create function other.f(public.mood) returns int language sql as 'select 1'": "function other.f(public.mood)",
    "create function other.f() returns int language sql begin atomic select id from public.parent; end":
        "function other.f()",
}  # fmt: skip


@pytest.mark.parametrize(("there", "named"), OTHERS.items(), ids=list(OTHERS.values()))
def test_what_hangs_on_it_from_outside(sartor: Command, database: Database, there: str, named: str) -> None:
    """Whatever of another schema would go as well is named, and nothing is dropped."""
    database.run(CONTENTS, "create schema other", there)
    before = database.tables()
    done = sartor("fresh", "--yes", expect=2)
    assert f"objects outside schema public would be dropped too: {named}; nothing was dropped" in done.err.replace(
        f"view other.{named.rpartition('.')[2]}, ", ""
    )
    assert database.tables() == before


def test_grants_on_the_schema_stay(sartor: Command, database: Database) -> None:
    """The schema isn't made anew: its owner, its grants and its comment stay."""
    acl = "select nspacl::text, nspowner::text, obj_description(oid) from pg_namespace where nspname = 'public'"
    database.run("grant usage on schema public to pg_monitor", "comment on schema public is 'the shop'")
    before = database.rows(acl)
    sartor("fresh", "--yes")
    assert database.rows(acl) == before
    assert "pg_monitor" in before[0][0]


@pytest.mark.parametrize("text", ["async def up(conn:\n", "def up(conn): ...\n", "import no_such_module\n", ""])
def test_broken_scripts_are_found_first(sartor: Command, folder: Folder, database: Database, text: str) -> None:
    """Nothing is dropped where the scripts couldn't be deployed afterwards."""
    database.run("create table precious (id int)")
    folder.write("2.0.0-1700000001-broken.py", text)
    done = sartor("fresh", "--yes", expect=1)
    assert "2.0.0-1700000001-broken.py" in done.err
    assert database.tables() == {"precious"}


def test_a_target_that_is_none_is_found_first(sartor: Command, database: Database) -> None:
    """So is a target that can't be one, and a folder that can't be read."""
    database.run("create table precious (id int)")
    sartor("fresh", "one", "--yes", expect=2)
    sartor("fresh", "--yes", "--alterations", "nowhere", expect=2)
    assert database.tables() == {"precious"}
