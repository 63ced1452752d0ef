"""`sartor db alteration verify`."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated

import typer

import sartor
from sartor import Settings
from sartor.cli import options
from sartor.cli.command import execute, on_each, reach_scratch, settled
from sartor.cli.declaration import command, option
from sartor.cli.fleet_part import order_of
from sartor.cli.results.fleet_looks import verified_json, verified_lines
from sartor.cli.results.verify import faults, verification_json, verification_lines
from sartor.domain.verification import Verification
from sartor.errors import UsageError, VerificationFailed

AgainstReplay = Annotated[
    bool,
    option(
        "--against-replay",
        "Replay the deployed alterations in a scratch database, and compare the schema with the result.",
    ),
]


@command("db alteration verify --json", options.where, options.base, options.at_once, codes=(0, 2, 4, 6, 130))
def verify(
    context: typer.Context,
    against_replay: AgainstReplay = False,
    scratch_url: options.ScratchUrl = None,
) -> int:
    """Check that the database is as expected.

    Reports alterations that are edited or missing, by the ledger or by the manifest, and changes of the schema since
    the last run. Writes nothing.
    """
    given = {"--scratch-url": scratch_url, "--scratch-bootstrap": context.obj["scratch_bootstrap"]}
    if not against_replay and (alone := next((name for name, value in given.items() if value is not None), None)):
        raise UsageError(f"{alone} needs --against-replay", hint="add --against-replay")
    with settled(context) as settings:
        call = partial(sartor.verify, against_replay=against_replay, scratch=reach_scratch(scratch_url))
        if len(settings.destinations) > 1:
            return _verify_fleet(call, settings, context)
        action = partial(execute, call, settings=settings)
        (found,) = on_each(settings, action, lines=verification_lines, as_json=verification_json, headed=False)
    if wrong := ", ".join(faults(found)):
        raise VerificationFailed(f"not as expected: {wrong}")
    return 0


def _verify_fleet(call: Callable[..., Awaitable[Verification]], settings: Settings, context: typer.Context) -> int:
    """Compares each destination of a fleet; returns the exit code."""
    from sartor.cli.fleet_looking import Look, look_at_each, tell_end, worst

    catalogue = sartor.list_alterations(settings.sources)
    look = Look(
        lambda place, observer: call(place, catalogue, limits=settings.limits, observer=observer),
        keep=lambda found: tuple(faults(found)),
        as_json=verification_json,
        lines=verification_lines,
        is_told=lambda found: not found.ok,
        heading=False,
    )
    looked = look_at_each(settings, look, order_of(context.obj))
    wrong = [(place, told) for place, told in looked.found if told]
    tell_end(looked, verified_lines(wrong, right=len(looked.found) - len(wrong)), verified_json(wrong))
    return worst([looked.code, VerificationFailed.exit_code if wrong else 0])
