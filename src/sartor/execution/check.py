"""Shows what a run would do: its plan, its SQL, a script for psql, what a rollback would lose. Writes nothing."""

from collections.abc import Awaitable, Callable, Iterator

from sartor.alterations.hooks import find_hooks
from sartor.alterations.kept_down import load_step
from sartor.alterations.python_source import dropped, is_data_independent
from sartor.alterations.script import Fragment
from sartor.domain.alteration import Catalogue
from sartor.domain.check import Check, CheckedStep, Loss, SentMessage, SentSql, SqlScript
from sartor.domain.destination import DEFAULT_SCHEMA, Destination, Limits
from sartor.domain.drift import Drift
from sartor.domain.ledger import Ledger
from sartor.domain.plan import Deploy, Direction, Plan, Rollback, make_plan
from sartor.errors import DestinationError, LedgerTooNew, PrivilegeMissing, Unmet
from sartor.execution.deployed import read_deployed, require_trusted_downs
from sartor.execution.executors.psql import write_script
from sartor.execution.existing import counted, require_empty
from sartor.execution.expected_schema import look_for_drift
from sartor.execution.run import begin_with_snapshot
from sartor.execution.run_context import RunContext
from sartor.execution.units import Unit, compile_unit, prerequisites
from sartor.postgres import psql
from sartor.postgres.applications import read_applications
from sartor.postgres.connect.connect import DRIVER_ERRORS
from sartor.postgres.ledger import require_format
from sartor.postgres.lock_monitor import LockMonitor
from sartor.postgres.own_tables import require_sound_tables
from sartor.postgres.schema_contents import find_table
from sartor.postgres.session import Session, application_name
from sartor.postgres.session_settings import set_in_session, settings_for
from sartor.sql.changes import Drop

Tell = Callable[[Session, Catalogue, Deploy | Rollback, Limits], Awaitable[SentSql]]
"""A function that finds out the SQL of a plan's Python alterations."""


async def check(
    destination: Destination,
    catalogue: Catalogue,
    request: Deploy | Rollback,
    *,
    limits: Limits,
    writes: bool,
    tell: Tell | None = None,
) -> Check:
    """Returns what `request` would do; `writes` asks for the script for psql, too.

    `tell` is called where there is Python whose SQL doesn't depend on data, and isn't known without running it.

    Raises SartorError where a run would be refused to every role: PlanError, TargetError, ScriptError. What would be
    refused to this role is returned as an obstacle.
    """
    async with Session(destination, application=application_name("check")) as session:
        ledger = await read_deployed(session, catalogue, request)
        if ledger.exists:
            await require_sound_tables(session.connection, session.tables, session.facts.role)
        asked = await begin_with_snapshot(session, catalogue, ledger, request)
        begins = make_plan(catalogue, ledger, asked).snapshot
        if writes and isinstance(request, Deploy):  # psql runs the scripts that have files
            asked = await begin_with_snapshot(session, catalogue, ledger, request._replace(replay=True))
        request, plan = asked, make_plan(catalogue, counted(ledger, destination, limits), asked)
        require_empty(plan, request, limits)
        await require_trusted_downs(session, plan)
        drift = Drift()  # a destination that records no fingerprint has none to compare with
        if ledger.exists and limits.fingerprint:
            drift = await look_for_drift(session, limits.ignore_objects)
        obstacles = [*_obstacles(session, ledger, plan), *await _unmet(session, plan, limits)]
        if begins != plan.snapshot and begins is not None:
            obstacles.append(f"a deploy builds {begins.release} from its snapshot; the script for psql runs each file")
        told = SentSql({}, ())
        if tell is not None and (telling := max((n for n, u in enumerate(_units(plan), 1) if _may_tell(u)), default=0)):
            told = await tell(session, catalogue, request._replace(steps=len(plan.by_snapshot) + telling), limits)
        obstacles += told.notes
        steps = (*_built(plan), *(_checked(unit, told) for unit in _units(plan)))
        applications = await read_applications(session) if plan.steps else ()
        losses = await _find_losses(session, plan) if plan.direction is Direction.ROLLBACK else ()
        script = None
        if writes:
            if any(find_hooks(lineage.location) for lineage in catalogue.lineages):
                obstacles.append("hooks aren't part of a script for psql")
            try:
                script = await _write(session, ledger, plan, steps, limits)
            except (PrivilegeMissing, LedgerTooNew) as error:
                obstacles.append(f"no script can be written: {_sentence(error)}")
    return Check(plan, drift, steps, losses, script, tuple(obstacles), applications)


async def _write(
    session: Session, ledger: Ledger, plan: Plan, steps: tuple[CheckedStep, ...], limits: Limits
) -> SqlScript:
    """Returns the script for psql. Raises PrivilegeMissing, LedgerTooNew."""
    session.require_read(journal=True)
    require_format(ledger)
    return await write_script(session, ledger, plan, steps, limits)


