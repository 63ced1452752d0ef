"""Keeps the hazards that the last rehearsals saw in a folder, with each file's checksum, and makes findings of them."""

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from sartor.alterations.files import locked
from sartor.domain.alteration import Alteration
from sartor.domain.hazards.hazard import RehearsedStatement, Verdict, named
from sartor.domain.hazards.remediation import PAGE, recipe
from sartor.domain.rehearsal import Rehearsed
from sartor.linter.rules import RULES, Finding, about

FILE = "rehearsed.json"
VERSION = 1

_RULES = {rule.name: rule for rule in RULES}
_DOES = {
    Verdict.BLOCKS_WRITES: "blocks writes to",
    Verdict.BLOCKS_READS: "blocks reads of",
    Verdict.REWRITES: "rewrites",
}
_WORDS = 4
"""The number of a statement's words that are shown."""

Identity = tuple[str, str]


class Seen(NamedTuple):
    """A hazard that was seen: its verdict, the line of the script (from 1), and a message."""

    verdict: Verdict
    line: int | None
    message: str


class Remembered(NamedTuple):
    """The hazards seen in an alteration when its file had this checksum."""

    checksum: str
    seen: tuple[Seen, ...]


def remember(folder: Path, rehearsed: Iterable[Rehearsed]) -> None:
    """Writes what was seen of each alteration, in place of what was kept of it before. Raises OSError."""
    new = {each.alteration.identity: Remembered(each.alteration.checksum, _seen_in(each)) for each in rehearsed}
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


def _seen_in(rehearsed: Rehearsed) -> tuple[Seen, ...]:
    """Returns the hazards that a rehearsal saw in an alteration."""
    found: list[Seen] = []
    for statement in rehearsed.statements:
        if statement.losses:
            gone = ", ".join(dict.fromkeys(named(loss) for loss in statement.losses))
            found.append(Seen(Verdict.LOSES_DATA, statement.line, f"`{_shown(statement)}` deletes data in {gone}"))
        if statement.stops is not Verdict.SAFE:
            found.append(Seen(statement.stops, statement.line, _message(statement)))
    return tuple(found)


def lint_hazards(alteration: Alteration, remembered: Mapping[Identity, Remembered]) -> Iterator[Finding]:
    """Yields the findings of a rehearsal of the file as it is now; none where the file has changed since."""
    found = remembered.get(alteration.identity)
    if found is not None and found.checksum == alteration.checksum:
        for each in found.seen:
            yield about(alteration, _RULES[each.verdict.value], each.message, each.line)


def _message(statement: RehearsedStatement) -> str:
    lock = statement.blocking
    tables = ", ".join(statement.rewrites) or (lock.relation if lock else "")
    better = recipe(statement)
    instead = f"; {better.advice} ({PAGE}#{better.anchor})" if better else ""
    return f"`{_shown(statement)}` {_DOES[statement.stops]} {tables}{instead}"


def _shown(statement: RehearsedStatement) -> str:
    words = statement.sql.split()
    return " ".join(words[:_WORDS]) + (" ..." if len(words) > _WORDS else "")
