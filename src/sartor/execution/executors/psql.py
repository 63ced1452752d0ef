"""Writes a plan as a script for psql: the events of a run, in its order, up to the first that can't be written."""

from collections.abc import Iterable, Iterator, Sequence

from sartor import __version__
from sartor.alterations.script import Condition
from sartor.domain.check import AskedSql, CheckedStep, Part, SqlScript
from sartor.domain.destination import Limits
from sartor.domain.ledger import Ledger
from sartor.domain.plan import Plan
from sartor.execution.units import Record, Unit, compile_records, compile_unit
from sartor.postgres import psql
from sartor.postgres.journal import NewEvent
from sartor.postgres.ledger import creation, read_token
from sartor.postgres.session import Session
from sartor.postgres.session_settings import SessionSettings, settings_for
from sartor.sql.quoting import quote_comment

BY_HAND = {"via": "psql"}
"""The journal's `detail` of an event that such a script wrote."""
REHEARSED = "Python; the SQL is what it sent in a rehearsal"

USE = (
    "Run it once, on that database, with a psql of the server's version or later:",
    "    psql --no-psqlrc --file=FILE DATABASE",
    "Each alteration runs in a transaction together with its record; the first error stops the script.",
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
        psql.expecting(session.tables, ledger.head, token, session.facts.own),
        *([] if ledger.exists else [psql.creating(creation(session))]),
    ]
    events = [part for parts in (*writer.records(), *writer.steps(steps)) for part in ("\n", *parts)]
    return SqlScript(("\n".join(before), *events))


def _head(session: Session, plan: Plan, steps: Sequence[CheckedStep]) -> str:
    lines = [
        f"Written by Sartor {__version__}: {_asked(plan)} on {session.destination.label}.",
        *(["There is nothing to do."] if plan.is_empty else USE),
        *(f"  {number}. {_title(step)}" for number, step in enumerate(steps, 1)),
    ]
    return "".join(f"-- {quote_comment(line)}".rstrip() + "\n" for line in lines)


def _asked(plan: Plan) -> str:
    return f"{plan.direction.value} {plan.target}" if plan.target else plan.direction.value


def _title(step: CheckedStep) -> str:
    name = step.step.alteration.name
    if step.unsayable:
        return f"{name}: {step.unsayable}; this script stops before it"
    where = "" if step.transactional else ", outside a transaction"
    return name + where + (f", {REHEARSED}" if step.rehearsed else "")


def _conditions(conditions: Iterable[Condition]) -> list[AskedSql]:
    return [AskedSql(each.part.value, each.words, each.query.text) for each in conditions if each.query]


class _Writer:
    """Writes events with consecutive numbers; `head` is the number of the journal's last event."""

    def __init__(self, session: Session, plan: Plan, *, head: int, limits: Limits) -> None:
        self._session = session
        self._plan = plan
        self._head = head
        self._limits = limits.at(session.destination)

    def records(self) -> Iterator[list[Part]]:
        """Yields the records that a run writes before its first step."""
        for record in compile_records(self._plan):
            written = psql.in_transaction(self._event(record), self._settings(record), [])
            yield [f"-- {quote_comment(record.about.name)} is {record.kind.value}\n", *written]

    def steps(self, steps: Sequence[CheckedStep]) -> Iterator[list[Part]]:
        """Yields the steps up to the first that can't be written, where the script stops."""
        for step in steps:
            alteration = step.step.alteration
            if step.unsayable:
                command = f"sartor db alteration {_asked(self._plan)}"
                way_on = f"all alterations before it are done; to continue: {command}"
                yield [psql.stopping(f"{alteration.name} {step.unsayable}", way_on)]
                return
            name = quote_comment(alteration.name)
            told = f"-- {REHEARSED}\n" if step.rehearsed else ""
            unit = compile_unit(step.step, self._plan.direction)
            yield [f"-- {name}\n{told}{psql.echo(alteration.name)}", *self._unit(unit, step)]

    def _unit(self, unit: Unit, step: CheckedStep) -> list[Part]:
        settings = self._settings(unit)
        requires, ensures = _conditions(unit.requires), _conditions(unit.ensures)
        if unit.transactional:
            event, sent = self._event(unit), step.messages
            return psql.in_transaction(event, settings, sent, requires=requires, ensures=ensures)
        start = self._event(Record(kind=unit.start_kind, about=unit.about))
        end, inside = self._event(unit, since=start.seq), () if unit.body_outside else step.messages
        outside = (*step.before, *step.messages) if unit.body_outside else step.before
        return psql.outside_transaction(start, end, settings, outside, inside, requires=requires, ensures=ensures)

    def _event(self, of: Unit | Record, *, since: int | None = None) -> NewEvent:
        self._head += 1
        detail = BY_HAND | (dict(of.detail) if isinstance(of, Record) else {})
        down = of.down if isinstance(of, Unit) else None
        return NewEvent(seq=self._head, kind=of.kind, about=of.about, since=since, detail=detail, down=down)

    def _settings(self, of: Unit | Record) -> SessionSettings:
        own = of.script.lock_timeout if isinstance(of, Unit) else None
        settings = settings_for(self._session, self._limits, f"sartor {of.about.name}", lock_timeout=own)
        return settings._replace(role=None)
