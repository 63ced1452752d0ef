"""Calls hooks: each in a transaction of its own, outside those of the scripts.

What a hook before something raises stops the run there; what one after something raises is told, as that is committed.
"""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, NamedTuple

from sartor.alterations.files import HOOKS_FILE
from sartor.alterations.hooks import Hooks
from sartor.domain.alteration import Alteration
from sartor.domain.hooks import AFTER_EACH, AFTER_RUN, BEFORE_EACH, BEFORE_RUN, HookRun
from sartor.domain.plan import Direction, Plan
from sartor.domain.report import Failure, Note, Report
from sartor.errors import AlterationFailed, SartorError, alteration_failed
from sartor.execution.outcome import Stale, find_disconnect
from sartor.execution.run_context import RunContext
from sartor.execution.script_call import contained
from sartor.execution.units import Unit
from sartor.postgres.session_settings import set_in_session, settings_for

Reporting = Callable[[Failure | None], Report]
"""Returns the report of a run so far, with its failure where it has one."""


class _Moment(NamedTuple):
    """The moment of a run at which a hook is called: the hook's name, and what it is told of besides the run."""

    name: str
    direction: Direction
    alteration: Alteration | None = None
    report: Report | None = None

    def __str__(self) -> str:
        return f"`{self.name}`" if self.alteration is None else f"`{self.name}` of {self.alteration.name}"


class HookCaller:
    """Calls the hooks of lineages; `failed` are the failures of those that stop nothing."""

    def __init__(self, hooks: Iterable[Hooks]) -> None:
        self._hooks = {each.lineage: each for each in hooks}
        self._begun: Alteration | None = None
        self.failed: list[Failure] = []

    @property
    def each(self) -> bool:
        """True where there are hooks around each script, so that scripts are run one by one."""
        return any({BEFORE_EACH, AFTER_EACH} & hooks.functions.keys() for hooks in self._hooks.values())

    @asynccontextmanager
    async def around(self, run: RunContext, plan: Plan, report: Reporting) -> AsyncIterator[None]:
        """Calls what comes before a run with steps, and what comes after it, a failed one too.

        A run that was told to end, or whose connection is lost, has nothing after it. Raises AlterationFailed.
        """
        concerned = {step.alteration.lineage for step in plan.steps}
        hooks = [each for each in self._hooks.values() if each.lineage in concerned]
        for each in hooks:
            await self._before(run, each, _Moment(BEFORE_RUN, plan.direction))
        try:
            yield
        except Exception as error:
            if not run.session.connection_lost:
                failure = error.failure if isinstance(error, AlterationFailed) else None
                await self._after_run(run, hooks, plan, report(failure))
            raise
        await self._after_run(run, hooks, plan, report(None))

    async def _after_run(self, run: RunContext, hooks: Iterable[Hooks], plan: Plan, report: Report) -> None:
        for each in hooks:
            await self._after(run, each, _Moment(AFTER_RUN, plan.direction, report=report))

    async def before(self, run: RunContext, unit: Unit) -> None:
        """Calls what comes before a script, once in a run. Raises AlterationFailed."""
        hooks = self._hooks.get(unit.about.lineage)
        if hooks is not None and unit.about != self._begun:
            self._begun = unit.about
            await self._before(run, hooks, _Moment(BEFORE_EACH, unit.direction, unit.about))

    async def after(self, run: RunContext, unit: Unit) -> None:
        """Calls what comes after a script that is committed."""
        hooks = self._hooks.get(unit.about.lineage)
        if hooks is not None:
            await self._after(run, hooks, _Moment(AFTER_EACH, unit.direction, unit.about))

    async def _before(self, run: RunContext, hooks: Hooks, moment: _Moment) -> None:
        try:
            await _call(run, hooks, moment)
        except (Stale, SartorError):
            raise
        except Exception as error:
            if run.session.connection_lost and find_disconnect(error):
                raise
            raise alteration_failed(_failure(run, hooks, moment, error)) from error

    async def _after(self, run: RunContext, hooks: Hooks, moment: _Moment) -> None:
        try:
            await _call(run, hooks, moment)
        except Exception as error:  # noqa: BLE001 - a hook may raise anything, and what came before it is committed
            failure = _failure(run, hooks, moment, error)
            self.failed.append(failure)
            place = f", line {failure.line}" if failure.line else ""
            run.observer(Note(text=f"{HOOKS_FILE}{place}: {failure.message}; what is committed stays"))
            await run.session.renew_where_worn()


async def _call(run: RunContext, hooks: Hooks, moment: _Moment) -> None:
    """Runs a hook, where there is one of this name, in a transaction of its own. Raises what it raises."""
    function = hooks.functions.get(moment.name)
    if function is None:
        return
    given = _told(run, moment)
    await run.session.renew_where_worn()
    connection = run.session.connection
    settings = settings_for(run.session, run.limits, run.mark(HOOKS_FILE, run.head))
    run.follow(HOOKS_FILE)
    opening, limit = set_in_session(settings), settings.lock_timeout
    with connection.informing(partial(run.hear, HOOKS_FILE)):
        async with connection.script_transaction(opening, lambda: "", longest_lock=limit):
            await contained(function, str(hooks.file))(connection, given)
    await run.session.renew_where_worn()


def _told(run: RunContext, moment: _Moment) -> HookRun:
    """Returns what a hook is told."""
    told: Any = run.for_script(f"{HOOKS_FILE}: {moment.name}", moment.direction)
    given = HookRun(**{**told._asdict(), "note": told.log})
    given.alteration, given.report = moment.alteration, moment.report
    return given


def _failure(run: RunContext, hooks: Hooks, moment: _Moment, error: Exception) -> Failure:
    found = run.failure(error, name=HOOKS_FILE, alteration_id=None, file=str(hooks.file), locate=hooks.locate)
    return found._replace(message=f"{moment} failed: {found.message}")
