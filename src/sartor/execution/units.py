"""Compiles a plan to units: each is one event of the journal, and the work that is committed with it.

Scripts are loaded shortly before they run, so that memory doesn't grow with a run.
"""

import asyncio
import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from sartor.alterations.kept_down import kept_down, load_step
from sartor.alterations.script import Body, Condition, Fragment, Script
from sartor.domain.alteration import Alteration
from sartor.domain.ledger import WAS_ID, EventKind, Ledger, State, Subject
from sartor.domain.manifest import Line
from sartor.domain.plan import Direction, Plan, Step
from sartor.errors import PoolerRefused, SartorError
from sartor.postgres.ledger import require_format
from sartor.postgres.session import Session
from sartor.sql.quiet import is_brief, is_quiet
from sartor.sql.splitting import may_lift_lock_timeout, split, stands_alone

Load = Callable[[Step], Script]
"""Returns the script of a step. Raises ScriptError."""

NO_LINES: Mapping[tuple[str, str], Line] = MappingProxyType({})

LARGE = 1 << 17
"""Size in bytes above which a script isn't loaded ahead: while it loads, the script before it would hold its locks."""

_STARTS = {Direction.DEPLOY: EventKind.STARTED, Direction.ROLLBACK: EventKind.UNDOING}
_ENDS = {Direction.DEPLOY: EventKind.DEPLOYED, Direction.ROLLBACK: EventKind.ROLLED_BACK}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """An event without work: a correction of the ledger."""

    kind: EventKind
    about: Subject
    detail: Mapping[str, str] = field(default_factory=dict)


class Batched(NamedTuple):
    """The SQL of a script that runs in a transaction and may be sent with others, message by message.

    It is `quiet` where it leaves the session as it was, and fires no trigger: it only defines objects; `brief` where it
    reads no rows for that either, so that it takes no time once it has its locks. It is `alarming` where it may make an
    event trigger, which the scripts behind it fire.
    """

    statements: tuple[str, ...]
    quiet: bool
    brief: bool
    alarming: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A script to be run in one direction, for a step of a plan; `line` is the manifest's, where it has one."""

    script: Script
    direction: Direction
    step: Step
    line: Line | None = None

    @property
    def about(self) -> Alteration:
        return self.step.alteration

    @property
    def kind(self) -> EventKind:
        return EventKind.REPEATED if self.about.is_repeatable else _ENDS[self.direction]

    @property
    def start_kind(self) -> EventKind:
        """The kind of the event before the work, where a part of that runs outside a transaction."""
        return _STARTS[self.direction]

    @property
    def down(self) -> str | None:
        """What the ledger keeps of its way back, once it is deployed."""
        if self.kind is not EventKind.DEPLOYED:
            return None
        return self.script.once(("down", self.line), lambda: kept_down(self.script, self.line).to_text())

    @property
    def statements(self) -> tuple[Fragment, ...] | None:
        """The SQL that it sends, message by message; None where only running it can show that."""
        return self.script.fragments.get(self.direction)

    @property
    def statements_before(self) -> tuple[Fragment, ...] | None:
        """The SQL that it sends before its transaction; None where only running it can show that."""
        return self.script.sql_before(self.direction)

    @property
    def body(self) -> Body:
        return self.script.body(self.direction)

    @property
    def before(self) -> Body | None:
        """The function that runs before it, outside a transaction."""
        return self.script.before.get(self.direction)

    @property
    def requires(self) -> tuple[Condition, ...]:
        """What must be so before it is deployed; nothing is asked of a rollback."""
        return self.script.requires if self.direction is Direction.DEPLOY else ()

    @property
    def ensures(self) -> tuple[Condition, ...]:
        """What must be so after its `up`."""
        return self.script.ensures if self.direction is Direction.DEPLOY else ()

    @property
    def transactional(self) -> bool:
        """True where no part of it runs outside a transaction, and so needs a server session of its own."""
        return not self.body_outside and self.before is None

    @property
    def body_outside(self) -> bool:
        """True where its body runs outside a transaction."""
        return self.direction in self.script.outside

    @property
    def resumes(self) -> bool:
        """True where an interrupted run has begun it."""
        return self.step.entry is not None and self.step.entry.state is not State.DEPLOYED

    @property
    def batched(self) -> Batched | None:
        """The form in which it is sent in one message with others; None where it isn't fit for that."""
        return None if self.resumes else self.script.once(("batched", self.direction), self._batched)

    def _batched(self) -> Batched | None:
        alike = self.transactional and self.script.lock_timeout is None and not self.requires and not self.ensures
        if not alike or (messages := self.statements) is None or not all(map(_fits_a_batch, messages)):
            return None
        every = [statement for message in messages for statement in split(message.text)]
        quiet = all(map(is_quiet, every))
        texts = tuple(message.text for message in messages)
        alarming = not quiet and any("event trigger" in " ".join(text.lower().split()) for text in texts)
        return Batched(texts, quiet, quiet and is_brief(every), alarming)


