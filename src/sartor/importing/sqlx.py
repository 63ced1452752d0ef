"""Reads sqlx's migrations: `20240102030405_add_users.sql`, or a pair of `.up.sql` and `.down.sql`.

They run in the order of their versions, each in a transaction unless its file begins with `-- no-transaction`. A
table keeps the SHA-384 of what was run (sqlx-core, src/migrate/source.rs and migration.rs).
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from sartor.errors import UsageError
from sartor.importing.foreign_script import Applied, ForeignScript, Reading
from sartor.importing.tool import ReadOptions, Row, Tool, ToolTable, by_version, collect, find_files, read_text, twice

IRREVERSIBLE = "sqlx's migration had no way back"
_NAME = re.compile(r"([0-9]+)_(.*?)(\.up|\.down)?\.sql", re.DOTALL)
_OUTSIDE = "-- no-transaction"


class _Migration(NamedTuple):
    version: int
    name: str
    files: dict[str, Path]
    doubles: list[Path]

    def __str__(self) -> str:
        return str(next(iter(self.files.values())))


def read(folder: Path, _options: ReadOptions) -> Reading:
    """Returns the migrations of a folder, or of `migrations` in it. Raises UsageError where there is none."""
    files = find_files(folder, _NAME, "migrations")
    if not files:
        raise UsageError(
            f"{folder} has no migrations of sqlx", hint="give the folder with files like 20240102030405_add_users.sql"
        )
    found: dict[int, _Migration] = {}
    for file in sorted(files):
        if match := _NAME.fullmatch(file.name):
            one = found.setdefault(int(match[1]), _Migration(int(match[1]), match[2], {}, []))
            if one.files.setdefault("down" if match[3] == ".down" else "up", file) is not file:
                one.doubles.append(file)
    return collect(sorted(found.values(), key=lambda each: each.version), _script)


def _script(migration: _Migration) -> ForeignScript:
    """Returns the script of a migration. Raises ValueError where it has no way up, or two."""
    if migration.doubles:
        raise ValueError(twice(migration.doubles[0]))
    if "up" not in migration.files:
        raise ValueError("there is no .up.sql beside it")
    up = read_text(migration.files["up"])
    down = read_text(migration.files["down"]) if "down" in migration.files else ""
    return ForeignScript(
        version=str(migration.version),
        slug=migration.name or str(migration.version),
        up=up,
        down=down if down.strip() else None,
        source=str(migration.files["up"]),
        transaction_up=not up.startswith(_OUTSIDE),
        transaction_down=not down.startswith(_OUTSIDE),
        irreversible=None if down.strip() else IRREVERSIBLE,
        checksums=(hashlib.sha384(migration.files["up"].read_bytes()).hexdigest(),),
    )


def interpret(rows: Iterable[Row], scripts: Sequence[ForeignScript]) -> Applied:
    """Returns which of the scripts were run; notes those whose file was another one then."""
    found = list(rows)
    sums = {each.version: each.checksums for each in scripts}
    refused = tuple(
        f"{row['version']}: it failed; mend the database, and delete its row" for row in found if not row["success"]
    )
    notes = tuple(
        f"{row['version']}: its file was another one when it was run"
        for row in found
        if row["version"] in sums and row["checksum"] not in sums[row["version"]]
    )
    applied = by_version((row["version"] for row in found if row["success"]), scripts)
    return applied._replace(refused=(*refused, *applied.refused), notes=notes)


TOOL = Tool(
    "sqlx",
    "sqlx",
    read,
    ToolTable(
        ("_sqlx_migrations",),
        "select version::text, success, pg_catalog.encode(checksum, 'hex') as checksum from {table} order by version",
    ),
    interpret,
)
