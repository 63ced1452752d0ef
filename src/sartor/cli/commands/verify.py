"""`sartor db alteration verify`."""

from functools import partial
from typing import Annotated

import typer

import sartor
from sartor.cli import options
from sartor.cli.command import execute, on_each, reach_scratch, settled
from sartor.cli.options import command, option
from sartor.cli.results.verify import faults, verification_json, verification_lines
from sartor.errors import UsageError, VerificationFailed

AgainstReplay = Annotated[
    bool,
    option(
        "--against-replay",
        "Replay the deployed alterations in a scratch database, and compare the schema with the result.",
    ),
]


@command("db alteration verify --json", options.where, options.base, codes=(0, 2, 4, 6, 130))
def verify(
    context: typer.Context,
    against_replay: AgainstReplay = False,
    scratch_url: options.ScratchUrl = None,
) -> None:
    """Check that the database is as expected.

    Reports alterations that are edited or missing, by the ledger or by the manifest, and changes of the schema since
    the last run. Writes nothing.
    """
    given = {"--scratch-url": scratch_url, "--scratch-bootstrap": context.obj["scratch_bootstrap"]}
    if not against_replay and (alone := next((name for name, value in given.items() if value is not None), None)):
        raise UsageError(f"{alone} needs --against-replay", hint="add --against-replay")
    with settled(context) as settings:
        call = partial(sartor.verify, against_replay=against_replay, scratch=reach_scratch(scratch_url))
        action = partial(execute, call, settings=settings)
        found = on_each(settings, action, lines=verification_lines, as_json=verification_json, headed=False)
    if wrong := ", ".join(fault for each in found for fault in faults(each)):
        raise VerificationFailed(f"not as expected: {wrong}")
