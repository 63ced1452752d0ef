"""The losses of a rollback."""

from __future__ import annotations

from dataclasses import dataclass

from sartor.domain.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A table, or a column of it, that a rollback drops, and about how many rows the table holds (None: unknown)."""

    table: str
    column: str | None
    rows: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackPreview:
    """The plan of a rollback, and what its scripts say that they drop."""

    plan: Plan
    losses: tuple[Loss, ...]
