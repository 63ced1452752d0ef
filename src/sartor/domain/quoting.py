"""Names and values as SQL: the one way by which text gets into a statement that takes no parameters."""

from __future__ import annotations


def quote_identifier(name: str) -> str:
    """`name` as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def quote_literal(value: str | float | None) -> str:
    r"""`value` as a literal, safe whatever `standard_conforming_strings` says. Text can't hold NUL."""
    if value is None:
        return "null"
    if not isinstance(value, str):
        return repr(value)
    quoted = "'" + value.replace("'", "''") + "'"
    return " E" + quoted.replace("\\", "\\\\") if "\\" in value else quoted
