"""Reads dbmate's migrations: `20240102030405_add_users.sql`, with `-- migrate:up` and `-- migrate:down` in one file.

They run in the order of their files' names, each in a transaction unless its block says `transaction:false` (dbmate's
README, "Migration Options"; pkg/dbmate/migration.go).
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from sartor.errors import UsageError
from sartor.importing.foreign_script import Applied, ForeignScript, Reading
from sartor.importing.tool import (
    ReadOptions,
    Row,
    Tool,
    ToolTable,
    by_version,
    collect,
    find_files,
    once_each,
    read_text,
)

IRREVERSIBLE = "dbmate's migration had no way back"
_NAME = re.compile(r"([0-9]+)[_-]?(.*)\.sql", re.DOTALL)
_BLOCK = re.compile(r"^--\s*migrate:(up|down)(?=\s|$)([^\n]*)\n?", re.MULTILINE)


def read(folder: Path, _options: ReadOptions) -> Reading:
    """Returns the migrations of a folder, or of `db/migrations` in it. Raises UsageError where there is none."""
    files = find_files(folder, _NAME, "db/migrations", "migrations")
    if not files:
        raise UsageError(
            f"{folder} has no migrations of dbmate", hint="give the folder with files like 20240102030405_add_users.sql"
        )
    return once_each(collect(sorted(files), _script))


def _script(file: Path) -> ForeignScript:
    """Returns a file's script. Raises ValueError with the reason where dbmate wouldn't run it."""
    text = read_text(file)
    found = list(_BLOCK.finditer(text))
    match = _NAME.fullmatch(file.name)
    if match is None or [each[1] for each in found] not in (["up"], ["up", "down"]):
        raise ValueError("one line `-- migrate:up` and at most one `-- migrate:down` behind it are expected")
    ends = [*(each.start() for each in found[1:]), len(text)]
    blocks = {each[1]: text[each.end() : end] for each, end in zip(found, ends, strict=True)}
    inside = {each[1]: "transaction:false" not in each[2].split() for each in found}
    down = blocks.get("down", "").strip()
    return ForeignScript(
        version=match[1],
        slug=match[2] or match[1],
        up=text[: found[0].start()] + blocks["up"],
        down=down or None,
        source=str(file),
        transaction_up=inside["up"],
        transaction_down=inside.get("down", True),
        irreversible=None if down else IRREVERSIBLE,
    )


def interpret(rows: Iterable[Row], scripts: Sequence[ForeignScript]) -> Applied:
    """Returns which of the scripts the rows name, by their version."""
    return by_version((row["version"] for row in rows), scripts)


TOOL = Tool(
    "dbmate",
    "dbmate",
    read,
    ToolTable(("schema_migrations",), "select version::text from {table} order by version"),
    interpret,
)
