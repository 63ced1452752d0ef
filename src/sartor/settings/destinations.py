"""Finds the databases of a run: one, or one for each of the numbered settings."""

import os
import pwd
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sartor.conninfo.libpq_files import find_service
from sartor.conninfo.url import complete, parse_environment, parse_pairs, parse_url
from sartor.domain.destination import DEFAULT_SCHEMA, Destination, parse_schema
from sartor.domain.table_names import parse_prefix, prefix_of
from sartor.errors import SettingsError
from sartor.settings.lookup import Found, Lookup, read_text, told_ignored

REACHING = {"host", "hostaddr", "user", "dbname", "service"}
"""The keywords from libpq's environment that say that a database is given."""

_FROM = {"password": "password_from", "statement_timeout": "statement_timeout_from"}
"""The keys beside a keyword that say where it was found."""

_NAME = r"[A-Za-z_][A-Za-z0-9_.-]*"

_SYSTEM = ("/etc/postgresql-common", "/etc")
"""The folders of the file for the whole machine, where PGSYSCONFDIR isn't set.

Each libpq knows one folder of its own.
"""


def find_destinations(
    lookup: Lookup, *, db_url: Sequence[str] = (), schema: Sequence[str] = (), origin: str = "--db-url"
) -> tuple[Destination, ...]:
    """Returns a destination for each value of the longest list; a shorter list repeats its last value.

    A flag replaces its setting's whole list. With `--db-url`, only as many values of the lists of user and password
    count as it is given times. `origin` is what messages call that flag.
    """
    defaults = _from(parse_environment(lookup.environ), "PGPASSWORD", "PGOPTIONS")
    schemas = [_schema(found) for found in _given("--schema", schema) or lookup.series("schema")]
    users = [{"user": found.text} for found in lookup.series("user")]
    passwords = [_from({"password": found.text}, found.origin) for found in lookup.series("password")]
    credentials = [users, passwords]
    if db_url:
        urls = [_url(found) for found in _given(origin, db_url)]
        layers = [*(values[: len(urls)] for values in credentials), urls, schemas]
    else:
        layers = [_urls(lookup, defaults), *credentials, schemas]
    path = tuple(parse_schema(each.text, origin=each.origin) for each in lookup.listed("search-path"))
    tables = _tables(lookup)
    found: dict[tuple[str, str], Destination] = {}
    for run in _combine(layers):
        destination = _settled(run, defaults, lookup.environ)._replace(search_path=path, **tables)
        found.setdefault((destination.url, destination.schema), destination)
    return tuple(found.values())


def _tables(lookup: Lookup) -> dict[str, Any]:
    """Returns a destination's fields about the names of Sartor's tables, which by default are the product's."""
    if found := lookup.setting("tables"):
        return {"tables": parse_prefix(found.text, origin=found.origin), "tables_chosen": True}
    return {"tables": prefix_of(lookup.product.name)}


def _settled(given: dict[str, str], defaults: Mapping[str, str], environ: Mapping[str, str]) -> Destination:
    """Returns the destination, completed as libpq does it: a service overrides the environment."""
    service: dict[str, str] = {}
    if name := given.get("service") or defaults.get("service"):
        service, origin = _read_service(name, environ)
        service = _from(service, origin)
    run = complete(given, service, defaults)
    run.pop("service", None)
    password, timeout = (run.pop(beside, "") for beside in _FROM.values())
    made = Destination.of(run, schema=run.get("schema", DEFAULT_SCHEMA))
    return made._replace(
        settled=True,
        password_from=password or made.password_from,
        statement_timeout_from=timeout or made.statement_timeout_from,
    )


def _combine(layers: list[list[dict[str, str]]]) -> Iterator[dict[str, str]]:
    """Yields the keywords of each run: a later layer overrides an earlier one, a short one repeats its last value."""
    given = [layer for layer in layers if layer]
    for run in range(max(map(len, given))):
        yield {key: value for layer in given for key, value in layer[min(run, len(layer) - 1)].items()}


