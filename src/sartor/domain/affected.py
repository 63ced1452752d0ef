"""Which tables a run may change: from what a rehearsal without rows saw, and from what ties tables to each other.

Without rows a rehearsal sees no cascade and no trigger for each row. So what they could reach is worked out here, and
where that can't be known, it is everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sartor.domain.plan import Plan

Steps = tuple[tuple[tuple[str, str], str], ...]
"""A plan's alterations, in order: identity and checksum of each."""


class ForeignKey(NamedTuple):
    """A table's reference to another; `passes_on` says whether a change there may change rows here, as CASCADE does."""

    table: str
    references: str
    passes_on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ties:
    """What ties relations to each other, and to functions that may do anything; relations named as in a rehearsal.

    `parts` are pairs of a table and its partition or heir. `reacting` says what acts where rows of a relation change,
    and `asked` what acts where a view is read; `functions` are the names of those that may change something.
    """

    foreign_keys: frozenset[ForeignKey] = frozenset()
    parts: frozenset[tuple[str, str]] = frozenset()
    reacting: Mapping[str, str] = field(default_factory=dict)
    asked: Mapping[str, str] = field(default_factory=dict)
    functions: frozenset[str] = frozenset()

    def __or__(self, other: Ties) -> Ties:
        """What is in one of them."""
        return Ties(
            foreign_keys=self.foreign_keys | other.foreign_keys,
            parts=self.parts | other.parts,
            reacting={**other.reacting, **self.reacting},
            asked={**other.asked, **self.asked},
            functions=self.functions | other.functions,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What a plan of these `steps` was seen to do in a rehearsal without rows.

    `changed` are the relations that it did more to than read, `written` those of whose rows it is to change some, and
    `read` all that it had to do with; `known` are those that there were. `calls` has the functions that it calls, each
    with the alteration that does; `ties` are those that it left. `unknown` says why it may reach anything.
    """

    steps: Steps = ()
    known: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()
    read: frozenset[str] = frozenset()
    calls: Mapping[str, str] = field(default_factory=dict)
    ties: Ties = field(default_factory=Ties)
    unknown: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """What a database has: tables with rows of their own and materialized views, by full name, as in a rehearsal.

    `alarms` are its event triggers.
    """

    tables: Mapping[str, str]
    views: frozenset[str] = frozenset()
    alarms: tuple[str, ...] = ()
    ties: Ties = field(default_factory=Ties)


class Choice(NamedTuple):
    """Whose rows are `kept` and whose are `left` out, by full name; `why` says it where none are left out."""

    kept: tuple[str, ...]
    left: tuple[str, ...] = ()
    why: str | None = None


def steps_of(plan: Plan) -> Steps:
    """What a plan is to run."""
    return tuple((step.alteration.identity, step.alteration.checksum) for step in plan.steps)


def choose(reach: Reach, stock: Stock) -> Choice:
    """Choose the tables whose rows the plan may change, and those that they reference: no reference is left open.

    Materialized views aren't filled, for what they read may be left out. What the rehearsal didn't know is kept.
    """
    ties = stock.ties | reach.ties
    written = _spread(reach.written, _passing_on(ties))
    if (why := reach.unknown or next(_unforeseen(reach, written, stock, ties), None)) is not None:
        return Choice(tuple(sorted(stock.tables)), why=why)
    new = {name for name in stock.tables.values() if name not in reach.known}
    needed = _spread(written | reach.changed | new, _referenced(ties))
    kept = {full for full, name in stock.tables.items() if name in needed}
    if stock.tables and len(kept) == len(stock.tables):
        return Choice(tuple(sorted(kept)), why="the plan may change, or needs, every table")
    return Choice(tuple(sorted(kept)), tuple(sorted(stock.tables.keys() - kept | stock.views)))


def _unforeseen(reach: Reach, written: Iterable[str], stock: Stock, ties: Ties) -> Iterator[str]:
    """Why the plan may change any table, each reason in a sentence."""
    yield from (f"event trigger {name} may change any table" for name in stock.alarms)
    yield from (f"{ties.reacting[name]} may change any table" for name in sorted(written) if name in ties.reacting)
    yield from (f"{ties.asked[name]} may change any table" for name in sorted(reach.read) if name in ties.asked)
    for function in sorted(reach.calls.keys() & ties.functions):
        yield f"{reach.calls[function]} calls function {function}, which may change any table"


def _passing_on(ties: Ties) -> Mapping[str, set[str]]:
    """The tables where a change of rows in one may change rows as well."""
    cascades = [(key.references, key.table) for key in ties.foreign_keys if key.passes_on]
    return _grouped([*cascades, *ties.parts])


def _referenced(ties: Ties) -> Mapping[str, set[str]]:
    """The tables that hold the rows which those of one reference."""
    parts = _grouped(ties.parts)
    return _grouped((key.table, holder) for key in ties.foreign_keys for holder in _spread({key.references}, parts))


def _grouped(pairs: Iterable[tuple[str, str]]) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = {}
    for one, other in pairs:
        found.setdefault(one, set()).add(other)
    return found


def _spread(start: Iterable[str], onward: Mapping[str, set[str]]) -> set[str]:
    """All that can be come to from `start`, itself included."""
    found, ahead = set(start), list(start)
    while ahead:
        new = onward.get(ahead.pop(), set()) - found
        found |= new
        ahead += new
    return found
