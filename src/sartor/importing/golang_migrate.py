"""Reads golang-migrate's migrations: `000001_add_users.up.sql`, with `000001_add_users.down.sql` beside it.

They run in the order of their versions; the server gets a file as one message, which it runs in one transaction unless
it is a single statement or says otherwise (database/postgres/postgres.go, Run). The table has one row: the version up
to which all ran, and whether the last one failed.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from sartor.errors import UsageError
from sartor.importing.foreign_script import Applied, ForeignScript, Reading
from sartor.importing.tool import ReadOptions, Row, Tool, ToolTable, collect, find_files, read_text, twice

IRREVERSIBLE = "golang-migrate's migration had no way back"
_NAME = re.compile(r"([0-9]+)_(.*)\.(up|down)\.sql", re.DOTALL)


class _Pair(NamedTuple):
    version: int
    name: str
    files: dict[str, Path]
    doubles: list[Path]

    def __str__(self) -> str:
        return str(self.files.get("up") or self.files["down"])


def read(folder: Path, _options: ReadOptions) -> Reading:
    """Returns the migrations of a folder, or of `migrations` in it. Raises UsageError where there is none."""
    files = find_files(folder, _NAME, "migrations", "db/migrations", "db/migration")
    if not files:
        hint = "give the folder with files like 000001_add_users.up.sql"
        raise UsageError(f"{folder} has no migrations of golang-migrate", hint=hint)
    return collect(sorted(_pairs(files), key=lambda pair: pair.version), _script)


def _pairs(files: Iterable[Path]) -> Iterable[_Pair]:
    pairs: dict[int, _Pair] = {}
    for file in sorted(files):
        if match := _NAME.fullmatch(file.name):
            pair = pairs.setdefault(int(match[1]), _Pair(int(match[1]), match[2], {}, []))
            if pair.files.setdefault(match[3], file) is not file:
                pair.doubles.append(file)
    return pairs.values()


def _script(pair: _Pair) -> ForeignScript:
    """Returns the script of a pair. Raises ValueError where it has no way up, or two."""
    if pair.doubles:
        raise ValueError(twice(pair.doubles[0]))
    if "up" not in pair.files:
        raise ValueError("there is no .up.sql beside it")
    down = read_text(pair.files["down"]) if "down" in pair.files else ""
    return ForeignScript(
        version=str(pair.version),
        slug=pair.name or str(pair.version),
        up=read_text(pair.files["up"]),
        down=down if down.strip() else None,
        source=str(pair.files["up"]),
        irreversible=None if down.strip() else IRREVERSIBLE,
    )


def interpret(rows: Iterable[Row], scripts: Sequence[ForeignScript]) -> Applied:
    """Returns the scripts up to the one version that the table has."""
    found = list(rows)
    if not found:
        return Applied(frozenset())
    version, dirty = int(found[0]["version"]), found[0]["dirty"]
    refused = []
    if dirty:
        refused.append(f"{version}: it failed half-way (`dirty`); mend the database, and run `migrate force {version}`")
    elif str(version) not in {each.version for each in scripts}:
        refused.append(f"{version}: the database is at this version, and the folder hasn't it; give its folder")
    return Applied(frozenset(each.version for each in scripts if int(each.version) <= version), tuple(refused))


TOOL = Tool(
    "golang-migrate",
    "golang-migrate",
    read,
    ToolTable(("schema_migrations",), "select version::text, dirty from {table} limit 1"),
    interpret,
)
