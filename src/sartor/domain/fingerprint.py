"""The fingerprint of a database's schemas: all that is in them, as text that compares, and two hashes of it."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any, NamedTuple, Self

FORMAT = 1
"""Which objects are looked at, and how they are written. Fingerprints of different formats don't compare."""

_LEVEL = 3
"""Of compression: a fifteenth of the time of the highest, for a tenth more bytes."""

_TOGETHER = 1000
"""Objects that are written out at once, when they are packed."""

NOTED = frozenset({"column order", "extension version", "label order", "owner", "settings", "tablespace"})
"""The kinds that may differ between schemas which are the same to an application: only the exact hash has them.

A column that was dropped and made again is the last one, and an enum's label likewise. Owners, tablespaces, the
versions of extensions and what `alter database ... set` says are a place's own: a copy elsewhere has others.
"""


class Scope(Enum):
    """What a fingerprint takes in."""

    SCHEMAS = "schemas"
    """The given schemas, and nothing of other ones or of their database: several products may share that."""
    DATABASE = "database"
    """The given schemas, and what belongs to no schema: extensions, event triggers, publications, casts, servers."""


class SchemaObject(NamedTuple):
    """One thing in a schema: `kind` and `name` say which, `definition` is lines of text, `parent` what it is part of.

    A column's parent is `table public.users`, a grant's or a comment's what it is about; "" stands for none.
    """

    kind: str
    name: str
    parent: str
    definition: str

    @property
    def label(self) -> str:
        """The object for people, and what its parts have for a parent: `table public.users`."""
        return f"{self.kind} {self.name}"

    @property
    def noted(self) -> bool:
        """Whether a difference here is only worth a note."""
        return self.kind in NOTED


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """All objects of some schemas, in order; `server` is Postgres's major version.

    It holds names and definitions as they are. So it is compared with another of schemas of the same names, and of the
    same major version: each writes a view's query in its own way.
    """

    schemas: tuple[str, ...]
    scope: Scope
    server: int
    objects: tuple[SchemaObject, ...]

    @cached_property
    def logical(self) -> str:
        """A hash, in hexadecimal digits, of what an application can tell: equal after a dump and its restore."""
        return _hash(o for o in self.objects if not o.noted)

    @cached_property
    def exact(self) -> str:
        """A hash, in hexadecimal digits, of everything."""
        return _hash(self.objects)

    def comparable(self, other: Fingerprint) -> bool:
        """Whether a difference between the two would be one of what they look at."""
        return (self.schemas, self.scope, self.server) == (other.schemas, other.scope, other.server)

    def packed(self) -> dict[str, Any]:
        """The fingerprint as JSON's values, to be kept: hashes in the open, objects compressed. `unpack` reads it."""
        return {
            "format": FORMAT,
            "schemas": list(self.schemas),
            "scope": self.scope.value,
            "server": self.server,
            "logical": self.logical,
            "exact": self.exact,
            "objects": base64.b64encode(b"".join(self._compressed())).decode(),
        }

    def _compressed(self) -> Iterator[bytes]:
        """The objects as one JSON array, compressed; the whole text is never there at once."""
        packer = zlib.compressobj(_LEVEL)
        for start in range(0, len(self.objects), _TOGETHER):
            text = json.dumps(self.objects[start : start + _TOGETHER], ensure_ascii=False, separators=(",", ":"))
            yield packer.compress(f"{',' if start else '['}{text[1:-1]}".encode())
        yield packer.compress(b"]" if self.objects else b"[]")
        yield packer.flush()

    @classmethod
    def unpack(cls, packed: Mapping[str, Any]) -> Self | None:
        """What `packed` made; None where another Sartor did, in another format."""
        if packed["format"] != FORMAT:
            return None
        text = zlib.decompress(base64.b64decode(packed["objects"])).decode()
        return cls(
            schemas=tuple(packed["schemas"]),
            scope=Scope(packed["scope"]),
            server=packed["server"],
            objects=tuple(SchemaObject(*values) for values in json.loads(text)),
        )


def _hash(objects: Iterable[SchemaObject]) -> str:
    found = hashlib.sha256()
    for each in objects:
        # Postgres's text holds no NUL, so it tells the parts apart.
        found.update(f"{each.kind}\0{each.name}\0{each.definition}\0".encode())
    return found.hexdigest()
