"""Rehearses Python scripts to learn the SQL that they send, for a plan that is to be written as SQL."""

from __future__ import annotations

from sartor.domain.alteration import Catalogue
from sartor.domain.check import SentSql
from sartor.domain.destination import Limits
from sartor.domain.plan import Deploy, Rollback
from sartor.domain.rehearsal import Rehearsed
from sartor.domain.report import RunEvent
from sartor.errors import DestinationError
from sartor.postgres.psql import with_values
from sartor.postgres.session import Session
from sartor.rehearsal.rehearse import RehearsalOrder, on_a_clone


async def find_sent_sql(session: Session, catalogue: Catalogue, request: Deploy | Rollback, limits: Limits) -> SentSql:
    """Rehearses on a clone beside the session's database, without data; returns the SQL that each alteration sent.

    Where there was no rehearsal, or it didn't reach the end, a note says why. Raises ScriptError.
    """
    try:
        found = await on_a_clone(session, catalogue, request, RehearsalOrder(), {}, limits, _ignore)
    except DestinationError as error:
        why = f"{error}; {error.hint}" if error.hint else str(error)
        return SentSql({}, (f"the SQL of Python alterations is unknown, as no rehearsal was possible: {why}",))
    messages = {each.alteration.identity: texts for each in found.alterations if (texts := _texts(each)) is not None}
    stuck = next((each for each in found.alterations if each.reason is not None), None)
    if stuck is None:
        return SentSql(messages, ())
    reason = found.failed.message if found.failed else stuck.reason
    return SentSql(messages, (f"the rehearsal stopped at {stuck.alteration.name}: {reason}",))


def _ignore(_event: RunEvent) -> None:
    """Ignores an event: events of the clone say nothing about the destination."""


def _texts(found: Rehearsed) -> tuple[str, ...] | None:
    """Returns what an alteration sent, as SQL without parameters; None where that isn't all, or some of it failed."""
    if found.reason is not None or any(statement.error is not None for statement in found.statements):
        return None
    texts = [None if message is None else with_values(message) for message in found.sent]
    known = tuple(text for text in texts if text is not None)
    return known if len(known) == len(texts) else None
