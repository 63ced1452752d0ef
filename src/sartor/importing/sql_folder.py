"""Reads a folder of plain SQL files, which a program of the team's own runs in the order of their names.

Each runs in a transaction, unless it has a line `-- migrate:run-in-tx false` or a statement that refuses one. There is
no way back. The program's table has a row for each file, with the file's name in one of the columns.
"""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from sartor.errors import UsageError
from sartor.importing.foreign_script import Applied, ForeignScript, Reading
from sartor.importing.tool import ReadOptions, Row, Tool, ToolTable, collect, find_files, not_here, read_text

IRREVERSIBLE = "the SQL file had no way back"
_NAME = re.compile(r".+\.sql", re.DOTALL)
_OUTSIDE = re.compile(r"^--\s*migrate:run-in-tx\s+false\s*$", re.MULTILINE)
_DOWN = (".down.sql", "_down.sql", ".undo.sql", ".rollback.sql")


def read(folder: Path, _options: ReadOptions) -> Reading:
    """Returns the files of a folder, or of `migrations` in it. Raises UsageError where there is none."""
    files = find_files(folder, _NAME, "migrations")
    if not files:
        raise UsageError(f"{folder} has no SQL files", hint="give the folder that has them")
    if downs := [each.name for each in files if each.name.endswith(_DOWN)]:
        hint = "import it as `pairs`"
        raise UsageError(f"{folder} has files that look like a way back, {downs[0]} for one", hint=hint)
    return collect(sorted(files, key=lambda each: each.name), _script)


def _script(file: Path) -> ForeignScript:
    text, stem = read_text(file), file.name.removesuffix(".sql").removesuffix(".up")
    slug = re.sub(r"^[0-9]+(?:[-_.:][0-9]+)*[-_. ]*", "", stem)
    inside = False if _OUTSIDE.search(text) else None
    return ForeignScript(
        file.name, slug or stem, text, None, str(file), transaction_up=inside, irreversible=IRREVERSIBLE
    )


def interpret(rows: Iterable[Row], scripts: Sequence[ForeignScript]) -> Applied:
    """Returns which of the scripts a row names: by the file's name, or that without `.sql`."""
    known = {name: each.version for each in scripts for name in (each.version, each.version.removesuffix(".sql"))}
    applied, refused = set(), []
    for row in rows:
        values = [str(value) for value in json.loads(row["row"]).values()]
        named = [known[value] for value in values if value in known]
        applied.update(named)
        if not named:
            refused.append(not_here(" ".join(values)))
    return Applied(frozenset(applied), tuple(refused))


TOOL = Tool(
    "sql",
    "a folder of SQL files",
    read,
    ToolTable(("schema_migrations", "migrations"), "select pg_catalog.to_jsonb(t)::text as row from {table} t"),
    interpret,
)
