"""The result of a check: what a run would do, before it does it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from sartor.domain.drift import Drift
from sartor.domain.plan import Plan, Step
from sartor.domain.rows import Rows

if TYPE_CHECKING:
    from sartor.domain.applications import Application

Part = str | Rows
"""A part of a script for psql: SQL, or data that stay in the file that holds them."""


class SentMessage(NamedTuple):
    """SQL that is sent as one message, and the data that go with it where it is a COPY."""

    text: str
    rows: Rows | None = None


class AskedSql(NamedTuple):
    """A condition of a script: `require` or `ensure`, its words, and its query."""

    part: str
    words: str
    query: str


class SqlScript(NamedTuple):
    """A script for psql."""

    parts: tuple[Part, ...]

    def blocks(self) -> Iterator[bytes]:
        """Yields the whole script, as bytes. Raises CatalogueError where the data can't be read, or have changed."""
        for part in self.parts:
            if isinstance(part, str):
                yield part.encode()
            else:
                yield from part.read()
                yield part.end


class CheckedStep(NamedTuple):
    """A step of a plan: its SQL, None where only running it can tell, and whether that is one transaction.

    Of a COPY's data, `sql` only says where they are. `messages` make up the SQL, after what is sent `before` its
    transaction; `rehearsed` says that a rehearsal reported them. `requires` and `ensures` are its conditions, in their
    author's words. `unsayable` is the reason why a script for psql has to stop before this step, None where it hasn't.
    `by_snapshot` says that a snapshot stands for it: its SQL isn't run.
    """

    step: Step
    sql: str | None
    transactional: bool
    messages: tuple[SentMessage, ...] = ()
    before: tuple[SentMessage, ...] = ()
    rehearsed: bool = False
    requires: tuple[str, ...] = ()
    ensures: tuple[str, ...] = ()
    unsayable: str | None = None
    by_snapshot: bool = False


class SentSql(NamedTuple):
    """The SQL that Python alterations reported: the texts that each sends, by its identity, and notes about it."""

    messages: Mapping[tuple[str, str], tuple[str, ...]]
    notes: tuple[str, ...]


class Loss(NamedTuple):
    """A table, or a column of it, that a rollback drops, and about how many rows the table holds (None: unknown)."""

    table: str
    column: str | None
    rows: int | None


class Check(NamedTuple):
    """A plan with its SQL, and the drift of the schema that it starts from.

    `losses` is what a rollback would drop. `script` is all of the SQL for psql, None where it wasn't asked for or can't
    be written. `obstacles` are sentences on why it can't, and on why this role couldn't carry out the plan here.
    """

    plan: Plan
    drift: Drift
    steps: tuple[CheckedStep, ...]
    losses: tuple[Loss, ...]
    script: SqlScript | None
    obstacles: tuple[str, ...]
    applications: tuple[Application, ...] = ()
    """The applications that are connected, as far as they have named themselves by `heartbeat`."""
