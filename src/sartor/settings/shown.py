"""Shows the settings: each one's value, where it comes from, and what is wrong with it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from sartor.conninfo.redaction import redact_argument
from sartor.errors import SettingsError
from sartor.settings.destinations import find_destinations, other_urls
from sartor.settings.load import NO_FLAGS, Flags, find_lookup, load_settings
from sartor.settings.lookup import Found, Lookup, check_names
from sartor.settings.product import SARTOR, Product
from sartor.settings.toml_file import KEYS

HIDDEN = "***"
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
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
    product: Product = SARTOR,
) -> ShownSettings:
    """Returns each setting with its value and where it comes from, also where some can't be used.

        for setting in sartor.show_settings().settings:
            print(setting.key, setting.value, setting.origin)

    A secret's value is `***`, and a URL has no password.

    - `flags`, `environ`, `directory`, `product`: as in `load_settings`.

    Raises nothing: what is wrong is in `problems`.
    """
    try:
        lookup = find_lookup(environ, directory, product, flags)
    except SettingsError as error:
        return ShownSettings((), (), (), (error,))
    problems: list[SettingsError] = []
    settings = [each for key in sorted({*KEYS, "password"}) for each in _shown(lookup, flags, key, problems)]
    notes: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    try:
        notes = check_names(lookup)
        load_settings(flags, environ=environ, directory=directory, product=product)
        labels = tuple(each.label for each in find_destinations(lookup, db_url=flags.db_url, schema=flags.schema))
    except SettingsError as error:
        if str(error) not in map(str, problems):
            problems.append(error)
    return ShownSettings(tuple(settings), labels, notes, tuple(problems))


def _shown(lookup: Lookup, flags: Flags, key: str, problems: list[SettingsError]) -> Iterator[Setting]:
    try:
        found = tuple(_found(lookup, flags, key))
    except SettingsError as error:
        problems.append(error)
        return
    for each in found:
        yield Setting(key, _masked(lookup, key, each), each.origin)
    if not found:
        yield Setting(key, _DEFAULTS.get(key), None)


def _found(lookup: Lookup, flags: Flags, key: str) -> Iterator[Found]:
    """Yields what counts of a setting; several where it is numbered, or is a table. Raises SettingsError."""
    given = flags.variables if key == "variables" else getattr(flags, _FLAGS.get(key, ""), None)
    if given is not None and given != ():
        yield Found(_text(given), f"--{'var' if key == 'variables' else key}")
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
        yield Found(_text(value), lookup.toml.origin(key))


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


def _masked(lookup: Lookup, key: str, found: Found) -> str:
    """Returns a value as it may be shown: a URL from a secret file without its password, else nothing of a secret."""
    if key == "db-url":
        return redact_argument(found.text)
    name = lookup.variable("var-" if key == "variables" else key)
    names = (each for each in lookup.names if each.startswith(name) and each in found.origin)
    is_secret = any(map(lookup.is_secret, names))
    return HIDDEN if key == "password" or is_secret else found.text
