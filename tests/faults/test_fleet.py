"""A fleet under blows, in short: each destination that can be reached comes to its target; nothing is done twice."""

from __future__ import annotations

from support.campaigns import make_chance
from support.fleet_campaign import strike_fleet
from support.memory import open_folder
from support.struck_fleet import QUICK


def test_a_fleet_under_blows() -> None:
    """Runs are killed, the server restarts, destinations fail: the rest is done, once, and told truly."""
    chance, seed = make_chance()
    with open_folder() as folder:
        tally = strike_fleet(folder, 40, 6, chance, kinds=QUICK)
    assert tally.violations == [], f"seed {seed}"
    assert tally.counts["kills"] >= 6
