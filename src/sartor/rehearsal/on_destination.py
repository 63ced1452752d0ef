"""Rehearses scripts on the destination itself, each in a transaction that is rolled back."""

from __future__ import annotations

from sartor.domain.destination import Limits
from sartor.domain.plan import Plan
from sartor.domain.rehearsal import Rehearsed
from sartor.domain.report import Failure, Observer
from sartor.errors import Unreachable
from sartor.execution.executors.single import run_and_undo
from sartor.execution.run_context import RunContext
from sartor.execution.units import Unit, compile_unit
from sartor.postgres.lock_monitor import LockMonitor
from sartor.postgres.session import Session
from sartor.rehearsal.recorded_scripts import ScriptRecorder

SHORT = 0.3
"""Seconds to wait for a lock at most: sessions queued behind the rehearsal wait as long."""


async def rehearse_live(
    session: Session, plan: Plan, script_recorder: ScriptRecorder, limits: Limits, observer: Observer
) -> tuple[list[Rehearsed], Failure | None]:
    """Runs each script of a plan by itself and rolls it back: one that builds on another can't be rehearsed this way.

    Returns what was rehearsed, and the first failure; scripts after it are rehearsed all the same.
    """
    # Nothing is committed, so the run lock isn't needed.
    run = RunContext(session, LockMonitor(session.destination, application=""), limits=limits, observer=observer)
    run.limits = run.limits._replace(lock_timeout=min(run.limits.lock_timeout or SHORT, SHORT))
    units = (compile_unit(step, plan.direction, script_recorder.load) for step in plan.steps)
    found = [await _rehearse(run, unit, script_recorder) for unit in units]
    return [each for each, _ in found], next((failure for _, failure in found if failure is not None), None)


async def _rehearse(run: RunContext, unit: Unit, script_recorder: ScriptRecorder) -> tuple[Rehearsed, Failure | None]:
    about, failed = unit.about, None
    if not unit.transactional:
        outside = "the alteration runs outside a transaction, so it can't be rolled back"
        return Rehearsed(alteration=about, reason=outside), None
    try:
        await run_and_undo(run, unit)
    except Exception as error:  # a script may raise anything: that is what the rehearsal reports
        if run.session.connection_lost:
            raise Unreachable(f"{run.session.destination.label}: the connection was lost ({error})") from error
        failed = run.failure(error, name=about.name, alteration_id=about.id, file=about.file, locate=unit.script.locate)
    await run.session.renew_where_worn()
    reason = None if failed is None else f"the alteration failed: {failed.message}"
    return Rehearsed(alteration=about, statements=script_recorder.statements(about), reason=reason), failed
