"""Shows the settings: each one's value, where it comes from, and what is wrong with it."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from sartor.conninfo.redaction import redact, redact_argument
from sartor.domain.destination import Destination, parse_schema
from sartor.domain.table_names import parse_prefix, prefix_of
from sartor.errors import SettingsError
from sartor.settings.destinations import other_urls
from sartor.settings.embedded import find_embedded
from sartor.settings.flags import NO_FLAGS, Flags
from sartor.settings.fleet import Fleet, find_fleet
from sartor.settings.listed import TABLES
from sartor.settings.load import UNITS, find_lookup, load_settings, parse_max_hazard
from sartor.settings.lookup import (
    HIDDEN,
    Found,
    Lookup,
    check_names,
    make_lookup,
    parse_duration,
    parse_switch,
    with_providers,
)
from sartor.settings.once import asked_once
from sartor.settings.product import SARTOR, Product
from sartor.settings.toml_file import CONFIG, KEYS, NAME, TomlFile, named_file

_DEFAULTS = {
    "existing": "note",
    "alterations": "alterations",
    "embedded": "false",
    "fingerprint": "true",
    "lock-budget": "60s",
    "lock-timeout": "300ms",
    "require-tls": "false",
    "schema": "public",
    "strict-order": "false",
    "wait": "60s",
}
_NUMBERED = ("db-url", "user", "password", "schema")
_URLS = ("db-url", "control")
_SWITCHES = ("embedded", "fingerprint", "require-tls", "strict-order")
_ANYWHERE = "postgresql:///postgres"
"""A URL in place of that of the embedded server."""
_FLAGS = {key: key.replace("-", "_") for key in KEYS} | {"variables": ""}


class Setting(NamedTuple):
    """A setting as it counts: its name, its value without secrets, and where it comes from.

    `value` is None where it isn't set and has no default, `origin` is None where it isn't set.
    """

    key: str
    value: str | None
    origin: str | None


class ShownSettings(NamedTuple):
    """All settings, the databases that they name, and what is wrong with them, each with its hint."""

    settings: tuple[Setting, ...]
    destinations: tuple[str, ...]
    notes: tuple[str, ...]
    problems: tuple[SettingsError, ...]


def show_settings(
    flags: Flags = NO_FLAGS,
    *,
    embedded: bool = False,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
    product: Product = SARTOR,
) -> ShownSettings:
    """Returns each setting with its value and where it comes from, also where some can't be used.

        for setting in sartor.show_settings().settings:
            print(setting.key, setting.value, setting.origin)

    A secret's value is `***`, and a URL has no password. All that can be used is shown beside what can't.

    - `flags`, `environ`, `directory`, `product`: as in `load_settings`.
    - `embedded`: the embedded server stands in for a database, as with the flag of that name.

    Raises nothing: what is wrong is in `problems`.
    """
    places: dict[str, Any] = {"environ": environ, "directory": directory, "product": product}
    problems: list[SettingsError] = []
    with asked_once():
        lookup = _find(flags, problems, **places)
        rows = [each for key in sorted({*KEYS, "password"}) for each in _shown(lookup, flags, key, problems)]
        notes = check_names(lookup, problems.append)
        with _told(problems):
            embedded = embedded or find_embedded(flags.db_url, **places) is not None
        labels: tuple[str, ...] = ("the embedded server",)
        if embedded:
            flags = flags._replace(db_url=(_ANYWHERE,))
        else:
            labels = _labels(lookup, flags, directory, problems)
        with _told(problems):
            load_settings(flags, **places)
    unique = {str(error): error for error in problems}
    return ShownSettings((*_files(lookup), *rows), labels, notes, tuple(unique.values()))


@contextmanager
def _told(problems: list[SettingsError]) -> Iterator[None]:
    """Adds an error of the block to the problems, and goes on behind it."""
    try:
        yield
    except SettingsError as error:
        problems.append(error)


def _labels(lookup: Lookup, flags: Flags, directory: Path | None, problems: list[SettingsError]) -> tuple[str, ...]:
    found = Fleet(())
    with _told(problems):
        found = find_fleet(lookup, flags, directory or Path.cwd())
    if asked := found.discovery:
        return tuple(map(asked.told, asked.places))
    return tuple(each.label for each in found.destinations)


def _find(
    flags: Flags,
    problems: list[SettingsError],
    *,
    environ: Mapping[str, str] | None,
    directory: Path | None,
    product: Product,
) -> Lookup:
    """Returns the places to look in, without those that can't be read."""
    environ = os.environ if environ is None else environ
    named = named_file(environ, product)
    secrets, file = product.variable("secrets-dir"), TomlFile((directory or Path.cwd()) / (named or NAME), {})
    lookup = make_lookup({key: text for key, text in environ.items() if key != secrets}, file, product)
    with _told(problems):
        lookup = make_lookup(environ, file, product)
        lookup = find_lookup(environ, directory, product, flags, asks=False, unknown=problems.append)
    try:
        return with_providers(lookup)
    except SettingsError as error:
        problems.append(error)
        return lookup


