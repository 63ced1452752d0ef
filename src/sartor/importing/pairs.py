"""Reads pairs of an up and a down script, whichever program runs them, and the table in which it keeps their names.

Three forms: `0001_name.up.sql` with `0001_name.down.sql`, `up/0001_name.sql` with `down/0001_name.sql`, and a folder
for each migration with `up.sql` and `down.sql`, as Diesel has it. They run in the order of their numbers; those
without a number in the order of their names.
"""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from sartor.errors import UsageError
from sartor.importing.foreign_script import Applied, ForeignScript, Reading
from sartor.importing.tool import ReadOptions, Row, Tool, ToolTable, not_here, read_text

TABLES = ("__diesel_schema_migrations", "_sqlx_migrations", "schema_migrations", "migrations")
"""The tables that are looked for, with their column `version`, where none is given."""
IRREVERSIBLE = "there was no down script"
_FORM = (
    "name pairs 0001_name.up.sql and 0001_name.down.sql, up/0001_name.sql and down/0001_name.sql, or 0001_name/up.sql"
)


class _Pair(NamedTuple):
    name: str
    up: Path | None
    down: Path | None


def read(folder: Path, _options: ReadOptions) -> Reading:
    """Returns the pairs of a folder. Raises UsageError where there is none."""
    for place in (folder, *filter(Path.is_dir, folder.iterdir())) if folder.exists() else ():
        os.scandir(place).close()  # raises where it can't be read; `glob` passes it over
    pairs = sorted(_pairs(folder), key=lambda each: _order(each.name))
    if not pairs:
        raise UsageError(f"{folder} has no pair of scripts", hint=_FORM)
    scripts, refused = [], []
    for each in pairs:
        if each.up is None:
            refused.append(f"{each.down}: it has no up script; add it, or remove the file")
            continue
        try:
            scripts.append(_script(each.name, each.up, each.down))
        except UnicodeDecodeError:
            refused.append(f"{each.up}: it or its down script isn't UTF-8; save it as UTF-8")
        except ValueError as error:
            refused.append(f"{each.up}: it or its down script: {error}")
    return Reading(tuple(scripts), tuple(refused))


def _pairs(folder: Path) -> Iterator[_Pair]:
    ups = {path.name.removesuffix(".up.sql"): path for path in folder.glob("*.up.sql")}
    downs = {path.name.removesuffix(".down.sql"): path for path in folder.glob("*.down.sql")}
    ups |= {path.stem: path for path in folder.glob("up/*.sql")}
    downs |= {path.stem: path for path in folder.glob("down/*.sql")}
    ups |= {path.parent.name: path for path in folder.glob("*/up.sql")}
    downs |= {path.parent.name: path for path in folder.glob("*/down.sql")}
    return (_Pair(name, ups.get(name), downs.get(name)) for name in ups | downs)


def _script(name: str, up: Path, down: Path | None) -> ForeignScript:
    number, slug = _number(name)
    way_out = None if down is None else read_text(down)
    return ForeignScript(
        version=name,
        slug=slug if number is not None else name,
        up=read_text(up),
        down=way_out,
        source=str(up),
        irreversible=IRREVERSIBLE if down is None else None,
    )


def _number(name: str) -> tuple[str | None, str]:
    """Returns the digits that begin a name, without the hyphens of a date, and what comes behind them."""
    match = re.match(r"([0-9][0-9-]*[0-9]|[0-9])[_.-]?(.*)", name)
    return (None, name) if match is None else (match[1].replace("-", ""), match[2] or name)


def _order(name: str) -> tuple[int, int, str]:
    """Returns the place of a name; a date and a time are fourteen digits, and count alike with further ones."""
    number, _ = _number(name)
    return (1, 0, name) if number is None else (0, int(number[:14]), name)


def interpret(rows: Iterable[Row], scripts: Sequence[ForeignScript]) -> Applied:
    """Returns which of the scripts are named in a table, by their name, their number or the name of their file."""
    named: dict[str, set[str]] = {}
    for each in scripts:
        number, _ = _number(each.version)
        keys = {each.version, Path(each.source).name, f"{each.version}.sql", f"{each.version}.up.sql"}
        if number is not None:
            keys |= {number, str(int(number))}
        for key in keys:
            named.setdefault(key, set()).add(each.version)
    names = {key: min(versions) for key, versions in named.items() if len(versions) == 1}
    values = [row["version"] for row in rows]
    refused = [not_here(each) for each in values if each not in names]
    return Applied(frozenset(names[each] for each in values if each in names), tuple(refused))


QUERY = "select {column}::text as version from {table} order by 1"
TOOL = Tool("pairs", "pairs of scripts", read, ToolTable(TABLES, QUERY, is_ordered=False), interpret)
