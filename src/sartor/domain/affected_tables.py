"""The tables that a run may change, from what a rehearsal without rows saw and from what ties tables to each other.

Without rows a rehearsal sees no cascade and no trigger for each row. This module works out what those could reach;
where that can't be known, it is every table.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, Self

from sartor.domain.plan import Plan

Steps = tuple[tuple[tuple[str, str], str], ...]
"""A plan's alterations, in order: the identity and the checksum of each."""


class ForeignKey(NamedTuple):
    """A table's reference to another; `passes_on` says whether a change there may change rows here, as CASCADE does."""

    table: str
    references: str
    passes_on: bool


class Dependencies(NamedTuple):
    """The ties of relations to each other, and to functions that may do anything; relations have a rehearsal's names.

    `parts` are pairs of a table and its partition or child. `reacting` has, by relation, what acts where its rows
    change, and `asked`, by view, what acts where it is read; `functions` are the names of the functions that may change
    something.
    """

    foreign_keys: frozenset[ForeignKey] = frozenset()
    parts: frozenset[tuple[str, str]] = frozenset()
    reacting: Mapping[str, str] = {}
    asked: Mapping[str, str] = {}
    functions: frozenset[str] = frozenset()

    def __or__(self, other: Self) -> Self:
        return self._replace(
            foreign_keys=self.foreign_keys | other.foreign_keys,
            parts=self.parts | other.parts,
            reacting={**other.reacting, **self.reacting},
            asked={**other.asked, **self.asked},
            functions=self.functions | other.functions,
        )


class PlanEffects(NamedTuple):
    """The effects that a plan of these `steps` had in a rehearsal without rows.

    `changed` are the relations to which it did more than read, `written` those of whose rows it changes some, and
    `read` all that it used; `known` are those that existed. `calls` has the functions that it calls, each with the
    alteration that calls it; `dependencies` are the ties that it left, `unknown` the reason why it may reach anything.
    """

    steps: Steps = ()
    known: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()
    read: frozenset[str] = frozenset()
    calls: Mapping[str, str] = {}
    dependencies: Dependencies = Dependencies()
    unknown: str | None = None


class Contents(NamedTuple):
    """The contents of a database: tables with rows of their own and materialized views, by full name.

    Their names are as in a rehearsal. `alarms` are the event triggers.
    """

    tables: Mapping[str, str]
    views: frozenset[str] = frozenset()
    alarms: tuple[str, ...] = ()
    dependencies: Dependencies = Dependencies()


class TableSelection(NamedTuple):
    """The tables whose rows are `kept` and those `left` out, by full name; `why` says why none are left out."""

    kept: tuple[str, ...]
    left: tuple[str, ...] = ()
    why: str | None = None


def steps_of(plan: Plan) -> Steps:
    return tuple((step.alteration.identity, step.alteration.checksum) for step in plan.steps)


def select_tables(effects: PlanEffects, contents: Contents) -> TableSelection:
    """Chooses the tables whose rows the plan may change, and those that they reference: no reference is left open.

    Materialized views aren't filled, as what they read may be left out. Tables that the rehearsal didn't know are kept.
    """
    dependencies = contents.dependencies | effects.dependencies
    keys, parts = dependencies.foreign_keys, dependencies.parts
    passing_on = [*((key.references, key.table) for key in keys if key.passes_on), *parts]
    written = _spread(effects.written, passing_on)
    if (why := effects.unknown or next(_unforeseen(effects, written, contents, dependencies), None)) is not None:
        return TableSelection(tuple(sorted(contents.tables)), why=why)
    new = {name for name in contents.tables.values() if name not in effects.known}
    references = ((key.table, holder) for key in keys for holder in _spread({key.references}, parts))
    needed = _spread(written | effects.changed | new, references)
    kept = {full for full, name in contents.tables.items() if name in needed}
    if contents.tables and len(kept) == len(contents.tables):
        return TableSelection(tuple(sorted(kept)), why="the plan may change or reference every table")
    return TableSelection(tuple(sorted(kept)), tuple(sorted(contents.tables.keys() - kept | contents.views)))


def _unforeseen(
    effects: PlanEffects, written: Iterable[str], contents: Contents, dependencies: Dependencies
) -> Iterator[str]:
    acting = [f"event trigger {name}" for name in contents.alarms]
    acting += (dependencies.reacting[name] for name in sorted(written) if name in dependencies.reacting)
    acting += (dependencies.asked[name] for name in sorted(effects.read) if name in dependencies.asked)
    yield from (f"{each} may change any table" for each in acting)
    for function in sorted(effects.calls.keys() & dependencies.functions):
        yield f"{effects.calls[function]} calls function {function}, which may change any table"


def _spread(start: Iterable[str], pairs: Iterable[tuple[str, str]]) -> set[str]:
    """Returns all that can be reached from `start` by pairs of one and the next, `start` included."""
    onward: dict[str, set[str]] = {}
    for one, other in pairs:
        onward.setdefault(one, set()).add(other)
    found, ahead = set(start), list(start)
    while ahead:
        new = onward.get(ahead.pop(), set()) - found
        found |= new
        ahead += new
    return found
