"""`sartor db backup`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import sartor
from sartor import Settings
from sartor.cli import options, progress
from sartor.cli.command import on_each, reach_scratch, run, settled
from sartor.cli.declaration import command
from sartor.cli.results.backup import backup_line, backup_result_json
from sartor.domain.backup import Backup
from sartor.domain.destination import Destination
from sartor.errors import UsageError

File = Annotated[
    str | None,
    typer.Argument(
        metavar="[FILE]", help="The file to create, or a folder, in which Sartor names the file. [default: .]"
    ),
]
Whole = Annotated[bool, typer.Option("--whole", help="Back up the whole database, although --schema names one schema.")]
Prove = Annotated[bool, typer.Option("--prove", help="Restore the backup into a scratch database and compare the two.")]
Target = Annotated[
    str | None,
    typer.Option(
        "--target",
        metavar="T",
        help="With --tables affected: the release to deploy. [default: all pending alterations]",
    ),
]


@command("db backup /var/backups/app --prove", options.where, options.patience, codes=(0, 2, 4, 6, 130))
def backup(
    context: typer.Context,
    file: File = None,
    whole: Whole = False,
    prove: Prove = False,
    scratch_url: options.ScratchUrl = None,
    tables: options.Tables = None,
    target: Target = None,
) -> None:
    """Back up a database or one schema, in the format of pg_dump.

    The file gets its name once the backup is complete and was read to its end.
    """
    affected = options.only_affected(tables, file or ".")
    if target is not None and not affected:
        raise UsageError("--target needs --tables affected", hint="add --tables affected")
    with settled(context, ships=affected) as settings:
        scratch, sources = reach_scratch(scratch_url), settings.sources if affected else None
        _refuse_one_file(file, settings)

        def action(destination: Destination) -> Backup:
            with progress.shown() as observer:
                made = sartor.backup(
                    destination, "." if file is None else file, whole=whole, prove=prove, scratch=scratch,
                    sources=sources, target=target or "next", limits=settings.limits, observer=observer,
                )  # fmt: skip
                return run(made, left="no backup file was left")

        on_each(settings, action, lines=lambda made: [backup_line(made)], as_json=backup_result_json)


def _refuse_one_file(file: str | None, settings: Settings) -> None:
    several = len(settings.destinations)
    if file is not None and several > 1 and not Path(file).is_dir():
        raise UsageError(f"{file} is one file, but there are {several} destinations", hint="give a folder")
