"""The questions that `deploy`, `rollback`, `fresh`, `repair` and `seed` ask on a terminal before they start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sartor import api
from sartor.api import Settings
from sartor.cli import again, output, prompts, render
from sartor.cli.work import run
from sartor.domain.destination import Destination
from sartor.domain.notes import status_notes
from sartor.domain.release import Release
from sartor.errors import RefusedError, TargetError, UsageError

if TYPE_CHECKING:
    from sartor.domain.repair import Repair


def require_terminal(settings: Settings, what: str) -> None:
    """Raises RefusedError where the environment is production and there is no terminal to ask.

    `what` starts its message: what would be done.
    """
    if api.is_production(settings.environment) and not output.is_terminal():
        raise RefusedError(
            f"{what}, the environment is {settings.environment}, and there is no terminal to ask",
            hint=f"to do it nevertheless: {again.command(yes=True)}",
        )


def confirm_next(destination: Destination, settings: Settings) -> None:
    """Asks in production whether to deploy unreleased alterations. Raises RefusedError where the answer is no."""
    if api.is_production(settings.environment):
        question = f"Deploy unreleased alterations to {destination.label}{_environment(settings)}?"
        if not prompts.confirm(question):
            raise RefusedError("not confirmed; nothing was done")


def _environment(settings: Settings) -> str:
    """Returns the environment, for a question."""
    return f", environment {settings.environment}" if settings.environment else ""


def ask_target(destination: Destination, settings: Settings) -> str | None:
    """Asks for the release to deploy, and returns it; None where nothing is pending.

    Raises RefusedError where nothing is chosen.
    """
    found = run(api.status(destination, settings.sources))
    for note in status_notes(found.status):
        output.tell(f"note: {note}")
    if not found.status.pending:
        return None
    output.tell(render.standing_line(found))
    release = prompts.choose_target(
        found.status.pending,
        question=f"Choose the release to deploy{_environment(settings)}",
        may_leave=api.is_production(settings.environment),
    )
    if release is None:
        raise RefusedError("nothing was chosen; nothing was done")
    return release.label


def ask_rollback(destination: Destination, settings: Settings) -> str:
    """Asks for the release to go back to, and returns it. Raises TargetError where nothing is deployed."""
    found = run(api.status(destination, settings.sources))
    releases: list[Release] = sorted(found.status.releases, reverse=True)
    if not releases:
        raise TargetError("nothing is deployed here, so there is nothing to roll back")
    output.tell(render.standing_line(found))
    offered = [(r, sum(n for label, n in found.status.releases.items() if label > r)) for r in releases[1:]]
    return prompts.choose_rollback(
        [*((r.label, undone) for r, undone in offered), ("0", found.status.number)],
        question=f"Choose the release to go back to{_environment(settings)} (0: everything is undone)",
    )


def confirm_rollback(
    destination: Destination,
    settings: Settings,
    target: str | None,
    *,
    steps: int | None,
    to_timestamp: str | None,
    accepted: Sequence[str],
) -> None:
    """Shows what a rollback will lose, and asks. Raises RefusedError where the answer is no."""
    found = run(
        api.preview_rollback(
            destination, settings.sources, target, steps=steps, to_timestamp=to_timestamp, accepted=accepted
        )
    )
    if found.plan.steps:
        for line in render.loss_lines(found):
            output.tell(line)
        if not prompts.confirm(
            f"Roll back {render.count(len(found.plan.steps))} of {destination.label}{_environment(settings)}?"
        ):
            raise RefusedError("not confirmed; nothing was done")


def ask_reason() -> str:
    """Asks for the reason of a repair. Raises UsageError where there is no terminal to ask, or no answer."""
    if not output.is_terminal():
        raise UsageError("a repair needs a reason, for the journal", hint='add --reason "..."')
    if not (reason := prompts.type_name("Why? The journal keeps it:").strip()):
        raise UsageError("a repair needs a reason; nothing was done")
    return reason


def confirm_repair(destination: Destination, settings: Settings, request: Repair) -> None:
    """Shows what a repair will do, and asks. Raises RefusedError where the answer is no, or there is no terminal."""
    if not output.is_terminal():
        raise RefusedError("a repair changes what the ledger says", hint="add --yes where there is no terminal to ask")
    if mends := run(api.preview_repair(destination, settings.sources, request)):
        from sartor.cli import findings

        for line in findings.question_lines(mends):
            output.tell(line)
        if not prompts.confirm(f"Repair {destination.label}{_environment(settings)}?"):
            raise RefusedError("not confirmed; nothing was done")


def confirm_reset(destination: Destination) -> None:
    """Asks whether to delete seeded data. Raises RefusedError where the answer is no, or there is no terminal."""
    if not output.is_terminal():
        raise RefusedError("`seed --reset` deletes data", hint="add --yes where there is no terminal to ask")
    if not prompts.confirm(f"Delete the seeded data of {destination.label} first?"):
        raise RefusedError("not confirmed; nothing was done")


def confirm_fresh(destination: Destination, settings: Settings) -> None:
    """Asks for the database's name to be typed. Raises RefusedError where it isn't, or there is no terminal."""
    if not output.is_terminal():
        raise RefusedError(
            "`fresh` drops everything that the schema holds", hint="add --yes where there is no terminal to ask"
        )
    found = run(api.status(destination, settings.sources))
    output.tell(f"This drops all that {destination.label} holds, data and all.")
    typed = prompts.type_name(f"Type the database's name, {found.database}, to go on:")
    if typed != found.database:
        raise RefusedError(f"the database's name is {found.database}, not {typed!r}; nothing was done")
