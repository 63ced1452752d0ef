"""`sartor db alteration list`, `status` and `history`."""

import time
from functools import partial
from typing import Annotated

import typer

import sartor
from sartor import DestinationStatus, Event, Note, Observer, RunEvent, Sources
from sartor.cli import options, output
from sartor.cli.command import on_each, run, settled, sources
from sartor.cli.declaration import argument, command
from sartor.cli.fleet_part import order_of
from sartor.cli.results.status import history_json, history_lines, list_json, list_lines, status_json, status_lines
from sartor.domain.destination import Destination
from sartor.errors import UsageError


@command("db alteration list --alterations acme.alterations", options.alterations, codes=(0, 2))
def list_(context: typer.Context) -> None:
    """List the alterations, by release. Needs no database."""
    catalogue = sartor.list_alterations(sources(context))
    if output.wants("--json"):
        output.json_object(list_json(catalogue))
    else:
        output.results(list_lines(catalogue))


Release = Annotated[
    str | None,
    argument("[TARGET]", "With --wait: the release that is to be deployed. [default: latest]"),
]


@command(
    "db alteration status --wait 120s",
    options.where,
    options.until_deployed,
    options.at_once,
    codes=(0, 2, 3, 6, 130),
    said={3: "with --wait: something is still pending"},
)
def status(context: typer.Context, target: Release = None) -> int:
    """Compare the alterations on disk with those deployed.

    Shows which are pending, out of order, edited, missing or ahead; of several destinations, how many stand where and
    which don't fit. Writes nothing.
    """
    waits = context.obj["wait"] is not None
    if target is not None and not waits:
        raise UsageError("a target needs --wait", hint="add --wait 120s, or leave the target out")
    with settled(context) as settings:
        look = partial(sartor.status, sources=settings.sources)
        if waits:
            ends = time.monotonic() + settings.limits.wait
            look = partial(_until_deployed, sources=settings.sources, target=target or sartor.LATEST, ends=ends)
        if len(settings.destinations) > 1:
            from sartor.cli.fleet_status import fleet_status

            return fleet_status(settings, look, order_of(context.obj), waits=waits)
        on_each(settings, lambda place: run(look(place)), lines=status_lines, as_json=status_json, headed=False)
        return 0


async def _until_deployed(destination: Destination, sources: Sources, *, target: str, ends: float) -> DestinationStatus:
    """Waits as long as the command's time lasts, over all of its destinations."""

    def tell(event: RunEvent) -> None:
        if isinstance(event, Note):
            output.tell(f"waiting: {event.text}")

    left = max(ends - time.monotonic(), 0)
    return await sartor.wait_until_deployed(destination, sources, target, wait=left, observer=tell)


@command("db alteration history --json", options.database, options.at_once, codes=(0, 2, 6, 130))
def history(context: typer.Context) -> int:
    """Show the journal, oldest event first.

    Lists every deployment, rollback, failure and repair, with the user and the time. Writes nothing.
    """
    with settled(context, ships=False) as settings:
        if len(settings.destinations) > 1:
            from sartor.cli.fleet_looking import Look, look_at_each, tell_end

            async def call(place: Destination, _: Observer) -> tuple[Event, ...]:
                return await sartor.history(place)

            look: Look[tuple[Event, ...], int] = Look(call, keep=len, as_json=history_json, lines=history_lines)
            looked = look_at_each(settings, look, order_of(context.obj))
            tell_end(looked, (), {"events": sum(number for _, number in looked.found)})
            return looked.code
        on_each(settings, lambda place: run(sartor.history(place)), lines=history_lines, as_json=history_json)
        return 0
