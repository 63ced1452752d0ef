"""Imports the migrations of another tool. No database is needed to write the files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sartor.api.requests import Sources, find_sources
from sartor.domain.release import Release
from sartor.errors import CatalogueError, SettingsError, TargetError, UsageError

if TYPE_CHECKING:
    from sartor.domain.imported import Import


def preview_import(
    tool: str,
    migrations: str | Path,
    sources: Sources,
    *,
    version: str,
    python: str | None = None,
    placeholders: Mapping[str, str] | None = None,
) -> Import:
    """Returns what `import_migrations` would write, what it refuses and what isn't carried over. Writes nothing.

        plan = sartor.preview_import("dbmate", "db/migrations", "alterations", version="1.0.0")
        print([each.name for each in plan.new], plan.refused, plan.notes)

    `tool`, `migrations`, `sources`, `version`, `python` and `placeholders` are as in `import_migrations`. Raises
    UsageError, SettingsError, TargetError.
    """
    from sartor.importing.plan import plan_import
    from sartor.importing.tool import ReadOptions
    from sartor.importing.tools import find_tool

    found, place = find_tool(tool), Path(migrations)
    if not place.exists() and not all(Path(each).exists() for each in str(migrations).split(",")):
        raise UsageError(f"{migrations} isn't there", hint=f"give the folder of {found.title}'s migrations")
    options = ReadOptions(python=python, placeholders=placeholders or {})
    return plan_import(found, found.read(place, options), _release(version), _folder(sources))


def import_migrations(
    tool: str,
    migrations: str | Path,
    sources: Sources,
    *,
    version: str,
    python: str | None = None,
    placeholders: Mapping[str, str] | None = None,
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

    Raises UsageError where the folder has no migrations of this tool, or some can't be imported (nothing is written
    then), TargetError where the release is none, SettingsError, CatalogueError where the folder can't be written to.
    """
    from sartor.importing.files import write_import

    plan = preview_import(tool, migrations, sources, version=version, python=python, placeholders=placeholders)
    write_import(plan)
    return plan


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
