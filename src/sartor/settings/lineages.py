"""The sources of alterations: `acme.alterations`, `./alterations`, `own=./own`."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from sartor.domain.alteration import ScriptSettings
from sartor.errors import SettingsError

MAIN = "main"

_NAME = r"[a-z0-9][a-z0-9_-]*"
_PACKAGE = r"[^\W\d]\w*(\.[^\W\d]\w*)*"


class LineageSource(NamedTuple):
    """A lineage's name in the ledger, and where its alterations are: a path, or an import package.

    `variables` are the values of psql's variables in its SQL scripts, by name; `import_path` the folders from which its
    Python may import.
    """

    name: str
    location: str
    variables: Mapping[str, str] = MappingProxyType({})
    import_path: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"LineageSource({self.name!r}, {self.location!r})"  # a value may be a secret

    @property
    def given(self) -> ScriptSettings:
        """What its scripts are given."""
        return ScriptSettings(tuple(self.variables.items()), self.import_path)


def parse_sources(texts: Iterable[str], *, base: Path, origin: str) -> tuple[LineageSource, ...]:
    """Returns the lineages that texts name, each `SOURCE` or `NAME=SOURCE`; paths are relative to `base`.

    The first without a name is `main`, a later one is called by the last part of its path or package.
    """
    return make_sources(_named(texts), base=base, origin=origin)


def shipped_sources(texts: Iterable[str]) -> tuple[LineageSource, ...]:
    """Returns the lineages that a product ships, as import packages: a folder of such a name isn't one of them.

    Raises SettingsError as `make_sources` does.
    """
    return _make(_named(texts), "the product", lambda location: location)


def make_sources(pairs: Iterable[tuple[str, str]], *, base: Path, origin: str) -> tuple[LineageSource, ...]:
    """Returns the lineages of (name, location) pairs. Raises SettingsError, naming `origin`."""
    return _make(pairs, origin, lambda location: _locate(location, base))


def _make(pairs: Iterable[tuple[str, str]], origin: str, locate: Callable[[str], str]) -> tuple[LineageSource, ...]:
    """Returns the lineages. Raises SettingsError where there is none, or one has no valid name of its own."""
    sources: dict[str, LineageSource] = {}
    for name, location in pairs:
        _check(name, location, origin)
        if (other := sources.get(name)) is not None:
            hint = f"give them different names: {name}={other.location} and other_name={location}"
            raise SettingsError(f"{origin} has two lineages with the name {name!r}", hint=hint)
        sources[name] = LineageSource(name=name, location=locate(location))
    if not sources:
        raise SettingsError(f"{origin} is empty", hint="give a folder or an import package, or leave the setting out")
    return tuple(sources.values())


def _named(texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    main_is_free = True
    for text in filter(None, texts):
        name, equals, location = text.partition("=")
        if equals:
            yield name, location
        else:
            yield MAIN if main_is_free else _last_part(text), text
            main_is_free = False


def _last_part(location: str) -> str:
    return location.rpartition(".")[2] if re.fullmatch(_PACKAGE, location) else Path(location).name


def _check(name: str, location: str, origin: str) -> None:
    if not location:
        raise SettingsError(f"{origin} has no folder or package for the lineage {name!r}", hint=f"write {name}=FOLDER")
    if name != MAIN and not re.fullmatch(_NAME, name):
        hint = f"use lower-case letters, digits, - and _: write name={location}"
        raise SettingsError(f"{origin}: {name!r} isn't a valid name of a lineage", hint=hint)


def _locate(location: str, base: Path) -> str:
    """Returns an absolute path; or the text itself, where it may name a package and there is no such folder."""
    path = base / location
    return str(path) if path.is_dir() or not re.fullmatch(_PACKAGE, location) else location
