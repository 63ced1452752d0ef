"""A discovery: destinations that only a server can name, by patterns or a query."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import NamedTuple

from sartor.domain.destination import Destination
from sartor.domain.labels import Label

LONGEST = 30.0
"""Seconds that a statement of a discovery may take, where no setting says."""


class Patterns(NamedTuple):
    """Patterns of names, such as `tenant_*`, and what messages call the place where they are given."""

    texts: tuple[str, ...]
    origin: str

    def __str__(self) -> str:
        return " or ".join(map(repr, self.texts))

    def among(self, names: Iterable[str]) -> list[str]:
        """Returns the names that a pattern fits, in their order: `*`, `?` and `[abc]`, as a shell has them."""
        return [name for name in names if any(fnmatchcase(name, text) for text in self.texts)]


class Query(NamedTuple):
    """A query of which each row names a schema, and labels by its further columns; and where it is given."""

    text: str
    origin: str


class Discovery(NamedTuple):
    """The question to a server, at each of `places`: databases, then schemas of each of them.

    Without `databases`, it is the place's own; without `schemas` and `query`, the place's own schema. Of what is found,
    only what has the labels `only` is a destination. `longest` is the seconds that a statement may take. A schema that
    holds the runs of a fleet, that of `control` or one with the name it has by default, isn't a destination by pattern.
    """

    places: tuple[Destination, ...]
    databases: Patterns | None = None
    schemas: Patterns | None = None
    query: Query | None = None
    only: tuple[Label, ...] = ()
    longest: float = LONGEST
    control: Destination | None = None

    def __repr__(self) -> str:
        return f"Discovery({self.places!r})"

    @property
    def finds_schemas(self) -> bool:
        return self.schemas is not None or self.query is not None

    def holds_runs(self, destination: Destination) -> bool:
        """Returns whether a schema is that of a control database, as far as its name tells."""
        by_default = destination.schema == f"{destination.tables}_fleet"
        return by_default or (self.control is not None and destination.place == self.control.place)

    def told(self, place: Destination) -> str:
        """Returns in words what is looked for at a place."""
        asked = [f"databases {self.databases}"] if self.databases else []
        asked += [f"schemas {self.schemas}"] if self.schemas else []
        asked += [f"schemas by {self.query.origin}"] if self.query else []
        return f"{place.label.partition(', schema ')[0]}: {', '.join(asked)}"
