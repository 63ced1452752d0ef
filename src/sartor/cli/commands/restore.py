"""`sartor db restore`."""

from __future__ import annotations

from typing import Annotated

import typer

import sartor
from sartor.cli import output, progress
from sartor.cli.command import reach, run
from sartor.cli.declaration import command
from sartor.cli.results.backup import restore_json, restored_line
from sartor.errors import UsageError

File = Annotated[str | None, typer.Argument(metavar="FILE", help="The backup file.")]
Into = Annotated[
    str | None, typer.Option("--into", metavar="URL", help="The database to restore into, which must be empty.")
]
Create = Annotated[
    bool, typer.Option("--create", help="Create the database first, with the backup's encoding and locale.")
]
Maintenance = Annotated[
    str | None,
    typer.Option("--maintenance-db", metavar="NAME", help="The database to create it from: else postgres, template1."),
]
OneSchema = Annotated[
    str | None,
    typer.Option(
        "--schema", metavar="NAME", help="The schema that the backup contains; the database may have other schemas."
    ),
]
NoOwner = Annotated[
    bool,
    typer.Option("--no-owner", help="Don't restore owners and grants: everything belongs to the role that restores."),
]
Jobs = Annotated[
    int, typer.Option("--jobs", metavar="N", min=1, help="Restore with N connections, without a transaction.")
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
    maintenance: Maintenance = None,
    schema: OneSchema = None,
    no_owner: NoOwner = False,
    jobs: Jobs = 1,
) -> None:
    """Restore a backup into an empty database.

    Runs in one transaction: if it fails, nothing is restored. The ledger is restored too.
    """
    if file is None or into is None:
        raise UsageError("a backup file and --into are required", hint="sartor db restore FILE --into URL")
    if maintenance and not create:
        raise UsageError("--maintenance-db is for --create", hint="add --create, or leave --maintenance-db out")
    destination = reach(into, "--into")
    with progress.shown() as observer:
        done = run(
            sartor.restore(
                destination,
                file,
                schema=schema,
                create=create,
                maintenance=maintenance,
                no_owner=no_owner,
                jobs=jobs,
                observer=observer,
            ),
            left="nothing was restored" if jobs == 1 or create else "the objects restored so far stay",
        )
    if output.wants("--json"):
        output.json_object(restore_json(done))
    else:
        output.result(restored_line(done))
