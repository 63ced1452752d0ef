"""`sartor db alteration snapshot`."""

from functools import partial
from typing import Annotated

import typer

import sartor
from sartor.cli import options
from sartor.cli.command import execute, on_each, reach_scratch, settled
from sartor.cli.options import argument, command
from sartor.cli.results.snapshot import snapshot_json, snapshot_lines

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
    with settled(context, db_url=db_url) as settings:
        call = partial(sartor.snapshot, version=release, scratch=reach_scratch(scratch_url))
        action = partial(execute, call, settings=settings, left=LEFT)
        first = settings._replace(destinations=settings.destinations[:1])
        on_each(first, action, lines=snapshot_lines, as_json=snapshot_json)
