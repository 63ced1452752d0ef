"""What lint says of a branch and its base."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sartor.alterations.revisions import Base
from sartor.domain.alteration import Lineage
from sartor.domain.release import Release
from sartor.linter.against import compare
from support.ledgers import alteration, lineage

A, B, C = "1.0.0-1-a.sql", "next-5-b.sql", "next-7-c.sql"


def made(*names: str) -> Lineage:
    """A lineage; `name=content` is a file of other content."""
    files = [name.partition("=") for name in names]
    shipped = lineage(*(name for name, _, _ in files))
    sums = {alteration(name).id: f"sha256:{content}" for name, _, content in files}
    return replace(shipped, alterations=tuple(a._replace(checksum=sums[a.id]) for a in shipped.alterations))


def found(here: list[str], fork: list[str], tip: list[str], *releases: str) -> list[tuple[str, str]]:
    """The codes and identities of the findings about a branch."""
    at_tip = replace(made(*tip), releases=tuple(map(Release.parse, releases)) or None)
    base = Base("main", made(*fork), at_tip)
    return [
        (each.rule.code, each.alteration.id if each.alteration else "")
        for each in compare(made(*here).alterations, base)
    ]


@pytest.mark.parametrize(
    ("here", "fork", "tip"),
    [
        ([A, B], [A, B], [A, B]),
        ([A, B, C], [A, B], [A, B]),
        ([A], [A, B], [A, B]),  # what isn't released may go
        ([A, "next-5-b.sql=edited"], [A, B], [A, B]),
        ([A, "1.1.0-5-b.sql"], [A, B], [A, B]),  # a release
        ([A, "1.1.0-5-b.sql"], [A, B], [A, B, C]),
        ([A, B], [A, B], [A, "1.1.0-5-b.sql"]),  # released there, and not merged yet
        ([A, B], [A, B], ["1.0.0-1-a.sql=edited", B]),  # not this branch's doing
        ([A, B], [A, B], [B]),
        ([A, "next-9-d.sql"], [A], [A, B, C]),
        ([A, B], [], [A, B]),  # merged in another way
        ([A, B], [], []),
    ],
)
def test_nothing_to_say(here: list[str], fork: list[str], tip: list[str]) -> None:
    """New alterations behind all others, edits of what isn't released, and a release are no findings."""
    assert found(here, fork, tip) == []


@pytest.mark.parametrize(
    ("here", "fork", "tip", "code", "identity"),
    [
        ([A, B], [A], [A, C], "SA501", "5-b"),
        ([A, B], [A], [A, "next-5.5-c.sql"], "SA501", "5-b"),
        ([A, "1.0.1-2-x.sql"], [A], [A, "1.1.0-5-b.sql"], "SA501", "2-x"),
        ([A, "1.0.1-5-b.sql"], [A, B], [A, B, "1.1.0-7-c.sql"], "SA501", "5-b"),
        (["1.0.0-1-a.sql=edited"], [A], [A], "SA502", "1-a"),
        ([A, "next-5-b.sql=edited"], [A, B], [A, "1.1.0-5-b.sql"], "SA502", "5-b"),
        ([B], [A, B], [A, B], "SA503", "1-a"),
        ([A], [A, B], [A, "1.1.0-5-b.sql"], "SA503", "5-b"),
        (["1.0.1-1-a.sql"], [A], [A], "SA503", "1-a"),
        (["next-1-a.sql"], [A], [A], "SA503", "1-a"),
        ([A, "1.2.0-5-b.sql"], [A, B], [A, "1.1.0-5-b.sql"], "SA503", "5-b"),
        ([A, B], [A], [A, "next-5-b.sql=other"], "SA504", "5-b"),
        ([A, B], [A], [A, "next-5-b.py"], "SA504", "5-b"),
        ([A, B], [A], [A, "1.1.0-5-b.sql"], "SA504", "5-b"),
        ([A, "1.0.0-5-b.sql"], [A], [A], "SA505", "5-b"),
        ([A, "1.0-5-b.sql"], [A, B], [A, B], "SA505", "5-b"),
    ],
)
def test_findings(here: list[str], fork: list[str], tip: list[str], code: str, identity: str) -> None:
    """Late, edited, gone, twice, added to a release: each is told once, by the alteration's identity."""
    assert found(here, fork, tip) == [(code, identity)]


def test_the_list_of_the_base() -> None:
    """Where the base lists its releases, one without alterations is released, too."""
    assert found([A, "1.1.0-5-b.sql"], [A], [A], "1.0.0", "1.1.0") == [("SA505", "5-b")]
    assert found([A, "1.1.0-5-b.sql"], [A], [A], "1.0.0") == []


def test_repeatable_scripts() -> None:
    """A repeatable script may change at any time."""
    assert found(["repeatable-views.sql"], ["repeatable-views.sql=old"], ["repeatable-views.sql=old"]) == []
