"""Reads Flyway's migrations, and its table `flyway_schema_history`.

Which statements run outside a transaction is Flyway's decision by their text (`PostgreSQLParser`), or that of a file
`<migration>.conf` beside the script (`SqlScriptMetadata`: `executeInTransaction`, `placeholderReplacement`, `encoding`,
`shouldExecute`). Folders are searched with all that is below them (`FileSystemScanner`).
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from sartor.errors import UsageError
from sartor.importing.flyway_history import QUERY, checksum, interpret
from sartor.importing.flyway_names import FlywayName, is_callback, parse_name, version_key
from sartor.importing.foreign_script import ForeignScript, Reading
from sartor.importing.tool import ReadOptions, Tool, ToolTable, files_below
from sartor.sql import lexer

_SCRIPTS = frozenset({"sql"})
_CODE = frozenset({"java", "kt", "class", "sh", "bash", "ps1", "bat", "cmd", "py"})
_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")


class _File(NamedTuple):
    path: Path
    name: FlywayName
    text: str
    in_transaction: bool | None
    checksum: int


def read(folder: Path, options: ReadOptions) -> Reading:
    """Returns the migrations of a folder, or of several with commas between, as Flyway's `locations` has them."""
    found: list[_File] = []
    refused: list[str] = []
    notes: list[str] = []
    folders = [folder] if folder.exists() else [Path(each) for each in str(folder).split(",")]
    for path in sorted(path for each in folders for path in files_below(each)):
        name = parse_name(path.name)
        if is_callback(path.name):
            notes.append(f"{path}: a callback isn't carried over; write it as a hook (docs/hooks.md)")
        elif name is None:
            if path.suffix == ".sql":
                notes.append(f"{path}: Flyway ignores a file of this name, and so it isn't carried over")
        elif name.suffix in _CODE:
            found.append(_File(path, name, "", None, 0))
        elif name.suffix in _SCRIPTS:
            _take(path, name, options.placeholders, found, refused)
    if not found and not refused:
        raise UsageError(f"{folder} has no migration of Flyway", hint="give the folder with files like V1__users.sql")
    return _arranged(found, refused, notes)


def _take(path: Path, name: FlywayName, values: Mapping[str, str], found: list[_File], refused: list[str]) -> None:
    conf = _configuration(path)
    try:
        text = path.read_bytes().decode(conf.get("encoding") or "utf-8-sig")
    except OSError as error:
        refused.append(f"{path}: it can't be read: {error.strerror}")
        return
    except (UnicodeDecodeError, LookupError):
        refused.append(f"{path}: it isn't UTF-8; save it as UTF-8 in a copy of the folder")
        return
    raw = text
    if "shouldExecute" in conf:
        refused.append(
            f"{path}: {path.name}.conf runs it under a condition (shouldExecute={conf['shouldExecute']}); in a copy of"
            " the folder, remove the line or the migration"
        )
    if conf.get("placeholderReplacement", "").lower() != "false":
        text, missing = substitute(text, values)
        refused += [
            f"{path}: the placeholder ${{{each}}} has no value; give it with `--placeholder {each}=VALUE`"
            for each in missing
        ]
    inside = {"true": True, "false": False}.get(conf.get("executeInTransaction", "").lower())
    found.append(_File(path, name, text, inside, checksum(text if name.prefix == "R" else raw)))


def _configuration(path: Path) -> dict[str, str]:
    """Returns the properties of the file beside a script: `key=value` in each line."""
    beside = path.with_name(f"{path.name}.conf")
    if not beside.is_file():
        return {}
    lines = beside.read_text(encoding="utf-8", errors="replace").splitlines()
    pairs = (line.partition("=") for line in lines if not line.lstrip().startswith("#"))
    return {key.strip().removeprefix("flyway."): value.strip() for key, _, value in pairs if key.strip()}


def substitute(sql: str, values: Mapping[str, str]) -> tuple[str, list[str]]:
    """Returns SQL with the values of its placeholders, and the names of those that have none, each once.

    A placeholder is replaced wherever it stands, in strings too (`PlaceholderReplacingReader`); one in a comment needs
    no value.
    """
    if "${" not in sql:
        return sql, []
    comments = [token for token in lexer.tokens(sql) if "comment" in token.kind]
    missing: dict[str, None] = {}

    def value(match: re.Match[str]) -> str:
        if match[1] in values:
            return values[match[1]]
        if not any(token.start <= match.start() < token.end for token in comments):
            missing[match[1]] = None
        return match[0]

    return _PLACEHOLDER.sub(value, sql), list(missing)


def _arranged(found: list[_File], refused: list[str], notes: list[str]) -> Reading:
    versioned = _by_version(found, "V", refused)
    undo = _by_version(found, "U", refused)
    baselines = _by_version(found, "B", refused)
    for key, file in sorted(baselines.items(), reverse=True):
        if any(each <= key for each in versioned):
            notes.append(
                f"{file.path}: a baseline migration isn't needed, as the migrations that it stands for are there"
            )
        else:
            versioned[key] = file
            break
    notes += [
        f"{file.path}: there is no migration {file.name.version} that it undoes; it isn't carried over"
        for key, file in undo.items()
        if key not in versioned
    ]
    scripts = [_versioned(file, undo.get(key)) for key, file in sorted(versioned.items())]
    repeatable = sorted((file for file in found if file.name.prefix == "R"), key=lambda file: file.name.description)
    scripts += [_repeatable(file) for file in repeatable]
    return Reading(tuple(scripts), tuple(refused), tuple(notes))


def _by_version(found: list[_File], prefix: str, refused: list[str]) -> dict[tuple[int, ...], _File]:
    files: dict[tuple[int, ...], _File] = {}
    for file in found:
        if file.name.prefix == prefix:
            other = files.setdefault(version_key(file.name.version), file)
            if other is not file:
                refused.append(
                    f"{file.path}: its version is that of {other.path} too, which Flyway refuses; remove one"
                )
    return files


def _versioned(file: _File, undo: _File | None) -> ForeignScript:
    return ForeignScript(
        version=file.name.version.replace("_", "."),
        slug=file.name.description if file.name.version.isdigit() else f"{file.name.version}-{file.name.description}",
        up=file.text,
        down=None if undo is None else undo.text,
        source=str(file.path),
        transaction_up=file.in_transaction,
        transaction_down=None if undo is None else undo.in_transaction,
        irreversible=None if undo is not None else "Flyway's migration had no undo script",
        checksums=(str(file.checksum),),
        by_hand=_by_hand(file),
    )


def _by_hand(file: _File) -> str | None:
    return f"it is a program ({file.path.suffix})" if file.name.suffix in _CODE else None


def _repeatable(file: _File) -> ForeignScript:
    name = file.name.description
    checksums = (str(file.checksum),)
    return ForeignScript(
        name, name, file.text, None, str(file.path), repeatable=True, checksums=checksums, by_hand=_by_hand(file)
    )


TOOL = Tool("flyway", "Flyway", read, ToolTable(("flyway_schema_history", "schema_version"), QUERY), interpret)
