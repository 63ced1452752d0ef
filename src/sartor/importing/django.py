"""Reads the migrations of a Django project, and its table `django_migrations`.

Their SQL is that of `manage.py sqlmigrate`, in the order of `manage.py showmigrations --plan`, by the project's own
Python; see `drivers/django_sql.py`. A squashed migration stands for those that it replaces
(`MigrationLoader.build_graph`): it counts as run where it is in the table, or all of them are.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sartor.conninfo.url import parse_url
from sartor.errors import UsageError
from sartor.importing.foreign_script import Applied, ForeignScript, Reading
from sartor.importing.team_python import ask
from sartor.importing.tool import ReadOptions, Row, Tool, ToolTable

_SETTINGS = {"HOST": "host", "PORT": "port", "USER": "user", "PASSWORD": "password", "NAME": "dbname"}
QUERY = "select app::text as app, name::text as name from {table} order by id"


def read(path: Path, options: ReadOptions) -> Reading:
    """Returns the migrations of a project. Raises UsageError where its Django can't be run."""
    manage = find_manage(path).resolve()
    if options.scratch is None:
        raise UsageError("Django's SQL is printed with a database at hand", hint="give one with `--db-url`")
    scratch = json.dumps(connection_settings(options.scratch))
    return from_answer(ask("django", manage, python=options.python, given=scratch))


def connection_settings(url: str) -> dict[str, Any]:
    """Returns the settings of Django's connection for a database by its URL."""
    keywords = parse_url(url, origin="the scratch database's URL")
    keywords.pop("application_name", None)
    own = {key: keywords.pop(word, "") for key, word in _SETTINGS.items()}
    return {**own, "OPTIONS": keywords}


def find_manage(path: Path) -> Path:
    """Returns the manage.py of a project: `path` itself, or one in that folder. Raises UsageError."""
    if path.is_file():
        return path
    if (file := path / "manage.py").is_file():
        return file
    raise UsageError(f"{path} has no manage.py", hint="give the folder of manage.py, or that file")


def from_answer(answer: Mapping[str, Any]) -> Reading:
    """Returns the migrations in what the project's Python wrote, in Django's order."""
    if answer["vendor"] != "postgresql":
        return Reading((), (f"the database `default` of the settings is {answer['vendor']}, not Postgres",))
    notes: list[str] = []
    scripts = tuple(_migration(each, notes) for each in answer["migrations"])
    return Reading(scripts, notes=tuple(notes))


def _migration(each: Mapping[str, Any], notes: list[str]) -> ForeignScript:
    up, down = each["up"], each.get("down") or {}
    source = each["path"] or f"{each['app']}.{each['name']}"
    notes += [
        f"{source}: the operation {what!r} can't be written as SQL; in new databases it doesn't run, so add what it"
        " does to the file where they need it"
        for what in up.get("unwritten", ())
    ]
    way_in, way_out = _statements(up.get("sql", "")), _statements(down.get("sql", ""))
    return ForeignScript(
        version=f"{each['app']}.{each['name']}",
        slug=f"{each['app']}-{each['name']}",
        up=way_in,
        down=way_out or (None if way_in else ""),
        source=source,
        transaction_up=None if each["atomic"] else False,
        transaction_down=None if each["atomic"] else False,
        irreversible=_irreversible(down) if way_in and not way_out else None,
        replaces=tuple(".".join(replaced) for replaced in each["replaces"]),
        by_hand=f"Django doesn't print its SQL: {up['error']}" if "error" in up else None,
    )


def _statements(sql: str) -> str:
    """Returns SQL, or nothing where it is comments alone."""
    return sql if any(line and not line.startswith("--") for line in sql.splitlines()) else ""


def _irreversible(down: Mapping[str, Any]) -> str:
    if "error" in down:
        return f"Django didn't print its way back: {down['error']}"
    return down.get("irreversible") or "Django's way back did nothing"


def interpret(rows: Iterable[Row], scripts: Sequence[ForeignScript]) -> Applied:
    """Returns which of the scripts the rows say were run.

    Rows of apps that the project no longer has are told: Django ignores them.
    """
    names = {f"{row['app']}.{row['name']}" for row in rows}
    applied, refused = set(), []
    for each in scripts:
        there = names.intersection(each.replaces)
        if each.version in names or (each.replaces and len(there) == len(set(each.replaces))):
            applied.add(each.version)
        elif there:
            refused.append(
                f"{each.version}: the database has a part of what it replaces; run the rest with Django first"
                " (`manage.py migrate`)"
            )
    known = {each.version for each in scripts}.union(*(each.replaces for each in scripts))
    notes = [f"{each}: the database has it, and the project hasn't" for each in sorted(names - known)]
    return Applied(frozenset(applied), tuple(refused), tuple(notes))


TOOL = Tool("django", "Django", read, ToolTable(("django_migrations",), QUERY), interpret, needs_scratch=True)
