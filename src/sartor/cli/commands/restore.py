"""`sartor db restore`."""

from __future__ import annotations

from typing import Annotated

import typer

import sartor
from sartor.cli import output, progress
from sartor.cli.command import reach, run
from sartor.cli.declaration import command
from sartor.cli.json.backup import restore_json
from sartor.cli.text.backup import restored_line
from sartor.errors import UsageError

File = Annotated[str | None, typer.Argument(metavar="FILE", help="The backup.")]
Into = Annotated[
    str | None, typer.Option("--into", metavar="URL", help="The database to restore into, which must be empty.")
]
Create = Annotated[bool, typer.Option("--create", help="Create that database first.")]
OneSchema = Annotated[
    str | None,
    typer.Option("--schema", metavar="NAME", help="The one schema that the backup holds; others may be there already."),
]
NoOwner = Annotated[
    bool, typer.Option("--no-owner", help="Leave owners and grants out: all belongs to whoever restores.")
]
Jobs = Annotated[
    int, typer.Option("--jobs", metavar="N", min=1, help="Restore with N connections, and not in one transaction.")
]


@command(
    "db restore app-20261122T080000Z.dump --into postgresql://app@db.example.com/app_restored --create",
    codes=(0, 2, 6, 130),
)
def restore(
    context: typer.Context,
    file: File = None,
    into: Into = None,
    create: Create = False,
    schema: OneSchema = None,
    no_owner: NoOwner = False,
    jobs: Jobs = 1,
) -> None:
    """Restore a backup into an empty database.

    In one transaction: where it fails, nothing was restored. The ledger comes back with the rest.
    """
    if file is None or into is None:
        raise UsageError("a backup's file and --into are needed", hint="sartor db restore FILE --into URL")
    destination = reach(into, "--into")
    with progress.shown() as observer:
        done = run(
            sartor.restore(
                destination, file, schema=schema, create=create, no_owner=no_owner, jobs=jobs, observer=observer
            ),
            left="nothing was restored" if jobs == 1 or create else "what was restored until then stays",
        )
    if output.wants("--json"):
        output.json_object(restore_json(done))
    else:
        output.result(restored_line(done))
