"""The end of the output of `verify` and `check` of a fleet, and what its rollback loses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sartor.cli.results.fleet import destinations
from sartor.cli.results.objects import JsonObject, pick
from sartor.cli.results.run import lost_name
from sartor.cli.results.units import rows
from sartor.domain.destination import Destination
from sartor.domain.fleet_losses import FleetLoss, FleetLosses
from sartor.domain.visible import visible_line

Wrong = tuple[Destination, tuple[str, ...]]
"""A destination that isn't as expected, with the counts of what is wrong."""
Changed = tuple[Destination, str]
"""A destination whose schema has changed since the last run, and how."""


def verified_lines(wrong: Sequence[Wrong], *, right: int) -> Iterator[str]:
    """Yields how many destinations of a fleet are as expected, and names the others."""
    yield ""
    yield f"{destinations(right)} as expected"
    if wrong:
        yield f"{destinations(len(wrong))} not as expected:"
        yield from (f"  {visible_line(place.label)}: {', '.join(told)}" for place, told in wrong)


def verified_json(wrong: Sequence[Wrong]) -> JsonObject:
    return {"wrong": [{"label": place.label, "faults": list(told)} for place, told in wrong]}


def checked_lines(pending: int, changed: Sequence[Changed], *, of: int) -> Iterator[str]:
    """Yields at how many of a fleet's destinations something would be done, and those whose schema has changed."""
    yield ""
    yield f"something to do at {pending:,} of {of:,} destinations"
    if changed:
        yield f"changed since the last run, at {len(changed):,} of them; to see the changes, verify:"
        yield from (f"  {visible_line(place.label)}: {told}" for place, told in changed)


def lost_lines(found: FleetLosses) -> Iterator[str]:
    """Yields what a rollback undoes at the destinations of a fleet, and what is lost by it there."""
    yield "This rolls back, newest first:"
    yield from (f"  {each.alteration.name}  at {destinations(each.destinations)}" for each in found.undone)
    if losses := found.losses:
        yield "and drops, with the data:"
        yield from (f"  {_lost(loss)}" for loss in losses)
    else:
        yield "The objects that these alterations created are dropped, with their data."


def _lost(loss: FleetLoss) -> str:
    told = f"{lost_name(loss.table, loss.column)}  at {destinations(loss.destinations)}"
    if loss.rows is None:
        return told
    where = "" if loss.counted == loss.destinations else f" at {loss.counted:,} of them"
    return f"{told}  (about {rows(loss.rows)}{where})"


def checked_json(pending: int, changed: Sequence[Changed], losses: Sequence[FleetLoss]) -> JsonObject:
    return {
        "pending": pending,
        "losses": [pick(loss, "table column destinations rows counted") for loss in losses],
        "changed": [{"label": place.label, "message": told} for place, told in changed],
    }
