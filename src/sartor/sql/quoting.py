"""Names and values as SQL: the only way by which text gets into a statement that takes no parameters."""

import re
import unicodedata

LONGEST_NAME = 63
"""The most bytes of a name that Postgres keeps (NAMEDATALEN)."""

_SIMPLE = re.compile(r"[a-z_][a-z0-9_]*")
_RESERVED = frozenset(
    """
    all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate
    collation column concurrently constraint create cross current_catalog current_date current_role current_schema
    current_time current_timestamp current_user default deferrable desc distinct do else end except false fetch
    for foreign freeze from full grant group having ilike in initially inner intersect into is isnull join lateral
    leading left like limit localtime localtimestamp natural not notnull null offset on only or order outer
    overlaps placing primary references returning right select session_user similar some symmetric system_user
    table tablesample then to trailing true union unique user using variadic verbose when where window with
    """.split()  # noqa: SIM905 - a hundred words
)
"""The words that a table or column is called by in quotes only (the manual's appendix C), as of 18."""


def quote_identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def quote_if_needed(name: str) -> str:
    """Returns a name as a person would write it."""
    return name if _SIMPLE.fullmatch(name) and name not in _RESERVED else quote_identifier(name)


def quote_literal(value: str | float | None) -> str:
    r"""Returns `value` as a literal, safe with any `standard_conforming_strings`. The text must hold no NUL."""
    if value is None:
        return "null"
    if not isinstance(value, str):
        return repr(value)
    quoted = "'" + value.replace("'", "''") + "'"
    return " E" + quoted.replace("\\", "\\\\") if "\\" in value else quoted


def quote_comment(text: str) -> str:
    """Returns `text` for a comment of either kind, so that it neither ends it nor begins another in it."""
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown.replace("*", "?") if "*/" in shown or "/*" in shown else shown


def quote_word(text: str) -> str:
    r"""Returns `text` as one word of psql's `\echo`: no backquotes run a program, no backslash begins a command."""
    if text and all(character.isalnum() or character in "._+!-" for character in text):
        return text
    shown = quote_comment(text).replace("\\", "\\\\")
    return "'" + shown.replace("'", "''") + "'"


def shows_itself(name: str) -> bool:
    """Returns whether a name has visible characters only: no control, no line separator, none that reverses text."""
    return all(unicodedata.category(character) not in {"Cc", "Cf", "Zl", "Zp"} for character in name)
