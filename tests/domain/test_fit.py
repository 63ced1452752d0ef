"""Whether a release is within an application's range, and whether a database fits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor import (
    Catalogue,
    Ledger,
    NothingDeployed,
    Release,
    SchemaEdited,
    SchemaPending,
    SchemaTooNew,
    SchemaTooOld,
    SchemaUnfit,
    State,
    UsageError,
)
from sartor.domain.fit import Range, Side, locate, parse_range, require_fit
from sartor.domain.status import compare_with_ledger
from support.ledgers import alteration, catalogue, entry, ledger, situations

A, B, C = "1.4.0-1-a.py", "1.5.0-2-b.py", "2.0.0-3-c.py"
RANGE = parse_range(">=1.4,<2")


def fit(shipped: list[str] | None, deployed: list[str], wanted: Range = RANGE) -> str:
    """The database's release, or the kind of the error."""
    files = None if shipped is None else catalogue(*shipped)
    try:
        return str(require_fit(ledger(map(alteration, deployed)), files, wanted, lineage="main", place="here"))
    except SchemaUnfit as error:
        return type(error).__name__


@pytest.mark.parametrize(
    ("wanted", "release", "side"),
    [
        (">=1.4,<2", "1.4", Side.WITHIN),
        (">=1.4,<2", "1.5.0-beta.1", Side.WITHIN),
        (">=1.4,<2", "1.4.0-beta.1", Side.BELOW),
        (">=1.4,<2", "2.0.0-beta.1", Side.ABOVE),
        (">=1.4,<2", "1.3.9", Side.BELOW),
        (">=1.4,<2", "2", Side.ABOVE),
        (">1.4", "1.4", Side.BELOW),
        ("<=1.4", "1.4.1", Side.ABOVE),
        ("~=1.4", "1.3", Side.BELOW),
        ("~=1.4", "2.0", Side.ABOVE),
        ("==1.4.*", "1.4.7", Side.WITHIN),
        ("==1.4.*", "1.3.7", Side.BELOW),
        ("==1.4.*", "1.5", Side.ABOVE),
        (">=1,!=1.4.*", "1.4.2", Side.EXCLUDED),
        ("===own", "1.4.2", Side.EXCLUDED),
        (">=2,<1", "1.5", Side.BELOW),
        ("", "0.1.dev1", Side.WITHIN),
    ],
)
def test_locate(wanted: str, release: str, side: Side) -> None:
    """A release is within a range as PEP 440 orders versions, prereleases by their order alone."""
    assert locate(Release.parse(release), parse_range(wanted)) is side


def test_no_release_is_below() -> None:
    """A database without a complete release is below each range but the empty one."""
    assert locate(None, RANGE) is Side.BELOW
    assert locate(None, parse_range("")) is Side.WITHIN


@pytest.mark.parametrize("text", ["1.4", ">=", "newest"])
def test_not_a_range(text: str) -> None:
    """What isn't a range of releases is the caller's mistake, and is named."""
    with pytest.raises(UsageError, match="isn't a range of releases"):
        parse_range(text)


@pytest.mark.parametrize(
    ("shipped", "deployed", "found"),
    [
        (None, [A], "1.4.0"),
        (None, [A, C], "SchemaTooNew"),
        (None, [], "SchemaTooOld"),
        ([A, B], [A, B], "1.5.0"),
        ([A, B], [A], "SchemaPending"),
        ([A, B, C], [A, B], "1.5.0"),  # what is above the range isn't for this application
        ([A, B, "next-9-d.py"], [A, B], "1.5.0"),  # nobody deploys what isn't released to a database with users
        ([A, B], [B], "SchemaPending"),  # a late one
        ([A], [A, B], "1.5.0"),  # a newer package of the range was here
        ([A], [A, "1.4.0-0-late.py"], "1.4.0"),
        ([A], [A, C], "SchemaTooNew"),
        ([A], [A, "next-9-d.py"], "1.4.0"),
        ([A], ["1.3.0-0-z.py"], "SchemaTooOld"),
    ],
)
def test_fit(shipped: list[str] | None, deployed: list[str], found: str) -> None:
    """All that is shipped up to the range's end must be deployed; what the database has beyond it must be in range."""
    assert fit(shipped, deployed) == found


def test_no_ledger() -> None:
    """A schema without a ledger is told apart from one that is too old."""
    with pytest.raises(NothingDeployed, match="nothing is deployed in here") as caught:
        require_fit(Ledger(), None, RANGE, lineage="main", place="here")
    assert (caught.value.exit_code, caught.value.release) == (3, None)


def test_edited() -> None:
    """A deployed alteration that isn't the shipped one is named; one of `next` may change."""
    held = [alteration(A, checksum="sha256:1"), alteration("next-9-d.py", checksum="sha256:1")]
    with pytest.raises(SchemaEdited, match=r"1\.4\.0-1-a\.py was edited") as caught:
        require_fit(ledger(held), catalogue(A, "next-9-d.py"), RANGE, lineage="main", place="here")
    assert caught.value.about == ("1-a",)


def test_begun() -> None:
    """An alteration whose steps outside a transaction didn't end counts as pending, and is named first."""
    begun = Ledger(head=2, entries=(entry(alteration(A)), entry(alteration(B), 2, State.STARTED)))
    with pytest.raises(SchemaPending, match=r"1\.5\.0-2-b\.py was begun and isn't complete") as caught:
        require_fit(begun, catalogue(A, B), RANGE, lineage="main", place="here")
    assert caught.value.hint == "deploy 1.5.0 before the application starts"
    assert str(require_fit(begun, None, RANGE, lineage="main", place="here")) == "1.4.0"


def test_the_way_out() -> None:
    """A schema that is too old needs the highest release of the range that the application ships."""
    with pytest.raises(SchemaTooOld) as caught:
        require_fit(ledger([alteration("1.0.0-0-z.py")]), catalogue(A, B, C), RANGE, lineage="main", place="here")
    assert caught.value.hint == "deploy 1.5.0 before the application starts"
    with pytest.raises(SchemaTooNew) as newer:
        require_fit(ledger([alteration(C)]), None, RANGE, lineage="main", place="here")
    assert str(newer.value.release) == "2.0.0"
    assert newer.value.wanted == RANGE.text


def test_other_lineages() -> None:
    """Without the application's alterations, the release is that of one lineage: an operator's own don't count."""
    own = alteration("7.0.0-5-own.py", lineage="own")
    assert str(require_fit(ledger([alteration(A), own]), None, RANGE, lineage="main", place="here")) == "1.4.0"


@given(situations())
def test_the_release_is_that_of_status(situation: tuple[Catalogue, Ledger]) -> None:
    """The release that an application gets is the one that `status` shows."""
    files, held = situation
    try:
        found = require_fit(held, files, parse_range(""), lineage="main", place="here")
    except SchemaPending as error:
        found = error.release
    assert found == compare_with_ledger(files, held).release


@given(st.sampled_from(["1.3", "1.4", "1.9", "2.0.0b1", "2"]))
def test_within_is_what_packaging_says(text: str) -> None:
    """A release is within a range where `packaging` says so, prereleases allowed."""
    release = Release.parse(text)
    assert release.version is not None
    assert (locate(release, RANGE) is Side.WITHIN) == RANGE.clauses.contains(release.version, prereleases=True)
