"""Diagrams as DBML."""

from __future__ import annotations

import re

from hypothesis import given, settings

from sartor import (
    Change,
    Diagram,
    DiagramColumn,
    DiagramKey,
    DiagramReference,
    DiagramTable,
    DiagramType,
    RelationName,
)
from sartor.drawing.dbml import name, quoted, write_dbml
from support.diagrams import HOSTILE, diagrams, shop

NAME = r'"[^"\n\\]*"'
RELATION = rf"{NAME}(\.{NAME})?"
COLUMNS = rf"({NAME}|\({NAME}(, {NAME})+\))"
TEXT = r"'(?:[^'\\\n]|\\['\\])*'"
SETTING = (
    rf"(pk|unique|not null|default: `[^`\n]*`|note: {TEXT}|headercolor: #\w+|color: #\w+|(delete|update): [a-z ]+)"
)
SETTINGS = rf"( \[{SETTING}(, {SETTING})*\])?"
LINES = [
    "",
    r"// .*",
    rf"Project {NAME} {{",
    r"  database_type: 'PostgreSQL'",
    rf"(Enum|Table) {RELATION}{SETTINGS} {{",
    rf"  {NAME}( {NAME}| unknown)?{SETTINGS}",
    r"  indexes {",
    rf"    \({NAME}(, {NAME})*\) \[(pk|unique)\]",
    rf"  Note: {TEXT}",
    r" *}",
    rf"Ref {NAME}: {RELATION}\.{COLUMNS} [->] {RELATION}\.{COLUMNS}{SETTINGS}",
]
"""What DBML's grammar takes, line by line."""


@given(diagrams())
@settings(max_examples=40, deadline=None)
def test_the_grammar_takes_it(diagram: Diagram) -> None:
    """Whatever names, types and comments are, each line is one that DBML's grammar has."""
    for line in write_dbml(diagram).split("\n"):
        assert any(re.fullmatch(form, line) for form in LINES), line


def test_quotes() -> None:
    """A name keeps no quote and no backslash, as not every tool reads an escaped one; a text has them escaped."""
    quote, slash = "\N{RIGHT DOUBLE QUOTATION MARK}", "\N{SET MINUS}"
    found = [name(text) for text in ('a"b', "a\\b", "a\nb")]
    assert found == [f'"a{quote}b"', f'"a{slash}b"', f'"a{slash}nb"']
    assert [quoted(text) for text in ("it's", "a\\b", "a\nb")] == ["'it\\'s'", "'a\\\\b'", "'a\\\\nb'"]
    assert len({name(text) for text in HOSTILE}) == len(HOSTILE)


def test_parts() -> None:
    """Keys of several columns are indexes; a reference has its kind and actions, a table outside what they name."""
    a, b = RelationName("public", "a"), RelationName("auth", "b")
    column = DiagramColumn(name="x", type="text", not_null=True, unique=True, default="now()", change=Change.ADDED)
    table = DiagramTable(
        name=a, columns=(column,), keys=(DiagramKey(("x", "y"), primary=True),), detail="unlogged", comment="It's."
    )
    reference = DiagramReference(
        name="r", table=a, columns=("x", "y"), to=b, to_columns=("k", "l"), single=True, on_delete="set null"
    )
    kind = DiagramType(name=RelationName("public", "mood"), kind="enum", values=("ok", "sad"))
    outside = DiagramTable(name=b, outside=True)
    text = write_dbml(Diagram(schema="public", tables=(table, outside), references=(reference,), types=(kind,)))
    for part in (
        'Enum "mood" {\n  "ok"\n  "sad"\n}',
        '  "x" "text" [unique, not null, default: `now()`, note: \'added\']',
        '  indexes {\n    ("x", "y") [pk]\n  }',
        "  Note: 'unlogged; It\\'s.'",
        'Table "auth"."b" {\n  "k" unknown\n  "l" unknown\n}',
        'Ref "r": "a".("x", "y") - "auth"."b".("k", "l") [delete: set null]',
    ):
        assert part in text


def test_all_tables() -> None:
    """All tables and all foreign keys of a large schema are there."""
    text = write_dbml(shop())
    assert text.count("\nTable ") == len(shop().tables)
    assert text.count("\nRef ") == len(shop().references)
