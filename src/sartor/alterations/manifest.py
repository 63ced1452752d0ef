"""Reads and writes `manifest.toml` beside the alterations: what was released or proved, ordered by timestamp.

    "1700000000-users" = { release = "1.0.0", checksum = "sha256:...", proof = "proved", server = 18 }

Each alteration has one line, so that two branches can be merged; so has each release of the list above them, and each
snapshot in the table `snapshots`.
"""

import json
import os
import tempfile
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sartor.alterations.files import find_folder, locked
from sartor.alterations.release_list import FORMAT, NAME, RELEASES, RELEASING, listed, not_valid, require_format
from sartor.alterations.snapshot_files import judged
from sartor.domain.alteration import Alteration, Catalogue, Lineage, timestamp
from sartor.domain.manifest import Line, Manifest, Standing, find_standing
from sartor.domain.proof import Result
from sartor.domain.release import Release
from sartor.domain.snapshot import ReleaseSnapshot, snapshot_name
from sartor.errors import CatalogueError

SNAPSHOTS = "snapshots"


def check(catalogue: Catalogue, *, kept: bool = False) -> Standing:
    """Compares all lineages, or those that have `kept` a manifest, with theirs. Raises CatalogueError."""
    pairs = [(lineage, _with_files(read_manifest(lineage))) for lineage in catalogue.lineages]
    return find_standing((lineage, manifest) for lineage, manifest in pairs if manifest != Manifest() or not kept)


def _with_files(manifest: Manifest) -> Manifest:
    return manifest._replace(snapshots={release: judged(each) for release, each in manifest.snapshots.items()})