async def _find_losses(session: Session, plan: Plan) -> tuple[Loss, ...]:
    """Returns the tables and columns that the scripts of a rollback drop, with an estimate of their rows."""
    drops = dict.fromkeys(drop for step in plan.steps for drop in dropped(load_step(step)))
    losses = [await _loss(session, drop) for drop in drops]
    return tuple(dict.fromkeys(loss for loss in losses if loss is not None))


async def _loss(session: Session, drop: Drop) -> Loss | None:
    """Returns what a DROP loses; None where it only drops what exists, and nothing does."""
    schema, table = (drop.table[-2] if len(drop.table) > 1 else None), drop.table[-1]
    found = await find_table(session.connection, schema, table, path=(session.schema, DEFAULT_SCHEMA))
    if drop.guarded and (found is None or (drop.column is not None and drop.column not in found.columns)):
        return None
    place = found.schema if found else schema or session.schema
    shown = table if place == session.schema else f"{place}.{table}"
    return Loss(table=shown, column=drop.column, rows=found.rows if found else None)


def _obstacles(session: Session, ledger: Ledger, plan: Plan) -> Iterator[str]:
    """Yields why this role, or this version of Sartor, can't run the plan. Raises ScriptError where no role can."""
    for require in reversed(prerequisites(plan, session, ledger)):
        try:
            require()
        except DestinationError as error:
            if not plan.is_empty:
                yield f"the plan can't be run from here: {_sentence(error)}"


def _built(plan: Plan) -> Iterator[CheckedStep]:
    for step in plan.by_snapshot:
        why = "was squashed: only Sartor deploys its snapshot" if step.alteration.squashed else None
        yield CheckedStep(step, sql=None, transactional=True, by_snapshot=True, unsayable=why)


async def _unmet(session: Session, plan: Plan, limits: Limits) -> list[str]:
    """Returns what the first step requires and isn't so; what the others require may change with the steps before."""
    unit = next(_units(plan), None)
    if unit is None or unit.resumes or not any(each.query for each in unit.requires):
        return []
    run = RunContext(session, LockMonitor(session.destination, application=""), limits=limits, observer=lambda _: None)
    settings = settings_for(session, run.limits, "sartor check", lock_timeout=unit.script.lock_timeout)
    opening, given = f"set transaction read only;{set_in_session(settings)}", run.for_script(unit.about.name)
    found = []
    for condition in (each for each in unit.requires if each.query):
        try:
            async with session.connection.script_transaction(opening, str, longest_lock=settings.lock_timeout):
                await condition.body(session.connection, given)
        except Unmet as error:
            found.append(f"a run stops before {unit.about.name}: {error}")
        except DRIVER_ERRORS as error:
            if session.connection_lost:
                raise
            found.append(f"`require` of {unit.about.name} can't be asked from here: {error}: {condition.words}")
    return found


def _sentence(error: DestinationError) -> str:
    return f"{error}; {error.hint}" if error.hint else str(error)


def _units(plan: Plan) -> Iterator[Unit]:
    return (compile_unit(step, plan.direction) for step in plan.one_by_one)


def _may_tell(unit: Unit) -> bool:
    """Returns whether its SQL is known only from a rehearsal, which can show it."""
    return unit.statements is None and is_data_independent(unit.script, unit.direction)


def _checked(unit: Unit, told: SentSql) -> CheckedStep:
    messages, rehearsed = _messages(unit, told)
    before = None if unit.statements_before is None else tuple(map(_message, unit.statements_before))
    every = None if messages is None or before is None else (*before, *messages)
    return CheckedStep(
        step=unit.step,
        sql=None if every is None else "".join(map(_shown, every)),
        transactional=unit.transactional,
        messages=messages or (),
        before=before or (),
        rehearsed=rehearsed,
        requires=tuple(each.words for each in unit.requires),
        ensures=tuple(each.words for each in unit.ensures),
        unsayable=_unsayable(unit, every),
    )


def _message(fragment: Fragment) -> SentMessage:
    return SentMessage(fragment.text, fragment.rows)


def _shown(sent: SentMessage) -> str:
    """Returns what is shown of a message: of its data only their place, as there may be many."""
    return psql.say(sent.text) + ("" if sent.rows is None else f"-- its data: {sent.rows.place}\n")


def _messages(unit: Unit, told: SentSql) -> tuple[tuple[SentMessage, ...] | None, bool]:
    """Returns the messages that a unit sends, or None where unknown; and whether they come from a rehearsal."""
    if (statements := unit.statements) is not None:
        return tuple(map(_message, statements)), False
    texts = told.messages.get(unit.about.identity) if _may_tell(unit) else None
    return None if texts is None else tuple(map(SentMessage, texts)), texts is not None


def _unsayable(unit: Unit, messages: tuple[SentMessage, ...] | None) -> str | None:
    if messages is None:
        return "is Python, whose SQL is known only when it runs"
    if not all(each.query for each in (*unit.requires, *unit.ensures)):
        return "asks in Python whether a condition is met"
    if unit.resumes:
        return "was interrupted outside a transaction, and only Sartor can resume it"
    if not all(sent.rows or psql.is_sayable(sent.text) for sent in messages):
        return "has SQL that psql reads differently: COPY FROM STDIN, a backslash, or an unterminated quote"
    return None
