"""Brings together all that names the destinations of a run: URLs, lists of them, and what a server is asked for.

What is nearer comes first, as in all settings: a flag, then a secret file or a variable, then the settings file. Two
settings of the same place that name the same thing exclude each other.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from sartor.domain.destination import Destination, once_each
from sartor.domain.discovery import Discovery, Patterns, Query
from sartor.domain.labels import choose, parse_choice
from sartor.errors import SettingsError
from sartor.settings.destinations import complete_listed, find_destinations, other_urls
from sartor.settings.flags import NO_FLAGS, Flags, as_texts
from sartor.settings.listed import REGISTRY, TABLES, Listed, call_registry, read_tables, read_urls
from sartor.settings.lookup import Found, Lookup


class Fleet(NamedTuple):
    """The destinations that the settings name; or none, and what a server has to be asked for.

    `notes` are for the user.
    """

    destinations: tuple[Destination, ...]
    discovery: Discovery | None = None
    notes: tuple[str, ...] = ()


def find_fleet(lookup: Lookup, flags: Flags, directory: Path) -> Fleet:
    """Returns what the settings name, of which `--only` chooses. Raises SettingsError."""
    only = tuple(parse_choice(text, origin="--only") for text in as_texts(flags.only))
    databases, schemas = _databases(lookup, flags), _schemas(lookup, flags)
    places, notes = _places(lookup, flags, directory.absolute())
    patterns = schemas if isinstance(schemas, Patterns) else None
    query = schemas if isinstance(schemas, Query) else None
    if databases or patterns or query:
        return Fleet((), Discovery(places, databases, patterns, query, only), notes)
    return Fleet(choose(places, only), notes=notes)


def find_list(lookup: Lookup, flags: Flags = NO_FLAGS) -> str | None:
    """Returns what messages call the list that names databases by their URLs; None where there is none."""
    if flags.urls_from is not None:
        return "--urls-from"
    if found := lookup.setting("urls-from"):
        return found.origin
    return next((each.origin for each in _tables(lookup) if each.keywords is not None), None)


def _databases(lookup: Lookup, flags: Flags) -> Patterns | None:
    """Returns the patterns of databases; a URL that a flag gives is that of one database, whatever the settings say."""
    if flags.databases:
        return _patterns(as_texts(flags.databases), "--databases")
    if flags.db_url or flags.urls_from is not None:
        return None
    return _listed(lookup.listed("databases"))


def _schemas(lookup: Lookup, flags: Flags) -> Patterns | Query | Found | None:
    """Returns what the nearest place says of schemas that says anything of them: patterns, a query, or a name.

    Raises SettingsError where that place says several of it.
    """
    listed, named = lookup.listed("schemas"), lookup.named(lookup.variable("schemas"))
    by_flags = (
        Found(as_texts(flags.schema)[0], "--schema") if flags.schema else None,
        _patterns(as_texts(flags.schemas), "--schemas") if flags.schemas else None,
        Query(flags.schemas_from, "--schemas-from") if flags.schemas_from is not None else None,
    )
    by_name = (
        next(iter(lookup.numbered("schema")), None),
        _listed(listed) if named else None,
        _query(lookup.named(lookup.variable("schemas-from"))),
    )
    by_file = (
        lookup.in_toml("schema"),
        None if named else _listed(listed),
        _query(lookup.in_toml("schemas-from")),
    )
    for said in (by_flags, by_name, by_file):
        given = [each for each in said if each is not None]
        if len(given) > 1:
            raise _exclude(given[0].origin, given[1].origin)
        if given:
            return given[0]
    return None


def _listed(found: tuple[Found, ...]) -> Patterns | None:
    return _patterns(tuple(each.text for each in found), found[0].origin) if found else None


def _patterns(texts: tuple[str, ...], origin: str) -> Patterns:
    if not all(texts):
        raise SettingsError(f"{origin}: a pattern is empty", hint="write a pattern such as 'tenant_*'")
    return Patterns(texts, origin)


def _query(found: Found | None) -> Query | None:
    return found and Query(found.text, found.origin)


def _exclude(one: str, other: str) -> SettingsError:
    return SettingsError(f"{one} and {other} exclude each other", hint="remove one of them")


class _List(NamedTuple):
    """A list of destinations, and what messages call it; the settings file's aren't near."""

    origin: str
    is_near: bool
    listed: tuple[Listed, ...]


def _places(lookup: Lookup, flags: Flags, folder: Path) -> tuple[tuple[Destination, ...], tuple[str, ...]]:
    """Returns the places that URLs and lists name, and notes on lists that don't count.

    What a list says without a URL of its own is about the database of the settings.
    """
    if flags.urls_from is not None:
        if flags.db_url:
            raise _exclude("--db-url", "--urls-from")
        return complete_listed(lookup, read_urls(flags.urls_from, folder, "--urls-from"), schema=flags.schema), ()
    lists = [] if flags.db_url and flags.schema else _nearest_lists(lookup, folder)
    listed = [each for found in lists for each in found.listed]
    own, bare = _apart(listed)
    notes: tuple[str, ...] = ()
    if flags.db_url:
        own = []
    elif own and (given := next(iter(lookup.numbered("db-url") or other_urls(lookup)), None)):
        origin = next(found.origin for found in lists if _apart(found.listed)[0])
        is_near, is_list_near = given != lookup.in_toml("db-url"), any(each.is_near for each in lists)
        if is_near == is_list_near and (is_near or not bare):
            raise _exclude(given.origin, origin)
        if is_near:
            own, notes = [], (f"the databases of {origin} don't count, as {given.origin} names one",)
    base: tuple[Destination, ...] = ()
    if bare or not own:
        base = _each_of(find_destinations(lookup, db_url=flags.db_url, schema=flags.schema), bare, flags)
    return once_each([*complete_listed(lookup, own, schema=flags.schema), *base]), notes


def _nearest_lists(lookup: Lookup, folder: Path) -> list[_List]:
    """Returns the lists of the nearest place that has any: of variables and secret files, else of the settings file."""
    urls, registries = lookup.setting("urls-from"), lookup.listed(REGISTRY)
    near = {key for key in ("urls-from", REGISTRY) if lookup.named(lookup.variable(key)) is not None}
    found = [] if near else [_List(lookup.toml.origin(TABLES), is_near=False, listed=_tables(lookup))]
    if urls and (not near or "urls-from" in near):
        below = folder if near else lookup.toml.place("urls-from").parent
        found.append(_List(urls.origin, bool(near), read_urls(urls.text, below, urls.origin)))
    if not near or REGISTRY in near:
        found += (_List(f"{REGISTRY} {each.text}", bool(near), call_registry(each.text)) for each in registries)
    return found


def _tables(lookup: Lookup) -> tuple[Listed, ...]:
    return read_tables(lookup.toml, lookup.variable("password"))


def _each_of(base: tuple[Destination, ...], bare: list[Listed], flags: Flags) -> tuple[Destination, ...]:
    """Returns each destination with each schema of a list that has no URL; a schema of the flag takes its place."""
    if flags.schema or not bare:
        return base
    return tuple(_at(place, each) for place in base for each in bare)


def _at(place: Destination, listed: Listed) -> Destination:
    made = place._replace(schema=listed.schema or place.schema, labels=listed.labels)
    if listed.user is None:
        return made
    return made._replace(url=Destination.of({**place.keywords, "user": listed.user}, schema=made.schema).url)


def _apart(listed: Iterable[Listed]) -> tuple[list[Listed], list[Listed]]:
    """Returns those that have a URL, and those that have none."""
    given = list(listed)
    return [each for each in given if each.keywords is not None], [each for each in given if each.keywords is None]
