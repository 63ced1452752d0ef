"""What a change of a table's form refuses, drops or cuts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.domain.hazards.hazard import Lost, Refusal
from sartor.domain.hazards.table_form import Column, Demand, Form, cuts, lost, refusals, widens

A = Column("a", "integer", not_null=False, filled=False)
B = Column("b", "text", not_null=True, filled=False)
CHECK = Demand(1, "c")
PLAIN = Form({1: A, 2: B}, {"check": CHECK}, is_part=False)

TYPES = [
    *("smallint", "integer", "bigint", "numeric", "numeric(5,2)", "numeric(9,4)", "real", "double precision"),
    *("text", "citext", "name", "character varying", "character varying(5)", "character(3)", "boolean", "uuid"),
    *("date", "timestamp without time zone", "timestamp(3) with time zone", "time without time zone", "interval"),
    *("time with time zone", "interval(2)", "json", "jsonb", "inet", "cidr", "geometry(Point,4326)", "integer[]"),
]


DEFAULT = PLAIN._replace(is_part=True, partitions=2)
TIME = PLAIN._replace(columns={1: A._replace(type="timestamp(3) with time zone")})


def found(after: Form, before: Form = PLAIN) -> list[str]:
    """The codes of the errors that rows may raise."""
    checks = list(refusals("t", before, after))
    assert {check.table for check in checks} <= {"t"}
    return [check.code for check in checks]


@pytest.mark.parametrize(
    ("after", "codes"),
    [
        (PLAIN, []),
        (PLAIN._replace(demands={}), []),
        (PLAIN._replace(demands={"check": CHECK, "key": Demand(2, "p")}), ["23505"]),
        (PLAIN._replace(demands={"check": CHECK, "f": Demand(2, "f"), "x": Demand(3, "x")}), ["23503", "23P01"]),
        (PLAIN._replace(demands={"check": Demand(7, "c")}), ["23514"]),
        (PLAIN._replace(demands={"renamed": CHECK}), []),
        (PLAIN._replace(is_part=True), ["23514"]),
        (PLAIN._replace(columns={1: A._replace(not_null=True), 2: B}), ["23502"]),
        (PLAIN._replace(columns={1: A, 2: B._replace(not_null=False)}), []),
        (PLAIN._replace(columns={1: A, 2: B, 3: A._replace(not_null=True)}), ["23502"]),
        (PLAIN._replace(columns={1: A, 2: B, 3: A._replace(not_null=True, filled=True)}), []),
        (PLAIN._replace(columns={1: A, 2: B, 3: A._replace(filled=True)}), []),
        (PLAIN._replace(columns={1: A._replace(type="smallint"), 2: B}), ["22001, 22003 or 22P02"]),
        (PLAIN._replace(columns={1: A._replace(type="bigint"), 2: B}), []),
        (PLAIN._replace(columns={1: A}), []),
        # A changed type builds the constraints on it anew, under another number.
        (Form({1: A._replace(type="bigint"), 2: B}, {"check": Demand(7, "c")}, is_part=False), []),
        (Form({2: B}, {"check": Demand(7, "c")}, is_part=False), ["23514"]),
    ],
)
def test_what_rows_may_refuse(after: Form, codes: list[str]) -> None:
    """New demands on rows, and types that don't hold all values, are checks that rows may fail."""
    assert found(after) == codes


def test_a_part_stays_one() -> None:
    """A partition's bounds are checked where it becomes one, and no more."""
    part = PLAIN._replace(is_part=True)
    assert (found(part, part), found(PLAIN, part)) == ([], [])


@pytest.mark.parametrize(
    ("type_", "recast", "how"),
    [
        ("integer", {}, None),
        ("bigint", {}, None),
        ("bigint", {"a": True}, None),
        ("bigint", {"a": False}, "cuts"),
        ("smallint", {}, None),
        ("smallint", {"a": True}, "cuts"),
        ("real", {}, "cuts"),
        (None, {}, "drops"),
        (None, {"a": True}, "drops"),
    ],
)
def test_what_is_lost(type_: str | None, recast: dict[str, bool], how: str | None) -> None:
    """A dropped column is lost; values are cut where an assignment or a cast may make others of them silently."""
    after = PLAIN._replace(columns={1: A._replace(type=type_), 2: B} if type_ else {2: B})
    assert list(lost("t", PLAIN, after, recast)) == ([Lost(how, "t", "a")] if how else [])


