"""`sartor db backup` and `sartor db restore`."""

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

import sartor
from sartor import Observer, Settings
from sartor.cli import options, output, progress
from sartor.cli.command import on_each, reach, reach_scratch, run, settled
from sartor.cli.declaration import Text, argument, command, option
from sartor.cli.fleet_part import order_of
from sartor.cli.results.backup import backup_line, backup_result_json, restore_json, restored_line
from sartor.cli.results.fleet import destinations
from sartor.cli.results.units import size
from sartor.domain.backup import Backup, file_name, schema_to_hold
from sartor.domain.destination import Destination
from sartor.errors import UsageError

LEFT = "no backup file was left"

File = Annotated[
    Text, argument("[FILE]", "The file to create, or a folder, in which Sartor names the file. [default: .]")
]
Whole = Annotated[bool, option("--whole", "Back up the whole database, although --schema names one schema.")]
Prove = Annotated[bool, option("--prove", "Restore the backup into a scratch database and compare the two.")]
Target = Annotated[
    Text, option("--target T", "With --tables affected: the release to deploy. [default: all pending alterations]")
]


@command(
    "db backup /var/backups/app --prove", options.where, options.patience, options.at_once, codes=(0, 2, 4, 6, 130)
)
def backup(
    context: typer.Context,
    file: File = None,
    whole: Whole = False,
    prove: Prove = False,
    scratch_url: options.ScratchUrl = None,
    tables: options.Tables = None,
    target: Target = None,
) -> int:
    """Back up a database or one schema, in the format of pg_dump.

    The file gets its name once the backup is complete and was read to its end.
    """
    affected = options.only_affected(tables, file or ".")
    if target is not None and not affected:
        raise UsageError("--target needs --tables affected", hint="add --tables affected")
    with settled(context, ships=affected) as settings:
        scratch, sources = reach_scratch(scratch_url), settings.sources if affected else None
        _refuse_one_file(file, settings)
        places = _places(file, settings, whole=whole)

        async def take(destination: Destination, observer: Observer) -> Backup:
            return await sartor.backup(
                destination, places[destination], whole=whole, prove=prove, scratch=scratch,
                sources=sources, target=target or "next", limits=settings.limits, observer=observer,
            )  # fmt: skip

        if len(settings.destinations) > 1:
            return _back_up_fleet(take, settings, context)

        def action(destination: Destination) -> Backup:
            with progress.shown() as observer:
                return run(take(destination, observer), left=LEFT)

        on_each(settings, action, lines=lambda made: [backup_line(made)], as_json=backup_result_json)
        return 0


def _back_up_fleet(
    take: Callable[[Destination, Observer], Awaitable[Backup]], settings: Settings, context: typer.Context
) -> int:
    """Backs each destination of a fleet up; returns the exit code."""
    from sartor.cli.fleet_looking import Look, look_at_each, tell_end

    def lines(made: Backup) -> list[str]:
        return [backup_line(made)]

    look: Look[Backup, int] = Look(
        take, keep=lambda made: made.bytes, as_json=backup_result_json, lines=lines, left="no partial file was left"
    )
    looked = look_at_each(settings, look, order_of(context.obj))
    whole = sum(number for _, number in looked.found)
    tell_end(looked, ["", f"Backed up {destinations(len(looked.found))}, {size(whole)}"], {"bytes": whole})
    return looked.code


def _places(file: str | None, settings: Settings, *, whole: bool) -> dict[Destination, str]:
    """Returns for each destination the folder of its backup, whose name is that of its database and schema.

    Where databases of several servers have one name, it is a file: the server is part of its name.
    """
    folder = "." if file is None else file
    held = {place: _held(place, whole=whole) for place in settings.destinations}
    alike = Counter(held.values())
    on_server = Counter((place.server, *what) for place, what in held.items())
    now = datetime.now(UTC)

    def place_of(place: Destination, database: str, schema: str | None) -> str:
        if alike[database, schema] == on_server[place.server, database, schema]:
            return folder
        return str(Path(folder) / file_name(f"{place.server}.{database}", schema, now))

    return {place: place_of(place, *what) for place, what in held.items()}


def _held(place: Destination, *, whole: bool) -> tuple[str, str | None]:
    return place.database or "", schema_to_hold(place.schema, whole=whole)


def _refuse_one_file(file: str | None, settings: Settings) -> None:
    several = len(settings.destinations)
    if file is not None and several > 1 and not Path(file).is_dir():
        raise UsageError(f"{file} is one file, but there are {several} destinations", hint="give a folder")


Archive = Annotated[Text, argument("FILE", "The backup file.")]
Into = Annotated[Text, option("--into URL", "The database to restore into, which must be empty.")]
Create = Annotated[bool, option("--create", "Create the database first, with the backup's encoding and locale.")]
Maintenance = Annotated[
    Text, option("--maintenance-db NAME", "The database to create it from: else postgres, template1.")
]
OneSchema = Annotated[
    Text, option("--schema NAME", "The schema that the backup contains; the database may have other schemas.")
]
NoOwner = Annotated[
    bool, option("--no-owner", "Don't restore owners and grants: everything belongs to the role that restores.")
]
Jobs = Annotated[int, option("--jobs N", "Restore with N connections, without a transaction.", least=1)]


@command(
    "db restore app-20261122T080000Z.dump --into postgresql://app@db.example.com/app_restored --create",
    codes=(0, 2, 6, 130),
)
def restore(
    context: typer.Context,
    file: Archive = None,
    into: Into = None,
    create: Create = False,
    maintenance: Maintenance = None,
    schema: OneSchema = None,
    no_owner: NoOwner = False,
    jobs: Jobs = 1,
    require_tls: options.RequireTls = None,
) -> None:
    """Restore a backup into an empty database.

    Runs in one transaction: if it fails, nothing is restored. The ledger is restored too.
    """
    if file is None or into is None:
        raise UsageError("a backup file and --into are required", hint="sartor db restore FILE --into URL")
    if maintenance and not create:
        raise UsageError("--maintenance-db is for --create", hint="add --create, or leave --maintenance-db out")
    destination = reach(into, "--into", require_tls=require_tls)
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
