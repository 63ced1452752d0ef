"""Finds what a transaction takes from the tables that were there, and where their rows might make it fail."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sartor.domain.hazards.hazard import MODES, Lost, Refusal, together
from sartor.domain.hazards.table_form import Column, Demand, Form, lost, refusals
from sartor.footprint.footprint import NOTHING, SOLID, WRITES, Changes, Footprint, Relation, Relations, read_relations
from sartor.postgres.driver.connection import Connection
from sartor.sql.changes import RowChange, recasts, row_changes

CHANGES = frozenset(MODES[3:])
"""The lock modes of statements that may change a table's form."""
TAKES = frozenset(MODES[2:])
"""The lock modes under which rows may be changed."""
_REACHED = """
with recursive reached (oid, takes) as (
    select oid, true from pg_catalog.unnest($1::pg_catalog.oid[]) oid
    union
    select found.oid, found.takes from reached r, lateral (
        select h.inhrelid as oid, r.takes from pg_catalog.pg_inherits h where h.inhparent = r.oid
        union all
        select k.conrelid, k.confdeltype = 'c' from pg_catalog.pg_constraint k
        where k.contype = 'f' and k.confrelid = r.oid and k.confdeltype in ('c', 'n', 'd') and r.takes and $2
    ) found
)
select oid::int8 as oid, pg_catalog.bool_or(takes) as takes from reached group by oid
"""
"""Selects tables whose rows go with those of others, by inheritance or foreign key, or whose keys lose their values."""
_FORMS = """
select c.oid::int8 as oid, c.relispartition as part,
    (select pg_catalog.json_agg(pg_catalog.json_build_array(a.attnum, a.attname,
            pg_catalog.format_type(a.atttypid, a.atttypmod), t.typnotnull or a.attnotnull and not exists (
                select from pg_catalog.pg_constraint k where k.conrelid = a.attrelid and k.contype = 'n'
                    and not k.convalidated and a.attnum = any(k.conkey)),
            a.atthasdef or a.atthasmissing or a.attidentity <> '' or a.attgenerated <> '' or t.typdefault is not null))
        from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
    (select pg_catalog.json_agg(pg_catalog.json_build_array(k.conname, k.oid::int8, k.contype))
        from pg_catalog.pg_constraint k where k.conrelid = c.oid and k.convalidated
        and k.contype in ('c', 'f', 'x')) as constraints,
    (select pg_catalog.json_agg(pg_catalog.json_build_array(r.relname, r.oid::int8))
        from pg_catalog.pg_index i join pg_catalog.pg_class r on r.oid = i.indexrelid
        where i.indrelid = c.oid and i.indisunique and i.indisvalid) as indexes,
    (select pg_catalog.count(*) from pg_catalog.pg_partitioned_table p
        join pg_catalog.pg_inherits h on h.inhparent = p.partrelid where p.partdefid = c.oid) as partitions
from pg_catalog.pg_class c where c.oid = any($1::pg_catalog.oid[])
"""


@dataclass(slots=True)
class Known:
    """The relations that were there before a run in `schema`; their forms as they were `then`, and are `now`.

    `counts` says that there are rows to count: in an empty copy, that no row changed doesn't mean that none would.
    """

    relations: Relations
    schema: str
    counts: bool
    then: Mapping[int, Form] = field(default_factory=dict)
    now: dict[int, Form] = field(default_factory=dict)

    def form(self, oid: int) -> Form | None:
        """Returns the relation's form at the last look, or None."""
        return self.now.get(oid) or self.then.get(oid)

    def is_new(self, oid: int, column: str) -> bool:
        """Returns whether this run has made the column, which has this name at present."""
        then, now = self.then.get(oid), self.form(oid)
        if then is None or now is None:
            return False
        return column in {each.name for number, each in now.columns.items() if number not in then.columns}

    def is_solid(self, oid: int) -> bool:
        """Returns whether a relation was there, and has rows of its own."""
        return oid in self.relations and self.relations[oid].kind in SOLID

    def lost(self, how: str, oid: int, rows: int | None = None, precision: str = "estimated") -> Lost:
        """Returns the loss of a relation's rows."""
        return Lost(how, self.relations[oid].name, None, rows, precision)


