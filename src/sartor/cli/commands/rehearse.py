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
from sartor.cli.options import Text, argument, command, option
from sartor.cli.program import current
from sartor.cli.progress import plain
from sartor.cli.results.rehearse import rehearsal_json, rehearsal_lines, rehearsal_summary, too_hazardous
from sartor.cli.results.run import failure_lines
from sartor.domain.destination import Destination
from sartor.domain.hazards.hazard import Verdict
from sartor.domain.rehearsal import Rehearsal
from sartor.errors import AlterationFailed, HazardFound, UsageError

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
) -> None:
    """Run the pending alterations on a clone; show the locks, rewrites, reads and data losses of each statement.

    The clone is a temporary database with the schema and without rows. It is dropped afterwards.
    """
    limit = sartor.load_max_hazard(max_hazard, product=current().product)
    if live and (with_data or scratch_url is not None):
        raise UsageError("--live makes no clone", hint="remove --with-data and --scratch-url")
    accepted = [*(accept_edited or ()), *(accept_missing or ())]
    call = partial(sartor.rehearse, target=target or "next", steps=steps, accepted=accepted, live=live, data=with_data)
    with settled(context) as settings:
        scratch, limits, cache = reach_scratch(scratch_url), settings.limits, Path.cwd() / CACHE

        def action(destination: Destination) -> Rehearsal:
            rehearsal = call(destination, settings.sources, scratch=scratch, cache=cache, limits=limits, observer=plain)
            return run(rehearsal, left="the database is unchanged")

        found = on_each(settings, action, lines=_lines, as_json=rehearsal_json)
    for each in found:
        _judge(each, limit)


def _lines(found: Rehearsal) -> Iterator[str]:
    for note in found.notes:
        output.tell(f"note: {note}")
    yield from rehearsal_lines(found)
    for line in failure_lines(found.failed) if found.failed else ():
        output.tell(line)
    yield rehearsal_summary(found)


def _judge(found: Rehearsal, limit: Verdict | None) -> None:
    """Raises the error for what the rehearsal has found wrong, if any."""
    if found.failed is not None:
        raise AlterationFailed(found.failed)
    if limit is not None and (worse := found.above(limit)):
        message, hint = too_hazardous(worse, limit)
        raise HazardFound(message, hint=hint)
