"""What `verify` makes of its findings."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sartor.domain.alteration import Catalogue
from sartor.domain.destination import Destination
from sartor.domain.drift import Difference, Drift, ExpectedSchema
from sartor.domain.ledger import Ledger
from sartor.domain.manifest import Line, Standing
from sartor.domain.own_tables import Writer
from sartor.domain.release import Release
from sartor.domain.status import compare_with_ledger
from sartor.domain.verification import Verification
from support.ledgers import alteration, catalogue, ledger

A, B, C = (alteration(name) for name in ("1.0.0-1-a.py", "1.0.0-2-b.py", "1.0.0-3-c.py"))
FINE = Standing((), (), ())
GONE = Difference(kind="table", name="t", parent="", before="x", after=None)


def verification(
    shipped: Catalogue | None = None, held: Ledger | None = None, standing: Standing = FINE, **found: Any
) -> Verification:
    """A verification of three alterations that are all deployed, but for these findings."""
    ledger_ = ledger([A, B, C]) if held is None else held
    return Verification(
        destination=Destination("postgresql://db"),
        ledger=ledger_,
        status=compare_with_ledger(shipped or catalogue(A.name, B.name, C.name), ledger_),
        standing=standing,
        **{"drift": Drift(), "invalid": (), **found},
    )


def recorded(adopted_at: datetime | None) -> ExpectedSchema:
    at = datetime(2026, 11, 20, tzinfo=UTC)
    return ExpectedSchema(
        seq=1, at=at, user="ada", host="ci", sartor="9", outdated=False, packed={}, adopted_at=adopted_at
    )


def test_all_is_well() -> None:
    """Nothing that differs is no fault and no note."""
    found = verification()
    assert (found.ok, found.notes, found.released) == (True, (), FINE)


@pytest.mark.parametrize(
    "wrong",
    [
        {"held": ledger([A._replace(checksum="sha256:old")])},
        {"standing": Standing((A,), (), ())},
        {"drift": Drift(differences=(GONE,))},
    ],
)
def test_a_fault(wrong: dict[str, Any]) -> None:
    """A ledger, a manifest or a schema that differs is a fault; what is only noted isn't."""
    assert not verification(**wrong).ok
    assert verification(drift=Drift(noted=(GONE,))).ok


def test_a_finding_is_told_once() -> None:
    """What the ledger says of an alteration already isn't told of its manifest again."""
    lines = tuple(Line(each.id, each.release, "sha256:0") for each in (B, C))
    held = ledger([A._replace(checksum="sha256:old"), B, C])
    found = verification(catalogue(A.name, C.name), held, Standing((A, C), lines, (C,)))
    assert found.released == Standing((C,), (lines[1],), (C,))


def test_notes_about_alterations() -> None:
    """What is late, unproved, or was never deployed is told, by name."""
    late = verification(held=ledger([B, C])).notes
    assert late == ("1.0.0-1-a.py is pending, and older than the newest deployed alteration",)
    assert "nothing is deployed here" in verification(held=Ledger()).notes
    assert verification(standing=Standing((), (), (B,))).notes == (
        "1 alteration isn't proved, first 1.0.0-2-b.py; to list them, use `prove --check`",
    )
    assert verification(standing=Standing((), (), (C, A))).notes == (
        "2 alterations aren't proved, first 1.0.0-3-c.py; to list them, use `prove --check`",
    )


def test_notes_about_the_database() -> None:
    """Unknown drift, invalid indexes and roles that may write are told."""
    assert verification(drift=Drift(unknown="why")).notes == ("drift since the last run can't be determined: why",)
    replayed = verification(drift=Drift(unknown="why", recorded=recorded(datetime.now(UTC))), replayed=True)
    assert replayed.notes == ("the difference from a replay can't be determined: why",)
    assert verification(drift=Drift(recorded=recorded(None))).notes == ()
    (anew,) = verification(drift=Drift(recorded=recorded(datetime(2026, 11, 3, 8, 5, tzinfo=UTC)))).notes
    assert "by hand before 2026-11-03 08:05 UTC can't be found" in anew
    writer = Writer("app", "etl", {})
    assert verification(invalid=("i", "j"), writers=(writer,)).notes == (
        "index i is invalid: queries don't use it, but each write maintains it",
        "index j is invalid: queries don't use it, but each write maintains it",
        str(writer),
    )


def test_notes_about_ledger_and_disk() -> None:
    """What is no fault between ledger and disk is told as well."""
    held = ledger([A, B, C, alteration("2.0.0-9-x.py")])
    (ahead,) = verification(held=held).notes
    assert ahead.startswith("the database is ahead: it has 1 alteration of 2.0.0")
    assert Release.parse("2.0.0") in compare_with_ledger(catalogue(A.name), held).releases
