"""Surrounds a command's one API call: settings, the embedded server, several destinations, output."""

from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import typer

import sartor
from sartor import Flags, LineageSource, Settings
from sartor.api.requests import asked_once, secrets
from sartor.api.server import is_embedded
from sartor.cli import output
from sartor.cli.command_line import AS_GIVEN, Resume, names_lists
from sartor.cli.program import current
from sartor.cli.results.objects import VERSION, JsonObject, placed
from sartor.cli.results.run import failed_json, report_json, report_lines
from sartor.cli.results.units import count
from sartor.domain.destination import Destination
from sartor.domain.plan import Direction
from sartor.domain.report import Report
from sartor.errors import SartorError, SettingsError, UsageError

T = TypeVar("T")

ANYWHERE = "postgresql:///postgres"
"""A URL in place of that of a server that isn't started yet."""


def given_flags(context: typer.Context, **more: Any) -> Flags:
    """Returns those options of a command that are settings."""
    given = {name: value for name, value in context.obj.items() if name in Flags._fields}
    several = {name: tuple(value or ()) for name, value in given.items() if isinstance(Flags()._asdict()[name], tuple)}
    return Flags(**{**given, **several, **more}, variables=tuple(context.obj.get("var") or ()))


def sources(context: typer.Context) -> tuple[LineageSource, ...]:
    """Returns where the alterations are, for a command that needs no database. Raises SettingsError."""
    return sartor.load_sources(given_flags(context), product=current().product)


@contextmanager
def settled(
    context: typer.Context,
    *,
    db_url: str | None = None,
    strict_order: bool = False,
    ships: bool = True,
    anywhere: bool = False,
) -> Iterator[Settings]:
    """Yields the settings of a command, with the embedded server running where the flag or the setting asks for it.

    That server must not be created in a wrong folder: errors that can be seen without it are raised first, missing
    alterations too where the command needs them (`ships`). `db_url` takes the place of the options that name a
    database. The destinations are complete, those that a server has to be asked for as well; where the command is the
    same `anywhere`, it has the first place alone.
    """
    with asked_once():
        for settings in _settled(context, db_url, ships=ships, strict_order=strict_order):
            yield _anywhere(settings) if anywhere else _complete(settings)


def _settled(context: typer.Context, db_url: str | None, *, strict_order: bool, ships: bool) -> Iterator[Settings]:
    flags, embedded = given_flags(context, strict_order=strict_order or None), context.obj["embedded"]
    given = flags if db_url is None else flags._replace(db_url=(db_url,), databases=(), urls_from=None, only=())
    named = given.db_url or tuple(filter(None, [given.urls_from]))
    if embedded is None and not is_embedded(named, current().product):
        yield _keep(given)
        return
    for option, is_given in {"--db-url": flags.db_url, "--urls-from": flags.urls_from}.items():
        if is_given:
            raise SettingsError(f"--embedded and {option} exclude each other", hint="remove one of them")
    settings = sartor.load_settings(flags._replace(db_url=(ANYWHERE,), only=()), product=current().product)
    if ships:
        sartor.list_alterations(settings.sources)
    with sartor.embedded_server(Path(embedded) if embedded else None) as url:
        yield _keep(flags._replace(db_url=(url,)))


def _keep(flags: Flags) -> Settings:
    """Loads the settings, shows their notes, and hides their passwords from now on."""
    settings = sartor.load_settings(flags, product=current().product)
    _keep_secrets((*settings.places, *filter(None, [settings.control])))
    for note in settings.notes:
        output.tell(f"note: {note}")
    return settings


def _keep_secrets(destinations: Iterable[Destination]) -> None:
    for destination in {each.url: each for each in destinations}.values():
        output.keep_secret(secrets(destination))


def _anywhere(settings: Settings) -> Settings:
    """Returns the settings with their first place alone."""
    return settings._replace(destinations=settings.places[:1], discovery=None)


def _complete(settings: Settings) -> Settings:
    """Returns the settings with all destinations, which servers are asked for where they have to be."""
    if settings.discovery is None:
        return settings
    found = run(sartor.find_destinations(settings), left="no run had begun")
    _keep_secrets(found)
    return settings._replace(destinations=found, discovery=None)


def run(main: Coroutine[Any, Any, T], *, left: str | None = None) -> T:
    """Runs as `signals.run`, which is loaded with the first call: help, errors and `list` need no event loop."""
    from sartor.cli import signals

    return signals.run(main, left=left)


