"""Keeps what the last rehearsals saw in a folder, for `lint`: per alteration, with the file's checksum at the time."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from sartor.alterations.files import locked
from sartor.domain.hazards.hazard import Verdict
from sartor.domain.rehearsal import Rehearsed
from sartor.linter.hazards import Seen, seen_in

FILE = "rehearsed.json"
VERSION = 1

Identity = tuple[str, str]


class Remembered(NamedTuple):
    """The hazards seen in an alteration when its file had this checksum."""

    checksum: str
    seen: tuple[Seen, ...]


def remember(folder: Path, rehearsed: Iterable[Rehearsed]) -> None:
    """Writes what was seen of each alteration, in place of what was kept of it before. Raises OSError."""
    new = {each.alteration.identity: Remembered(each.alteration.checksum, seen_in(each)) for each in rehearsed}
    if not new:
        return
    folder.mkdir(exist_ok=True)
    with suppress(FileExistsError), (folder / ".gitignore").open("x") as ignoring:
        ignoring.write("*\n")
    with locked(folder):
        _keep(folder, recall(folder) | new)


def _keep(folder: Path, remembered: Mapping[Identity, Remembered]) -> None:
    kept = [_shape(identity, each) for identity, each in sorted(remembered.items())]
    part = folder / f"{FILE}.{secrets.token_hex(4)}"
    try:
        part.write_text(json.dumps({"version": VERSION, "alterations": kept}, indent=1) + "\n", "utf-8")
        part.replace(folder / FILE)
    finally:
        part.unlink(missing_ok=True)


def recall(folder: Path) -> dict[Identity, Remembered]:
    """Reads what is kept in a folder; empty where it can't be read or has another version's format."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads((folder / FILE).read_text("utf-8"))
        if found["version"] == VERSION:
            return dict(map(_remembered, found["alterations"]))
    return {}


def _shape(identity: Identity, remembered: Remembered) -> dict[str, Any]:
    seen = [{"verdict": each.verdict.value, "line": each.line, "message": each.message} for each in remembered.seen]
    return {"lineage": identity[0], "id": identity[1], "checksum": remembered.checksum, "seen": seen}


def _remembered(shape: Mapping[str, Any]) -> tuple[Identity, Remembered]:
    seen = tuple(Seen(Verdict(each["verdict"]), each["line"], each["message"]) for each in shape["seen"])
    return (shape["lineage"], shape["id"]), Remembered(shape["checksum"], seen)
