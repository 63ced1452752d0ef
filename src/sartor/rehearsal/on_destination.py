"""Runs scripts on the destination itself, each in a transaction that is rolled back."""

from __future__ import annotations

import sartor.postgres.errors as driver
from sartor.alterations.script import Script
from sartor.domain.context import Context
from sartor.domain.limits import Limits
from sartor.domain.plan import Plan, Step
from sartor.domain.rehearsal import Rehearsed
from sartor.domain.report import Failure, Note, Observer
from sartor.errors import Unreachable
from sartor.execution.script_call import contained
from sartor.postgres.session import Session
from sartor.postgres.session_settings import SessionSettings, set_in_session
from sartor.rehearsal.recorded_scripts import ScriptRecorder

SHORT = 0.3
"""Seconds to wait for a lock at most: sessions queued behind the rehearsal wait as long."""


class _Undo(Exception):
    """Raised to roll back a transaction that must leave nothing."""


async def rehearse_live(
    session: Session, plan: Plan, script_recorder: ScriptRecorder, limits: Limits, observer: Observer
) -> tuple[list[Rehearsed], Failure | None]:
    """Runs each script of a plan by itself and rolls it back: one that builds on another can't be rehearsed this way.

    Returns what was rehearsed, and the first failure; scripts after it are rehearsed all the same.
    """
    limits = limits.at(session.destination)
    found = [await _rehearse(session, step, plan, script_recorder, limits, observer) for step in plan.steps]
    return [each for each, _ in found], next((failure for _, failure in found if failure is not None), None)


async def _rehearse(
    session: Session, step: Step, plan: Plan, script_recorder: ScriptRecorder, limits: Limits, observer: Observer
) -> tuple[Rehearsed, Failure | None]:
    alteration, script = step.alteration, script_recorder.load(step.alteration)
    body = script.body(plan.direction)
    if script.needs_session(plan.direction):
        outside = "it runs outside a transaction, so it can't be rolled back"
        return Rehearsed(alteration=alteration, reason=outside), None
    settings, failed = _settings(session, alteration.name, limits), None
    try:
        async with session.connection.script_transaction(set_in_session(settings), ""):
            await contained(body, alteration.file)(session.connection, _context(session, alteration.name, observer))
            raise _Undo  # noqa: TRY301 - ends a transaction that must not be committed
    except _Undo:
        pass
    except Exception as error:  # noqa: BLE001 - a script may fail in any way
        failed = _failure(error, session, script, limits)
    if session.connection_lost or session.connection.worn:
        await session.renew()
    reason = None if failed is None else f"it failed: {failed.message}"
    return Rehearsed(alteration=alteration, statements=script_recorder.statements(alteration), reason=reason), failed


def _failure(error: Exception, session: Session, script: Script, limits: Limits) -> Failure:
    about = script.alteration
    if session.connection_lost:
        raise Unreachable(f"{session.destination.label}: the connection was lost ({error})") from error
    return driver.failure(
        error,
        name=about.name,
        alteration_id=about.id,
        file=about.file,
        locate=script.locate,
        overtime=limits.overtime,
    )


def _settings(session: Session, name: str, limits: Limits) -> SessionSettings:
    return SessionSettings(
        schema=session.schema,
        role=session.facts.role,
        lock_timeout=min(limits.lock_timeout or SHORT, SHORT),
        statement_timeout=limits.statement_timeout,
        application=f"sartor rehearse {name}".encode("ascii", "replace").decode()[:63],
        server_version=session.facts.server_version,
    )


def _context(session: Session, name: str, observer: Observer) -> Context:
    facts = session.facts
    return Context(
        database=facts.database,
        schema=session.schema,
        user=facts.user,
        server_version=facts.server_version,
        log=lambda text: observer(Note(text=f"{name}: {text}")),
    )