def execute(
    call: Callable[..., Coroutine[Any, Any, T]],
    destination: Destination,
    settings: Settings,
    *,
    resume: Resume = AS_GIVEN,
    batch: bool = True,
    left: str | None = None,
) -> T:
    """Runs a function of the API on a destination, with the sources and limits of the settings, and shows its progress.

    `call` has its other arguments bound. See `progress.shown` for `resume`, and `run` for `left`.
    """
    from sartor.cli import progress  # what reads only, shows none

    heading = "" if len(settings.destinations) > 1 else f"{destination.label}: "
    with progress.shown(resume, destination, heading=heading) as observer:
        limits = settings.limits._replace(batch=batch)
        return run(call(destination, settings.sources, limits=limits, observer=observer), left=left)


def on_each_run(settings: Settings, action: Callable[[Destination], Report], direction: Direction) -> None:
    """Does as `on_each`, for an `action` that runs alterations."""
    nothing = Report(direction=direction, target=None)
    on_each(settings, action, lines=report_lines, as_json=report_json, no_run=report_json(nothing))


def reach(url: str, origin: str, *, require_tls: bool | None = None) -> Destination:
    """Returns the destination at a URL that the option `origin` gives. Raises SettingsError."""
    destination = sartor.load_destination(url, origin=origin, product=current().product)
    if require_tls:
        destination = destination._replace(require_tls=True)
    output.keep_secret(secrets(destination))
    return destination


def control(context: typer.Context) -> Destination:
    """Returns the control database, and hides its password from now on. Raises SettingsError where none is given."""
    found = sartor.load_control(given_flags(context), product=current().product)
    output.keep_secret(secrets(found))
    return found


def reach_scratch(url: str | None) -> Destination | None:
    return None if url is None else reach(url, "--scratch-url")


def one(settings: Settings, what: str) -> Destination:
    """Returns the one destination of a command. Raises UsageError where the settings name several."""
    first, *others = settings.destinations
    if others:
        named = f"--db-url {first.bare_url} --schema {first.schema}"
        raise UsageError(f"{what} needs one database, but there are {len(others) + 1}", hint=f"name one: {named}")
    return first


def alone(settings: Settings, destination: Destination) -> tuple[str, ...]:
    """Returns the options that name this destination of several, and no other; none where there is only one."""
    places = {each.url for each in settings.destinations}
    if len(settings.destinations) == 1:
        return ()
    url = ("--db-url", destination.bare_url) if len(places) > 1 or names_lists() else ()
    return (*url, "--schema", destination.schema)


def on_each(
    settings: Settings,
    action: Callable[[Destination], T],
    *,
    lines: Callable[[T], Iterable[str]],
    as_json: Callable[[T], JsonObject],
    no_run: JsonObject | None = None,
    headed: bool = True,
) -> list[T]:
    """Runs `action` on each destination, in order, and shows `lines` of its results, or their JSON; returns them.

    Where there are several, each one's name is told first, unless its `lines` begin with that (not `headed`).

    The first error stops. With --json it becomes part of the output: `no_run` is the JSON of a run that didn't begin.
    """
    results: list[T] = []
    places = settings.destinations
    tell = _json_teller(places, as_json, no_run or {"version": VERSION})
    for place in places:
        if len(places) > 1 and headed:
            output.tell(f"== {place.label}")
        try:
            results.append(action(place))
        except SartorError as error:
            tell(None, error)
            if rest := places[len(results) + 1 :]:
                left = f"{count(len(rest), 'destination')} after it not changed"
                output.tell(f"stopped at {place.label}; {left}: {'; '.join(each.label for each in rest)}")
            raise
        tell(results[-1], None)
        if not output.wants("--json"):
            output.results(lines(results[-1]))
    return results


def _json_teller(
    places: Sequence[Destination], as_json: Callable[[Any], JsonObject], no_run: JsonObject
) -> Callable[[Any, SartorError | None], None]:
    """Returns a function that writes the JSON of each result or error, where it is asked for."""
    if not output.wants("--json"):
        return lambda _result, _error: None
    if len(places) > 1:
        from sartor.cli.json_lines import JsonLines  # a single destination needs nothing of it

        return JsonLines(places, as_json, no_run).add

    def tell(result: Any, error: SartorError | None) -> None:
        run = as_json(result) if error is None else failed_json(error, no_run)
        output.json_object(placed(run, places[0]))

    return tell
