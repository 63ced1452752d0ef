"""Reads the list of releases at the head of `manifest.toml`: each command needs it, and not the rest of the file.

    releases = [
        "1.0.0",
        "1.1.0-beta.1",
    ]

Each release has its own line, so that two branches can be merged by keeping both lines; their order doesn't count.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sartor.domain.release import Release
from sartor.errors import CatalogueError

NAME = "manifest.toml"
FORMAT = 1
RELEASES = "releases"
RELEASING = "releasing"


def read_releases(folder: str) -> tuple[Release, ...] | None:
    """Returns the releases that the manifest of a folder lists, the lowest first; None where it has no list.

    Raises CatalogueError where there is a list that can't be read.
    """
    file = Path(folder) / NAME
    try:
        with file.open(encoding="utf-8") as opened:
            return parse_releases(opened, file)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CatalogueError(f"{file} can't be read: {error.strerror}") from error


def parse_releases(lines: Iterable[str], file: Path) -> tuple[Release, ...] | None:
    """Returns the releases that a manifest's lines list. Raises CatalogueError, naming `file`, and OSError."""
    try:
        head = "".join(_head(lines))
        if RELEASES not in head:
            return None
        import tomllib  # noqa: PLC0415 - most commands meet no list, and start-up counts

        return listed(require_format(tomllib.loads(head), file))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise not_valid(file, error) from error


def _head(lines: Iterable[str]) -> Iterator[str]:
    """Yields the lines before the first table: those of the keys that belong to the whole file."""
    for line in lines:
        if line.startswith("["):
            return
        yield line


def require_format(document: Mapping[str, Any], file: Path) -> Mapping[str, Any]:
    """Returns the document. Raises CatalogueError for another format, KeyError where it has none."""
    if document["format"] != FORMAT:
        raise CatalogueError(
            f"{file} has format {document['format']}, which this version of Sartor can't read",
            hint="use the version of Sartor that wrote it",
        )
    return document


def listed(document: Mapping[str, Any]) -> tuple[Release, ...] | None:
    """Returns the releases that a manifest lists. Raises ValueError, TypeError, AttributeError where they are none."""
    if RELEASES not in document:
        return None
    found = {Release.parse(text) for text in document[RELEASES]}
    if any(release.unreleased for release in found):
        raise ValueError("`next` is listed as a release")
    return tuple(sorted(found))


def not_valid(file: Path, reason: Exception) -> CatalogueError:
    """Returns the error about a file that isn't a manifest."""
    return CatalogueError(
        f"{file} isn't a valid manifest: {reason}",
        hint="if a merge left two lines for one alteration, keep one of them and prove the alteration again; of two"
        " releases, keep both lines",
    )
