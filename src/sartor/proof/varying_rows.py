"""Values that come out otherwise at each replay, as a time does: found by two of them, and left to their defaults."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sartor.proof.dump import Dump, Table, TableRows

Defaults = Mapping[Table, frozenset[str]]
"""The columns of each table that have a default."""
Columns = Mapping[Table, frozenset[int]]
"""The columns of each table that vary, by their place in the COPY, from 0."""


class Varying(NamedTuple):
    """The columns that vary, and what a snapshot can't hold, in sentences."""

    columns: Columns
    obstacles: tuple[str, ...]


def find_varying(one: Dump, other: Dump, defaults: Defaults) -> Varying:
    """Compares the rows of two replays. Rows of one place in their tables belong together."""
    columns, obstacles = dict[Table, frozenset[int]](), list[str]()
    mine, others = one.rows, other.rows
    for table in sorted(mine.keys() | others.keys()):
        here, there = mine.get(table), others.get(table)
        if here is None or there is None or len(here.lines) != len(there.lines):
            obstacles.append(f"two replays put different numbers of rows into {_shown(table)}")
            continue
        found = frozenset(at for places in _places(here, there).values() for at in places)
        names = [here.name_of(at) for at in sorted(found)]
        without = [name for name in names if name not in defaults.get(table, ())]
        if without:
            obstacles.append(f"column {', '.join(without)} of {_shown(table)} has another value at each replay")
        elif found:
            columns[table] = found
    return Varying(columns, tuple(obstacles))


def _places(one: TableRows, other: TableRows) -> dict[str, frozenset[int]]:
    """Returns where each row that only one of two replays has differs from that of the other."""
    mine, others = Counter(one.lines), Counter(other.lines)
    pairs = zip(_in_order(one, mine - others), _in_order(other, others - mine), strict=True)
    return {line: _differing(line, against) for line, against in pairs}


def _in_order(rows: TableRows, odd: Counter[str]) -> Iterator[str]:
    left = Counter(odd)
    for line in rows.lines:
        if left[line]:
            left[line] -= 1
            yield line


def _differing(line: str, other: str) -> frozenset[int]:
    pairs = zip(line.split("\t"), other.split("\t"), strict=True)
    return frozenset(at for at, (here, there) in enumerate(pairs) if here != there)


def without_varying(text: Dump, one: Dump, other: Dump) -> Dump:
    """Returns `text` with the values left out that differ between two replays: their columns' defaults make them.

    Its items are those of `one`, in other words.
    """
    others = other.rows
    items: list[str | TableRows] = []
    for item, same in zip(text.items, one.items, strict=True):
        if isinstance(item, str) or isinstance(same, str):
            items.append(item)
        else:
            items += _split(item, _places(same, others[same.table]))
    return Dump(tuple(items))


def _split(rows: TableRows, places: Mapping[str, frozenset[int]]) -> Iterator[str | TableRows]:
    """Yields a table's rows, those together that leave out the same columns."""
    groups = defaultdict[frozenset[int], list[str]](list)
    for line in rows.lines:
        left_out = places.get(line, frozenset())
        groups[left_out].append(_without(line, left_out))
    for left_out, lines in sorted(groups.items(), key=lambda each: sorted(each[0])):
        kept = tuple(name for at, name in enumerate(rows.columns) if at not in left_out)
        if kept or not rows.columns:
            yield TableRows(rows.head, kept, tuple(lines))
        else:
            yield from [f"INSERT INTO {rows.head} DEFAULT VALUES"] * len(lines)


def _without(line: str, places: frozenset[int]) -> str:
    return "\t".join(field for at, field in enumerate(line.split("\t")) if at not in places) if places else line


def rows_that_differ(one: Dump, other: Dump, varying: Columns) -> Iterator[str]:
    """Yields the tables whose rows differ between two databases, in words, whatever the varying columns have."""
    mine, others = one.rows, other.rows
    for table in sorted(mine.keys() | others.keys()):
        here, there = (Counter(_masked(rows.get(table), varying.get(table, frozenset()))) for rows in (mine, others))
        if here != there:
            yield f"the rows of {_shown(table)} differ"


def _masked(rows: TableRows | None, places: frozenset[int]) -> list[str]:
    return [] if rows is None else [_without(line, places) for line in rows.lines]


def _shown(table: Table) -> str:
    return ".".join(table)
