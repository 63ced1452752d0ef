"""`sartor db alteration snapshot` and `squash`."""

from functools import partial
from typing import Annotated

import typer

import sartor
from sartor import Squash
from sartor.cli import options, output, prompts
from sartor.cli.command import execute, on_each, reach_scratch, settled, sources
from sartor.cli.declaration import argument, command, option
from sartor.cli.results.snapshot import snapshot_json, snapshot_lines, squash_json, squash_lines
from sartor.cli.results.units import count

Release = Annotated[str, argument("RELEASE", "A version, or `latest`.")]

LEFT = "the scratch databases were dropped; no snapshot was written"
"""The words for an interrupted snapshot."""


@command(
    "db alteration snapshot 1.2.0 --scratch-url postgresql://postgres@localhost/postgres",
    options.where,
    options.base,
    options.patience,
    codes=(0, 1, 2, 4, 5, 6, 130),
)
def snapshot(context: typer.Context, release: Release, scratch_url: options.ScratchUrl = None) -> None:
    """Write SQL that builds a release's schema at once.

    Replays the alterations in scratch databases, writes what they make into alterations/snapshots, and proves that it
    builds the same objects and rows. A deploy to an empty schema begins with the newest snapshot.
    """
    db_url = None if context.obj["embedded"] is not None else scratch_url
    with settled(context, db_url=db_url, anywhere=True) as settings:
        call = partial(sartor.snapshot, version=release, scratch=reach_scratch(scratch_url))
        action = partial(execute, call, settings=settings, left=LEFT)
        on_each(settings, action, lines=snapshot_lines, as_json=snapshot_json)


To = Annotated[str, option("--to RELEASE", "Remove the files up to this release: a version, or `latest`.")]
DryRun = Annotated[bool, option("--dry-run", "Show which files would be removed; change nothing.")]


@command(
    "db alteration squash --to 1.2.0 --dry-run",
    options.where,
    options.base,
    options.patience,
    codes=(0, 1, 2, 4, 5, 6, 130),
)
def squash(
    context: typer.Context,
    to: To,
    dry_run: DryRun = False,
    scratch_url: options.ScratchUrl = None,
    yes: options.Yes = False,
) -> None:
    """Remove the files of alterations for which a snapshot stands.

    Makes the snapshot where it is missing. New databases begin with it, those that have the alterations keep them, and
    one that lacks some is told which release to deploy first.
    """
    plan = sartor.preview_squash(sources(context), to)
    if dry_run or not plan.alterations:
        show(plan, is_done=False)
        return
    if not yes:
        output.results(squash_lines(plan, is_done=False))
        prompts.require_yes("`squash` removes files")
        prompts.confirm(f"Remove {count(len(plan.alterations), 'file')}?")
    db_url = None if context.obj["embedded"] is not None else scratch_url
    with settled(context, db_url=db_url, anywhere=True) as settings:
        call = partial(sartor.squash, version=to, scratch=reach_scratch(scratch_url))
        show(execute(call, settings.destinations[0], settings, left=LEFT), is_done=True)


def show(found: Squash, *, is_done: bool) -> None:
    if output.wants("--json"):
        output.json_object(squash_json(found, is_done=is_done))
    else:
        output.results(squash_lines(found, is_done=is_done))
