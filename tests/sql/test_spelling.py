"""Definitions that Postgres spells in two ways; a server's own spellings are compared in the tests of fingerprints."""

from __future__ import annotations

import pytest

from sartor.sql.spelling import DEEPEST, plain, plain_dump


@pytest.mark.parametrize(
    ("definition", "spelt"),
    [
        ("((a AND b) AND c)", "(a AND b AND c)"),
        ("(((a AND b) AND c) AND d)", "(a AND b AND c AND d)"),
        ("((a OR b) OR (c AND d))", "(a OR b OR (c AND d))"),
        ("((a AND (b OR c)) AND d)", "(a AND (b OR c) AND d)"),
        ("((f(a) AND b) AND c)", "(f(a) AND b AND c)"),
        ("((a AND b) AND c) OR ((d OR e) OR f)", "(a AND b AND c) OR (d OR e OR f)"),
        ('("A AND" AND (("x" AND y) AND z))', '("A AND" AND ("x" AND y AND z))'),
        ("((a AND b) AND c AND d)", "(a AND b AND c AND d)"),
        ("g(((a OR b) OR c), ((d AND e) AND f))", "g((a OR b OR c), (d AND e AND f))"),
    ],
)
def test_words_between_conditions(definition: str, spelt: str) -> None:
    """The parentheses around a left operand of the same word are left out, at any depth."""
    assert plain("constraint", definition) == spelt


@pytest.mark.parametrize(
    ("definition", "spelt"),
    [
        (
            "((a)::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[]))",
            "((a)::text = ANY (ARRAY[('x'::character varying)::text, ('y'::character varying)::text]))",
        ),
        (
            "(ARRAY['a', ARRAY['b', 'c']])::integer[]",
            "ARRAY[('a')::integer, ARRAY[('b')::integer, ('c')::integer]]",
        ),
        ("(ARRAY[1 + 2, a])::numeric(10,2)[]", "ARRAY[(1 + 2)::numeric(10,2), (a)::numeric(10,2)]"),
        ("ARRAY[a, (b + 1)], ((c))", "ARRAY[a, (b + 1)], ((c))"),
        ("ARRAY[a, b + 1]::text[]", "ARRAY[a::text, (b + 1)::text]"),
        ("ARRAY[a, ARRAY[b - 1, c]]::text[] x", "ARRAY[a::text, ARRAY[(b - 1)::text, c::text]] x"),
        ("(ARRAY['x'::d])::\"S s\".t[] COLLATE c", "ARRAY[('x'::d)::\"S s\".t] COLLATE c"),
        ("(ARRAY[a])::timestamp(3) with time zone[] y", "ARRAY[(a)::timestamp(3) with time zone] y"),
        ("(ARRAY[((a AND b) AND c)])::boolean[]", "ARRAY[((a AND b AND c))::boolean]"),
        ("f((ARRAY[a])::text[], (ARRAY[b])::text[])", "f(ARRAY[(a)::text], ARRAY[(b)::text])"),
    ],
)
def test_arrays_that_are_cast(definition: str, spelt: str) -> None:
    """A cast of an array stands at each of its elements, also in an array of arrays."""
    assert plain("constraint", definition) == spelt
    assert plain("constraint", spelt) == spelt


def test_a_default_in_a_text_is_a_text() -> None:
    """No default is left out where the words stand in a literal."""
    definition = "text default 'a default NULL::text storage'::text storage plain"
    assert plain("column", definition) == definition
    assert plain("column", "text default NULL::text storage plain") == "text storage plain"


def test_names_that_the_server_chose() -> None:
    """A dump's NOT NULL constraint is the same under any name that the server chooses, and not under another's."""
    line = "CREATE TABLE t (\n    a integer DEFAULT 1 CONSTRAINT {} NOT NULL,\n    b text NOT NULL\n);"
    same = "CREATE TABLE t (\n    a integer DEFAULT 1 NOT NULL,\n    b text NOT NULL\n);"
    for name in ("t_a_not_null", "other_a_not_null12", '"T ""t""_a_not_null"'):
        assert plain_dump(line.format(name)) == same
    assert plain_dump(line.format("filled")) == line.format("filled")


@pytest.mark.parametrize(
    "definition",
    [
        "",
        "a AND b",
        "((a OR b) AND c)",
        "(a AND (b AND c))",
        "(((a OR b)) OR c)",
        "((a AND b OR c) AND d)",
        "((a AND b OR c) OR d)",
        "([a AND b] AND c)",
        "f(((a AND b)))",
        "('((a AND b) AND c)')",
        "(E'\\'((a AND b) AND c)')",
        '("((a AND b) AND c)")',
        "($$((a AND b) AND c)$$)",
        "((a AND b) AND c",
        "(ARRAY[])::text[]",
        "(b, ARRAY['x'])::text[]",
        "(ARRAY['x'])::text",
        "(ARRAY['x'] || b)::text[]",
        "ARRAY['x', ((b))]",
    ],
)
def test_what_is_spelt_in_one_way_stays(definition: str) -> None:
    """Parentheses that mean something stay, and so does what is quoted, or isn't well formed."""
    assert plain("constraint", definition) == definition


def test_what_is_too_deep_stays() -> None:
    """Brackets deeper than anybody writes are left alone; up to there, all are looked at."""
    inner = "((a AND b) AND c)"
    for depth, spelt in ((DEEPEST - 2, "(a AND b AND c)"), (DEEPEST - 1, inner)):
        assert plain("constraint", "(" * depth + inner + ")" * depth) == "(" * depth + spelt + ")" * depth


@pytest.mark.parametrize(
    ("kind", "definition", "spelt"),
    [
        ("column", "text default NULL::character varying", "text"),
        ("column", "text not null default NULL::text storage main", "text not null storage main"),
        ("column", "numeric(10,2) default NULL::numeric", "numeric(10,2)"),
        ("column", "integer default NULL::integer stored", "integer default NULL::integer stored"),
        ("column", "s.t default NULL::s.t", "s.t default NULL::s.t"),
        ("column", "text default NULL::text || 'x'", "text default NULL::text || 'x'"),
        ("table", "text default NULL::text", "text default NULL::text"),
    ],
)
def test_a_default_that_is_none(kind: str, definition: str, spelt: str) -> None:
    """A column's default that is null is no default, unless it is a domain's."""
    assert plain(kind, definition) == spelt


def test_a_dump() -> None:
    """The same is left out of a dump, and its conditions are spelt alike."""
    dumped = (
        "CREATE TABLE t (\n    a text DEFAULT NULL::text,\n    b integer DEFAULT NULL NOT NULL,\n"
        "    \"C c\" numeric(1,2) COLLATE x DEFAULT NULL,\n    d s.t DEFAULT NULL::s.t,\n    e text DEFAULT 'x',\n"
        "    CHECK (((a AND b) AND c))\n);\n"
    )
    assert plain_dump(dumped) == (
        "CREATE TABLE t (\n    a text,\n    b integer NOT NULL,\n"
        "    \"C c\" numeric(1,2) COLLATE x,\n    d s.t DEFAULT NULL::s.t,\n    e text DEFAULT 'x',\n"
        "    CHECK ((a AND b AND c))\n);\n"
    )
