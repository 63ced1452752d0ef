"""`sartor db alteration release`: cuts a release."""

import shlex
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

import sartor
from sartor import ReleasePlan, ReleaseRefused
from sartor.api.judgements import CACHE
from sartor.cli import options, output
from sartor.cli.command import sources
from sartor.cli.declaration import Text, argument, command, option
from sartor.cli.program import current
from sartor.cli.results.release import plan_lines, release_json, release_lines
from sartor.domain.cutting import require_releasable

Version = Annotated[str, argument("VERSION", "The version to release, above all that are released: 1.2.0.")]
Lineage = Annotated[Text, option("--lineage NAME", "The lineage to release, where there are several.")]
DryRun = Annotated[bool, option("--dry-run", "Show what would be done, and what is in the way; change nothing.")]
MaxHazard = Annotated[
    Text,
    option(
        "--max-hazard VERDICT",
        "Refuse an alteration that is worse, or wasn't rehearsed here: safe, blocks-writes, blocks-reads, rewrites"
        " or loses-data. [default: no limit]",
    ),
]


@command(
    "db alteration release 1.2.0 --dry-run",
    options.alterations,
    codes=(0, 1, 2, 4),
    said={
        0: "released, or released before",
        1: "an alteration has mistakes, isn't proved or is too hazardous",
        4: "a released alteration is edited, missing or renamed",
    },
)
def release(
    context: typer.Context,
    version: Version,
    lineage: Lineage = None,
    max_hazard: MaxHazard = None,
    dry_run: DryRun = False,
) -> None:
    """Cut a release: all `next` alterations get its name and are frozen, with their proofs.

    Renames the files, and stages that where git keeps them. The manifest lists the release, also where it has no
    alterations. If it is interrupted, the same command finishes it.
    """
    call = partial(
        sartor.preview_release if dry_run else sartor.release,
        sources(context),
        version,
        lineage=lineage,
        max_hazard=sartor.load_max_hazard(max_hazard, product=current().product),
        ignored=sartor.load_ignored(product=current().product),
        cache=Path.cwd() / CACHE,
    )
    try:
        plan = call()
        _show(plan, is_done=not dry_run)
        require_releasable(plan)
    except ReleaseRefused as error:
        hint = _with_sources(error.hint, context.obj["alterations"] or ())
        raise type(error)(f"{version} can't be released" if dry_run else str(error), hint=hint) from error


def _show(plan: ReleasePlan, *, is_done: bool) -> None:
    if output.wants("--json"):
        output.json_object(release_json(plan, is_done=is_done))
        return
    for note in plan.notes:
        output.tell(f"note: {note}")
    output.results(release_lines(plan) if is_done else plan_lines(plan))
    if is_done and plan.staged and not plan.done:
        output.tell(f"Staged; to commit it: git commit --message {shlex.quote(f'Release {plan.release}')}")


def _with_sources(hint: str, given: Iterable[str]) -> str:
    """Returns a hint whose commands name the alterations that the command line does."""
    named = "".join(f" --alterations {shlex.quote(each)}" for each in given)
    return hint.replace("`lint`", f"`lint{named}`").replace("`prove ", f"`prove{named} ")
