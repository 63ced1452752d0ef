"""Reads alterations of Logto's form, and its row `alterationState` in the table `systems`.

A file `<release>-<timestamp>-<slug>.ts` exports `up(pool)` and `down(pool)`, and may have `beforeUp` and `beforeDown`,
which run outside the transaction. TypeScript isn't run: a function is carried over where it does nothing but
``await pool.query(sql`...`)``, with no expression in the SQL but names of constant strings. The row keeps the highest
timestamp that was deployed, as `{"timestamp": 1700000000.1, "updatedAt": ...}`.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from sartor.errors import UsageError
from sartor.importing.foreign_script import Applied, ForeignScript, Reading
from sartor.importing.tool import ReadOptions, Row, Tool, ToolTable
from sartor.sql.quoting import quote_literal

QUERY = "select value::text as value from {table} where key = 'alterationState'"
_NAME = re.compile(r"(?P<release>[^-\s]+)-(?P<timestamp>[0-9]{1,10}(?:\.[0-9]+)?)-(?P<slug>\w[\w.-]*)\.(?:ts|js)")
_CONSTANT = re.compile(
    r"""(?m)^const (?P<name>\w+)(?:\s*:\s*string)? = (?P<quote>['"])(?P<value>(?:(?!(?P=quote))[^\\\n])*)(?P=quote)"""
    r"(?: as const)?;"
)
_FUNCTION = re.compile(r"\b(?P<name>up|down|beforeUp|beforeDown)\s*:\s*async\s*\((?P<pool>\w*)[^)]*\)\s*=>\s*\{")
_BLANK = re.compile(r"\s+|//[^\n]*|/\*.*?\*/", re.DOTALL)
_QUERY = r"await\s+{pool}\.query\(\s*sql(?:\.unsafe)?`(?P<sql>(?:[^`\\]|\\.)*)`\s*,?\s*\)\s*;?"
_EXPRESSION = re.compile(r"\$\{([^}]*)\}")


class NotStatic(Exception):
    """What a function does that can't be carried over."""


def read(folder: Path, _options: ReadOptions) -> Reading:
    """Returns the alterations of a folder. Raises UsageError where it has none."""
    found = [(match, path) for path in sorted(folder.iterdir()) if (match := _NAME.fullmatch(path.name))]
    if not found:
        raise UsageError(f"{folder} has no alteration", hint="give the folder of <release>-<timestamp>-<slug>.ts")
    scripts = [_script(match, path) for match, path in found]
    scripts.sort(key=lambda each: (Decimal(each.version), each.slug))
    return Reading(tuple(scripts))


def _script(match: re.Match[str], path: Path) -> ForeignScript:
    found = ForeignScript(
        match["timestamp"],
        match["slug"],
        up="",
        down=None,
        source=str(path),
        timestamp=match["timestamp"],
        release=match["release"],
    )
    try:
        return _static(found, path)
    except NotStatic as error:
        return found._replace(by_hand=str(error))


def _static(script: ForeignScript, path: Path) -> ForeignScript:
    """Returns a script with the SQL of its file. Raises NotStatic."""
    functions = static_functions(path.read_text(encoding="utf-8"))
    if "up" not in functions:
        raise NotStatic("it has no `up: async (pool) => { ... }`")
    ups = [functions.get(each, "") for each in ("beforeUp", "up")]
    downs = [functions.get(each, "") for each in ("beforeDown", "down")]
    if all(ups) or all(downs):
        raise NotStatic("it has a part outside the transaction and one in it")
    down = "".join(downs)
    return script._replace(
        up="".join(ups),
        down=down or None,
        transaction_up=False if ups[0] else None,
        transaction_down=False if downs[0] else None,
        irreversible=None if down else "its down did nothing",
    )


def static_functions(source: str) -> dict[str, str]:
    """Returns the SQL of each of a file's functions. Raises NotStatic where one does something else."""
    constants = {match["name"]: match["value"] for match in _CONSTANT.finditer(source)}
    return {match["name"]: _body(source, match.end(), match["pool"], constants) for match in _FUNCTION.finditer(source)}


def _body(source: str, at: int, pool: str, constants: Mapping[str, str]) -> str:
    query = re.compile(_QUERY.format(pool=re.escape(pool or "pool")))
    statements: list[str] = []
    while not source.startswith("}", at):
        if blank := _BLANK.match(source, at):
            at = blank.end()
        elif match := query.match(source, at):
            statements.append(_terminated(_without_expressions(match["sql"], constants)))
            at = match.end()
        else:
            line = source.count("\n", 0, at) + 1
            raise NotStatic(f"line {line} is TypeScript that can't be carried over")
    return "".join(statements)


def _without_expressions(sql: str, constants: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] not in constants:
            raise NotStatic(f"the expression ${{{match[1]}}} in its SQL can't be carried over")
        return quote_literal(constants[match[1]])

    return re.sub(r"\\(.)", r"\1", _EXPRESSION.sub(value, sql), flags=re.DOTALL)


def _terminated(sql: str) -> str:
    text = sql.strip()
    return f"{text}\n" if text.endswith(";") else f"{text};\n"


def interpret(rows: Iterable[Row], scripts: Sequence[ForeignScript]) -> Applied:
    """Returns the scripts at or below the timestamp in the row. Raises UsageError where it isn't of that form."""
    found = [row["value"] for row in rows]
    try:
        highest = Decimal(str(json.loads(found[0])["timestamp"])) if found else Decimal(0)
        int(highest)  # raises where it is no number
    except (ArithmeticError, ValueError, TypeError, KeyError) as error:
        raise UsageError(
            f'the row alterationState isn\'t of the form {{"timestamp": ...}}: {str(found[0])[:100]}'
        ) from error
    return Applied(frozenset(each.version for each in scripts if Decimal(each.version) <= highest))


TOOL = Tool("logto", "Logto", read, ToolTable(("systems",), QUERY), interpret)
