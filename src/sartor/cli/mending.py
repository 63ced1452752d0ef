"""`sartor db alteration verify`, `repair`: find what isn't as it should be, and fix what the ledger says."""

from __future__ import annotations

from typing import Annotated

from sartor import api
from sartor.cli import asking, found_shapes, options, output, shapes
from sartor.cli.declare import Command, Option, command_in
from sartor.cli.telling import telling_run
from sartor.cli.work import on_each, reach, run, settled
from sartor.domain.destination import Destination
from sartor.errors import UsageError, VerificationFailed

commands: dict[str, Command] = {}


@command_in(commands, "verify", epilog=options.epilog("db alteration verify --json", 0, 2, 4, 6, 130))
def verify(
    *,
    against_replay: Annotated[
        bool,
        Option(
            "--against-replay",
            help="Do what is deployed again in a scratch database, and hold the schema against that.",
        ),
    ] = False,
    scratch_url: options.ScratchUrl = None,
    where: options.Compare,
    common: options.Common,
) -> None:
    """Check that the database is what it should be.

    Tells alterations that are edited or missing, by the ledger or by the manifest, and what was changed in the schema
    by other ways since the last run.
    Writes nothing.
    """
    from sartor.cli import findings

    if scratch_url is not None and not against_replay:
        raise UsageError("--scratch-url is for a scratch database", hint="add --against-replay")
    faults: list[str] = []
    with settled(options.make_flags(where), where.embedded) as settings:
        scratch = None if scratch_url is None else reach(scratch_url, "--scratch-url")

        def action(destination: Destination) -> shapes.Shape:
            with telling_run() as observer:
                found = run(
                    api.verify(
                        destination,
                        settings.sources,
                        against_replay=against_replay,
                        scratch=scratch,
                        limits=api.make_limits(settings),
                        observer=observer,
                    )
                )
            if not common.json:
                for line in findings.verification_lines(found):
                    output.result(line)
            faults.extend(findings.faults(found))
            return found_shapes.verification_shape(found)

        on_each(settings, action)
    if faults:
        raise VerificationFailed(f"not as it should be: {', '.join(faults)}")


@command_in(
    commands,
    "repair",
    epilog=options.epilog(
        'db alteration repair --accept-drift --reason "index for the audit, INC-42"', 0, 2, 4, 5, 6, 130
    ),
)
def repair(
    *,
    accept_edited: options.AcceptEdited = None,
    mark_deployed: Annotated[
        list[str] | None,
        Option("--mark-deployed", metavar="ID", help="Take an alteration for deployed without running it; repeatable."),
    ] = None,
    mark_not_deployed: Annotated[
        list[str] | None,
        Option("--mark-not-deployed", metavar="ID", help="Take it for not deployed; what it made stays. Repeatable."),
    ] = None,
    drop_invalid_index: Annotated[
        list[str] | None, Option("--drop-invalid-index", metavar="NAME", help="Drop an invalid index; repeatable.")
    ] = None,
    accept_drift: Annotated[bool, Option("--accept-drift", help="Take the schema as it is now.")] = False,
    reason: Annotated[
        str | None, Option("--reason", metavar="TEXT", help="Why, for the journal; a terminal is asked.")
    ] = None,
    yes: options.Yes = False,
    where: options.Compare,
    patience: options.Patience,
    common: options.Common,
) -> None:
    """Set right what the ledger says: the ways out of what `verify` finds.

    Each one is an event of the journal, with its reason. No alteration is run.
    """
    from sartor.cli import findings
    from sartor.domain.repair import Repair

    wanted = (accept_edited, mark_deployed, mark_not_deployed, drop_invalid_index)
    if not (any(wanted) or accept_drift):
        raise UsageError("nothing to repair was named", hint="`sartor db alteration verify` says what there is")
    request = Repair(
        reason=reason or asking.ask_reason(),
        accept_edited=frozenset(accept_edited or ()),
        mark_deployed=frozenset(mark_deployed or ()),
        mark_not_deployed=frozenset(mark_not_deployed or ()),
        drop_indexes=frozenset(drop_invalid_index or ()),
        accept_drift=accept_drift,
    )
    with settled(options.make_flags(where, patience), where.embedded) as settings:

        def action(destination: Destination) -> shapes.Shape:
            if not yes:
                asking.confirm_repair(destination, settings, request)
            with telling_run() as observer:
                limits = api.make_limits(settings)
                done = run(api.repair(destination, settings.sources, request, limits=limits, observer=observer))
            if not common.json:
                for line in findings.repair_lines(done):
                    output.result(line)
            return found_shapes.repair_shape(done)

        on_each(settings, action)