async def read_known(connection: Connection, schema: str, *, counts: bool) -> Known:
    """Reads the relations of the connection's database, and their forms."""
    relations = await read_relations(connection, schema)
    return Known(relations, schema, counts, await read_forms(connection, relations))


class RowLosses(NamedTuple):
    """The losses that a statement causes, and the reasons for which rows may make it fail."""

    losses: tuple[Lost, ...] = ()
    refusals: tuple[Refusal, ...] = ()


class LossCollector:
    """A collector of what each statement takes from the relations that were `known`."""

    def __init__(self, connection: Connection, known: Known) -> None:
        self._connection = connection
        self._known = known

    async def begin(self) -> None:
        """Reads the changed forms again, as the end of a transaction may have rolled the changes back."""
        self._known.now |= await read_forms(self._connection, list(self._known.now))

    async def collect(
        self,
        query: str,
        bodies: Iterable[str],
        step: Changes,
        before: Footprint,
        after: Footprint,
        dropped: Iterable[int],
    ) -> RowLosses:
        """Returns the toll of a statement between two looks; `bodies` are those of the routines that it calls."""
        strong = [oid for oid, trace in after.items() if trace.relation is not None and trace.modes & CHANGES]
        met = (*step.scans, *step.rewrites, *(each.table for each in step.builds))
        found = await self.changed(query, strong, met)
        now = {oid: each.relation for oid, each in after.items() if each.modes & TAKES}
        said = await self.said(query, bodies, now, before, after)
        emptied = (Lost("empties", table) for table in step.emptied)
        return RowLosses(together((*self.dropped(dropped), *emptied, *found.losses, *said)), found.refusals)

    async def said(
        self, query: str, bodies: Iterable[str], now: Mapping[int, Relation | None], before: Footprint, after: Footprint
    ) -> list[Lost]:
        """Returns the losses that a statement's text announces; those that the server has counted, where it has."""
        said, targets = row_changes(query, bodies), self._targets(now)
        found = [_found(each, targets) for each in said if each.verb == "truncate"]
        # One that already had a new file is emptied in that file.
        truncated = await self._reached([oid for oid in found if oid is not None], by_keys=False)
        losses = [self._known.lost("empties", oid) for oid in truncated]
        if self._known.counts and after:
            return [*losses, *self._counted(said, before, after)]
        return losses + await self._said(said, targets, before, after)

    def dropped(self, oids: Iterable[int]) -> Iterator[Lost]:
        """Returns the losses by relations that were dropped."""
        return (self._known.lost("drops", oid) for oid in oids if self._known.is_solid(oid))

    async def changed(self, query: str, oids: Iterable[int], met: Collection[str]) -> RowLosses:
        """Returns the losses by changed forms of tables, and what the rows of tables that were `met` may refuse."""
        made = recasts(query)
        losses, refused = list[Lost](), list[Refusal]()
        found = await read_forms(self._connection, [oid for oid in oids if oid in self._known.relations])
        for oid, form in found.items():
            old, name = self._known.form(oid), self._known.relations[oid].name
            self._known.now[oid] = form
            if old is None or not self._known.is_solid(oid):
                continue
            then = self._known.then.get(oid, old).columns
            was_there = old._replace(columns={number: each for number, each in old.columns.items() if number in then})
            losses += lost(name, was_there, form, made)
            refused += refusals(name, old, form) if name in met else ()
        return RowLosses(tuple(losses), tuple(dict.fromkeys(refused)))

    def _counted(self, said: Collection[RowChange], before: Footprint, after: Footprint) -> Iterator[Lost]:
        """Returns the losses by the server's counters, where there were rows to count."""
        updates = [each for each in said if each.verb == "update"]
        for oid, trace in after.items():
            if not self._known.is_solid(oid):
                continue
            was = before.get(oid, NOTHING)
            if (rows := trace.deleted - was.deleted) > 0:
                yield self._known.lost("deletes", oid, rows, "counted")
            fills = bool(updates) and all(self._fills(oid, each) for each in updates)
            if (rows := trace.updated - was.updated) > 0 and not fills:
                yield self._known.lost("overwrites", oid, rows, "counted")

    def _fills(self, oid: int, update: RowChange) -> bool:
        """Returns whether an update sets only columns that are new, or values that were null."""
        new = update.columns is not None and all(self._known.is_new(oid, column) for column in update.columns)
        return update.fills or new

    def _targets(self, relations: Mapping[int, Relation | None]) -> Mapping[str, int]:
        """Returns the numbers of the known relations among these, by their current names with schemas."""
        found = {}
        for oid, relation in relations.items():
            if oid in self._known.relations and relation is not None:
                found[relation.name if "." in relation.name else f"{self._known.schema}.{relation.name}"] = oid
        return found

    async def _said(
        self, said: Collection[RowChange], targets: Mapping[str, int], before: Footprint, after: Footprint
    ) -> list[Lost]:
        """Returns what may be lost where there are rows, by the statement's text and its locks."""
        losses: list[Lost] = []
        named, unclear = set(), set()
        for each in said:
            oid = _found(each, targets)
            if oid is not None and self._known.relations[oid].kind != "v":
                named.add(oid)
                losses += await self._taken(each, oid)
            elif each.verb in ("delete", "update"):
                unclear.add("deletes" if each.verb == "delete" else "overwrites")
        for oid, trace in after.items() if unclear else ():
            new = trace.modes - before.get(oid, NOTHING).modes
            if WRITES in new and self._known.is_solid(oid) and oid not in named:
                losses += (self._known.lost(how, oid, None, "at-most") for how in sorted(unclear))
        return losses

    async def _taken(self, change: RowChange, target: int) -> list[Lost]:
        parts = await self._reached([target], by_keys=False)
        deletes, precision = change.verb == "delete", "estimated" if change.whole else "at-most"
        if not deletes and (change.verb != "update" or self._fills(target, change)):
            return []
        losses = [self._known.lost("deletes" if deletes else "overwrites", oid, None, precision) for oid in parts]
        further = await self._reached([target], by_keys=True) if deletes else {}
        return losses + [
            self._known.lost("deletes" if takes else "overwrites", oid, None, "at-most")
            for oid, takes in further.items()
            if oid not in parts
        ]

    async def _reached(self, oids: Collection[int], *, by_keys: bool) -> dict[int, bool]:
        """Returns the tables with rows of their own among these and their dependents; True where their rows go too."""
        rows = await self._connection.fetch(_REACHED, list(oids), by_keys) if oids else []
        return {row["oid"]: row["takes"] for row in rows if self._known.is_solid(row["oid"])}


def _found(change: RowChange, targets: Mapping[str, int]) -> int | None:
    """Returns the number of the relation that is meant; None where that is unknown."""
    if change.target is None:
        return None
    name = ".".join(change.target[-2:])
    if len(change.target) > 1:
        return targets.get(name)
    return next((oid for full, oid in targets.items() if full.rpartition(".")[2] == name), None)


async def read_forms(connection: Connection, oids: Collection[int]) -> dict[int, Form]:
    """Reads the forms of relations, by OID."""
    rows = await connection.fetch(_FORMS, list(oids)) if oids else []
    return {row["oid"]: _form(row) for row in rows}


def _form(row: Any) -> Form:
    columns, constraints, indexes = (json.loads(row[key] or "[]") for key in ("columns", "constraints", "indexes"))
    return Form(
        {number: Column(*column) for number, *column in columns},
        {f"constraint {name}": Demand(number, kind) for name, number, kind in constraints}
        | {f"index {name}": Demand(number, "u") for name, number in indexes},
        row["part"],
        row["partitions"],
    )
