"""Targets that no manifest lists."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from sartor.domain.alteration import Catalogue
from sartor.domain.ledger import Ledger
from sartor.domain.plan import Deploy, Rollback, make_plan
from sartor.domain.release import NEXT, Release
from sartor.errors import TargetError
from support.ledgers import alteration, ledger, lineage, releases, situations

A, B = "1.0.0-1-a.py", "next-2-b.py"
LISTED = ("1.0.0", "1.1.0", "1.2.0-beta.1")


def listed(*labels: str, files: tuple[str, ...] = (A, B), name: str = "main") -> Catalogue:
    """A lineage of files with a list of releases."""
    return Catalogue((replace(lineage(*files, name=name), releases=tuple(map(Release.parse, labels))),))


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        ("1.0.5", "the nearest releases are 1.0.0 and 1.1.0"),
        (
            "1.2.0",
            "the latest release here is 1.2.0-beta.1, which `latest` stands for; for a newer one, use its package",
        ),
        ("0", "the first release is 1.0.0"),
    ],
)
def test_the_nearest(target: str, hint: str) -> None:
    """A deploy to a release that isn't listed is refused, with the nearest ones."""
    with pytest.raises(TargetError, match=f"no release {target} among the given alterations") as refused:
        make_plan(listed(*LISTED), Ledger(), Deploy(target=Release.parse(target)))
    assert refused.value.hint == hint


def test_renamed_by_hand() -> None:
    """Files whose release isn't listed don't make it a release, and are told."""
    catalogue = listed("1.0.0", files=(A, "1.3.0-2-b.py"))
    with pytest.raises(TargetError) as refused:
        make_plan(catalogue, Ledger(), Deploy(target=Release.parse("1.3.0")))
    assert "were renamed by hand" in refused.value.hint
    assert catalogue.latest == Release.parse("1.0.0")


def test_nothing_released() -> None:
    """A list without a release refuses every version, and says how to deploy or release what is there."""
    with pytest.raises(TargetError) as refused:
        make_plan(listed(files=(B,)), Ledger(), Deploy(target=Release.parse("1.0")))
    assert "`deploy` to `next`" in refused.value.hint
    assert "`release 1.0`" in refused.value.hint


@given(situations(), releases)
def test_without_a_list(situation: tuple[Catalogue, Ledger], target: Release) -> None:
    """Where no lineage has a list, every version is a target, as others may have been released."""
    catalogue, before = situation
    assert catalogue.releases is None
    make_plan(catalogue, before, Deploy(target=target))


def test_what_is_known() -> None:
    """Lists of several lineages count together; one without a list counts by its files; `next` is always known."""
    own = lineage("3.0-7-own.py", "next-8-own.py", name="own")
    both = Catalogue((*listed("1.0.0", "1.2.0").lineages, own))
    assert both.releases == frozenset(map(Release.parse, ("1.0", "1.2", "3.0")))
    assert both.latest == Release.parse("3.0")
    assert both.bare_releases == (Release.parse("1.2"),)
    for target in (Release.parse("3.0"), Release.parse("1.2.0"), NEXT, None):
        make_plan(both, Ledger(), Deploy(target=target))
    with pytest.raises(TargetError):
        make_plan(both, Ledger(), Deploy(target=Release.parse("2.0")))


def test_a_rollback() -> None:
    """A rollback also goes back to what the ledger has, which may be newer than the package, and to `0`."""
    held = ledger([alteration(A), alteration("1.9.0-5-x.py")])
    for target in ("1.9.0", "1.1.0", "0", "0.0"):
        make_plan(listed(*LISTED, files=(A, "1.1.0-5-x.py")), held, Rollback(target=Release.parse(target)))
    with pytest.raises(TargetError):
        make_plan(listed(*LISTED), held, Rollback(target=Release.parse("1.0.5")))


def test_latest_has_no_alterations() -> None:
    """The latest release is the highest of the list, also where it has no alterations of its own."""
    plan = make_plan(listed("1.0.0", "1.1.0"), Ledger(), Deploy(target=None))
    assert (plan.target, [step.alteration.id for step in plan.steps]) == (Release.parse("1.1.0"), ["1-a"])
