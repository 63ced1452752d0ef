"""The fingerprint of a database's schemas: all that is in them, as text that can be compared, and two hashes of it."""

import base64
import hashlib
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple, Self

FORMAT = 2
"""The number of the format: which objects are included, and how they are written. Different formats don't compare."""

_LEVEL = 4
"""The level of compression: an eighth of the time of the highest, for about as many bytes."""

NOTED = frozenset({"column order", "extension version", "not-null constraint", "owner", "settings", "tablespace"})
"""The kinds that may differ between schemas that are the same to an application; only the exact hash includes them.

A column that was dropped and added again is the last one. The server chooses names of NOT NULL constraints, and keeps
them where the table is renamed. Owners, tablespaces, the versions of extensions and what `alter database ... set` says
belong to a place: a copy elsewhere has others.
"""

_PLAIN = ("server", "logical", "exact")
"""The fields that JSON has as they are."""

_OWN_NAME = re.compile(rb"""(?:(?<=\\[bfnrtv])|(?<![\w$".\0\x80-\xff]))(?:\0|"\0")(?=\.)|'\0'""")
"""A schema's name, for which NUL stands, before that of an object or as a whole literal; an escape may come before."""
_OF_PLACE = frozenset({b"default privileges", b"grant", b"schema", *(kind.encode() for kind in NOTED)})
"""The kinds that say what roles may do, the schema itself, and what is only noted."""

_ESCAPES = {"\\": "\\", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t", "\v": "v"}
"""The letter after a backslash in a line, for a character that can't be there: the text format of COPY."""
_ESCAPING = str.maketrans({character: f"\\{letter}" for character, letter in _ESCAPES.items()} | {"\0": "\t"})
"""Escapes the parts of a line that are joined by NUL, which no text of Postgres's has."""
_ESCAPE = re.compile(r"\\.")
_ESCAPED = {f"\\{letter}": character for character, letter in _ESCAPES.items()}


class Scope(Enum):
    """The extent of a fingerprint."""

    SCHEMAS = "schemas"
    """The given schemas, and nothing of other schemas or of their database, which several products may share."""
    DATABASE = "database"
    """The given schemas, and what belongs to no schema: extensions, event triggers, publications, casts, servers."""


class SchemaObject(NamedTuple):
    """An object in a schema: `kind` and `name` identify it, `definition` is lines of text, `parent` what it is part of.

    A column's parent is `table public.users`, that of a grant or a comment is what it is about; "" stands for none.
    """

    kind: str
    name: str
    parent: str
    definition: str

    @property
    def label(self) -> str:
        """The object as shown to people, and as its parts name their parent: `table public.users`."""
        return f"{self.kind} {self.name}"

    @property
    def noted(self) -> bool:
        """True where a difference here is only worth a note."""
        return self.kind in NOTED


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """All objects of some schemas; `server` is Postgres's major version, `text` their lines, compressed.

    `logical` is a hash, in hexadecimal digits, of what an application can tell, as it is spelled: where two are equal,
    nothing differs; where they aren't, two spellings may still mean the same. `exact` is a hash of everything.

    It holds names and definitions as they are. So it is only compared with one of schemas of the same names.
    """

    schemas: tuple[str, ...]
    scope: Scope
    server: int
    logical: str
    exact: str
    text: bytes = field(repr=False, compare=False)

    @staticmethod
    def of(objects: Iterable[SchemaObject], *, schemas: tuple[str, ...], scope: Scope, server: int) -> "Fingerprint":
        """Returns the fingerprint of these objects, in whichever order they come."""
        lines: tuple[list[str], list[str]] = ([], [])
        for each in sorted(objects):
            lines[each.noted].append(_line(each))
        told, noted = ("".join(each).encode() for each in lines)
        return Fingerprint(
            schemas=schemas,
            scope=scope,
            server=server,
            logical=hashlib.sha256(told).hexdigest(),
            exact=hashlib.sha256(told + noted).hexdigest(),
            text=zlib.compress(told + noted, _LEVEL),
        )

    @property
    def objects(self) -> tuple[SchemaObject, ...]:
        """The objects, the noted ones last; unpacked at each access, as there may be a hundred thousand."""
        return tuple(_object(line) for line in zlib.decompress(self.text).decode().split("\n")[:-1])

    @property
    def nameless(self) -> str:
        """The logical hash, but for the schemas' own names, what is said of the schemas, and the rights of roles.

        It is the same for schemas that are copies of each other under other names, unless a table has a schema's name.
        Unpacks the text at each access.
        """
        text = zlib.decompress(self.text)
        for schema in self.schemas:
            name = schema.replace('"', '""').translate(_ESCAPING).encode()
            # The text has no NUL of its own; a pattern with the name in it would be compiled for each schema.
            text = _OWN_NAME.sub(b"*", text.replace(name, b"\0")).replace(b"\0", name)
        kept = sorted(line for line in text.split(b"\n") if _is_of_any_schema(line))
        return hashlib.sha256(b"\n".join(kept)).hexdigest()

    def packed(self) -> dict[str, Any]:
        """Returns it without its text, as JSON's values; `unpack` reads it with the text in base64 as `objects`."""
        as_they_are = {name: getattr(self, name) for name in _PLAIN}
        return {"format": FORMAT, "schemas": list(self.schemas), "scope": self.scope.value, **as_they_are}

    @classmethod
    def unpack(cls, packed: Mapping[str, Any]) -> Self | None:
        """Returns the fingerprint that `packed` made, with its objects; None where its format is another Sartor's."""
        if packed["format"] != FORMAT:
            return None
        return cls(
            schemas=tuple(packed["schemas"]),
            scope=Scope(packed["scope"]),
            text=base64.b64decode(packed["objects"]),
            **{name: packed[name] for name in _PLAIN},
        )


def _is_of_any_schema(line: bytes) -> bool:
    """Returns whether the object of a line may be compared with that of another schema."""
    kind, _, rest = line.partition(b"\t")
    is_of_schema = rest.partition(b"\t")[2].startswith(b"schema ")
    return not (kind in _OF_PLACE or is_of_schema)


def _line(each: SchemaObject) -> str:
    return "\0".join(each).translate(_ESCAPING) + "\n"


def _object(line: str) -> SchemaObject:
    parts = line.split("\t")
    return SchemaObject(*(_ESCAPE.sub(lambda at: _ESCAPED[at[0]], part) if "\\" in part else part for part in parts))
