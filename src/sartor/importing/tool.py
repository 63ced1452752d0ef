"""What Sartor knows of another tool: how its migrations are read, and where it keeps what it ran."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from sartor.importing.foreign_script import Applied, ForeignScript, Reading

Source = TypeVar("Source")

Row = Mapping[str, Any]
"""A row of a tool's table, by the names of its query's columns."""


class ReadOptions(NamedTuple):
    """What reading takes beside the folder.

    `python` is the interpreter of the team's project, for tools whose migrations are programs; `placeholders` are the
    values of a tool's own placeholders; `scratch` is the URL of an empty database, for a tool with `needs_scratch`.
    """

    python: str | None = None
    placeholders: Mapping[str, str] = {}
    scratch: str | None = None


class ToolTable(NamedTuple):
    """A table in which a tool keeps what it ran: the names that it may have, and the query of its rows.

    `{table}` in the query stands for it, quoted, and `{column}` for the column that is given, or `version`. Where the
    names are the tool's own, newest first, `is_ordered` is true; else a schema with several of them is refused.
    """

    names: tuple[str, ...]
    query: str
    is_ordered: bool = True


class Tool(NamedTuple):
    """A tool by its `name` on the command line, and the `title` that messages call it by.

    `interpret` returns what the rows of its `table` mean to the scripts that were read.
    """

    name: str
    title: str
    read: Callable[[Path, ReadOptions], Reading]
    table: ToolTable
    interpret: Callable[[Iterable[Row], Sequence[ForeignScript]], Applied]
    needs_scratch: bool = False


def read_text(file: Path) -> str:
    """Returns a migration's text, without a byte order mark. Raises ValueError, such as UnicodeDecodeError."""
    try:
        return file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ValueError(f"it can't be read: {error.strerror}") from error


def is_migration(file: Path) -> bool:
    """Returns whether a file is to be read, or is a link to nothing, which mustn't be passed over."""
    return file.is_file() or not file.exists()


def find_files(folder: Path, pattern: re.Pattern[str], *places: str) -> list[Path]:
    """Returns the files with such names in a folder, or in the first of these folders in it that has some."""
    for each in (folder, *(folder / place for place in places)):
        if each.is_dir() and (
            found := [file for file in each.iterdir() if pattern.fullmatch(file.name) and is_migration(file)]
        ):
            return found
    return []


def files_below(folder: Path) -> Iterator[Path]:
    """Yields all files of a folder and of those in it. Raises OSError where one can't be read."""

    def fail(error: OSError) -> None:
        raise error

    for place, _, names in os.walk(folder, onerror=fail):
        yield from (file for name in names if is_migration(file := Path(place, name)))


def collect(sources: Iterable[Source], make: Callable[[Source], ForeignScript]) -> Reading:
    """Returns the scripts that `make` makes; where it raises ValueError, which says why, the source is refused."""
    scripts, refused = [], []
    for each in sources:
        try:
            scripts.append(make(each))
        except UnicodeDecodeError:
            refused.append(f"{each}: it isn't UTF-8; save it as UTF-8")
        except ValueError as error:
            refused.append(f"{each}: {error}")
    return Reading(tuple(scripts), tuple(refused))


def once_each(reading: Reading) -> Reading:
    """Returns migrations without those whose version another has, which the tool would not run: these are refused."""
    seen: dict[str, str] = {}
    kept, refused = [], [*reading.refused]
    for each in reading.scripts:
        if (other := seen.setdefault(each.version, each.source)) == each.source:
            kept.append(each)
        else:
            refused.append(f"{each.source}: {twice(Path(other))}")
    return reading._replace(scripts=tuple(kept), refused=tuple(refused))


def twice(other: Path) -> str:
    """Returns the sentence that another file has the same version."""
    return f"its version is that of {other.name} too; give it another one, or remove it"


def by_version(versions: Iterable[str], scripts: Sequence[ForeignScript]) -> Applied:
    """Returns which scripts a table names, where it has a row for each version that was run."""
    known, found = {each.version for each in scripts}, tuple(versions)
    return Applied(frozenset(known & {*found}), tuple(map(not_here, sorted({*found} - known))))


def not_here(version: str) -> str:
    """Returns the sentence that a database has a migration which the folder hasn't."""
    return f"{version}: the database has it, and the folder hasn't; give the folder from which it was run"
