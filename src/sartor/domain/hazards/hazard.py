"""The effects of a rehearsed statement, and what they would mean for a database that carries traffic.

The modes and what they stop are the manual's chapter 13.3, Explicit Locking. Reads are `SELECT`, which takes
AccessShareLock; writes are `INSERT`, `UPDATE`, `DELETE`, `MERGE`, which take RowExclusiveLock.
"""

from collections.abc import Collection, Iterable, Mapping
from enum import Enum
from typing import Any, NamedTuple, Self, TypeVar

_T = TypeVar("_T")

MODES = (
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
)
"""The lock modes as `pg_locks` spells them, the weakest first."""

STOPS_READS = frozenset(MODES[7:])
STOPS_WRITES = frozenset(MODES[4:])

LONG = 1000.0
"""Milliseconds in a rehearsal from which on a statement counts as slow, whatever the time was needed for."""


class Verdict(Enum):
    """The effect of a script on other sessions and on data, the mildest first.

    A lock that is held only briefly is safe: a deploy soon gives up where it can't have it, and tries again. A script
    that blocks holds its lock while it reads or writes a table, so the longer the larger the table is; or for `LONG`.
    Losing data is worse than all that stops others: they continue in the end, and rows that are gone stay gone.
    """

    SAFE = "safe"
    BLOCKS_WRITES = "blocks-writes"
    BLOCKS_READS = "blocks-reads"
    REWRITES = "rewrites"
    LOSES_DATA = "loses-data"
    NOT_REHEARSED = "not-rehearsed"

    @property
    def severity(self) -> int:
        """The place in this order, from 0. What couldn't be rehearsed comes last, as nothing is known of it."""
        return list(Verdict).index(self)


class Lock(NamedTuple):
    """A lock on a relation, which is named without its schema where that is the destination's."""

    relation: str
    mode: str


class Build(NamedTuple):
    """An index that was built, and its table."""

    name: str
    table: str


class Size(NamedTuple):
    """The live database's figures for a table: about how many rows (None: never counted), and all its bytes."""

    rows: int | None
    bytes: int


class Lost(NamedTuple):
    """Rows, or a column's values, that existed before the run and that a statement takes away.

    `how` is `drops`, `empties`, `deletes`, `overwrites` or `cuts`. `rows` is None where the number isn't known;
    otherwise `precision` says whether it was `counted`, is `estimated`, or is an upper bound (`at-most`).
    """

    how: str
    table: str
    column: str | None = None
    rows: int | None = None
    precision: str = "estimated"


class Refusal(NamedTuple):
    """A table whose rows a statement checked, and the SQLSTATE of the error where a row doesn't pass."""

    table: str
    code: str


class Opinion(NamedTuple):
    """A linter's message about a statement, with the linter's rule."""

    rule: str
    message: str