def test_every_column_is_looked_at() -> None:
    """A dropped column hides nothing of the others."""
    after = PLAIN._replace(columns={2: B._replace(name="c", type="date")})
    assert list(lost("t", PLAIN, after, {"c": False})) == [Lost("drops", "t", "a"), Lost("cuts", "t", "b")]
    assert list(refusals("t", PLAIN, after)) == [Refusal("t", "22001, 22003 or 22P02")]


@pytest.mark.parametrize(
    ("old", "new", "wider", "cut"),
    [
        ("smallint", "integer", True, False),
        ("bigint", "integer", False, False),
        ("integer", "numeric", True, False),
        ("integer", "numeric(5,2)", False, False),
        ("numeric", "bigint", False, True),
        ("numeric", "numeric(5,2)", False, True),
        ("numeric(5,2)", "numeric", True, False),
        ("numeric(5,2)", "numeric(6,3)", True, False),
        ("numeric(5,2)", "numeric(5,2)", True, False),
        ("numeric(5,2)", "numeric(6,2)", True, False),
        ("numeric(5,2)", "numeric(5,3)", False, True),
        ("numeric(5,2)", "numeric(6,1)", False, True),
        ("numeric(5)", "numeric(5,0)", True, False),
        ("numeric(5,1)", "numeric(9)", False, True),
        ("numeric(5,-2)", "numeric(7,0)", True, False),
        ("integer", "real", False, True),
        ("smallint", "real", True, False),
        ("bigint", "double precision", False, True),
        ("integer", "double precision", True, False),
        ("real", "double precision", True, False),
        ("double precision", "real", False, True),
        ("real", "integer", False, True),
        ("numeric", "double precision", False, True),
        ("character varying(5)", "text", True, False),
        ("uuid", "text", True, False),
        ("uuid", "citext", True, False),
        ("text", "character varying", True, False),
        ("text", "character varying(5)", False, False),
        ("character varying(5)", "character varying(6)", True, False),
        ("character varying(6)", "character varying(5)", False, False),
        ("character(3)", "character varying(3)", True, False),
        ("name", "character", True, False),
        ("uuid", "character varying", False, False),
        ("text", "name", False, False),
        ("timestamp(3) without time zone", "timestamp without time zone", True, False),
        ("timestamp without time zone", "timestamp(3) without time zone", False, True),
        ("timestamp(3) with time zone", "timestamp(4) with time zone", True, False),
        ("timestamp without time zone", "timestamp with time zone", True, False),
        ("timestamp without time zone", "timestamp(3) with time zone", False, True),
        ("timestamp without time zone", "date", False, True),
        ("date", "timestamp without time zone", True, False),
        ("date", "timestamp(0) without time zone", False, False),
        ("interval", "interval(2)", False, True),
        ("interval(2)", "interval", True, False),
        ("time without time zone", "interval", True, False),
        ("interval", "time without time zone", False, True),
        ("time with time zone", "time without time zone", False, True),
        ("json", "jsonb", True, False),
        ("cidr", "inet", True, False),
        ("inet", "cidr", False, True),
        ("text", "integer", False, False),
        ("geometry(Point,4326)", "geometry(Point,4326)", True, False),
        ("geometry(Point,4326)", "geometry(Point,3857)", False, False),
        ("integer[]", "bigint[]", False, False),
    ],
)
def test_types(old: str, new: str, *, wider: bool, cut: bool) -> None:
    """One type holds all values of another, or an assignment may change a value without an error, or it may fail."""
    assert (widens(old, new), cuts(old, new)) == (wider, cut)


@given(st.sampled_from(TYPES), st.sampled_from(TYPES))
def test_what_widens_cuts_nothing(old: str, new: str) -> None:
    """A type that holds every value changes none; and each type holds its own."""
    assert not (widens(old, new) and cuts(old, new))
    assert widens(old, old)
    assert widens(old, "text")


def test_a_default_partition() -> None:
    """Rows of a default partition may belong to a partition that is new; not to one that goes."""
    assert found(DEFAULT._replace(partitions=3), DEFAULT) == ["23514"]
    assert found(DEFAULT._replace(partitions=1), DEFAULT) == []


def test_times_are_rounded() -> None:
    """A time or a date is rounded or cut to fit another type of times, and never refused."""
    for other in ("timestamp(0) without time zone", "date", "time with time zone"):
        assert found(TIME._replace(columns={1: A._replace(type=other)}), TIME) == []
    assert found(TIME._replace(columns={1: A._replace(type="integer")}), TIME) == ["22001, 22003 or 22P02"]