def _urls(lookup: Lookup, defaults: Mapping[str, str]) -> list[dict[str, str]]:
    if found := lookup.numbered("db-url") or tuple(other_urls(lookup))[:1]:
        return [_url(each) for each in found]
    if REACHING & defaults.keys():
        return [{}]
    name = next(iter(lookup.toml.texts("db-url-env")), lookup.variable("db-url"))
    hint = f"give --db-url postgresql://user@host:5432/database, set {name}, or try it with --embedded"
    told = f": {ignored}" if (ignored := told_ignored(lookup, "db-url")) else ""
    raise SettingsError(f"no database is given{told}", hint=hint)


def other_urls(lookup: Lookup) -> Iterator[Found]:
    """Yields URLs that stand elsewhere than in SARTOR_DB_URL: under the maker's names, then in the toml file."""
    for name in lookup.toml.texts("db-url-env"):
        if not re.fullmatch(_NAME, name):
            hint = "list names of variables and secret files, such as DATABASE_URL"
            raise SettingsError(
                f"{lookup.toml.origin('db-url-env')} can't be used: {name!r} isn't a valid name", hint=hint
            )
        if found := lookup.named(name):
            yield found
    if found := lookup.in_toml("db-url"):
        yield found


def _given(flag: str, texts: Sequence[str]) -> tuple[Found, ...]:
    several = (texts,) if isinstance(texts, str) else texts  # a text is a sequence of texts, too
    return tuple(Found(text=text, origin=flag) for text in several)


def _from(keywords: Mapping[str, str], origin: str, options: str = "") -> dict[str, str]:
    """Returns the keywords, and for those of `_FROM` where they were found; `options` is that of the timeout."""
    places = {"password": origin, "statement_timeout": f"the statement_timeout in {options or origin}"}
    return {**keywords, **{_FROM[key]: place for key, place in places.items() if key in keywords}}


def _url(found: Found) -> dict[str, str]:
    keywords = _from(parse_url(found.text, origin=found.origin), found.origin)
    if "schema" in keywords:
        parse_schema(keywords["schema"], origin=f"the schema in {found.origin}")
    return keywords


def _schema(found: Found) -> dict[str, str]:
    return {"schema": parse_schema(found.text, origin=found.origin)}


def _read_service(name: str, environ: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """Returns the keywords of a service, and where it was found.

    Raises SettingsError where there is none, or its file can't be read.
    """
    looked: list[str] = []
    hint = "make the file readable, or change PGSERVICEFILE"
    for path in _files(environ):
        looked.append(str(path))
        found = find_service(read_text(path, hint=hint), name, origin=str(path))
        if found is not None:
            origin = f"service {name!r} in {path}"
            return parse_pairs(found, origin=origin), origin
    where = f"not found in {', '.join(looked)}" if looked else "there is no ~/.pg_service.conf"
    raise SettingsError(
        f"there is no service {name!r}: {where}",
        hint=f"add [{name}] and its parameters to ~/.pg_service.conf, or set PGSERVICEFILE to the file that has them",
    )


def _files(environ: Mapping[str, str]) -> Iterator[Path]:
    if named := environ.get("PGSERVICEFILE"):
        yield Path(named)
    elif (home := _home(environ)) and (home / ".pg_service.conf").exists():
        yield home / ".pg_service.conf"
    system = [environ["PGSYSCONFDIR"]] if environ.get("PGSYSCONFDIR") else _SYSTEM
    for folder in system:
        if (file := Path(folder, "pg_service.conf")).exists():
            yield file


def _home(environ: Mapping[str, str]) -> Path | None:
    if home := environ.get("HOME"):
        return Path(home)
    try:
        return Path(pwd.getpwuid(os.geteuid()).pw_dir)
    except KeyError:
        return None
