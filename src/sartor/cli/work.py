"""The work of every command around its one API call: settings, the embedded server, several destinations, results."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sartor import api
from sartor.api import Flags, Settings
from sartor.cli import output, render, shapes
from sartor.domain.destination import Destination
from sartor.errors import AlterationFailed, SartorError, SettingsError

T = TypeVar("T")

ANYWHERE = "postgresql:///postgres"
"""A URL in place of that of a server that isn't started yet."""


@contextmanager
def settled(flags: Flags, embedded: str | None, *, ships: bool = True) -> Iterator[Settings]:
    """Yields the settings, with the embedded server running where it was asked for.

    That server must not be created in a wrong folder: errors that can be seen without it are raised first, missing
    alterations too where the command needs them (`ships`).
    """
    if embedded is None:
        yield _keep(_load(flags))
        return
    if flags.db_url is not None:
        raise SettingsError("--embedded and --db-url are two databases", hint="leave one of them out")
    settings = _load(flags._replace(db_url=ANYWHERE))
    if ships:
        api.list_alterations(settings.sources)
    with api.embedded(embedded or None) as url:
        yield _keep(_load(flags._replace(db_url=url)))


def _load(flags: Flags) -> Settings:
    return api.load_settings(flags, environ=os.environ, directory=Path.cwd())


def _keep(settings: Settings) -> Settings:
    for destination in settings.destinations:
        output.keep_secret(api.secrets(destination))
    for note in settings.notes:
        output.tell(f"note: {note}")
    return settings


def run(main: Coroutine[Any, Any, T], *, left: str | None = None) -> T:
    """Runs as `signals.run`, which is loaded with the first call: help, errors and `list` need no event loop."""
    from sartor.cli import signals

    return signals.run(main, left=left)


def reach(url: str, origin: str) -> Destination:
    """Returns the destination at a URL that the option `origin` gives. Raises SettingsError."""
    destination = api.load_destination(url, origin=origin, environ=os.environ, directory=Path.cwd())
    output.keep_secret(api.secrets(destination))
    return destination


def alone(settings: Settings, destination: Destination) -> tuple[str, ...]:
    """Returns the options that name this destination of several, and no other; none where there is only one."""
    places = {each.url for each in settings.destinations}
    if len(settings.destinations) == 1:
        return ()
    return (*(("--db-url", destination.bare_url) if len(places) > 1 else ()), "--schema", destination.schema)


def on_each(
    settings: Settings, action: Callable[[Destination], shapes.Shape], *, on_error: shapes.Shape | None = None
) -> None:
    """Runs `action` on each destination, in order, and prints its shape with --json; the first error stops.

    With --json, an error becomes part of the result: `on_error` is the shape of a run that didn't begin.
    """
    done: list[shapes.Shape] = []
    several = len(settings.destinations) > 1
    for destination in settings.destinations:
        label = {"label": destination.label} if several else {}
        if several:
            output.tell(f"== {destination.label}")
        try:
            done.append(label | action(destination))
        except SartorError as error:
            if output.wants("--json"):
                output.shape(shapes.several([*done, label | _error_shape(error, on_error)]))
            if rest := len(settings.destinations) - len(done) - 1:
                output.tell(f"stopped at {destination.label}; {render.count(rest, 'destination')} after it not touched")
            raise
    if output.wants("--json"):
        output.shape(shapes.several(done))


def _error_shape(error: SartorError, on_error: shapes.Shape | None) -> shapes.Shape:
    base = shapes.report_shape(error.report) if error.report else on_error or {"version": shapes.VERSION}
    if isinstance(error, AlterationFailed):
        return base | {"failed": shapes.failure_shape(error.failure)}
    return base | {"error": shapes.error_shape(error)}
