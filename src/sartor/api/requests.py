"""Makes values of what a caller gives: the destination, the alterations, a plan's request, the limits of its run."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

from sartor.alterations.files import find_folder, read_lineage
from sartor.domain.alteration import Catalogue, Lineage
from sartor.domain.destination import Destination, Limits
from sartor.domain.plan import Deploy, Rollback
from sartor.domain.release import LATEST, Release, parse_target
from sartor.errors import CatalogueError, SettingsError, TargetError
from sartor.settings.lineages import LineageSource, parse_sources, shipped_sources
from sartor.settings.once import asked_once as asked_once  # noqa: PLC0414 - for the command line

Source: TypeAlias = str | os.PathLike[str] | LineageSource
"""A lineage of alterations: a folder, an import package, `NAME=SOURCE`, or a LineageSource."""

Sources: TypeAlias = Source | Iterable[Source] | Catalogue
"""One lineage of alterations, or several: `"alterations"`, `["acme.alterations", "own=./own"]`; or what was listed."""

NO_LIMITS = Limits()
"""The limits of a run where none are given."""


def find_destination(destination: Destination | str) -> Destination:
    """Returns the destination, made of a URL where it is text. Raises SettingsError."""
    return Destination.parse(destination) if isinstance(destination, str) else destination


def find_other(scratch: Destination | str | None, destination: Destination) -> Destination | None:
    """Returns the server that `scratch` names, None where it names none; it has TLS where the destination must."""
    if scratch is None:
        return None
    found = find_destination(scratch)
    return found._replace(require_tls=found.require_tls or destination.require_tls)


def find_scratch(scratch: Destination | str | None, destination: Destination) -> Destination:
    """Returns the place where a scratch database is made: the server of `scratch`, else that of the destination."""
    if (other := find_other(scratch, destination)) is None:
        return destination
    return other.in_schemas_of(destination)._replace(stands_for=destination.database or "")


def find_sources(sources: Sources) -> tuple[LineageSource, ...]:
    """Returns the lineages that are named; paths are relative to the working directory. Raises SettingsError."""
    if isinstance(sources, Catalogue):
        return tuple(_source_of(each) for each in sources.lineages)
    given = (sources,) if isinstance(sources, str | os.PathLike | LineageSource) else tuple(sources)
    if all(isinstance(each, LineageSource) for each in given):
        return given  # type: ignore[return-value]  # the checker doesn't narrow by `all`
    texts = (f"{each.name}={each.location}" if isinstance(each, LineageSource) else os.fspath(each) for each in given)
    named = {each.name: each for each in given if isinstance(each, LineageSource)}
    found = parse_sources(texts, base=Path.cwd(), origin="the call")
    return tuple(named[each.name]._replace(location=each.location) if each.name in named else each for each in found)


def _source_of(lineage: Lineage) -> LineageSource:
    return LineageSource(lineage.name, lineage.location, dict(lineage.given.variables), lineage.given.import_path)


def is_installed(texts: Iterable[str]) -> bool:
    """Returns whether all these sources are installed packages: not their source tree, in which somebody works."""
    return all(_is_among_packages(source.location) for source in shipped_sources(texts))


def _is_among_packages(location: str) -> bool:
    try:
        return not {"site-packages", "dist-packages"}.isdisjoint(find_folder(location).parts)
    except CatalogueError:
        return False


def list_alterations(sources: Sources) -> Catalogue:
    """Returns the alterations that are shipped, in order. No database is needed.

        for alteration in sartor.list_alterations("alterations"):
            print(alteration.release, alteration.name)

    A catalogue is returned as it is: a caller that works on many databases reads the files once.

    Raises CatalogueError where a folder or package can't be read as one of alterations.
    """
    if isinstance(sources, Catalogue):
        return sources
    return Catalogue(
        tuple(read_lineage(source.name, source.location, source.given) for source in find_sources(sources))
    )


def secrets(destination: Destination) -> tuple[str, ...]:
    """Returns the texts of a destination that are never to be shown, those of its password file as well."""
    from sartor.postgres.target_server import find_way

    try:
        way = find_way(destination)
    except SettingsError:
        return destination.secrets  # connecting raises this error again
    found = (way.password(place).text for place in way.places)
    return (*destination.secrets, *destination.hidden(text for text in found if text))


def deploy_request(
    target: str,
    *,
    steps: int | None = None,
    strict_order: bool = False,
    accepted: Iterable[str] = (),
    replay: bool = False,
) -> Deploy:
    """Returns the request that these words make. Raises TargetError where they make none."""
    return Deploy(
        target=None if target == LATEST else parse_target(target),
        steps=steps,
        strict_order=strict_order,
        accepted=frozenset(accepted),
        replay=replay,
    )


def rollback_request(
    catalogue: Catalogue,
    target: str | None,
    *,
    steps: int | None,
    to_timestamp: int | str | None,
    accepted: Iterable[str] = (),
) -> Rollback:
    """Returns the request for a rollback that these words make.

    Raises TargetError where they make none, or where not exactly one of `target`, `steps` and `to_timestamp` is given.
    """
    if sum(given is not None for given in (target, steps, to_timestamp)) != 1:
        raise TargetError(
            "a rollback needs exactly one of: a target, `steps`, `to_timestamp`",
            hint="give a `target` such as 1.0.0, or `steps=1`",
        )
    return Rollback(
        target=None if target is None else _rollback_target(catalogue, target),
        steps=steps,
        to_timestamp=None if to_timestamp is None else _timestamp(str(to_timestamp)),
        accepted=frozenset(accepted),
    )


def _rollback_target(catalogue: Catalogue, target: str) -> Release:
    if target != LATEST:
        return parse_target(target)
    if catalogue.latest is None:
        raise TargetError("nothing is released, so there is no latest release", hint="roll back with `steps`")
    return catalogue.latest


def _timestamp(text: str) -> tuple[int, str]:
    seconds, _, fraction = text.partition(".")
    if not (seconds.isascii() and seconds.isdigit() and (fraction.isdigit() or not fraction)):
        raise TargetError(
            f"{text!r} isn't a timestamp", hint="give Unix seconds, as in file names: `to_timestamp` 1700000000"
        )
    return int(seconds), fraction
