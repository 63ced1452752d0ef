"""Reads and writes `manifest.toml` beside the alterations: what was released or proved, ordered by timestamp.

    "1700000000-users" = { release = "1.0.0", checksum = "sha256:...", proof = "proved", server = 18 }

Each alteration has one line, so that two branches can be merged.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sartor.alterations.files import find_folder, locked
from sartor.domain.alteration import Catalogue, Lineage, timestamp
from sartor.domain.proof import Line, Manifest, Result, Standing, find_standing
from sartor.domain.release import Release
from sartor.errors import CatalogueError

NAME = "manifest.toml"
FORMAT = 1

_HEAD = f"""\
# Released alterations and their proofs. Sartor writes this file; commit it with the alterations.
format = {FORMAT}

[alterations]
"""


def check(catalogue: Catalogue, *, kept: bool = False) -> Standing:
    """Compares all lineages, or those that have `kept` a manifest, with theirs. Raises CatalogueError."""
    pairs = [(lineage, read_manifest(lineage)) for lineage in catalogue.lineages]
    return find_standing((lineage, manifest) for lineage, manifest in pairs if manifest or not kept)


def read_manifest(lineage: Lineage) -> Manifest:
    """Reads a lineage's manifest, empty where there is no file. Raises CatalogueError where it can't be read."""
    import tomllib  # noqa: PLC0415 - most commands don't look at a manifest, and start-up counts

    file = find_folder(lineage.location) / NAME
    try:
        document = tomllib.loads(file.read_text("utf-8"))
        if document["format"] != FORMAT:
            raise CatalogueError(
                f"{file} has format {document['format']}, which this version of Sartor can't read",
                hint="use the version of Sartor that wrote it",
            )
        return {alteration_id: _line(alteration_id, told) for alteration_id, told in document["alterations"].items()}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise CatalogueError(f"{file} can't be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CatalogueError(
            f"{file} isn't a valid manifest: {error}",
            hint="if a merge left two lines for one alteration, keep one of them and prove the alteration again",
        ) from error


def _line(alteration_id: str, told: dict[str, Any]) -> Line:
    proof = told.get("proof")
    return Line(
        id=alteration_id,
        release=Release.parse(told["release"]),
        checksum=told["checksum"],
        proof=None if proof is None else Result(proof),
        server=told.get("server"),
    )


def add_lines(lineage: Lineage, lines: Sequence[Line]) -> None:
    """Writes lines to a lineage's manifest, in place of those of the same alterations. Raises CatalogueError.

    Lines without a file are removed, unless they bind it (`Line.binds`). Several processes may do this at once.
    """
    if not lines:
        return
    file = find_folder(lineage.location) / NAME
    try:
        with locked(file.parent):
            manifest = {**read_manifest(lineage), **{line.id: line for line in lines}}
            kept = [each for each in manifest.values() if each.id in lineage.by_id or each.binds]
            _replace(file, _HEAD + "".join(_written(kept)))
    except OSError as error:
        raise CatalogueError(f"{file} can't be written: {error.strerror}") from error


def is_writable(lineage: Lineage) -> bool:
    """Returns whether the lineage's manifest can be written: an installed package's usually can't."""
    return os.access(find_folder(lineage.location), os.W_OK)


def _written(lines: Iterable[Line]) -> Iterator[str]:
    for line in sorted(lines, key=lambda each: (timestamp(each.id), each.id)):
        told = [f'release = "{line.release.label}"', f'checksum = "{line.checksum}"']
        if line.proof is not None:
            told += [f'proof = "{line.proof.value}"', f"server = {line.server}"]
        yield f'"{line.id}" = {{ {", ".join(told)} }}\n'


def _replace(file: Path, text: str) -> None:
    """Replaces a file atomically: a reader sees all of the old or all of the new one. Raises OSError."""
    with suppress(FileNotFoundError):
        if file.read_text("utf-8") == text:
            return
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=file.parent, prefix=".", delete=False) as new:
        try:
            new.write(text)
            new.flush()
            os.fsync(new.fileno())
            Path(new.name).chmod(0o644)
            Path(new.name).replace(file)
        except BaseException:  # Ctrl-C leaves no file either
            Path(new.name).unlink(missing_ok=True)
            raise
