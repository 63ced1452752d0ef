"""A schema as a diagram shows it: tables with their columns and keys, the references between them, types.

With the diagram of an earlier release, it says what came, went and changed since then.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from fnmatch import fnmatchcase
from typing import NamedTuple

from sartor.domain.drift import Change

MADE_BY = "Made by `sartor db alteration diagram`."
"""The words by which the file of a diagram is known as one, so that it may be replaced."""


class DiagramFormat(Enum):
    """The formats that a diagram is written in."""

    SVG = "svg"
    MERMAID = "mermaid"
    DBML = "dbml"


class RelationName(NamedTuple):
    """The name of a table, a view or a type, as the catalogue has it."""

    schema: str
    name: str

    def within(self, schema: str) -> str:
        """Returns the name as it is shown in a diagram of `schema`: without that schema."""
        return self.name if self.schema == schema else f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagramColumn:
    """A column of a table; `unique` says that it is so alone, `before` what a changed column was."""

    name: str
    type: str
    not_null: bool = False
    primary: bool = False
    unique: bool = False
    references: bool = False
    default: str | None = None
    generated: str | None = None
    comment: str = ""
    change: Change | None = None
    before: str = ""

    @property
    def rule(self) -> str:
        """The column as one line says it, without its name."""
        required = " not null" if self.not_null and not self.primary else ""
        value = f" default {self.default}" if self.default else f" {self.generated}" if self.generated else ""
        marks = (("primary key", self.primary), ("unique", self.unique))
        return f"{self.type}{''.join(f' {word}' for word, true in marks if true)}{required}{value}"


class DiagramKey(NamedTuple):
    """A primary key, or what is unique in a table: a constraint, or an index of plain columns over all rows."""

    columns: tuple[str, ...]
    primary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagramTable:
    """A table or a view. `detail` says what kind of table it is: `partitioned by range (at), 3 partitions`.

    An `outside` one is only there because others refer to it, or it to them: its columns aren't shown.
    """

    name: RelationName
    kind: str = "table"
    columns: tuple[DiagramColumn, ...] = ()
    keys: tuple[DiagramKey, ...] = ()
    detail: str = ""
    comment: str = ""
    outside: bool = False
    change: Change | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagramReference:
    """A foreign key. `single`: at most one row refers to a row; `optional`: a row needn't refer to any."""

    name: str
    table: RelationName
    columns: tuple[str, ...]
    to: RelationName
    to_columns: tuple[str, ...]
    single: bool = False
    optional: bool = False
    on_delete: str = ""
    on_update: str = ""
    change: Change | None = None

    @property
    def key(self) -> tuple[RelationName, tuple[str, ...], RelationName, tuple[str, ...]]:
        """What tells it from others: its name may change."""
        return self.table, self.columns, self.to, self.to_columns


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagramType:
    """A type of the schema: `values` are an enum's labels, a composite's attributes, or what a domain stands for."""

    name: RelationName
    kind: str
    values: tuple[str, ...] = ()
    change: Change | None = None
    new_values: frozenset[str] = frozenset()
    """The values that came since the earlier release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagram:
    """A schema as a diagram shows it, its parts in the order of their names, this schema's first.

    `release` is what made it, "" for a live database; `since` the release that it is compared with.
    """

    schema: str
    release: str = ""
    since: str = ""
    tables: tuple[DiagramTable, ...] = ()
    references: tuple[DiagramReference, ...] = ()
    types: tuple[DiagramType, ...] = ()

    @property
    def title(self) -> str:
        """The heading of the diagram."""
        made = {"": f"Schema {self.schema}", "next": "Schema with what is unreleased (next)"}
        title = made.get(self.release, f"Schema of release {self.release}")
        return f"{title}, compared with {self.since}" if self.since else title

    def only(self, patterns: Iterable[str]) -> "Diagram":
        """Returns the tables that a pattern names; those next to them by a foreign key are `outside`.

        A pattern may have `*`, `?` and `[...]`. Types stay where a column that is left has one.
        """
        wanted = tuple(patterns)
        if not wanted:
            return self
        chosen = {table.name for table in self.tables if self._is_named(table, wanted)}
        kept = tuple(each for each in self.references if each.table in chosen or each.to in chosen)
        near = {name for each in kept for name in (each.table, each.to)} - chosen
        tables = tuple(
            table if table.name in chosen else outside(table)
            for table in self.tables
            if table.name in chosen or table.name in near
        )
        used = {column.type.removesuffix("[]") for table in tables for column in table.columns}
        types = tuple(each for each in self.types if each.name.within(self.schema) in used)
        return replace(self, tables=tables, references=kept, types=types)

    def _is_named(self, table: DiagramTable, patterns: tuple[str, ...]) -> bool:
        names = (table.name.within(self.schema), ".".join(table.name))
        return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


def outside(table: DiagramTable) -> DiagramTable:
    """Returns a table of which no more than its name is shown."""
    return DiagramTable(name=table.name, kind=table.kind, outside=True, change=table.change)
