"""Finds out on a clone without rows what a plan does: the tables that it may change, the SQL that Python sends."""

from collections.abc import Iterable, Iterator

from sartor.alterations.kept_down import load_step
from sartor.alterations.python_source import is_data_independent
from sartor.domain.affected_tables import Dependencies, PlanEffects, steps_of
from sartor.domain.alteration import Alteration, Catalogue
from sartor.domain.check import SentSql
from sartor.domain.destination import Destination, Limits
from sartor.domain.hazards.hazard import MODES, RehearsedStatement
from sartor.domain.ledger import State
from sartor.domain.plan import Deploy, Plan, Rollback
from sartor.domain.rehearsal import Rehearsed
from sartor.errors import DestinationError
from sartor.footprint.dependencies import read_dependencies
from sartor.postgres.psql import with_values
from sartor.postgres.session import Session, application_name
from sartor.rehearsal.on_clone import RehearsalOrder, cloned, deploy_there, on_a_clone, plan_rehearsal
from sartor.rehearsal.recorded_scripts import ScriptRecorder
from sartor.sql.statements import Kind, Statement

CHANGING = frozenset({MODES[2], *MODES[6:]})
"""Lock modes of statements that may change or move rows; the others are those of reads and of definitions."""

Seen = list[tuple[Alteration, RehearsedStatement]]


async def find_effects(
    destination: Destination,
    catalogue: Catalogue,
    request: Deploy | Rollback,
    *,
    scratch: Destination | None,
    limits: Limits,
) -> PlanEffects:
    """Rehearses what `request` would do, on a clone beside the destination or on the server of `scratch`.

    Where no rehearsal is possible, the reach is unknown. Raises SartorError where a run would be refused.
    """
    limits = limits._replace(fingerprint=False)
    async with Session(destination, application=application_name("rehearse")) as session:
        plan = await plan_rehearsal(session, catalogue, request)
        steps, why = steps_of(plan), next(_untold(plan), None)
        if why is not None or not plan.steps:
            return PlanEffects(steps=steps, unknown=why)
        try:
            found = await _rehearse(session, catalogue, request, RehearsalOrder(scratch=scratch), limits)
        except DestinationError as error:
            return PlanEffects(steps=steps, unknown=_impossible(error))
        return found._replace(steps=steps)


def _untold(plan: Plan) -> Iterator[str]:
    """Yields reasons why a rehearsal without rows wouldn't show what a plan does."""
    for step in plan.steps:
        alteration, script = step.alteration, load_step(step)
        if step.entry is not None and step.entry.state is not State.DEPLOYED:
            yield f"{alteration.name} was interrupted and will be resumed"
        elif script.sql_before(plan.direction) is None:
            yield f"{alteration.name} has steps before its transaction, which may change any table"
        elif script.fragments.get(plan.direction) is None and not is_data_independent(script, plan.direction):
            yield f"{alteration.name} is Python code that depends on rows, and may change any table"


async def _rehearse(
    session: Session, catalogue: Catalogue, request: Deploy | Rollback, order: RehearsalOrder, limits: Limits
) -> PlanEffects:
    async with cloned(session, order, limits) as copy:
        recorder = ScriptRecorder(copy.known)
        plan, failed = await deploy_there(copy.session, catalogue, request, recorder, limits, lambda _event: None)
        if failed is not None:
            return PlanEffects(unknown=f"{failed.name} failed in a rehearsal without rows: {failed.message}")
        seen = [(step.alteration, each) for step in plan.steps for each in recorder.statements(step.alteration)]
        known = copy.known.relations
        after = await read_dependencies(copy.session.connection, session.schema, known)
        return _effects_of(seen, after, frozenset(relation.name for relation in known.values()))


def _effects_of(seen: Seen, after: Dependencies, known: frozenset[str]) -> PlanEffects:
    """Returns the reach of the observed statements; `after` are the ties behind them, `known` the relations before."""
    locks = [lock for _, each in seen for lock in each.locks]
    reacting = {
        lock.relation: f"a trigger or rule of {lock.relation} that {alteration.name} creates"
        for alteration, each in seen
        if _is_of_reaction(each, Kind.CREATE)
        for lock in each.locks
    }
    # A trigger or rule that the plan drops again is gone when the catalogue is read.
    passing = any(_is_of_reaction(each, Kind.DROP) for _, each in seen)
    functions = frozenset(name for _, each in seen if (name := Statement(each.sql).makes_function) is not None)
    return PlanEffects(
        known=known,
        changed=frozenset(lock.relation for lock in locks if lock.mode in CHANGING),
        written=frozenset(name for _, each in seen for name in each.writes),
        read=frozenset(lock.relation for lock in locks),
        calls={name: alteration.name for alteration, each in seen for name in Statement(each.sql).calls},
        dependencies=Dependencies(reacting=reacting if passing else {}, functions=functions) | after,
        unknown=next(_programs(seen), None),
    )


def _is_of_reaction(seen: RehearsedStatement, kind: Kind) -> bool:
    """Returns whether a statement creates, or drops, a trigger or a rule."""
    statement = Statement(seen.sql)
    return statement.kind is kind and statement.head.type in {"trigger", "rule"}


def _programs(seen: Iterable[tuple[Alteration, RehearsedStatement]]) -> Iterator[str]:
    for alteration, each in seen:
        if Statement(each.sql).runs_code:
            yield f"{alteration.name} runs DO or CALL, which may change any table"


def _impossible(error: DestinationError) -> str:
    return f"no rehearsal was possible: {error}" + (f"; {error.hint}" if error.hint else "")


async def find_sent_sql(session: Session, catalogue: Catalogue, request: Deploy | Rollback, limits: Limits) -> SentSql:
    """Rehearses on a clone beside the session's database, without data; returns the SQL that each alteration sent.

    Where there was no rehearsal, or it didn't reach the end, a note says why. Raises ScriptError.
    """
    try:
        found = await on_a_clone(session, catalogue, request, RehearsalOrder(), limits, lambda _event: None)
    except DestinationError as error:
        return SentSql({}, (f"the SQL of Python alterations is unknown, as {_impossible(error)}",))
    messages = {each.alteration.identity: texts for each in found.alterations if (texts := _texts(each)) is not None}
    stuck = next((each for each in found.alterations if each.reason is not None), None)
    if stuck is None:
        return SentSql(messages, ())
    reason = found.failed.message if found.failed else stuck.reason
    return SentSql(messages, (f"the rehearsal stopped at {stuck.alteration.name}: {reason}",))


def _texts(found: Rehearsed) -> tuple[str, ...] | None:
    """Returns what an alteration sent, as SQL without parameters; None where that isn't all, or some of it failed."""
    if found.reason is not None or any(statement.error is not None for statement in found.statements):
        return None
    texts = [None if message is None else with_values(message) for message in found.sent]
    known = tuple(text for text in texts if text is not None)
    return known if len(known) == len(texts) else None
