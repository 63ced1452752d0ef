"""Finds the destinations that only servers can name: their databases, their schemas, and what a query says."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, NamedTuple

from sartor.domain.destination import Destination, once_each, parse_schema
from sartor.domain.discovery import Discovery, Patterns, Query
from sartor.domain.labels import BUILT_IN, Label, choose, is_key
from sartor.errors import DestinationError, SartorError, SettingsError
from sartor.log import LOG
from sartor.postgres.discovery import read_databases, read_rows, read_schemas, reading, require_query

AT_ONCE = 8
"""The most connections at a time: a server has others to serve."""
MAINTENANCE = "postgres"
"""The database in which a server is asked for its databases, where the URL names none."""
_TOLD = 10
"""The most names that are told one by one."""


class _Found(NamedTuple):
    """The findings at a place; the names that don't match; and why some were left out."""

    destinations: list[Destination]
    others: Sequence[str] = ()
    left_out: Sequence[str] = ()


async def find_destinations(discovery: Discovery) -> tuple[Destination, ...]:
    """Returns what is found, each destination once; logs which names were left out as nobody could use them.

    Raises SettingsError where nothing is found, or a query can't be used; DestinationError where a server can't be
    asked: a destination mustn't be left out in silence.
    """
    if discovery.query:
        require_query(discovery.query)
    places = choose(discovery.places, _known_before(discovery))
    if (databases := discovery.databases) is not None:
        found = await _each(places, lambda place: _find_databases(place, databases, discovery.longest))
        places = choose(
            _require(found, f"no database matches {databases}", "its databases"), _of(discovery, "database")
        )
    if discovery.finds_schemas:
        unique = {(each.url, each.labels): each for each in places}
        found = await _each(unique.values(), lambda place: _find_schemas(place, discovery))
        said = (
            f"{discovery.query.origin} returned no row" if discovery.query else f"no schema matches {discovery.schemas}"
        )
        places = _require(found, said, "the other schemas")
    return choose(once_each(places), discovery.only)


def _known_before(discovery: Discovery) -> list[Label]:
    """Returns the labels asked for that places have before any is asked: another place needn't be reached then."""
    unknown = {
        *(["database"] if discovery.databases else []),
        *(["schema"] if discovery.finds_schemas else []),
        *([key for key, _ in discovery.only if key not in BUILT_IN] if discovery.query else []),
    }
    return [each for each in discovery.only if each[0] not in unknown]


def _of(discovery: Discovery, key: str) -> list[Label]:
    return [each for each in discovery.only if each[0] == key]


async def _each(places: Iterable[Destination], find: Callable[[Destination], Awaitable[_Found]]) -> list[_Found]:
    """Returns what is found at each place, some at a time. Raises an error that has those of all places."""
    free = asyncio.Semaphore(AT_ONCE)

    async def go(place: Destination) -> _Found | SartorError:
        async with free:
            try:
                return await find(place)
            except SartorError as error:
                return error

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(go(place)) for place in places]
    results = [task.result() for task in tasks]
    errors = [each for each in results if isinstance(each, SartorError)]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        told = "; ".join(map(str, errors[:_TOLD])) + ("; ..." if len(errors) > _TOLD else "")
        kind = type(errors[0]) if isinstance(errors[0], SettingsError) else DestinationError
        raise kind(f"{len(errors)} of {len(results)} databases can't be asked: {told}", hint=errors[0].hint)
    return [each for each in results if isinstance(each, _Found)]


def _require(found: list[_Found], nothing: str, others: str) -> tuple[Destination, ...]:
    """Returns all that was found, and logs what was left out. Raises SettingsError, beginning with `nothing`."""
    left_out = [text for each in found for text in each.left_out]
    for text in left_out[:_TOLD]:
        LOG.warning("left out: %s", text)
    if len(left_out) > _TOLD:
        LOG.warning("left out: %d more, for the same reasons", len(left_out) - _TOLD)
    if destinations := tuple(place for each in found for place in each.destinations):
        return destinations
    names = list(dict.fromkeys(name for each in found for name in each.others))
    shown = ", ".join(map(_shown, names[:_TOLD])) + (" ..." if len(names) > _TOLD else "")
    hint = f"{others} are {shown}" if names else "check the database's URL, and the role's rights"
    raise SettingsError(nothing, hint=hint)


