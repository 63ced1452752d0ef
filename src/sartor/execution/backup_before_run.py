"""The backup before a run: taken under the run lock, noted in the journal, taken again where its plan changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sartor.domain.affected_tables import PlanEffects, steps_of
from sartor.domain.backup import Backup, schema_to_hold
from sartor.domain.ledger import EventKind
from sartor.domain.plan import Plan
from sartor.domain.report import Note
from sartor.execution.retry import record
from sartor.execution.run_context import RunContext

if TYPE_CHECKING:
    from sartor.execution.backup import BackupOrder

OTHERS = "another run came first, so the plan differs from the rehearsed one"


class BackupBeforeRun:
    """The backup before a run, if one is ordered (else `order` is None); `backup` is the one that was taken last."""

    def __init__(self, order: BackupOrder | None) -> None:
        self.backup: Backup | None = None
        self._order = order

    @property
    def is_wanted(self) -> bool:
        """True where a backup is ordered."""
        return self._order is not None

    async def take(self, run: RunContext, plan: Plan) -> None:
        """Takes the backup before this plan, unless there is nothing to back up. Raises BackupFailed, PoolerRefused."""
        schema = schema_to_hold(run.session.schema)
        if schema is not None and not run.session.facts.schema_exists:
            run.observer(Note(text=f"schema {schema} doesn't exist yet, so there is nothing to back up"))
            return
        effects = self._order.effects if self._order is not None else None
        await self._take(run, unknown=effects is not None and effects.steps != steps_of(plan))

    async def take_again(self, run: RunContext, plan: Plan) -> None:
        """Takes another backup, of everything, where the last one left out what this plan may change."""
        if self._order is None or self._order.effects is None or self.backup is None or self.backup.tables is None:
            return
        if not set(steps_of(plan)) <= set(self._order.effects.steps):
            await self._take(run, unknown=True)

    async def note(self, run: RunContext) -> None:
        """Writes the backup to the journal, once. Raises Stale."""
        if self.backup is not None and not self.backup.in_journal:
            await record(run, EventKind.BACKUP, None, **self.backup.detail)
            self.backup = self.backup._replace(in_journal=True)

    async def _take(self, run: RunContext, *, unknown: bool) -> None:
        from sartor.execution.backup import back_up

        if self._order is not None:
            order = self._order._replace(effects=PlanEffects(unknown=OTHERS)) if unknown else self._order
            self.backup = await back_up(run.session, order, run.limits, run.observer)
