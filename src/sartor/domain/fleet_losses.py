"""What a rollback undoes and drops at the destinations of a fleet, added up."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from sartor.domain.alteration import Alteration

if TYPE_CHECKING:
    from sartor.domain.check import Check


class Undone(NamedTuple):
    """An alteration that is rolled back, and the number of destinations at which it is."""

    alteration: Alteration
    destinations: int


class FleetLoss(NamedTuple):
    """A table, or a column of it, that is dropped at so many `destinations`.

    `rows` is about how many rows its tables hold in all, at the `counted` destinations that know (None: at none).
    """

    table: str
    column: str | None
    destinations: int
    rows: int | None
    counted: int


class FleetLosses:
    """The rollbacks of a fleet's destinations, taken one by one, in whichever order."""

    def __init__(self) -> None:
        self._alterations: dict[tuple[str, str], Alteration] = {}
        self._undone = Counter[tuple[str, str]]()
        self._losses: dict[tuple[str, str | None], FleetLoss] = {}

    def take(self, found: Check) -> None:
        for step in found.plan.steps:
            self._alterations.setdefault(step.alteration.identity, step.alteration)
            self._undone[step.alteration.identity] += 1
        for loss in found.losses:
            key = loss.table, loss.column
            self._losses[key] = _with(self._losses.get(key, FleetLoss(*key, 0, None, 0)), loss.rows)

    @property
    def undone(self) -> tuple[Undone, ...]:
        """The alterations that are rolled back anywhere, the newest first."""
        found = (Undone(self._alterations[identity], number) for identity, number in self._undone.items())
        return tuple(sorted(found, key=lambda each: (each.alteration.key, each.alteration.lineage), reverse=True))

    @property
    def losses(self) -> tuple[FleetLoss, ...]:
        """The objects that are dropped at any destination; those that most of them drop come first."""
        return tuple(
            sorted(self._losses.values(), key=lambda each: (-each.destinations, each.table, each.column or ""))
        )


def _with(loss: FleetLoss, rows: int | None) -> FleetLoss:
    """Returns a loss with one more destination, whose table holds about so many rows."""
    more = loss._replace(destinations=loss.destinations + 1)
    return more if rows is None else more._replace(rows=(loss.rows or 0) + rows, counted=loss.counted + 1)
