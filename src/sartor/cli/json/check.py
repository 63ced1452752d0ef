"""The JSON output of `check` and `rollback --check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sartor.cli.json.objects import VERSION, JsonObject, alteration_json, difference_json
from sartor.cli.text.check import check_notes
from sartor.domain.plan import Direction

if TYPE_CHECKING:
    from sartor.domain.check import Check


def check_json(found: Check) -> JsonObject:
    """Returns the JSON of `check --json` and `rollback --check --json`."""
    return {
        "version": VERSION,
        "direction": found.plan.direction.value,
        "target": found.plan.target.label if found.plan.target else None,
        "plan": [
            alteration_json(each.step.alteration)
            | {"sql": each.sql, "transaction": each.transactional, "rehearsed": each.rehearsed}
            for each in found.steps
        ],
        "drift": [difference_json(difference) for difference in found.drift.differences],
        "notes": check_notes(found),
    }


def empty_check(direction: Direction) -> JsonObject:
    """Returns the JSON of a check where there is no plan."""
    return {"version": VERSION, "direction": direction.value, "target": None, "plan": [], "drift": [], "notes": []}
