"""Draws schemas as diagrams: what a release makes, or what stands in a database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sartor.api.observing import Observed, ignore
from sartor.api.requests import NO_LIMITS, Sources, find_destination, find_scratch, list_alterations
from sartor.domain.alteration import Catalogue
from sartor.domain.destination import Destination, Limits
from sartor.domain.diagram import Diagram, DiagramFormat
from sartor.domain.release import LATEST, Release, parse_target
from sartor.domain.report import Observer
from sartor.domain.targets import require_released
from sartor.errors import TargetError, UsageError


class Drawing(NamedTuple):
    """A diagram, and its text in a format; "" where none was asked for."""

    diagram: Diagram
    format: DiagramFormat | None
    text: str


async def diagram(
    destination: Destination | str,
    sources: Sources,
    release: str | None = None,
    *,
    since: str | None = None,
    tables: Iterable[str] = (),
    format: str | None = "svg",  # noqa: A002 - the word that the command line has
    live: bool = False,
    scratch: Destination | str | None = None,
    limits: Limits = NO_LIMITS,
    observer: Observer = ignore,
) -> Drawing:
    """Draws the schema that a release makes, which is found out in a scratch database.

        drawn = await sartor.diagram("postgresql://app@localhost/app", "alterations", "1.2.0", since="1.1.0")
        Path("schema.svg").write_text(drawn.text)

    - `release`: a version, `latest`, or `next`, the default: with what is unreleased.
    - `since`: a release before it, to show what was added, removed and changed since then.
    - `tables`: patterns such as `order*`, to draw only these tables; those that foreign keys connect with them are
      shown by their names.
    - `format`: `svg` (needs the extra `diagram`), `mermaid` or `dbml`; None for no text.
    - `live`: draw what stands in the destination's schema instead. Writes nothing, and replays nothing.

    Raises TargetError, UsageError for a format that doesn't exist or that needs what isn't installed, AlterationFailed
    where a replayed script fails, DestinationError.
    """
    form = None if format is None else _form(format)
    place = find_destination(destination)
    if live:
        if release is not None or since is not None:
            raise UsageError("`live` excludes `release` and `since`", hint="remove one of them")
        from sartor.drawing.replay import read_live

        found = await read_live(place)
    else:
        catalogue, beside = list_alterations(sources), find_scratch(scratch, place)
        found = await _made(beside, catalogue, release or "next", since, limits=limits, observer=observer)
    wanted = tuple(tables)
    chosen = found.only(wanted)
    if found.tables and not chosen.tables:
        raise UsageError(f"no table is named {' or '.join(wanted)}", hint="`*` stands for any characters: 'order*'")
    return Drawing(chosen, form, "" if form is None else _write(chosen, form))


async def _made(
    beside: Destination,
    catalogue: Catalogue,
    release: str,
    since: str | None,
    *,
    limits: Limits,
    observer: Observer,
) -> Diagram:
    """Returns what a release makes; with `since`, compared with what that one makes."""
    from sartor.drawing.comparing import compare
    from sartor.drawing.replay import replay

    wanted = [_release(text, catalogue) for text in (since, release) if text is not None]
    if len(wanted) > 1 and not wanted[0] < wanted[1]:
        raise TargetError(f"release {wanted[0]} isn't before {wanted[1]}", hint="name an earlier one with `since`")
    with Observed(observer) as told:
        made = told.keep(await replay(beside, catalogue, wanted, limits=limits, observer=told))
    return compare(*made) if len(made) > 1 else made[0]


def _form(text: str) -> DiagramFormat:
    """Returns the format of this name. Raises UsageError where there is none, or what it needs isn't installed."""
    known = {form.value: form for form in DiagramFormat}
    if text not in known:
        raise UsageError(f"{text!r} isn't a format of diagrams", hint=f"choose one of {', '.join(known)}")
    if known[text] is DiagramFormat.SVG:
        from sartor.drawing.group import load_graphlay

        load_graphlay()
    return known[text]


def _release(text: str, catalogue: Catalogue) -> Release:
    if text == LATEST:
        if catalogue.latest is None:
            raise TargetError("nothing is released, so there is no latest release", hint="name `next`")
        return catalogue.latest
    found = parse_target(text)
    require_released(found, catalogue)
    return found


def _write(diagram: Diagram, form: DiagramFormat) -> str:
    match form:
        case DiagramFormat.SVG:
            from sartor.drawing.svg import write_svg

            return write_svg(diagram)
        case DiagramFormat.MERMAID:
            from sartor.drawing.mermaid import write_mermaid

            return write_mermaid(diagram)
        case DiagramFormat.DBML:
            from sartor.drawing.dbml import write_dbml

            return write_dbml(diagram)
