"""Names and values as SQL: the only way by which text gets into a statement that takes no parameters."""

import unicodedata

LONGEST_NAME = 63
"""The most bytes of a name that Postgres keeps (NAMEDATALEN)."""


def quote_identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


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
