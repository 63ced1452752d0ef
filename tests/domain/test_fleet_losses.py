"""What a rollback of a fleet loses: the losses of its destinations, added up."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from sartor.domain.alteration import Catalogue
from sartor.domain.check import Check, Loss
from sartor.domain.drift import Drift
from sartor.domain.fleet_losses import FleetLosses
from sartor.domain.ledger import Ledger
from sartor.domain.plan import Deploy, Rollback, make_plan
from sartor.domain.release import Release
from support.ledgers import catalogue, ids, situations

LOSSES = st.builds(Loss, st.sampled_from("abc"), st.sampled_from([None, "x"]), st.none() | st.integers(0, 9))
NOTHING = make_plan(catalogue(), Ledger(), Deploy())
DESTINATIONS = st.lists(st.lists(LOSSES, unique_by=lambda loss: loss[:2]), max_size=6)


def taken(fleet: list[list[Loss]]) -> FleetLosses:
    """The losses of a fleet of which each destination has these."""
    found = FleetLosses()
    for losses in fleet:
        found.take(Check(NOTHING, Drift(), (), tuple(losses), None, ()))
    return found


@given(DESTINATIONS, st.randoms(use_true_random=False))
def test_the_order_makes_no_difference(fleet: list[list[Loss]], random: Random) -> None:
    """What is lost is the same in whichever order the destinations answer."""
    before = taken(fleet).losses
    random.shuffle(fleet)
    assert taken(fleet).losses == before


@given(DESTINATIONS)
def test_nothing_is_left_out(fleet: list[list[Loss]]) -> None:
    """Each loss of each destination counts once, and so do the rows that are known."""
    every, found = [loss for losses in fleet for loss in losses], taken(fleet).losses
    assert {each[:2] for each in found} == {loss[:2] for loss in every}
    assert sum(each.destinations for each in found) == len(every)
    assert sum(each.rows or 0 for each in found) == sum(loss.rows or 0 for loss in every)
    assert sum(each.counted for each in found) == sum(loss.rows is not None for loss in every)
    assert [each.destinations for each in found] == sorted((each.destinations for each in found), reverse=True)
    assert all((each.rows is None) == (each.counted == 0) for each in found)


@given(st.lists(situations(), max_size=3))
def test_the_newest_comes_first(fleet: list[tuple[Catalogue, Ledger]]) -> None:
    """Each alteration that is rolled back anywhere is there once, with the number of those destinations."""
    found, every = FleetLosses(), list[str]()
    for shipped, before in fleet:
        plan = make_plan(shipped, before, Rollback(target=Release.parse("1.0.0")))
        found.take(Check(plan, Drift(), (), (), None, ()))
        every += ids(step.alteration for step in plan.steps)
    undone = [each.alteration for each in found.undone]
    assert {each.alteration.id: each.destinations for each in found.undone} == Counter(every)
    assert [each.key for each in undone] == sorted((each.key for each in undone), reverse=True)
