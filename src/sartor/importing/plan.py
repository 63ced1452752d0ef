"""Decides which files an import writes. Pure but for the reading of files that are there."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from sartor.alterations.directives import directive
from sartor.alterations.sql_file import load_sql
from sartor.domain.alteration import Alteration
from sartor.domain.file_names import REPEATABLE
from sartor.domain.imported import Import, ImportedFile
from sartor.domain.plan import Direction
from sartor.domain.release import Release
from sartor.errors import ScriptError
from sartor.importing.alteration_text import alteration_text
from sartor.importing.foreign_script import ForeignScript, Reading
from sartor.importing.identities import identities
from sartor.importing.tool import Tool
from sartor.sql import lexer


def plan_import(tool: Tool, reading: Reading, release: Release, folder: Path) -> Import:
    """Returns the files that a tool's migrations become, those of `folder` that are there considered."""
    there = {identity_of(file.name): file for file in folder.glob("*.*")} if folder.is_dir() else {}
    refused, files = [*reading.refused], []
    for script, identity in zip(reading.scripts, identities(reading.scripts), strict=True):
        old, text = there.get(identity), alteration_text(script)
        label = (script.release or release.label).replace("-", "_")
        name = old.name if old else f"{identity}.sql" if script.repeatable else f"{label}-{identity}.sql"
        compared = (script.parents, script.replaces, script.checksums)
        files.append(ImportedFile(name, identity, script.version, script.source, text, old is not None, *compared))
        if script.by_hand is None:
            refused += (*_directives(script), *_refusals(script, identity, name, text))
            if old and old.read_bytes() != text.encode():
                refused.append(f"{old}: it isn't what {script.source} makes; make them equal, or remove it")
        elif old is None:
            own = folder / name.replace(".sql", ".py")
            refused.append(f"{script.source}: {script.by_hand}; write what it does as {own}, then import again")
    refused += _doubles(files)
    return Import(tool.name, tool.title, str(folder), tuple(files), tuple(refused), reading.notes, reading.ledger)


def identity_of(name: str) -> str:
    """Returns the identity in a file's name."""
    stem = name.removesuffix(".sql").removesuffix(".py")
    return stem if stem.startswith(REPEATABLE) else stem.partition("-")[2]


def _refusals(script: ForeignScript, identity: str, name: str, text: str) -> Iterator[str]:
    """Yields why a text is no alteration."""
    about = Alteration("main", identity, Release.parse("1.0"), name, "", "")
    try:
        loaded = load_sql(about, [text.encode()])
        read = Direction.ROLLBACK in loaded.bodies, loaded.irreversible is not None
        if not script.repeatable and read != (script.down is not None, script.down is None):
            yield f"{script.source}: at the end of its SQL a string, a comment or the data of COPY goes on; close it"
    except (ScriptError, UnicodeEncodeError) as error:
        reason = str(error).removeprefix(f"{name}, ")
        yield f"{script.source}: {reason}"
    if "\0" in text:
        yield f"{script.source}: it has a NUL character, which Postgres takes in no SQL; remove it"


def _directives(script: ForeignScript) -> Iterator[str]:
    """Yields what would be Sartor's directives in the SQL of a migration, to whose tool they were comments."""
    for sql in filter(None, (script.up, script.down)):
        for token in lexer.pieces(sql):
            said = directive(token.text) if token.kind == "line_comment" else None
            if said is not None and not said.startswith("ignore "):
                comment = f"the comment `-- sartor: {said}`"
                yield f"{script.source}: {comment} would be a directive of Sartor's; remove it, or reword it"


def _doubles(files: Iterable[ImportedFile]) -> Iterator[str]:
    seen: dict[str, str] = {}
    for each in files:
        if (other := seen.setdefault(each.id, each.source)) != each.source:
            yield f"{each.source}: {other} has the same name; rename one of them"
