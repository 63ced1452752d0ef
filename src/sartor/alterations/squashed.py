"""The alterations of a lineage whose files were removed, as a snapshot stands for them: a line each.

    1.0.0-1700000000-users.sql sha256:... {"down": ["drop table users"], ...}

The last part is the way back as the ledger keeps it: a database that is built from the snapshot gets it, too.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from sartor.domain.alteration import Alteration
from sartor.domain.file_names import parse_file_name
from sartor.domain.snapshot import FOLDER
from sartor.errors import CatalogueError

NAME = f"{FOLDER}/squashed.txt"


def read_squashed(lineage: str, folder: str) -> list[Alteration]:
    """Returns the squashed alterations of a lineage in this folder. Raises CatalogueError where a line is none."""
    found = []
    for number, (name, checksum, _) in enumerate(_lines(folder), 1):
        try:
            release, identity = parse_file_name(name)
        except CatalogueError as error:
            raise CatalogueError(f"{NAME}, line {number}: {error}", hint="restore the file") from error
        found.append(Alteration(lineage, identity, release, name, checksum, folder, squashed=True))
    return found


def squashed_downs(folder: str) -> dict[str, str]:
    """Returns what the ledger keeps of the squashed alterations of a folder, by identity."""
    return {parse_file_name(name)[1]: down for name, _, down in _lines(folder)}


def squashed_text(alterations: Iterable[Alteration], downs: Mapping[str, str]) -> str:
    """Returns the file's text for these alterations, with their `downs` by identity."""
    return "".join(f"{each.name} {each.checksum} {downs[each.id]}\n" for each in alterations)


def _lines(folder: str) -> list[tuple[str, str, str]]:
    try:
        text = Path(folder, NAME).read_text("utf-8")
        parts = (line.split(" ", 2) for line in text.splitlines())
        return [(name, checksum, down) for name, checksum, down in parts]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise CatalogueError(f"{folder}/{NAME} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise CatalogueError(f"{folder}/{NAME} isn't as `squash` wrote it: {error}", hint="restore the file") from error
