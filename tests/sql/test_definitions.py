"""What a statement defines for a table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.sql.definitions import Column, Key, definitions
from sartor.sql.splitting import split
from sartor.sql.statements import Statement

B = Column("a", "b", "int")
UNIQUE, FOREIGN = Key("unique", "a", ("b",)), Key("foreign key", "a", ("b",))
WORDS = ["create", "table", "index", "alter", "add", "column", "on", "using", "a", "primary", "key", *",();.", '"y"']


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("create table s.a (b int not null default (1 + 2), check (b > 0))", [B]),
        ('create temp table "A" ("B b" pg_catalog.numeric(3, 2) primary key)', [
            Column("A", "B b", "numeric"), Key("primary key", "A", ("B b",)),
        ]),
        ("create table a (b int references p (id) unique)", [B, UNIQUE, FOREIGN]),
        ("create table a (constraint k primary key (b, c), foreign key (c) references p)", [
            Key("primary key", "a", ("b", "c")), Key("foreign key", "a", ("c",)),
        ]),
        ("create table a (like p including all, exclude using gist (b with =))", []),
        ("create table a partition of p for values in (1)", []),
        ("create table a as select f(b) from p", []),
        ("alter table only a add column if not exists b int, drop column c, add unique (b)", [B, UNIQUE]),
        ("alter table a alter b type int using (b::int), add unique using index i", [Key("unique", "a", ())]),
        ("create index on a (b, lower(c), d)", [Key("index", "a", ("b",))]),
        ("create unique index concurrently i on only s.a using hash (b desc)", [Key("index", "a", ("b",), "hash")]),
        ("create index i on a using", [Key("index", "a", ())]),
        ("create view a as select 1 b", []),
        ("alter index i rename to j", []),
    ],
)  # fmt: skip
def test_definitions(sql: str, found: list[Column | Key]) -> None:
    """Columns with their types, and keys and indexes with the plain columns that they begin with."""
    assert list(definitions(Statement(sql))) == found


@given(st.lists(st.sampled_from(WORDS)))
def test_any_words(words: list[str]) -> None:
    """Whatever the words, it is told without an error."""
    for statement in split(" ".join(words)):
        list(definitions(statement))
