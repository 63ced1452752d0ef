"""The output of `check` and `rollback --check`, and what a rollback would lose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sartor.cli.results.objects import VERSION, JsonObject, alteration_json, difference_json, ignored_note
from sartor.cli.results.units import count, moment, rows
from sartor.cli.words import in_words
from sartor.domain.plan import Direction, plan_notes

if TYPE_CHECKING:
    from sartor.domain.check import Check, Loss


def check_lines(found: Check) -> list[str]:
    """Returns a line for each step of a run that is checked, in order."""
    return [
        each.step.alteration.name
        + (f"  {each.unsayable}" if each.unsayable else "" if each.transactional else "  outside a transaction")
        + ("  SQL as rehearsed" if each.rehearsed and not each.unsayable else "")
        for each in found.steps
    ]


def check_notes(found: Check) -> list[str]:
    losses = [f"drops {loss_text(loss)}, with its data" for loss in found.losses]
    unknown = [f"drift since the last run can't be determined: {found.drift.unknown}"] if found.drift.unknown else []
    ignored = [ignored_note(found.drift.ignored)] if found.drift.ignored else []
    unread = [found.drift.unread_told] if found.drift.unread else []
    return [*plan_notes(found.plan), *losses, *map(in_words, found.obstacles), *unknown, *unread, *ignored]


def found_line(found: Check) -> str:
    verb = "deploy" if found.plan.direction is Direction.DEPLOY else "roll back"
    return f"Found {count(len(found.steps))} to {verb}"


def loss_lines(found: Check) -> list[str]:
    """Returns the lines of what a rollback will undo, and what is lost by it."""
    lines = ["This rolls back, newest first:"]
    for step in found.plan.steps:
        entry = step.entry
        when = f"  deployed {moment(entry.deployed_at)} by {entry.deployed_by}" if entry else ""
        lines.append(f"  {step.alteration.name}{when}")
    if found.losses:
        lines.append("and drops, with the data:")
        lines += [f"  {loss_text(loss)}" for loss in found.losses]
    else:
        lines.append("The objects that these alterations created are dropped, with their data.")
    return lines


def loss_text(loss: Loss) -> str:
    known = "" if loss.rows is None else f"  (about {rows(loss.rows)})"
    return (f"column {loss.table}.{loss.column}" if loss.column else f"table {loss.table}") + known


def check_json(found: Check) -> JsonObject:
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
        "ignored": [difference_json(difference) for difference in found.drift.ignored],
        "notes": check_notes(found),
    }


def empty_check(direction: Direction) -> JsonObject:
    return {
        "version": VERSION,
        "direction": direction.value,
        "target": None,
        "plan": [],
        "drift": [],
        "ignored": [],
        "notes": [],
    }
