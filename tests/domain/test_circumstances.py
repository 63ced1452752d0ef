"""Doubts about what a statement did on a clone that lacks something."""

from __future__ import annotations

import pytest

from sartor.domain.hazards.circumstances import Gap, in_view_of, in_view_of_rows
from sartor.domain.hazards.hazard import Lock, Refusal, RehearsedStatement

MODE = "AccessShareLock"


def statement(sql: str = "x", *refusals: Refusal, scans: tuple[str, ...] = ()) -> RehearsedStatement:
    return RehearsedStatement(sql=sql, line=1, refusals=refusals, scans=scans, doubts=("before",))


def test_rows_that_may_refuse() -> None:
    """Where tables with rows were checked, their rows may refuse the statement: each code once, with its tables."""
    found = statement("x", Refusal("t", "23502"), Refusal("u", "23502"), Refusal("t", "23502"), Refusal("v", "23514"))
    assert in_view_of_rows(found, {"t", "u"}).doubts == (
        "before",
        "the rows of t, u may violate it (SQLSTATE 23502), and the clone has no rows",
    )
    assert in_view_of_rows(found, {"v"}).doubts[1:] == (
        "the rows of v may violate it (SQLSTATE 23514), and the clone has no rows",
    )
    assert in_view_of_rows(found, set()) == found


@pytest.mark.parametrize(("sql", "told"), [("ALTER domain d set not null", True), ("alter table t add a d", False)])
def test_a_domain(sql: str, told: bool) -> None:
    """A change of a domain is checked on the rows of every table that has it."""
    doubts = in_view_of_rows(statement(sql, scans=("t", "u")), {"u"}).doubts
    said = "the rows of u may violate it (SQLSTATE 23502 or 23514), and the clone has no rows"
    assert doubts == (("before", said) if told else ("before",))


TOUCHING = RehearsedStatement(
    sql="select F from Other",
    line=1,
    locks=(Lock("locked", MODE),),
    held=(Lock("held", MODE),),
    scans=("scanned",),
    writes=("written",),
)


@pytest.mark.parametrize("relation", [None, "locked", "held", "scanned", "written", "other", "s.Other", "f"])
def test_a_lack_that_concerns(relation: str | None) -> None:
    """A lack concerns a statement that touches its relation or names it; one of no relation concerns all."""
    assert in_view_of(TOUCHING, [Gap("index i", relation)]).doubts == ("the clone lacks index i",)


@pytest.mark.parametrize("gap", [Gap("x", "elsewhere"), Gap("x", "other_f"), Gap("x", "locked", word="g")])
def test_a_lack_that_does_not_concern(gap: Gap) -> None:
    """Another relation's lack says nothing; a lack with a word concerns only statements that say it."""
    assert in_view_of(TOUCHING, [gap]).doubts == ()


def test_lacks_are_told_once() -> None:
    """Each lack is told once, in order, behind the doubts that were there."""
    gaps = [Gap("a", "locked"), Gap("b", None, word="F"), Gap("a", "held"), Gap("c", "no")]
    assert in_view_of(statement("select f"), gaps[1:]).doubts == ("before", "the clone lacks b")
    assert in_view_of(TOUCHING, gaps).doubts == ("the clone lacks a", "the clone lacks b")


def test_a_name_of_several_words() -> None:
    """A name counts where all its words are in the statement."""
    found = statement('select * from "order items"')
    assert in_view_of(found, [Gap("a", 's."Order items"')]).doubts[1:] == ("the clone lacks a",)
    assert in_view_of(found, [Gap("a", 's."order lines"')]).doubts[1:] == ()
