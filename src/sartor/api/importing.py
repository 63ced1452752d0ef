"""Imports the migrations of another tool, and finds out which of them a database has."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from sartor.api.requests import Sources, find_destination, find_sources
from sartor.domain.destination import Destination
from sartor.domain.release import Release
from sartor.errors import CatalogueError, SettingsError, TargetError, UsageError

if TYPE_CHECKING:
    from sartor.domain.imported import AppliedMigrations, Import
    from sartor.importing.foreign_script import Reading
    from sartor.importing.tool import ReadOptions, Tool


def preview_import(
    tool: str,
    migrations: str | Path,
    sources: Sources,
    *,
    version: str,
    python: str | None = None,
    placeholders: Mapping[str, str] | None = None,
    scratch: Destination | str | None = None,
) -> Import:
    """Returns what `import_migrations` would write, what it refuses and what isn't carried over. Writes nothing.

        plan = sartor.preview_import("dbmate", "db/migrations", "alterations", version="1.0.0")
        print([each.name for each in plan.new], plan.refused, plan.notes)

    `tool`, `migrations`, `sources`, `version`, `python`, `placeholders` and `scratch` are as in `import_migrations`.
    Raises UsageError, SettingsError, TargetError, CatalogueError where something can't be read, DestinationError.
    """
    from sartor.importing.plan import plan_import
    from sartor.importing.tool import ReadOptions
    from sartor.importing.tools import find_tool

    found, place = find_tool(tool), Path(migrations)
    if not place.exists() and not all(Path(each).exists() for each in str(migrations).split(",")):
        raise UsageError(f"{migrations} isn't there", hint="give the folder that has the migrations")
    release, folder = _release(version), _folder(sources)
    options = ReadOptions(python=python, placeholders=placeholders or {})
    try:
        reading = _read(found, place, options, scratch) if found.needs_scratch else found.read(place, options)
        return plan_import(found, reading, release, folder)
    except OSError as error:
        raise CatalogueError(f"{error.filename or migrations} can't be read: {error.strerror}") from error


def import_migrations(
    tool: str,
    migrations: str | Path,
    sources: Sources,
    *,
    version: str,
    python: str | None = None,
    placeholders: Mapping[str, str] | None = None,
    scratch: Destination | str | None = None,
) -> Import:
    """Writes the migrations of another tool as alterations, in its order, and returns them.

        imported = sartor.import_migrations("dbmate", "db/migrations", "alterations", version="1.0.0")
        print([each.name for each in imported.files])

    A file that is there already, made of the same migration, stays; so the same call imports what was added since.

    - `tool`: one of `dbmate`, `goose` and the like, as `sartor db alteration import --help` lists them.
    - `migrations`: the folder of the other tool's migrations, or of the project that has them.
    - `sources`: the folder that is written to, made where it is missing; one lineage only.
    - `version`: the release that the alterations belong to, or `next`.
    - `python`: the interpreter of the project, for a tool whose migrations are programs.
    - `placeholders`: the values of the tool's own placeholders.
    - `scratch`: a server for a scratch database, which Django needs to print its SQL.

    Raises UsageError where the folder has no migrations of this tool, or some can't be imported (nothing is written
    then), TargetError where the release is none, SettingsError, CatalogueError where the folder can't be written to,
    DestinationError.
    """
    plan = preview_import(
        tool, migrations, sources, version=version, python=python, placeholders=placeholders, scratch=scratch
    )
    write_previewed(plan)
    return plan


async def read_applied(
    destination: Destination | str, plan: Import, *, ledger_table: str | None = None
) -> AppliedMigrations:
    """Returns which alterations of an import a database has, by the other tool's own ledger. Writes nothing.

        imported = sartor.import_migrations("dbmate", "db/migrations", "alterations", version="1.0.0")
        applied = await sartor.read_applied(url, imported)
        await sartor.baseline(url, "alterations", ids=applied.ids)

    - `plan`: what `import_migrations` or `preview_import` returned.
    - `ledger_table`: the table, where it is neither the tool's usual one nor the one that the project names:
      `[SCHEMA.]TABLE[:COLUMN]`.

    Raises UsageError where there is no such table, or it is another tool's; DestinationError.
    """
    from sartor.importing.applied import read_applied
    from sartor.importing.tools import find_tool

    return await read_applied(find_destination(destination), plan, find_tool(plan.tool), ledger_table or plan.ledger)


def needs_scratch(tool: str) -> bool:
    """Returns whether a tool's migrations are read with a scratch database at hand. Raises UsageError."""
    from sartor.importing.tools import find_tool

    return find_tool(tool).needs_scratch


def write_previewed(plan: Import) -> None:
    """Writes what `preview_import` returned. Raises as `import_migrations`."""
    from sartor.importing.files import write_import

    write_import(plan)


def _read(tool: Tool, place: Path, options: ReadOptions, scratch: Destination | str | None) -> Reading:
    """Reads migrations with a scratch database at hand, in a thread: an event loop may be running in this one."""
    if scratch is None:
        raise UsageError(
            f"{tool.title} prints its SQL with a database at hand", hint="give a server on which one can be made"
        )
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, _read_beside(tool, place, options, find_destination(scratch))).result()


async def _read_beside(tool: Tool, place: Path, options: ReadOptions, server: Destination) -> Reading:
    from sartor.postgres.session import application_name
    from sartor.postgres.target_server import url_for_others
    from sartor.scratch.database import scratch_database

    async with scratch_database(server, application=application_name("import")) as made:
        return await asyncio.to_thread(tool.read, place, options._replace(scratch=url_for_others(made)))


def _release(text: str) -> Release:
    try:
        return Release.parse(text)
    except ValueError as error:
        raise TargetError(f"{error}", hint="give a version such as 1.0.0, or `next`") from None


def _folder(sources: Sources) -> Path:
    """Returns the folder of the one lineage, which needn't be there. Raises SettingsError where there are several."""
    from sartor.alterations.files import find_folder

    places = find_sources(sources)
    if len(places) != 1:
        known = ", ".join(f"{place.name}={place.location}" for place in places)
        raise SettingsError(f"there are several lineages: {known}", hint="name one with `sources`")
    location = places[0].location
    try:
        return find_folder(location)
    except CatalogueError:
        if Path(location).exists():
            raise
        return Path.cwd() / location
