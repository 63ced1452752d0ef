"""Makes a diagram of a fingerprint: partitions become part of their table, keys become marks of columns."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from sartor.domain.diagram import (
    Diagram,
    DiagramColumn,
    DiagramKey,
    DiagramReference,
    DiagramTable,
    DiagramType,
    RelationName,
    outside,
)
from sartor.domain.fingerprint import Fingerprint, SchemaObject
from sartor.drawing import definitions
from sartor.drawing.definitions import ForeignKey, table_definition

_TABLES = ("table", "foreign table", "view", "materialized view")


def read_diagram(fingerprint: Fingerprint, schema: str, *, release: str = "") -> Diagram:
    """Returns the diagram of what `schema`, and the other schemas of a fingerprint, hold."""
    return _Reader(fingerprint.objects, schema).diagram(release)


class _Relation(NamedTuple):
    """A table or a view that is shown, with what its definition and its parts say."""

    name: RelationName
    kind: str
    columns: dict[str, DiagramColumn]
    keys: tuple[DiagramKey, ...]
    comment: str


class _Reader:
    """The objects of a fingerprint by what they are part of."""

    def __init__(self, objects: Iterable[SchemaObject], schema: str) -> None:
        self.schema = schema
        self.by_kind: dict[str, list[SchemaObject]] = defaultdict(list)
        self.parts: dict[tuple[str, str], list[SchemaObject]] = defaultdict(list)
        for each in objects:
            self.by_kind[each.kind].append(each)
            self.parts[each.kind, each.parent].append(each)
        self.comments = {each.name: each.definition for each in self.by_kind["comment"]}
        self.tables = {definitions.relation(o.name): table_definition(o.definition) for o in self.by_kind["table"]}

    def diagram(self, release: str) -> Diagram:
        found = [self._relation(each) for kind in _TABLES for each in self.by_kind[kind]]
        shown = {each.name: each for each in found if self._root(each.name) is None}
        references = self._references(shown)
        tables = [self._table(each, references) for each in shown.values()]
        tables += [outside(DiagramTable(name=name)) for name in {each.to for each in references} - shown.keys()]
        return Diagram(
            schema=self.schema,
            release=release,
            tables=tuple(sorted(tables, key=lambda table: self._place(table.name))),
            references=tuple(references),
            types=tuple(sorted((*self._types(), *self._domains()), key=lambda each: self._place(each.name))),
        )

    def _place(self, name: RelationName) -> tuple[bool, RelationName]:
        """Returns what names are ordered by: this schema's come first."""
        return name.schema != self.schema, name

    def _root(self, name: RelationName) -> RelationName | None:
        """Returns the partitioned table that a partition belongs to; None where it is no partition."""
        found = None
        while (known := self.tables.get(name)) and known.partition and known.inherits[0] != found:
            found = name = known.inherits[0]
        return found

    def _relation(self, of: SchemaObject) -> _Relation:
        return _Relation(
            name=definitions.relation(of.name),
            kind=of.kind,
            columns=dict(self._columns(of)),
            keys=self._keys(of),
            comment=self.comments.get(of.label, ""),
        )

    def _table(self, of: _Relation, references: Iterable[DiagramReference]) -> DiagramTable:
        primary = {column for key in of.keys if key.primary for column in key.columns}
        unique = {key.columns[0] for key in of.keys if len(key.columns) == 1 and not key.primary}
        referring = {column for each in references if each.table == of.name for column in each.columns}
        columns = tuple(
            replace(each, primary=name in primary, unique=name in unique, references=name in referring)
            for name, each in of.columns.items()
        )
        detail = self._detail(of.name)
        return DiagramTable(
            name=of.name, kind=of.kind, columns=columns, keys=of.keys, detail=detail, comment=of.comment
        )

    def _detail(self, name: RelationName) -> str:
        known = self.tables.get(name)
        if known is None:
            return ""
        told = ["unlogged"] if known.unlogged else []
        if known.inherits:
            told.append(f"inherits {', '.join(each.within(self.schema) for each in known.inherits)}")
        if known.partitioned_by:
            number = sum(self._root(each) == name and not of.partitioned_by for each, of in self.tables.items())
            told.append(f"partitioned by {known.partitioned_by}, {number} partition{'' if number == 1 else 's'}")
        return ", ".join(told)

    def _columns(self, table: SchemaObject) -> Iterator[tuple[str, DiagramColumn]]:
        found = {definitions.names(each.name)[-1]: each for each in self.parts["column", table.label]}
        if table.kind.endswith("view"):
            order = definitions.view_columns(table.definition[table.definition.find("\n ") :])
        else:
            order = self._order(table)
        place = {name: at for at, name in enumerate(order)}
        for name in sorted(found, key=lambda name: (place.get(name, len(place)), name)):
            said = definitions.column_definition(found[name].definition, self.schema)
            comment = self.comments.get(found[name].label, "")
            yield name, DiagramColumn(name=name, comment=comment, **said._asdict())

    def _order(self, of: SchemaObject) -> tuple[str, ...]:
        """Returns the names of the columns of a table, or of the attributes of a type, in order."""
        orders = self.parts["column order", of.label]
        return definitions.name_list("\n".join(each.definition for each in orders))

    def _keys(self, table: SchemaObject) -> tuple[DiagramKey, ...]:
        constraints = (definitions.key(each.definition) for each in self.parts["constraint", table.label])
        indexes = (definitions.unique_index(each.definition) for each in self.parts["index", table.label])
        found = {each for each in (*constraints, *indexes) if each is not None}
        return tuple(sorted(found, key=lambda each: (not each.primary, each.columns)))

    def _references(self, shown: Mapping[RelationName, _Relation]) -> list[DiagramReference]:
        """Returns the foreign keys, in order; those of partitions are their tables'."""
        found: dict[tuple[object, ...], DiagramReference] = {}
        for each in self.by_kind["constraint"]:
            if said := definitions.foreign_key(each.definition):
                reference = self._reference(each.name, said, shown)
                found.setdefault(reference.key, reference)
        return sorted(found.values(), key=lambda each: each.key)

    def _reference(self, name: str, said: ForeignKey, shown: Mapping[RelationName, _Relation]) -> DiagramReference:
        schema, table, constraint = definitions.names(name)
        at, to = (self._root(end) or end for end in (RelationName(schema, table), said.to))
        of = shown.get(at)
        columns, keys = (of.columns, of.keys) if of else ({}, ())
        return DiagramReference(
            name=constraint,
            table=at,
            columns=said.columns,
            to=to,
            to_columns=said.to_columns,
            single=any(set(key.columns) <= set(said.columns) for key in keys),
            optional=not all(column in columns and columns[column].not_null for column in said.columns),
            on_delete=said.on_delete,
            on_update=said.on_update,
        )

    def _types(self) -> Iterator[DiagramType]:
        orders = {each.name: each.definition for each in self.by_kind["label order"]}
        for each in self.by_kind["type"]:
            name = definitions.relation(each.name)
            if each.name in orders:
                yield DiagramType(name=name, kind="enum", values=definitions.labels(orders[each.name]))
            elif each.definition.startswith("composite"):
                yield DiagramType(name=name, kind="composite", values=tuple(self._attributes(each)))

    def _attributes(self, of: SchemaObject) -> Iterator[str]:
        parts = {definitions.names(part.name)[-1]: part for part in self.parts["attribute", of.label]}
        for name in self._order(of):
            if name in parts:
                yield f"{name} {definitions.column_definition(parts[name].definition, self.schema).type}"

    def _domains(self) -> Iterator[DiagramType]:
        for each in self.by_kind["domain"]:
            said = definitions.column_definition(each.definition, self.schema)
            checks = sorted(part.definition for part in self.parts["constraint", each.label])
            values = (said.type, *(["not null"] if said.not_null else []), *checks)
            yield DiagramType(name=definitions.relation(each.name), kind="domain", values=values)
