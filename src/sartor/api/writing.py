"""Writes files of alterations. No database is needed."""

import os
from collections.abc import Mapping
from pathlib import Path

from sartor.alterations.new import NewFile, write_new, write_repeatable
from sartor.alterations.project import ProjectFile, plan_project, write_project
from sartor.api.requests import Sources, find_sources
from sartor.errors import SettingsError, UsageError
from sartor.settings.toml_file import find_toml


def new(
    sources: Sources,
    name: str,
    *,
    sql: bool = False,
    template: str | None = None,
    values: Mapping[str, str] | None = None,
    repeatable: bool = False,
) -> tuple[NewFile, ...]:
    """Writes a new `next` alteration that comes behind all others, and returns its files: a template may take several.

        sartor.new("alterations", "users by email", template="index-concurrently", values={"table": "users"})

    - `sources`: one lineage only.
    - `name`: what it changes, in a few words; it becomes part of the files' names.
    - `sql`: write SQL in place of Python.
    - `template`: one of `TEMPLATES`; without it, the file has an empty `up` and `down`.
    - `values`: the template's parameters. One that isn't given stays in the file as a placeholder, such as `<table>`,
      which is no SQL.
    - `repeatable`: write a repeatable script in place of an alteration, in SQL.

    Raises UsageError where the name, the template or a value is no such thing, CatalogueError where the folder can't be
    written to.
    """
    places = find_sources(sources)
    if len(places) != 1:
        known = ", ".join(f"{place.name}={place.location}" for place in places)
        raise SettingsError(f"there are several lineages: {known}", hint="name one with `sources`")
    if repeatable:
        if template is not None or values:
            raise UsageError("a repeatable script has no template", hint="leave `template` and its parameters out")
        return write_repeatable(places[0].location, name)
    return write_new(places[0].location, name, sql=sql, template=template, values=values or {})


def preview_init(folder: Path | None = None, *, ci: str | None = None) -> list[ProjectFile]:
    """Returns the files that `init` would write, and those that are there already.

    `folder` and `ci` are as in `init`. Raises UsageError, SettingsError.
    """
    folder = folder or Path.cwd()
    settings = find_toml(folder, os.environ)
    return plan_project(folder, settings.path, ci, names_alterations="alterations" in settings.table)


def init(folder: Path | None = None, *, ci: str | None = None) -> list[ProjectFile]:
    """Writes what a project needs to begin with: settings, alterations with an example, a job of its pipeline.

        for each in sartor.init(ci="github"):
            print(each.file, "was there" if each.exists else "is new")

    What is there stays as it is.

    - `folder`: the project's; the working directory where None is given.
    - `ci`: `github`, `gitlab` or `none`; by default the service whose files the folder has.

    Raises UsageError for another service, SettingsError where the settings there can't be read, CatalogueError where a
    file can't be written.
    """
    files = preview_init(folder, ci=ci)
    write_project(files)
    return files