def _files(lookup: Lookup) -> Iterator[Setting]:
    """Yields the settings files that count: the one that is named or found, and that of an import package."""
    product, toml = lookup.product, lookup.toml
    variable = product.variable(CONFIG)
    origin = "--config" if product.config is not None else variable if lookup.environ.get(variable) else "found"
    is_there = origin != "found" or toml.path.is_file()
    yield Setting(CONFIG, str(toml.path) if is_there else None, origin if is_there else None)
    for path in dict.fromkeys(toml.inherited.values()):
        yield Setting(CONFIG, str(path), "the package of the alterations")


def _shown(lookup: Lookup, flags: Flags, key: str, problems: list[SettingsError]) -> Iterator[Setting]:
    with _told(problems):
        found = tuple(_found(lookup, flags, key))
        for each in found:
            yield Setting(key, _masked(key, each), each.origin)
        if not found:
            default = prefix_of(lookup.product.name) if key == "tables" else _DEFAULTS.get(key)
            yield Setting(key, default, None)
        for each in found:
            _check(key, each)


def _check(key: str, found: Found) -> None:
    """Raises SettingsError for a value that can't be used, as far as it can be told of one alone."""
    if unit := UNITS.get(key.replace("-", "_")):
        parse_duration(found, unit=unit)
    elif key in _SWITCHES:
        parse_switch(found)
    elif key == "max-hazard":
        parse_max_hazard(found)
    elif key == "schema":
        parse_schema(found.text, origin=found.origin)
    elif key in _URLS:
        Destination.parse(found.text, origin=found.origin)
    elif key == "tables":
        parse_prefix(found.text, origin=found.origin)


def _found(lookup: Lookup, flags: Flags, key: str) -> Iterator[Found]:
    """Yields what counts of a setting; several where it is numbered, or is a table. Raises SettingsError."""
    given = flags.variables if key == "variables" else getattr(flags, _FLAGS.get(key, ""), None)
    if given is not None and given != ():
        texts = given if key in _NUMBERED else (_text(given),)
        yield from (Found(text, f"--{'var' if key == 'variables' else key}") for text in texts)
    elif key == "db-url":
        yield from lookup.numbered(key) or tuple(other_urls(lookup))[:1]
    elif key in _NUMBERED:
        yield from lookup.series(key)
    elif key == "variables":
        yield from (found for name in sorted(lookup.names) if (found := _variable(lookup, name)))
        if lookup.toml.table.get(key):
            yield Found(_text(lookup.toml.table[key]), lookup.toml.origin(key))
    elif found := lookup.named(lookup.variable(key)):
        yield found
    elif (value := lookup.toml.table.get(key)) is not None:
        text = _text(len(value) if key == TABLES and isinstance(value, list) else value)
        yield Found(text, lookup.toml.origin(key))


def _variable(lookup: Lookup, name: str) -> Found | None:
    return lookup.named(name) if name.startswith(lookup.variable("var-")) else None


def _text(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return ", ".join(f"{name} = {each}" for name, each in value.items())
        case list() | tuple():
            return ", ".join(map(str, value))
        case _:
            return str(value)


def _masked(key: str, found: Found) -> str:
    """Returns a value as it may be shown: a URL from a secret file without its password, else nothing of a secret."""
    if key in _URLS:
        return _without_password(found.text)
    return HIDDEN if key == "password" or found.is_secret else found.text


def _without_password(url: str) -> str:
    """Returns a URL with `***` for its passwords; of one that can't be parsed nothing is shown."""
    try:
        return redact(redact_argument(url), Destination.parse(url).secrets)
    except SettingsError:
        return HIDDEN
