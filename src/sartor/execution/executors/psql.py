"""Writes a plan as a script for psql: the events of a run, in its order, up to the first that can't be written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sartor import __version__
from sartor.alterations.loader import load_script
from sartor.alterations.script import Script
from sartor.domain.alteration import Alteration
from sartor.domain.check import CheckedStep, Part, SentMessage, SqlScript
from sartor.domain.ledger import Entry, EventKind, Ledger
from sartor.domain.limits import Limits
from sartor.domain.plan import Plan
from sartor.execution.executors.batch import END_EVENTS
from sartor.execution.executors.non_transactional import START_EVENTS
from sartor.postgres import psql
from sartor.postgres.journal import NewEvent
from sartor.postgres.ledger import creation, read_token
from sartor.postgres.session import Session
from sartor.postgres.session_settings import SessionSettings
from sartor.sql.quoting import quote_comment

BY_HAND = {"via": "psql"}
"""The journal's `detail` of an event that such a script wrote."""
REHEARSED = "Python, with the SQL that it sent when it was rehearsed"

USE = (
    "Run it once, on that database, with a psql that isn't older than the server:",
    "    psql --no-psqlrc --file=FILE DATABASE",
    "Each alteration is a transaction of its own, with its record; the first error stops the script.",
    "",
)


async def write_script(
    session: Session, ledger: Ledger, plan: Plan, steps: Sequence[CheckedStep], limits: Limits
) -> SqlScript:
    """Returns the script for a plan that was made from this ledger. Reads the journal."""
    if plan.is_empty:
        return SqlScript((_head(session, plan, steps),))
    token = await read_token(session, ledger.head) if ledger.exists else None
    writer = _Writer(session, plan, head=max(0, ledger.head), limits=limits)
    before = [
        _head(session, plan, steps),
        psql.SETUP,
        psql.expecting(session.schema, ledger.head, token, session.facts.own),
        *([] if ledger.exists else [psql.creating(creation(session))]),
    ]
    events = [part for parts in (*writer.repairs(), *writer.steps(steps)) for part in ("\n", *parts)]
    return SqlScript(("\n".join(before), *events))


def _head(session: Session, plan: Plan, steps: Sequence[CheckedStep]) -> str:
    target = f" {plan.target}" if plan.target else ""
    lines = [
        f"Written by Sartor {__version__}: {plan.direction.value}{target} on {session.destination.label}.",
        *(["There is nothing to do."] if plan.is_empty else USE),
        *(f"  {number}. {_title(step)}" for number, step in enumerate(steps, 1)),
    ]
    return "".join(f"-- {quote_comment(line)}".rstrip() + "\n" for line in lines)


def _title(step: CheckedStep) -> str:
    name = step.step.alteration.name
    if step.unsayable:
        return f"{name}: {step.unsayable}; this script stops before it"
    return (
        name + ("" if step.transactional else ", outside a transaction") + (f", {REHEARSED}" if step.rehearsed else "")
    )


class _Writer:
    """A writer of events with consecutive numbers; `head` is the number of the journal's last event."""

    def __init__(self, session: Session, plan: Plan, *, head: int, limits: Limits) -> None:
        self._session = session
        self._plan = plan
        self._head = head
        self._limits = limits.at(session.destination)

    def repairs(self) -> Iterator[list[Part]]:
        """Yields the records that a run writes before its first step."""
        for pair in self._plan.relabel:
            yield self._record(EventKind.RELABELLED, pair.alteration, pair.entry.release.label)
        for pair in self._plan.accept:
            yield self._record(EventKind.ACCEPTED, pair.alteration, pair.entry.checksum)
        for entry in self._plan.forget:
            yield self._record(EventKind.FORGOTTEN, entry, None)

    def steps(self, steps: Sequence[CheckedStep]) -> Iterator[list[Part]]:
        """Yields the steps up to the first that can't be written, where the script stops."""
        for step in steps:
            alteration = step.step.alteration
            if step.unsayable:
                yield [psql.stopping(f"{alteration.name} {step.unsayable}", self._way_on())]
                return
            name = quote_comment(alteration.name)
            told = f"-- {REHEARSED}\n" if step.rehearsed else ""
            yield [
                f"-- {name}\n{told}{psql.echo(alteration.name)}",
                *self._step(load_script(alteration), step.messages),
            ]

    def _way_on(self) -> str:
        target = f" {self._plan.target}" if self._plan.target else ""
        direction = self._plan.direction.value
        return f"all before it is done; `sartor db alteration {direction}{target}` goes on from here"

    def _step(self, script: Script, messages: Sequence[SentMessage]) -> list[Part]:
        direction, alteration = self._plan.direction, script.alteration
        settings = self._settings(alteration)
        if not script.needs_session(direction):
            return psql.in_transaction(self._event(END_EVENTS[direction], alteration), settings, messages)
        start = self._event(START_EVENTS[direction], alteration)
        end = self._event(END_EVENTS[direction], alteration, since=start.seq)
        return psql.outside_transaction(start, end, settings, messages)

    def _record(self, kind: EventKind, about: Alteration | Entry, was: str | None) -> list[Part]:
        event = self._event(kind, about, detail={} if was is None else {"was": was})
        return [
            f"-- {quote_comment(about.name)} is {kind.value}\n",
            *psql.in_transaction(event, self._settings(about), []),
        ]

    def _event(
        self,
        kind: EventKind,
        about: Alteration | Entry,
        *,
        since: int | None = None,
        detail: dict[str, str] | None = None,
    ) -> NewEvent:
        self._head += 1
        return NewEvent(seq=self._head, kind=kind, about=about, since=since, detail=BY_HAND | (detail or {}))

    def _settings(self, about: Alteration | Entry) -> SessionSettings:
        name = about.name.encode("ascii", "replace").decode()
        return SessionSettings(
            schema=self._session.schema,
            role=None,
            lock_timeout=self._limits.lock_timeout,
            statement_timeout=self._limits.statement_timeout,
            application=f"sartor {name}"[:63],
            server_version=self._session.facts.server_version,
        )
