"""`sartor db alteration rehearse`."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

import sartor
from sartor.api.judgements import CACHE
from sartor.cli import options, output
from sartor.cli.command import on_each, reach_scratch, run, settled
from sartor.cli.declaration import Text, argument, command, option
from sartor.cli.fleet_part import order_of
from sartor.cli.program import current
from sartor.cli.progress import plain
from sartor.cli.results.rehearse import rehearsal_json, rehearsal_lines, rehearsal_summary, too_bad
from sartor.cli.results.run import failure_lines
from sartor.domain.destination import Destination
from sartor.domain.rehearsal import Rehearsal
from sartor.errors import UsageError

Target = Annotated[Text, argument("[TARGET]", "A version, `latest` or `next`. [default: all pending alterations]")]
WithData = Annotated[bool, option("--with-data", "Clone the rows too; this needs time and disk space.")]
Live = Annotated[
    bool,
    option(
        "--live",
        "Run each script on the database itself, without a clone, and roll it back. This blocks other"
        " sessions as a deploy would.",
    ),
]


@command(
    "db alteration rehearse --max-hazard blocks-writes",
    options.where,
    options.patience,
    options.at_once,
    codes=(0, 1, 2, 4, 6, 130),
    said={0: "rehearsed, or nothing to rehearse", 1: "an alteration failed, or its hazard is worse than --max-hazard"},
)
def rehearse(
    context: typer.Context,
    target: Target = None,
    steps: options.Steps = None,
    with_data: WithData = False,
    scratch_url: options.ScratchUrl = None,
    live: Live = False,
    max_hazard: options.MaxHazard = None,
    accept_edited: options.AcceptEdited = None,
    accept_missing: options.AcceptMissing = None,
) -> int:
    """Run the pending alterations on a clone; show the locks, rewrites, reads and data losses of each statement.

    The clone is a temporary database with the schema and without rows. It is dropped afterwards. Of several
    destinations, one of each kind is rehearsed, for all that have the same history and schema; --with-data and --live
    rehearse each of them.
    """
    limit = sartor.load_max_hazard(max_hazard, product=current().product)
    if live and (with_data or scratch_url is not None):
        raise UsageError("--live makes no clone", hint="remove --with-data and --scratch-url")
    accepted = [*(accept_edited or ()), *(accept_missing or ())]
    call = partial(sartor.rehearse, target=target or "next", steps=steps, accepted=accepted, live=live, data=with_data)
    with settled(context) as settings:
        call = partial(call, scratch=reach_scratch(scratch_url), cache=Path.cwd() / CACHE, limits=settings.limits)
        if len(settings.destinations) > 1:
            from sartor.cli.fleet_rehearsal import rehearse_fleet

            return rehearse_fleet(settings, order_of(context.obj), call, rehearsed_lines, limit, each=live or with_data)

        def action(destination: Destination) -> Rehearsal:
            return run(call(destination, settings.sources, observer=plain), left="the database is unchanged")

        (found,) = on_each(settings, action, lines=rehearsed_lines, as_json=rehearsal_json)
    if error := too_bad(found, limit):
        raise error
    return 0


def rehearsed_lines(found: Rehearsal) -> Iterator[str]:
    for note in found.notes:
        output.tell(f"note: {note}")
    yield from rehearsal_lines(found)
    for line in failure_lines(found.failed) if found.failed else ():
        output.tell(line)
    yield rehearsal_summary(found)
