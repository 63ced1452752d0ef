"""`sartor db alteration baseline`."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Annotated, Any

import typer

import sartor
from sartor import Baseline, SchemaDiffers, Settings
from sartor.api.baselines import MADE_OTHERWISE
from sartor.cli import options, output, prompts
from sartor.cli.command import execute, on_each, reach_scratch, run, settled
from sartor.cli.command_line import Resume
from sartor.cli.declaration import Text, argument, command, option
from sartor.cli.results.baseline import LEFT, baseline_json, baseline_lines
from sartor.domain.destination import Destination
from sartor.errors import RefusedError, TargetError

Call = Callable[..., Coroutine[Any, Any, Baseline]]
Target = Annotated[Text, argument("[TARGET]", "A version, `latest` or `next`. [default: asks on a terminal]")]
AcceptDifferences = Annotated[
    bool, option("--accept-differences", "Record the alterations even if the schema isn't what they make.")
]
Reason = Annotated[Text, option("--reason TEXT", f"The reason, for the journal. [default: {MADE_OTHERWISE}]")]


@command(
    "db alteration baseline 1.2.0 --db-url postgresql://app@db.example.com/app",
    options.where,
    options.patience,
    options.base,
    said={1: "an alteration can't be loaded", 4: "the schema isn't what the release makes; nothing was recorded"},
)
def baseline(
    context: typer.Context,
    target: Target = None,
    accept_differences: AcceptDifferences = False,
    reason: Reason = None,
    scratch_url: options.ScratchUrl = None,
    yes: options.Yes = False,
) -> None:
    """Record the alterations of a release as deployed, in a database that was made otherwise.

    Runs none of them there. The schema must be what a replay of them in a scratch database makes; if it differs, the
    differences are shown and nothing is written.
    """
    if target is None and not output.is_terminal():
        raise TargetError("no target is given, and there is no terminal to ask on", hint=f"`{Resume('1.2.0').line()}`")
    call = partial(
        sartor.baseline,
        accept_differences=accept_differences,
        reason=reason or MADE_OTHERWISE,
        scratch=reach_scratch(scratch_url),
    )
    refused: list[SchemaDiffers] = []
    with settled(context) as settings:
        if not yes:
            prompts.require_terminal(settings, "a baseline changes the ledger")

        def action(destination: Destination) -> Baseline:
            chosen = target or ask_release(destination, settings)
            if not yes and output.is_terminal():
                prompts.confirm(f"Record {chosen} as deployed in {destination.label}{prompts.environment(settings)}?")
            try:
                return _record(partial(call, target=chosen), destination, settings)
            except SchemaDiffers as error:
                refused.append(error)
                return error.found

        on_each(settings, action, lines=baseline_lines, as_json=baseline_json)
    if refused:
        raise refused[0]


def _record(call: Call, destination: Destination, settings: Settings) -> Baseline:
    output.tell(f"comparing {destination.label} with a replay in a scratch database")
    return execute(call, destination, settings, left=LEFT)


def adopt(destination: Destination, settings: Settings, release: str) -> None:
    """Records a release at a terminal, and tells so. Raises as `sartor.baseline`, once the differences are told."""
    try:
        found = _record(partial(sartor.baseline, target=release), destination, settings)
    except SchemaDiffers as error:
        for line in baseline_lines(error.found):
            output.tell(line)
        raise
    for line in baseline_lines(found):
        output.tell(line)


def ask_release(destination: Destination, settings: Settings) -> str:
    """Asks which release a database has, and returns it. Raises RefusedError where there is none to choose."""
    found = run(sartor.status(destination, settings.sources))
    if not found.status.pending:
        raise RefusedError("no alteration is pending, so there is nothing to record")
    release = prompts.choose_target(
        [found.status.pending],
        found.catalogue.bare_releases,
        question=f"Choose the release that {destination.label} has",
        may_leave=False,
    )
    return release.label if release else sartor.LATEST
