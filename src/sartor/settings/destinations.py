"""Finds the databases of a run: one, or one for each of the numbered settings."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sartor.conninfo.url import complete, parse_environment, parse_url
from sartor.domain.destination import DEFAULT_SCHEMA, Destination, once_each, parse_schema
from sartor.domain.table_names import parse_prefix, prefix_of
from sartor.errors import SettingsError
from sartor.settings.flags import as_texts
from sartor.settings.listed import Listed
from sartor.settings.lookup import Found, Lookup, told_ignored
from sartor.settings.services import read_service

REACHING = {"host", "hostaddr", "user", "dbname", "service"}
"""The keywords from libpq's environment that say that a database is given."""

_FROM = {"password": "password_from", "statement_timeout": "statement_timeout_from"}
"""The keys beside a keyword that say where it was found."""

_NAME = r"[A-Za-z_][A-Za-z0-9_.-]*"


def find_destinations(
    lookup: Lookup, *, db_url: Sequence[str] = (), schema: Sequence[str] = (), origin: str = "--db-url"
) -> tuple[Destination, ...]:
    """Returns a destination for each value of the longest list; a shorter list repeats its last value.

    A flag replaces its setting's whole list. With `--db-url`, only as many values of the lists of user and password
    count as it is given times. `origin` is what messages call that flag.
    """
    defaults = _defaults(lookup)
    schemas = [_schema(found) for found in _given("--schema", schema) or lookup.series("schema")]
    credentials = _credentials(lookup)
    if db_url:
        urls = [_url(found) for found in _given(origin, db_url)]
        layers = [*(values[: len(urls)] for values in credentials), urls, schemas]
    else:
        layers = [_urls(lookup, defaults), *credentials, schemas]
    shared = _shared(lookup)
    runs = (_settled(run, defaults, lookup.environ)._replace(**shared) for run in _combine(layers))
    found: dict[object, Destination] = {}
    for each in runs:
        found.setdefault((each.keywords.get("user"), *each.place), each)
    return tuple(found.values())


def complete_listed(lookup: Lookup, listed: Iterable[Listed], *, schema: Sequence[str] = ()) -> tuple[Destination, ...]:
    """Returns the destinations of a list, each of which has a URL: one for each of its schemas.

    The settings give what a URL leaves out: user, password and schema. A schema of the flag takes the place of its own.
    """
    defaults, shared = _defaults(lookup), _shared(lookup)
    first = {key: text for values in _credentials(lookup) for key, text in (values or [{}])[0].items()}
    flags = [_schema(found) for found in _given("--schema", schema)]
    series = [_schema(found) for found in lookup.series("schema")]
    found: list[Destination] = []
    for each in listed:
        own = {} if each.user is None else {"user": each.user}
        given = {**first, **_from(dict(each.keywords or {}), each.origin), **own}
        made = _settled(given, defaults, lookup.environ)._replace(labels=each.labels, **shared)
        schemas = flags or ([{"schema": each.schema}] if each.schema else series) or [{}]
        found += (made._replace(**values) for values in schemas)  # type: ignore[arg-type]  # the key is a field
    return once_each(found)


def _shared(lookup: Lookup) -> dict[str, Any]:
    """Returns what all destinations have: the further search path, and the names of Sartor's tables.

    Those are by default the product's.
    """
    path = tuple(parse_schema(each.text, origin=each.origin) for each in lookup.listed("search-path"))
    if found := lookup.setting("tables"):
        return {
            "search_path": path,
            "tables": parse_prefix(found.text, origin=found.origin),
            "tables_chosen": True,
        }
    return {"search_path": path, "tables": prefix_of(lookup.product.name)}


def _defaults(lookup: Lookup) -> dict[str, str]:
    return _from(parse_environment(lookup.environ), "PGPASSWORD", "PGOPTIONS")


def _credentials(lookup: Lookup) -> list[list[dict[str, str]]]:
    """Returns the lists of users and of passwords."""
    users = [{"user": found.text} for found in lookup.series("user")]
    return [users, [_from({"password": found.text}, found.origin) for found in lookup.series("password")]]


def _settled(given: dict[str, str], defaults: Mapping[str, str], environ: Mapping[str, str]) -> Destination:
    """Returns the destination, completed as libpq does it: a service overrides the environment."""
    service: dict[str, str] = {}
    if name := given.get("service") or defaults.get("service"):
        service, origin = read_service(name, environ)
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
    return tuple(Found(text=text, origin=flag) for text in as_texts(texts))


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
