"""`sartor db alteration rehearse`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from sartor import api
from sartor.cli import found_shapes, options, output, shapes
from sartor.cli.declare import Argument, Command, Option, command_in
from sartor.cli.telling import plain
from sartor.cli.work import on_each, reach, run, settled
from sartor.domain.destination import Destination
from sartor.errors import AlterationFailed, HazardFound, UsageError

if TYPE_CHECKING:
    from sartor.domain.hazards.hazard import Verdict
    from sartor.domain.rehearsal import Rehearsal

CODES = {0: "rehearsed, or nothing to rehearse", 1: "an alteration failed, or is worse than --max-hazard allows"}

commands: dict[str, Command] = {}


@command_in(
    commands,
    "rehearse",
    epilog=options.epilog(
        "db alteration rehearse --max-hazard blocks-writes", 0, 1, 2, 4, 6, 130, said=options.CODES | CODES
    ),
)
def rehearse(
    *,
    target: Annotated[
        str | None, Argument(metavar="[TARGET]", help="A version, `latest`, or `next`. [default: all that is pending]")
    ] = None,
    steps: options.Steps = None,
    with_data: Annotated[
        bool, Option("--with-data", help="Clone the rows, too: slower, and in need of space.")
    ] = False,
    scratch_url: options.ScratchUrl = None,
    live: Annotated[
        bool,
        Option(
            "--live",
            help="No clone: run each script on the database itself, and roll it back. It stops others meanwhile, as a"
            " deploy would.",
        ),
    ] = False,
    max_hazard: Annotated[
        str | None,
        Option(
            "--max-hazard",
            metavar="VERDICT",
            help="End with 1 where an alteration is worse: safe, blocks-writes, blocks-reads, rewrites or loses-data."
            " The last one lets everything pass but what couldn't be rehearsed or is in doubt.",
        ),
    ] = None,
    accept_edited: options.AcceptEdited = None,
    accept_missing: options.AcceptMissing = None,
    where: options.Compare,
    patience: options.Patience,
    common: options.Common,
) -> None:
    """Run what is pending on a clone, and tell what each statement locks, rewrites and reads, and what data it loses.

    The clone has the schema and no rows; it is a database of its own, beside the real one, and is dropped again.
    """
    limit = None if max_hazard is None else _verdict(max_hazard)
    if live and (with_data or scratch_url is not None):
        raise UsageError("--live needs no clone", hint="leave --with-data and --scratch-url out")
    found: list[Rehearsal] = []
    with settled(options.make_flags(where, patience), where.embedded) as settings:
        scratch = None if scratch_url is None else reach(scratch_url, "--scratch-url")

        def action(destination: Destination) -> shapes.Shape:
            found.append(
                run(
                    api.rehearse(
                        destination,
                        settings.sources,
                        target or "next",
                        steps=steps,
                        accepted=[*(accept_edited or ()), *(accept_missing or ())],
                        live=live,
                        data=with_data,
                        scratch=scratch,
                        kept=Path.cwd() / api.KEPT,
                        limits=api.make_limits(settings),
                        observer=plain,
                    ),
                    left="the database is as it was",
                )
            )
            if not common.json:
                _show(found[-1])
            return found_shapes.rehearsal_shape(found[-1])

        on_each(settings, action)
    for each in found:
        _judge(each, limit)


def _verdict(text: str) -> Verdict:
    from sartor.domain.hazards.hazard import Verdict

    allowed = [verdict.value for verdict in Verdict if verdict is not Verdict.NOT_REHEARSED]
    if text not in allowed:
        raise UsageError(f"--max-hazard {text!r} is none of {', '.join(allowed)}")
    return Verdict(text)


def _show(found: Rehearsal) -> None:
    from sartor.cli import hazards, render

    for note in found.notes:
        output.tell(f"note: {note}")
    for line in hazards.lines(found):
        output.result(line)
    for line in render.failure_lines(found.failed) if found.failed else ():
        output.tell(line)
    output.result(hazards.summary(found))


def _judge(found: Rehearsal, limit: Verdict | None) -> None:
    """Raises the error for what the rehearsal has found wrong, if any."""
    from sartor.cli import hazards

    if found.failed is not None:
        raise AlterationFailed(found.failed)
    if limit is not None and (worse := found.above(limit)):
        message, hint = hazards.above(worse[0], limit)
        raise HazardFound(message, hint=hint)