def _shown(name: str) -> str:
    return name if name.isprintable() else repr(name)


async def _find_databases(place: Destination, patterns: Patterns, longest: float) -> _Found:
    asked = place if "dbname" in place.keywords else place.at(MAINTENANCE)
    async with reading(asked, longest=longest) as connection:
        names = await read_databases(connection)
    matching = patterns.among(names)
    found, left_out = [], []
    for name in matching:
        try:
            url = Destination.of({**place.keywords, "dbname": name}, schema=place.schema).url
            found.append(place._replace(url=url))
        except SettingsError as error:
            left_out.append(f"{error}")
    return _Found(found, _without(names, matching), left_out)


async def _find_schemas(place: Destination, discovery: Discovery) -> _Found:
    async with reading(place, longest=discovery.longest) as connection:
        if discovery.query:
            rows = await read_rows(connection, place, discovery.query)
            return _of_rows(place, rows, discovery.query)
        names = await read_schemas(connection)
    names = [name for name in names if not discovery.holds_runs(place._replace(schema=name))]
    patterns = discovery.schemas or Patterns((), "")
    matching = patterns.among(names)
    found = _of_names(place, ((name, ()) for name in matching))
    return found._replace(others=_without(names, matching))


def _without(names: Iterable[str], matching: Iterable[str]) -> list[str]:
    fitting = set(matching)
    return [name for name in names if name not in fitting]


def _of_names(place: Destination, named: Iterable[tuple[str, tuple[Label, ...]]]) -> _Found:
    found, left_out = [], []
    for name, labels in named:
        try:
            schema = parse_schema(name, origin=f"schema {name!r} of {_where(place)}")
        except SettingsError as error:
            left_out.append(str(error))
        else:
            found.append(place._replace(schema=schema, labels=tuple(dict((*place.labels, *labels)).items())))
    return _Found(found, left_out=left_out)


def _where(place: Destination) -> str:
    return place.label.partition(", schema ")[0]


def _of_rows(place: Destination, rows: list[list[tuple[str, Any]]], query: Query) -> _Found:
    """Returns the destinations of a query's rows. Raises SettingsError where one names no schema, or two the same."""
    if rows:
        _check_columns([column for column, _ in rows[0]], query)
    named: dict[str, tuple[Label, ...]] = {}
    for number, ((_, schema), *columns) in enumerate(rows, 1):
        if not isinstance(schema, str):
            what = "null" if schema is None else "no text"
            hint = "select the schema's name first, and leave rows without one out"
            raise SettingsError(
                f"{query.origin} at {_where(place)}: row {number} has {what} in its first column", hint=hint
            )
        if schema in named:
            hint = "select each schema once, as by `select distinct`"
            raise SettingsError(f"{query.origin} at {_where(place)}: schema {schema!r} comes twice", hint=hint)
        named[schema] = tuple((key, _text(value)) for key, value in columns if value is not None)
    return _of_names(place, named.items())


def _check_columns(columns: list[str], query: Query) -> None:
    """Raises SettingsError where the query has no column, or one that can't be a label's name."""
    if not columns:
        raise SettingsError(f"{query.origin} returns no column", hint="select the schema's name first")
    labels = columns[1:]
    for column in labels:
        if not is_key(column) or column in BUILT_IN or labels.count(column) > 1:
            reason = "twice" if labels.count(column) > 1 else "which can't be a label"
            hint = "name the column in the query, as in `select name, place as region from tenants`"
            raise SettingsError(f"{query.origin} has a column {column!r}, {reason}", hint=hint)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