def read_manifest(lineage: Lineage) -> Manifest:
    """Reads a lineage's manifest, empty where there is no file. Raises CatalogueError where it can't be read."""
    import tomllib  # noqa: PLC0415 - most commands don't look at a manifest, and start-up counts

    file = find_folder(lineage.location) / NAME
    try:
        document = require_format(tomllib.loads(file.read_text("utf-8")), file)
        lines = {alteration_id: _line(alteration_id, told) for alteration_id, told in document["alterations"].items()}
        releasing = document.get(RELEASING)
        return Manifest(
            lines=lines,
            releases=listed(document),
            releasing=None if releasing is None else Release.parse(releasing),
            snapshots=dict(_snapshots(lineage, file.parent, document.get(SNAPSHOTS, {}))),
        )
    except FileNotFoundError:
        return Manifest()
    except OSError as error:
        raise CatalogueError(f"{file} can't be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise not_valid(file, error) from error


def read_lines(catalogue: Catalogue, about: Iterable[Alteration]) -> dict[tuple[str, str], Line]:
    """Returns the manifests' lines about some alterations, by identity. Raises CatalogueError.

    Only these lines are parsed: a whole manifest of ten thousand takes half a second.
    """
    wanted: dict[str, set[str]] = {}
    for alteration in about:
        wanted.setdefault(alteration.lineage, set()).add(alteration.id)
    lineages = ((name, ids, catalogue.by_name[name]) for name, ids in wanted.items())
    return {(name, line.id): line for name, ids, lineage in lineages for line in _lines_of(lineage, ids)}


def _lines_of(lineage: Lineage, ids: Container[str]) -> list[Line]:
    import tomllib  # noqa: PLC0415 - as above

    file = find_folder(lineage.location) / NAME
    try:
        with file.open(encoding="utf-8") as opened:
            chosen = [text for text in opened if text[1:].partition('" = ')[0] in ids]
        return [_line(each, told) for each, told in tomllib.loads("".join(chosen)).items()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CatalogueError(f"{file} can't be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise not_valid(file, error) from error


def _line(alteration_id: str, told: dict[str, Any]) -> Line:
    proof = told.get("proof")
    return Line(
        id=alteration_id,
        release=Release.parse(told["release"]),
        checksum=told["checksum"],
        proof=None if proof is None else Result(proof),
        server=told.get("server"),
    )


def _snapshots(lineage: Lineage, folder: Path, table: dict[str, Any]) -> Iterator[tuple[Release, ReleaseSnapshot]]:
    for text, told in table.items():
        release = Release.parse(text)
        yield (
            release,
            ReleaseSnapshot(
                lineage=lineage.name,
                release=release,
                file=f"{folder}/{snapshot_name(release)}",
                checksum=told["checksum"],
                basis=told["of"],
                servers=tuple(map(int, told["servers"])),
                schema=told.get("schema"),
            ),
        )


def add_lines(lineage: Lineage, lines: Sequence[Line]) -> None:
    """Writes lines to a lineage's manifest, in place of those of the same alterations. Raises CatalogueError.

    Lines without a file are removed, unless they bind it (`Line.binds`). Several processes may do this at once.
    """
    if lines:
        change_manifest(lineage, lambda manifest: with_lines(manifest, lines))


def with_lines(manifest: Manifest, lines: Sequence[Line]) -> Manifest:
    """Returns the manifest with these lines, in place of those of the same alterations.

    A released one stays released: a proof that began before the release ends after it.
    """
    kept = dict(manifest.lines)
    for line in lines:
        old = kept.get(line.id)
        stays = old is not None and line.release.unreleased and not old.release.unreleased
        kept[line.id] = line._replace(release=old.release) if old is not None and stays else line
    return manifest._replace(lines=kept)


def change_manifest(lineage: Lineage, change: Callable[[Manifest], Manifest]) -> None:
    """Writes what `change` makes of a lineage's manifest, under the folder's lock. Raises CatalogueError."""
    file = find_folder(lineage.location) / NAME
    try:
        with locked(file.parent):
            write_manifest(lineage, change(read_manifest(lineage)))
    except OSError as error:
        raise CatalogueError(f"{file} can't be written: {error.strerror}") from error


def write_manifest(lineage: Lineage, manifest: Manifest) -> None:
    """Writes a manifest, for the holder of the folder's lock. Raises OSError."""
    kept = [each for each in manifest.lines.values() if each.id in lineage.by_id or each.binds]
    text = "".join(_written(manifest._replace(lines={line.id: line for line in kept})))
    replace_file(find_folder(lineage.location) / NAME, text)


def is_writable(lineage: Lineage) -> bool:
    """Returns whether the lineage's manifest can be written: an installed package's usually can't."""
    return os.access(find_folder(lineage.location), os.W_OK)


def _written(manifest: Manifest) -> Iterator[str]:
    yield "# Released alterations and their proofs. Sartor writes this file; commit it with the alterations.\n"
    yield f"format = {FORMAT}\n"
    if manifest.releasing is not None:
        yield f'{RELEASING} = "{manifest.releasing.label}"\n'
    if manifest.releases is not None:
        yield f"\n{RELEASES} = [\n"
        yield from (f'    "{release.label}",\n' for release in sorted(manifest.releases))
        yield "]\n"
    if manifest.snapshots:
        yield f"\n[{SNAPSHOTS}]\n"
        yield from (_snapshot_line(each) for _, each in sorted(manifest.snapshots.items()))
    yield "\n[alterations]\n"
    for line in sorted(manifest.lines.values(), key=lambda each: (timestamp(each.id), each.id)):
        told = [f'release = "{line.release.label}"', f'checksum = "{line.checksum}"']
        if line.proof is not None:
            told += [f'proof = "{line.proof.value}"', f"server = {line.server}"]
        yield f'"{line.id}" = {{ {", ".join(told)} }}\n'


def _snapshot_line(snapshot: ReleaseSnapshot) -> str:
    told = [f'checksum = "{snapshot.checksum}"', f'of = "{snapshot.basis}"', f"servers = {list(snapshot.servers)}"]
    if snapshot.schema is not None:
        told.append(f"schema = {json.dumps(snapshot.schema, ensure_ascii=False)}")
    return f'"{snapshot.release.label}" = {{ {", ".join(told)} }}\n'


def replace_file(file: Path, text: str) -> None:
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
