"""The form of a table: its columns and its constraints on rows, and what a change of it refuses, drops or cuts."""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from sartor.domain.hazards.hazard import Lost, Refusal

CODES = {"c": "23514", "f": "23503", "p": "23505", "u": "23505", "x": "23P01", "n": "23502"}
"""The SQLSTATE of a row that a constraint refuses, by the constraint's kind as in `pg_constraint`."""
OF_VALUES = "22001, 22003 or 22P02"


class Column(NamedTuple):
    """A column: its type as SQL has it; `filled` says that existing rows get a value by themselves."""

    name: str
    type: str
    not_null: bool
    filled: bool


class Demand(NamedTuple):
    """A constraint that holds for all rows, or a unique index: its number, and its kind as in `pg_constraint`."""

    number: int
    kind: str


class Form(NamedTuple):
    """A table's columns by number, and its demands on rows by name.

    `partitions` is the number of partitions beside a default partition and with it; 0 for any other table.
    """

    columns: Mapping[int, Column]
    demands: Mapping[str, Demand]
    is_part: bool
    partitions: int = 0


def refusals(table: str, before: Form, after: Form) -> Iterator[Refusal]:
    """Yields the checks of rows that a change makes, and that rows may fail."""
    # A change of a column's type rebuilds the constraints and indexes on it.
    types = {number: column.type for number, column in after.columns.items()}
    kept = all(types.get(number, column.type) == column.type for number, column in before.columns.items())
    renamed = frozenset(before.demands.values())
    for name, demand in after.demands.items():
        known = before.demands.get(name)
        if demand not in renamed and (known is None or kept):
            yield Refusal(table, CODES[demand.kind])
    # Rows of a default partition may belong to a new partition.
    if after.is_part and (not before.is_part or 0 < before.partitions < after.partitions):
        yield Refusal(table, CODES["c"])
    for number, column in after.columns.items():
        old = before.columns.get(number)
        if column.not_null and not (column.filled if old is None else old.not_null):
            yield Refusal(table, CODES["n"])
        if old is not None and not widens(old.type, column.type) and not _are_times(old.type, column.type):
            yield Refusal(table, OF_VALUES)


def lost(table: str, before: Form, after: Form, recast: Mapping[str, bool]) -> Iterator[Lost]:
    """Yields the columns that a change has dropped, and those whose values it may have cut.

    `recast` are the columns whose new values an expression has made, and whether that is a cast and nothing more.
    """
    for number, old in before.columns.items():
        column = after.columns.get(number)
        if column is None:
            yield Lost("drops", table, old.name)
            continue
        cast, wider = recast.get(column.name), widens(old.type, column.type)
        if cast is False or (not wider and (cast or cuts(old.type, column.type))):
            yield Lost("cuts", table, old.name)


class _Type(NamedTuple):
    name: str
    given: tuple[int, ...]


_TEXTS = frozenset({"text", "character varying", "character", "name", "citext"})
_WHOLE = ("smallint", "integer", "bigint", "numeric")
_RANK = {"smallint": 0, "integer": 1, "bigint": 2, "numeric": 3, "real": 4, "double precision": 5}
_TIMESTAMP, _TIMESTAMPTZ = "timestamp without time zone", "timestamp with time zone"
_TIME, _TIMETZ = "time without time zone", "time with time zone"
_TIMES = frozenset({_TIMESTAMP, _TIMESTAMPTZ, _TIME, "interval"})
_WIDER: Mapping[str, Collection[str]] = {
    "smallint": ("real", "double precision"),
    "integer": ("double precision",),
    "real": ("double precision",),
    "date": (_TIMESTAMP, _TIMESTAMPTZ),
    _TIMESTAMP: (_TIMESTAMPTZ,),
    _TIMESTAMPTZ: (_TIMESTAMP,),
    _TIME: ("interval", _TIMETZ),
    "cidr": ("inet",),
    "json": ("jsonb",),
    "jsonb": ("json",),
}
"""By type, others that hold all of its values."""
_ROUNDED = frozenset({"numeric", "real", "double precision"})
_CUT: Mapping[str, Collection[str]] = {
    _TIMESTAMP: ("date", _TIME),
    _TIMESTAMPTZ: ("date", _TIME, _TIMETZ),
    _TIMETZ: (_TIME,),
    "interval": (_TIME,),
    "inet": ("cidr",),
}
"""By type, those to which an assignment drops a part of a value without an error."""


def widens(old: str, new: str) -> bool:
    """Returns whether every value of the old type is one of the new type, unchanged."""
    one, other = _parsed(old), _parsed(new)
    if one == other or other.name in ("text", "citext"):
        return True
    bounded = not other.given or (bool(one.given) and one.given <= other.given)
    if (one.name in _TEXTS and other.name in ("character varying", "character")) or (
        one.name == other.name and one.name in _TIMES
    ):
        return bounded
    if other.name == "numeric" and one.name in _WHOLE:
        return not other.given or (one.name == "numeric" and bool(one.given) and _holds(one.given, other.given))
    if one.name in _WHOLE and other.name in _WHOLE:
        return _RANK[one.name] <= _RANK[other.name]
    return other.name in _WIDER.get(one.name, ()) and not other.given


def cuts(old: str, new: str) -> bool:
    """Returns whether a value may become another one by an assignment that raises no error."""
    one, other = _parsed(old), _parsed(new)
    rounds = one.name in _ROUNDED and other.name in _RANK
    rounds |= one.name in _RANK and other.name in ("real", "double precision")
    if rounds or (one.name in _TIMES and other.name == one.name):
        return not widens(old, new)
    timed = one.name in _TIMES and other.name in _TIMES and bool(other.given)
    return timed or other.name in _CUT.get(one.name, ())


def _are_times(*types: str) -> bool:
    """Returns whether all are types of times and dates, whose values are rounded or cut to fit, not refused."""
    return all(_parsed(each).name in (*_TIMES, _TIMESTAMPTZ, _TIMETZ, "date") for each in types)


def _holds(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Returns whether a numeric type, `other`, holds every value of another, `one`. Both are a precision and a scale.

    That is so where it has as many digits before the point, and as many after it.
    """
    (digits, scale), (more, deeper) = (*one, 0)[:2], (*other, 0)[:2]
    return scale <= deeper and digits - scale <= more - deeper


def _parsed(text: str) -> _Type:
    """Returns the parts of a type as `format_type` writes it, such as `timestamp(3) without time zone`."""
    before, _, rest = text.partition("(")
    given, _, after = rest.partition(")")
    numbers = given.replace("-", "").split(",")
    if not all(number.strip().isdecimal() for number in numbers):
        return _Type(text, ())  # not Postgres's own, such as `geometry(Point,4326)`
    return _Type(" ".join(f"{before} {after}".split()), tuple(map(int, given.split(","))))