def _fits_a_batch(message: Fragment) -> bool:
    """Returns whether a message may be sent with others; a limit goes between the statements that may lift it."""
    lifts = may_lift_lock_timeout(message.text) and len(split(message.text)) > 1
    return stands_alone(message.text) and not lifts


def compile_unit(
    step: Step, direction: Direction, load: Load = load_step, lines: Mapping[tuple[str, str], Line] = NO_LINES
) -> Unit:
    """Returns the unit of a step. Raises ScriptError where its script can't be loaded, or has nothing to run.

    `lines` are those of the manifests, by identity.
    """
    unit = Unit(script=load(step), direction=direction, step=step, line=lines.get(step.alteration.identity))
    unit.script.body(direction)
    return unit


def compile_records(plan: Plan) -> Iterator[Record]:
    """Yields the corrections of the ledger that come before a plan's steps."""
    for pair in plan.relabel:
        renamed = {WAS_ID: pair.entry.id} if pair.entry.id != pair.alteration.id else {}
        yield Record(
            kind=EventKind.RELABELLED, about=pair.alteration, detail={"was": pair.entry.release.label, **renamed}
        )
    for pair in plan.accept:
        yield Record(kind=EventKind.ACCEPTED, about=pair.alteration, detail={"was": pair.entry.checksum})
    for entry in plan.forget:
        yield Record(kind=EventKind.FORGOTTEN, about=entry)


def require_units(plan: Plan, session: Session, load: Load = load_step) -> None:
    """Compiles every unit of a plan; the run compiles them again one by one, so that memory doesn't grow.

    Raises ScriptError, and PoolerRefused where a script needs a server session of its own behind a pooler.
    """
    units = (compile_unit(step, plan.direction, load) for step in plan.one_by_one)
    apart = [unit.about.name for unit in units if not unit.transactional]
    if apart and session.facts.pooled:
        raise PoolerRefused(
            f"{session.destination.label} is a connection pooler, such as pgbouncer, but"
            f" {', '.join(apart)} runs outside a transaction, which needs a server session"
        )


def prerequisites(
    plan: Plan, session: Session, ledger: Ledger, load: Load = load_step
) -> tuple[Callable[[], None], ...]:
    """Returns what a run asks for before it does anything: functions that raise ScriptError or DestinationError."""
    return (lambda: require_units(plan, session, load), lambda: require_format(ledger), session.require_write)


class Prefetch:
    """A queue of a plan's units, in order: those `loaded`, and the rest; `compile_step` returns a step's unit."""

    def __init__(self, steps: Iterable[Step], compile_step: Callable[[Step], Unit]) -> None:
        self._steps = deque(steps)
        self._compile = compile_step
        self.loaded: deque[Unit] = deque()
        self._error: SartorError | None = None

    def look(self) -> Unit | None:
        """Returns the first remaining unit, or None where none is left. Raises what `compile_step` raises."""
        first = next(iter(self), None)
        if first is None and self._error is not None:
            raise self._error
        return first

    def __iter__(self) -> Iterator[Unit]:
        """Yields the remaining units, loaded on demand; ends at the first that can't be loaded."""
        for number in itertools.count():
            if number == len(self.loaded) and not self._load_one():
                return
            yield self.loaded[number]

    async def load_ahead(self, count: int, then: Callable[[], None] = lambda: None) -> None:
        """Loads units, while others wait for the server, until `count` are loaded; then calls `then`.

        A large script isn't loaded ahead.
        """
        for _ in range(count - len(self.loaded)):
            if self._steps and _is_small(self._steps[0]):
                self._load_one()
            await asyncio.sleep(0)
        then()

    def _load_one(self) -> bool:
        if not self._steps or self._error is not None:
            return False
        try:
            self.loaded.append(self._compile(self._steps[0]))
        except SartorError as error:
            # Raised when its step comes: those before it can still be run.
            self._error = error
            return False
        self._steps.popleft()
        return True


def _is_small(step: Step) -> bool:
    try:
        return os.stat(step.alteration.file).st_size <= LARGE  # noqa: PTH116 - it is text
    except OSError:
        return False
