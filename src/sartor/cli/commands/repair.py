"""`sartor db alteration repair`."""

from functools import partial
from typing import Annotated

import typer

import sartor
from sartor import Settings
from sartor.cli import options, output, prompts
from sartor.cli.command import execute, on_each, run, settled
from sartor.cli.declaration import Text, Texts, command, option
from sartor.cli.results.verify import question_lines, repair_json, repair_lines
from sartor.domain.destination import Destination
from sartor.domain.repair import Correction, Repair
from sartor.errors import UsageError

MarkDeployed = Annotated[
    Texts, option("--mark-deployed ID", "Record an alteration as deployed without running it; repeatable.")
]
MarkNotDeployed = Annotated[
    Texts, option("--mark-not-deployed ID", "Record an alteration as not deployed; its objects stay. Repeatable.")
]
DropInvalidIndex = Annotated[Texts, option("--drop-invalid-index NAME", "Drop an invalid index; repeatable.")]
AcceptDrift = Annotated[bool, option("--accept-drift", "Accept the current schema as the expected one.")]
Reason = Annotated[Text, option("--reason TEXT", "The reason, for the journal. [default: asks on a terminal]")]


@command(
    'db alteration repair --accept-drift --reason "index for the audit, INC-42"',
    options.where,
    options.patience,
    codes=(0, 2, 4, 5, 6, 130),
)
def repair(
    context: typer.Context,
    accept_edited: options.AcceptEdited = None,
    mark_deployed: MarkDeployed = None,
    mark_not_deployed: MarkNotDeployed = None,
    drop_invalid_index: DropInvalidIndex = None,
    accept_drift: AcceptDrift = False,
    reason: Reason = None,
    yes: options.Yes = False,
) -> None:
    """Correct the ledger, where `verify` reports differences.

    Each repair is an event of the journal, with its reason. No alteration is run.
    """
    if not (accept_edited or mark_deployed or mark_not_deployed or drop_invalid_index or accept_drift):
        raise UsageError("no repair is given", hint="to list what can be repaired: sartor db alteration verify")
    request = Repair(
        reason=reason or _ask_reason(),
        accept_edited=frozenset(accept_edited or ()),
        mark_deployed=frozenset(mark_deployed or ()),
        mark_not_deployed=frozenset(mark_not_deployed or ()),
        drop_indexes=frozenset(drop_invalid_index or ()),
        accept_drift=accept_drift,
    )
    with settled(context) as settings:

        def action(destination: Destination) -> tuple[Correction, ...]:
            if not yes:
                _confirm(destination, settings, request)
            if len(settings.destinations) == 1:
                output.tell(f"repairing {destination.label}")
            return execute(partial(sartor.repair, request=request), destination, settings)

        on_each(settings, action, lines=repair_lines, as_json=repair_json)


def _ask_reason() -> str:
    """Asks for the reason of a repair. Raises UsageError where there is no terminal to ask, or no answer."""
    if not output.is_terminal():
        raise UsageError("a repair needs a reason for the journal", hint='add --reason "..."')
    if not (reason := prompts.type_name("Reason for the repair, for the journal:").strip()):
        raise UsageError("a repair needs a reason; nothing was done")
    return reason


def _confirm(destination: Destination, settings: Settings, request: Repair) -> None:
    """Shows what a repair will do, and asks. Raises RefusedError where the answer is no, or there is no terminal."""
    prompts.require_yes("a repair changes the ledger")
    if corrections := run(sartor.preview_repair(destination, settings.sources, request)):
        for line in question_lines(corrections):
            output.tell(line)
        prompts.confirm(f"Repair {destination.label}{prompts.environment(settings)}?")
