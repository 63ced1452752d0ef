"""`sartor db backup` and `sartor db restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from sartor import api
from sartor.cli import options, output, shapes
from sartor.cli.declare import Argument, Command, Option, command_in
from sartor.cli.telling import telling_run
from sartor.cli.work import on_each, reach, run, settled
from sartor.domain.destination import Destination
from sartor.errors import UsageError

commands: dict[str, Command] = {}

HERE = "."
"""The folder for a backup, where none is given."""


@command_in(commands, "backup", epilog=options.epilog("db backup /var/backups/app --prove", 0, 2, 4, 6, 130))
def backup(
    *,
    file: Annotated[
        str | None,
        Argument(metavar="[FILE]", help="A new file, or a folder, where the file gets a name of its own. [default: .]"),
    ] = None,
    whole: Annotated[
        bool, Option("--whole", help="Back the whole database up, where --schema names one schema of it.")
    ] = False,
    prove: Annotated[
        bool, Option("--prove", help="Restore the backup into a scratch database, and compare the two.")
    ] = False,
    scratch_url: options.ScratchUrl = None,
    tables: options.Tables = None,
    target: Annotated[
        str | None,
        Option(
            "--target",
            metavar="T",
            help="With --tables affected: the release that is to be deployed. [default: all that is pending]",
        ),
    ] = None,
    where: options.Compare,
    patience: options.Patience,
    common: options.Common,
) -> None:
    """Back the database up, in pg_dump's custom format.

    The file is there when it was read to its end and found whole, and isn't there before.
    """
    affected = options.only_affected(tables, file or HERE)
    if target is not None and not affected:
        raise UsageError("--target says which tables are affected", hint="add --tables affected")
    with settled(options.make_flags(where, patience), where.embedded, ships=affected) as settings:
        scratch = None if scratch_url is None else reach(scratch_url, "--scratch-url")
        if file is not None and len(settings.destinations) > 1 and not Path(file).is_dir():
            raise UsageError(
                f"{file} is one file, and there are {len(settings.destinations)} destinations", hint="give a folder"
            )

        def action(destination: Destination) -> shapes.Shape:
            with telling_run() as observer:
                made, noted = run(
                    api.backup(
                        destination,
                        HERE if file is None else file,
                        whole=whole,
                        prove=prove,
                        scratch=scratch,
                        pending=settings.sources if affected else None,
                        target=target or "next",
                        limits=api.make_limits(settings),
                        observer=observer,
                    ),
                    left="there is no backup, and no file of it",
                )
            if not common.json:
                from sartor.cli.backups import backup_line

                output.result(backup_line(made))
            return shapes.backup_result_shape(made, journal=noted)

        on_each(settings, action)


@command_in(
    commands,
    "restore",
    epilog=options.epilog(
        "db restore app-20261122T080000Z.dump --into postgresql://app@db.example.com/app_restored --create",
        0,
        2,
        6,
        130,
    ),
)
def restore(
    *,
    file: Annotated[str | None, Argument(metavar="FILE", help="The backup.")] = None,
    into: Annotated[
        str | None, Option("--into", metavar="URL", help="The database to restore into, which must be empty.")
    ] = None,
    create: Annotated[bool, Option("--create", help="Create that database first.")] = False,
    schema: Annotated[
        str | None,
        Option("--schema", metavar="NAME", help="The one schema that the backup holds; others may be there already."),
    ] = None,
    no_owner: Annotated[
        bool, Option("--no-owner", help="Leave owners and grants out: all belongs to whoever restores.")
    ] = False,
    jobs: Annotated[
        int, Option("--jobs", metavar="N", min=1, help="Restore with N connections, and not in one transaction.")
    ] = 1,
    common: options.Common,
) -> None:
    """Restore a backup into an empty database.

    In one transaction: where it fails, nothing was restored. The ledger comes back with the rest.
    """
    if file is None or into is None:
        raise UsageError("a backup's file and --into are needed", hint="sartor db restore FILE --into URL")
    destination = reach(into, "--into")
    with telling_run() as observer:
        done = run(
            api.restore(
                file, destination, schema=schema, create=create, no_owner=no_owner, jobs=jobs, observer=observer
            ),
            left="nothing was restored" if jobs == 1 or create else "what was restored until then stays",
        )
    if common.json:
        output.shape(shapes.restore_shape(done))
    else:
        from sartor.cli.backups import restored_line

        output.result(restored_line(done))
