"""Which alterations a baseline is about, and where it is refused."""

from __future__ import annotations

import pytest

from sartor.domain.baseline import BaselineRequest, baseline_notes, choose_alterations, is_recorded
from sartor.domain.ledger import Ledger, State
from sartor.domain.release import NEXT, Release, parse_target
from sartor.errors import PlanError, RefusedError, SartorError, TargetError
from support.ledgers import alteration, catalogue, entry, ledger

NAMES = ("1.0.0-1-a.py", "1.1.0-2-b.py", "next-3-c.py")
A, B, C = map(alteration, NAMES)
ALL = catalogue(*NAMES)


def request(target: str | None = None, *ids: str) -> BaselineRequest:
    return BaselineRequest("why", parse_target(target) if target else None, frozenset(ids) if ids else None)


@pytest.mark.parametrize(
    ("asked", "release", "found"),
    [
        (request(), "1.1.0", "ab"),
        (request("1.0.0"), "1.0.0", "a"),
        (request("1.0.5"), "1.0.5", "a"),
        (request("9"), "9", "ab"),
        (request("next"), "next", "abc"),
        (request(None, "3-c", "1.0.0-1-a.py"), None, "ac"),
        (request("1.0.0", "2-b"), None, "b"),
    ],
)
def test_the_alterations(asked: BaselineRequest, release: str | None, found: str) -> None:
    """All up to the release, in order; or just those that are named, by identity or file."""
    target, chosen = choose_alterations(ALL, asked)
    assert (target and target.label, "".join(a.id[-1] for a in chosen)) == (release, found)


@pytest.mark.parametrize(
    ("names", "asked", "error", "said"),
    [
        (NAMES, request("0.1"), TargetError, "the first release is 1.0.0"),
        (NAMES, request(None, "9-z", "1-a"), PlanError, "9-z isn't among"),
        ((), request("1.0.0"), TargetError, "nothing to record"),
        (NAMES[2:], request(), TargetError, "`baseline` of `next`"),
    ],
)
def test_nothing_to_record(names: tuple[str, ...], asked: BaselineRequest, error: type[SartorError], said: str) -> None:
    """A release below the first, what isn't there, and nothing at all are errors with a way out."""
    with pytest.raises(error) as caught:
        choose_alterations(catalogue(*names), asked)
    assert said in f"{caught.value}; {caught.value.hint}"


def test_what_the_ledger_has() -> None:
    """Without entries all is to be recorded, with all of them nothing; any other ledger is refused, by name."""
    assert not is_recorded((A, B), Ledger())
    assert not is_recorded((A, B), ledger(()))
    assert is_recorded((A, B), ledger((A, B, C)))
    begun = Ledger(head=2, entries=(entry(A), entry(B, 2, State.STARTED)))
    for held in (ledger((A,)), ledger((C,)), begun):
        with pytest.raises(RefusedError, match="lacks") as caught:
            is_recorded((A, B), held)
        assert "repair --mark-deployed" in caught.value.hint


def test_notes() -> None:
    """A release without alterations of its own is told; `next` isn't."""
    assert baseline_notes(Release.parse("1.0.5"), (A,), ALL) == [
        "no alteration belongs to release 1.0.5; it has the schema of 1.0.0"
    ]
    assert baseline_notes(NEXT, (A,), ALL) == baseline_notes(None, (A,), ALL) == []
