"""Reads goose's migrations: `00001_add_users.sql`, with `-- +goose Up` and `-- +goose Down` in one file.

They run in the order of their versions, each in a transaction unless the file says `-- +goose NO TRANSACTION` (goose's
internal/sqlparser/parser.go). What stands between `StatementBegin` and `StatementEnd` is sent at once, and may have no
semicolon at its end. A line's end is a line feed, whatever it was in the file.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from sartor.errors import UsageError
from sartor.importing.foreign_script import Applied, ForeignScript, Reading
from sartor.importing.tool import (
    ReadOptions,
    Row,
    Tool,
    ToolTable,
    by_version,
    collect,
    find_files,
    once_each,
    read_text,
)
from sartor.sql.lexer import pieces
from sartor.sql.splitting import each_statement

IRREVERSIBLE = "goose's migration had no way back"
_NAME = re.compile(r"([0-9]+)_(.*)\.(sql|go)", re.DOTALL)
_ANNOTATION = re.compile(r"^[ \t]*--[ \t]*\+goose[ \t]+([A-Za-z][A-Za-z ]*?)[ \t\r]*$\n?", re.MULTILINE)


def read(folder: Path, _options: ReadOptions) -> Reading:
    """Returns the migrations of a folder, or of `migrations` in it. Raises UsageError where there is none."""
    files = [each for each in find_files(folder, _NAME, "migrations", "db/migrations") if not _is_test(each)]
    if not any(each.suffix == ".sql" for each in files):
        raise UsageError(
            f"{folder} has no migrations of goose", hint="give the folder with files like 00001_add_users.sql"
        )
    return once_each(collect(sorted(files, key=_order), _script))


def _is_test(file: Path) -> bool:
    return file.name.endswith("_test.go")


def _order(file: Path) -> tuple[int, str]:
    return int(_parts(file)[0]), file.name


def _parts(file: Path) -> tuple[str, str]:
    number, _, rest = file.stem.partition("_")
    return str(int(number)), rest


def _script(file: Path) -> ForeignScript:
    """Returns a file's script. Raises ValueError with the reason where goose wouldn't run it, or only a shell could."""
    version, slug = _parts(file)
    if file.suffix == ".go":
        return ForeignScript(version, slug, "", None, str(file), by_hand="it is a program in Go")
    sections, annotations = _sections(read_text(file).replace("\r\n", "\n"))
    if "envsub on" in annotations:
        raise ValueError("it takes values of the environment (ENVSUB ON); write them into the SQL")
    if "up" not in sections:
        raise ValueError("there is no line `-- +goose Up`")
    inside, down = "no transaction" not in annotations, sections.get("down", "").strip()
    return ForeignScript(
        version=version,
        slug=slug or version,
        up=sections["up"],
        down=down or None,
        source=str(file),
        transaction_up=inside,
        transaction_down=inside,
        irreversible=None if down else IRREVERSIBLE,
    )


def _sections(text: str) -> tuple[dict[str, str], set[str]]:
    """Returns the SQL of `up` and `down`, and the annotations in lower case; what stands above the first is `up`'s."""
    found, section, at = {"": ""}, "", 0
    said = set()
    for match in _ANNOTATION.finditer(text):
        piece = text[at : match.start()]
        word, at = " ".join(match[1].lower().split()), match.end()
        found[section] += _ended(piece) if word == "statementend" else piece
        said.add(word)
        if word in {"up", "down"}:
            section = word
            found.setdefault(section, "")
    found[section] += text[at:]
    head = found.pop("")
    if "up" in found:
        found["up"] = head + found["up"]
    return found, said


def _ended(sql: str) -> str:
    """Returns SQL whose last statement ends in a semicolon."""
    ends = [end for _, end in each_statement(sql, pieces(sql))]
    return f"{sql.rstrip()}\n;\n" if ends and ends[-1] == len(sql) else sql


def interpret(rows: Iterable[Row], scripts: Sequence[ForeignScript]) -> Applied:
    """Returns which of the scripts were applied last: a version that was undone has a later row that says so."""
    applied = {row["version"] for row in rows if row["is_applied"]} - {"0"}
    return by_version(applied, scripts)


TOOL = Tool(
    "goose",
    "goose",
    read,
    ToolTable(
        ("goose_db_version",),
        "select distinct on (version_id) version_id::text as version, is_applied from {table}"
        " order by version_id, id desc",
    ),
    interpret,
)