class RehearsedStatement(NamedTuple):
    """The effects of one statement on what the destination had before the run; what the run itself made doesn't count.

    `line` counts the script's lines from 1. `locks` are those that it took, the strongest for each relation, and `held`
    those that earlier statements of its transaction had taken: what it needs of these doesn't show among its own.
    `rewrites` and `scans` name tables (one that is rewritten is scanned as well). `rows` counts inserts, updates and
    deletes, and is None where there was no data to tell. `writes` names the relations whose rows it may change by
    itself, new ones as well. `ms` are milliseconds in the rehearsal. A statement that ran several `times` in a row is
    listed once. A lock that it took, and that stops others, was held while `later` more statements ran, for `later_ms`
    milliseconds. `error` is why it failed, whether or not the script continued. One that is `in_doubt` might have done
    something else with rows, and there were none; `doubts` say why else it might do something else on the destination.
    `losses` are what it takes away, `refusals` why rows may make it fail. `partitioned` are the bare names of the
    partitioned tables that it locks against writes.
    """

    sql: str
    line: int | None
    locks: tuple[Lock, ...] = ()
    held: tuple[Lock, ...] = ()
    rewrites: tuple[str, ...] = ()
    scans: tuple[str, ...] = ()
    builds: tuple[Build, ...] = ()
    writes: tuple[str, ...] = ()
    rows: int | None = None
    ms: float = 0.0
    times: int = 1
    later: int = 0
    later_ms: float = 0.0
    error: str | None = None
    in_doubt: bool = False
    doubts: tuple[str, ...] = ()
    losses: tuple[Lost, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    opinions: tuple[Opinion, ...] = ()
    partitioned: tuple[str, ...] = ()

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that it rewrites, builds on or reads: the larger they are, the longer it takes."""
        return _once((*self.rewrites, *(build.table for build in self.builds), *self.scans))

    @property
    def met_rows(self) -> bool:
        """True where its outcome depends on rows that existed, or would have existed."""
        return bool(self.tables or self.rows or self.error)

    @property
    def takes_time(self) -> bool:
        """True where it is slow, or the locks that it took are held long."""
        return bool(self.tables) or self.ms + self.later_ms >= LONG

    @property
    def blocking(self) -> Lock | None:
        """The strongest lock under which it is slow, where that stops reads or writes; else None."""
        return self.blocking_at(*self.tables)

    def blocking_at(self, *tables: str) -> Lock | None:
        """Returns the lock of `blocking`; of several as strong, one on these tables if there is one."""
        return strongest(self.locks + self.held, tables) if self.takes_time else None

    @property
    def verdict(self) -> Verdict:
        """The worst of its effects, on data and on other sessions."""
        return Verdict.LOSES_DATA if self.losses else self.stops

    @property
    def stops(self) -> Verdict:
        """The effect on other sessions."""
        if self.rewrites:
            return Verdict.REWRITES
        if self.blocking is None:
            return Verdict.SAFE
        return Verdict.BLOCKS_READS if self.blocking.mode in STOPS_READS else Verdict.BLOCKS_WRITES

    def is_like(self, other: Self) -> bool:
        """Returns whether it is the same statement at the same place, as in a loop."""
        return (self.sql, self.line, self.error) == (other.sql, other.line, other.error)

    def joined(self, other: Self) -> Self:
        """Returns one statement that combines this one and a later run of it."""
        rows = [rows for rows in (self.rows, other.rows) if rows is not None]
        locks = merged([*self.locks, *other.locks])
        names = ("rewrites", "scans", "builds", "writes", "doubts", "refusals", "partitioned")
        once: dict[str, Any] = {name: _once(getattr(self, name) + getattr(other, name)) for name in names}
        return self._replace(
            locks=locks,
            # The later run may have needed a lock that statements between the two took.
            held=merged([*self.held, *(lock for lock in other.held if lock not in locks)]),
            rows=sum(rows) if rows else None,
            ms=self.ms + other.ms,
            times=self.times + other.times,
            in_doubt=self.in_doubt or other.in_doubt,
            losses=together(self.losses + other.losses),
            **once,
        )


def _once(found: tuple[_T, ...]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys(found))


def named(loss: Lost) -> str:
    return loss.table if loss.column is None else f"{loss.column} of {loss.table}"


def together(losses: Iterable[Lost]) -> tuple[Lost, ...]:
    """Returns one loss of each kind of each table or column; counted losses are added up."""
    found: dict[tuple[str, str, str | None], Lost] = {}
    for each in losses:
        key = (each.how, each.table, each.column)
        old = found.get(key)
        if old is not None and old.precision == each.precision == "counted":
            each = each._replace(rows=(old.rows or 0) + (each.rows or 0))  # noqa: PLW2901
        elif old is not None and each.precision == "at-most":
            continue
        found[key] = each
    return tuple(found.values())


def with_losses(
    statements: Iterable[RehearsedStatement], holding: Collection[str], sizes: Mapping[str, Size]
) -> tuple[RehearsedStatement, ...]:
    """Returns statements with only their losses of tables that hold rows (`holding`), and about how many they have."""

    def known(statement: RehearsedStatement) -> tuple[Lost, ...]:
        held = [each for each in statement.losses if each.table in holding]
        return tuple(e._replace(rows=sizes[e.table].rows) if e.rows is None and e.table in sizes else e for e in held)

    return tuple(each._replace(losses=known(each)) for each in statements)


def merged(locks: Iterable[Lock]) -> tuple[Lock, ...]:
    found: dict[str, Lock] = {}
    for lock in sorted(locks, key=lambda lock: MODES.index(lock.mode)):
        found[lock.relation] = lock
    return tuple(found[name] for name in sorted(found))


def strongest(locks: Iterable[Lock], about: Collection[str] = ()) -> Lock | None:
    """Returns the strongest of the locks that stop reads or writes; None where there is none.

    Of several as strong, it is the first one on what it is `about`.
    """
    stopping = [lock for lock in locks if lock.mode in STOPS_WRITES]
    return max(stopping, key=lambda lock: (MODES.index(lock.mode), lock.relation in about), default=None)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    return max(verdicts, key=lambda verdict: verdict.severity, default=Verdict.SAFE)
