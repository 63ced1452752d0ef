"""The result of a rehearsal: each alteration with its statements, and the sizes of the tables concerned."""

from collections.abc import Mapping
from typing import NamedTuple

from sartor.domain.alteration import Alteration
from sartor.domain.hazards.hazard import RehearsedStatement, Size, Verdict, worst
from sartor.domain.release import Release
from sartor.domain.report import Failure

AFTER_FAILURE = "an earlier alteration couldn't be rehearsed"
"""The reason why an alteration behind one that failed isn't rehearsed."""
WANTS_ROWS = "; the clone has no rows, and `data` gives it those of the destination"
"""The end of the reason of an alteration that may have failed for want of rows."""


class Message(NamedTuple):
    """A text that a script sent, once for each of `rows`: the values of its parameters. Without rows it has none."""

    text: str
    rows: tuple[tuple[object, ...], ...] = ()


class Rehearsed(NamedTuple):
    """An alteration and its statements, in order; `reason` says why it couldn't be rehearsed, None where it could.

    `sent` is what the script's body sent, in order; None stands for what is more than SQL, such as a copy. One that
    `depends_on_rows` might do something else to tables where there are rows.
    """

    alteration: Alteration
    statements: tuple[RehearsedStatement, ...] = ()
    sent: tuple[Message | None, ...] = ()
    reason: str | None = None
    depends_on_rows: bool = False

    @property
    def doubts(self) -> tuple[str, ...]:
        """The doubts of its statements, each once."""
        return tuple(dict.fromkeys(doubt for statement in self.statements for doubt in statement.doubts))

    @property
    def in_doubt(self) -> bool:
        """True where its verdict is uncertain."""
        return self.depends_on_rows or bool(self.doubts)

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of its statements, unless it couldn't be rehearsed."""
        if self.reason is not None:
            return Verdict.NOT_REHEARSED
        return worst(statement.verdict for statement in self.statements)


class Rehearsal(NamedTuple):
    """A plan that was rehearsed at a `place`, such as `a clone without data`.

    `sizes` are those of the destination's tables, by name. `failed` is the first failure, None where none failed.
    """

    target: Release | None
    place: str
    alterations: tuple[Rehearsed, ...] = ()
    failed: Failure | None = None
    sizes: Mapping[str, Size] = {}
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of its alterations."""
        return worst(each.verdict for each in self.alterations)

    def above(self, limit: Verdict) -> tuple[Rehearsed, ...]:
        """Returns the alterations that are worse than `limit`, or might be, as they are in doubt."""
        return tuple(each for each in self.alterations if each.in_doubt or each.verdict.severity > limit.severity)
