"""Rehearses the plan of a deploy: on a clone of the destination, or on the destination itself, rolled back."""

from sartor.alterations.hooks import find_hooks
from sartor.domain.alteration import Catalogue
from sartor.domain.destination import Destination, Limits
from sartor.domain.hazards.hazard import with_losses
from sartor.domain.plan import Deploy, Plan
from sartor.domain.rehearsal import Rehearsal, Rehearsed
from sartor.domain.report import Failure, Observer
from sartor.errors import Unreachable
from sartor.execution.executors.single import run_and_undo
from sartor.execution.run_context import RunContext
from sartor.execution.units import Unit, compile_unit
from sartor.footprint.footprint import read_sizes
from sartor.footprint.recorded_connection import RecordedConnection
from sartor.footprint.row_losses import read_known
from sartor.postgres.lock_monitor import LockMonitor
from sartor.postgres.session import Session, application_name
from sartor.rehearsal.on_clone import RehearsalOrder, on_a_clone, plan_rehearsal
from sartor.rehearsal.recorded_scripts import ScriptRecorder
from sartor.rehearsal.squawk import find_squawk, with_opinions
from sartor.scratch.gaps import filled

COST = (
    "rehearsed on the live database, each script rolled back: sequences have advanced, and"
    " changed rows have left dead rows"
)
BY_SNAPSHOT = "a deploy builds {} from its snapshot, without running the alterations that this rehearsed up to it"
SHORT = 0.3
"""Seconds to wait for a lock at most: sessions queued behind the rehearsal wait as long."""


async def rehearse(
    destination: Destination,
    catalogue: Catalogue,
    request: Deploy,
    order: RehearsalOrder,
    *,
    limits: Limits,
    observer: Observer,
) -> Rehearsal:
    """Rehearses what `request` would deploy. Raises SartorError where no rehearsal is possible.

    A script that fails is reported in the result; it raises nothing.
    """
    limits = limits._replace(fingerprint=False)  # a clone is soon dropped, and its statements are observed
    async with Session(destination, application=application_name("rehearse"), kind=RecordedConnection) as session:
        plan = await plan_rehearsal(session, catalogue, request)
        if not plan.steps:
            return Rehearsal(target=plan.target, place="nothing")
        if order.live:
            found = await _on_itself(session, plan, limits, observer)
        else:
            found = await on_a_clone(session, catalogue, request, order, limits, observer)
        if plan.snapshot is not None:
            found = found._replace(notes=(*found.notes, BY_SNAPSHOT.format(plan.snapshot.release)))
        if any(find_hooks(lineage.location) for lineage in catalogue.lineages):
            found = found._replace(notes=(*found.notes, "hooks aren't called in a rehearsal"))
        if (program := find_squawk()) is None:
            return found
        return await with_opinions(program, found, session.facts.server_version)


async def _on_itself(session: Session, plan: Plan, limits: Limits, observer: Observer) -> Rehearsal:
    """Runs each script of a plan by itself and rolls it back: one that builds on another can't be rehearsed this way.

    After one that failed, the others are rehearsed all the same.
    """
    session.require_write()
    sizes = await read_sizes(session.connection, session.schema)
    holding = await filled(session.connection, session.schema)
    recorder = ScriptRecorder(await read_known(session.connection, session.schema, counts=True))
    # Nothing is committed, so the run lock isn't needed.
    run = RunContext(session, LockMonitor(session.destination, application=""), limits=limits, observer=observer)
    run.target = plan.target
    run.limits = run.limits._replace(lock_timeout=min(run.limits.lock_timeout or SHORT, SHORT))
    steps = [step for step in plan.steps if not step.alteration.squashed]
    found = [await _rehearse(run, compile_unit(step, plan.direction, recorder.load)) for step in steps]
    return Rehearsal(
        target=plan.target,
        place="the destination itself",
        alterations=tuple(
            each._replace(statements=with_losses(recorder.statements(each.alteration), holding, sizes))
            for each, _ in found
        ),
        failed=next((failure for _, failure in found if failure is not None), None),
        sizes=sizes,
        notes=(COST,),
    )


async def _rehearse(run: RunContext, unit: Unit) -> tuple[Rehearsed, Failure | None]:
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
    return Rehearsed(alteration=about, reason=reason), failed
