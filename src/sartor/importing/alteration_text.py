"""Writes another tool's migration as the text of a SQL alteration: byte for byte, as far as it means the same."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sartor.importing.foreign_script import ForeignScript
from sartor.sql.splitting import split
from sartor.sql.statements import Kind, Statement

NOTHING = "select 'nothing to do';\n"
"""What stands for SQL without a statement: a section must have one."""


class _Section(NamedTuple):
    sql: str
    is_outside: bool


def alteration_text(script: ForeignScript) -> str:
    """Returns the text of the file that does what the script did."""
    if script.repeatable:
        return script.up
    up = _section(script.up, inside=script.transaction_up)
    down = None if script.down is None else _section(script.down, inside=script.transaction_down)
    return "\n".join(_parts(script, up, down))


def _parts(script: ForeignScript, up: _Section, down: _Section | None) -> Iterator[str]:
    yield from _directives("up", up)
    yield _closed(up.sql)
    if down is None:
        reason = " ".join((script.irreversible or "there was no way back").split())
        yield f"-- sartor: irreversible {reason}\n"
    else:
        yield from _directives("down", down)
        yield _closed(down.sql)


def _directives(word: str, section: _Section) -> Iterator[str]:
    yield f"-- sartor: {word}"
    if section.is_outside:
        yield "-- sartor: transaction off"


def _closed(sql: str) -> str:
    """Returns SQL that ends in a line's end, and with a semicolon where its last statement had none."""
    text = sql.strip("\n")
    return f"{text}\n" if text else NOTHING


def _section(sql: str, *, inside: bool | None) -> _Section:
    """Returns SQL as a section has it, and whether it runs outside a transaction: `inside` is what the tool did."""
    statements = split(sql)
    if not statements:
        return _Section(f"{sql.strip()}\n{NOTHING}".lstrip("\n"), is_outside=False)
    if is_one_transaction(statements):
        return _Section(_without(sql, (statements[0], statements[-1])), is_outside=False)
    refuses = any(each.refuses_transaction or each.controls_transaction for each in statements)
    return _Section(sql, is_outside=refuses if inside is None else refuses or not inside)


def is_one_transaction(statements: list[Statement]) -> bool:
    """Returns whether the first statement begins a transaction, the last one commits it, and none between ends it."""
    first, *between, last = statements if len(statements) > 1 else (*statements, *statements)
    begins = first.kind is Kind.BEGIN or first.starts("start transaction")
    plain = len(first.words) <= 2  # an isolation level would be lost
    commits = last.kind in {Kind.COMMIT, Kind.END} and len(last.words) <= 2
    kept = not any(each.controls_transaction or each.starts("set transaction") for each in between)
    return begins and plain and commits and kept


def _without(sql: str, statements: Iterable[Statement]) -> str:
    """Returns SQL in which these statements, with their semicolons, are blank; lines stay where they are."""
    for each in sorted(statements, key=lambda each: each.start, reverse=True):
        end = each.start + len(each.text)
        rest = sql[end:].lstrip(" \t\r\n")
        sql = sql[: each.start] + (sql[end:].replace(";", "", 1) if rest.startswith(";") else sql[end:])
    return sql
