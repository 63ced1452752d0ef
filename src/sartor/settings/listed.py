"""Destinations of a list: tables of the settings file, lines of a file of URLs, what a package's function gives."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sartor.conninfo.parameters import nearest
from sartor.conninfo.url import parse_url
from sartor.domain.destination import parse_schema
from sartor.domain.labels import Label, is_key, make_labels
from sartor.errors import SettingsError
from sartor.settings.entry_points import call_named
from sartor.settings.lookup import read_text
from sartor.settings.once import once
from sartor.settings.toml_file import TomlFile

TABLES = "destination"
"""The tables of the settings file, each of a destination."""
GROUP = "sartor.destinations"
"""The group of entry points in which functions are registered that list destinations."""
REGISTRY = "destinations-from"
"""The setting that names those that are called."""
STDIN = "-"

_KEYS = ("db-url", "schema", "user", "labels")


class Listed(NamedTuple):
    """A destination of a list as it is given: `keywords` are those of its URL, None where it has none of its own."""

    origin: str
    keywords: Mapping[str, str] | None
    schema: str | None = None
    user: str | None = None
    labels: tuple[Label, ...] = ()

    def __repr__(self) -> str:
        return f"Listed({self.origin!r})"  # a password may be in it


def read_tables(toml: TomlFile, password: str) -> tuple[Listed, ...]:
    """Returns the destinations of the settings file; `password` is the name under which a password is given.

    Raises SettingsError.
    """
    tables, origin = toml.table.get(TABLES, []), toml.origin(TABLES)
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        hint = f'write [[{TABLES}]] above the keys of each: db-url = "...", schema = "..."'
        raise SettingsError(f"{origin} isn't a list of tables", hint=hint)
    hint = f"don't put passwords into the file: give {password} as a secret file or a variable"
    return tuple(_of_mapping(each, f"{origin}, table {at}", hint) for at, each in enumerate(tables, 1))


def call_registry(name: str) -> tuple[Listed, ...]:
    """Returns the destinations that the function of an entry point lists. Raises SettingsError."""
    given: list[Any] = once(
        (GROUP, name), lambda: call_named(name, group=GROUP, key=REGISTRY, kind="registry", take=list)
    )
    return tuple(_of_registry(each, f"{REGISTRY} {name}, destination {at}") for at, each in enumerate(given, 1))


def _of_registry(given: object, origin: str) -> Listed:
    if isinstance(given, str):
        return _of_url(given, (), origin)
    if isinstance(given, Mapping) and all(isinstance(key, str) for key in given):
        values = {key.replace("_", "-"): value for key, value in given.items() if value is not None}
        return _of_mapping(values, origin, "give the password in db_url")
    raise SettingsError(f"{origin} is neither a URL nor a mapping", hint="give a URL, or db_url, schema and labels")


def _of_mapping(values: Mapping[str, object], origin: str, for_password: str) -> Listed:
    for key in values:
        if key not in _KEYS:
            near = nearest(key, _KEYS, cutoff=0.6)
            hint = f"did you mean {near}?" if near else f"its keys are {', '.join(_KEYS)}"
            raise SettingsError(
                f"{origin} has an unknown key {key!r}", hint=for_password if key == "password" else hint
            )
    url, schema, user = (_text(values, key, origin) for key in _KEYS[:3])
    if url is None and schema is None:
        raise SettingsError(f"{origin} has neither db-url nor schema", hint="give one of them")
    labels = values.get("labels", {})
    if not isinstance(labels, Mapping):
        raise SettingsError(f"{origin}: labels isn't a table", hint='write labels = { region = "eu" }')
    found = _of_url(url, make_labels(_texts(labels, origin), origin=origin), origin)
    if schema is not None:
        found = found._replace(schema=parse_schema(schema, origin=f"the schema in {origin}"))
    return found._replace(user=user)


def _text(values: Mapping[str, object], key: str, origin: str) -> str | None:
    value = values.get(key)
    if value is None or (isinstance(value, str) and value):
        return value
    raise SettingsError(f"{origin}: {key} isn't a text", hint=f'write {key} = "..."')


def _texts(labels: Mapping[Any, Any], origin: str) -> Iterator[Label]:
    for key, value in labels.items():
        if not isinstance(key, str) or not isinstance(value, str | int | float):
            raise SettingsError(f"{origin}: a label isn't a text", hint='write labels = { region = "eu" }')
        yield key, str(value).lower() if isinstance(value, bool) else str(value)


def _of_url(url: str | None, labels: tuple[Label, ...], origin: str) -> Listed:
    keywords = None if url is None else parse_url(url, origin=origin)
    schema = keywords.get("schema") if keywords else None
    if schema is not None:
        parse_schema(schema, origin=f"the schema in {origin}")
    return Listed(origin, keywords, schema=schema, labels=labels)


def read_urls(name: str, folder: Path, origin: str) -> tuple[Listed, ...]:
    """Returns the destinations of a file that has a URL a line, with labels behind it; `-` is standard input.

    Raises SettingsError, which names the file and the line, and shows nothing of it.
    """
    place = "standard input" if name == STDIN else str(folder / name)
    text = once((origin, place), lambda: _read_stdin(origin) if name == STDIN else _read_file(folder / name, origin))
    lines = enumerate(text.removeprefix("\ufeff").split("\n"), 1)
    found = tuple(each for at, line in lines if (each := _of_line(line, f"{place}, line {at}")))
    if not found:
        raise SettingsError(f"{origin}: {place} names no database", hint="write a URL a line, labels behind it")
    return found


def _read_file(path: Path, origin: str) -> str:
    try:
        return read_text(path, hint="name a file that can be read")
    except SettingsError as error:
        raise SettingsError(f"{origin}: {error}", hint=error.hint) from error


def _read_stdin(origin: str) -> str:
    stream: Any = sys.stdin
    if stream is None:
        raise SettingsError(f"{origin}: standard input is closed", hint="name a file, or write the URLs to the command")
    try:
        content: bytes | str = getattr(stream, "buffer", stream).read()
        return content.decode() if isinstance(content, bytes) else content
    except UnicodeDecodeError:  # it would quote a password
        raise SettingsError(f"{origin}: standard input isn't UTF-8", hint="write it as UTF-8 text") from None
    except (OSError, ValueError) as error:
        raise SettingsError(f"{origin}: standard input can't be read", hint="name a file") from error


def _of_line(line: str, origin: str) -> Listed | None:
    words = list(_before_comment(line.split()))
    if not words:
        return None
    url, *labels = words
    if "://" not in url:  # `host=db dbname=app` would be taken for a database and a label
        hint = "write postgresql://user@host:5432/database, and labels such as region=eu behind it"
        raise SettingsError(f"{origin} can't be used: it doesn't begin with a Postgres URL", hint=hint)
    found = _of_url(url, (), origin)
    return found._replace(labels=make_labels((_label(each, origin) for each in labels), origin=origin))


def _before_comment(words: Iterable[str]) -> Iterator[str]:
    for word in words:
        if word.startswith("#"):
            return
        yield word


def _label(word: str, origin: str) -> Label:
    key, equals, value = word.partition("=")
    # An @ comes from a password with a space in it: what stands before the space would be another database.
    if not equals or not is_key(key) or "@" in value or "://" in value:
        hint = "write region=eu behind the URL, and %20 for a space in it; a comment begins with #"
        raise SettingsError(f"{origin} can't be used: what stands behind the URL isn't a label", hint=hint)
    return key, value
