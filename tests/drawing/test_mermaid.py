"""Diagrams as Mermaid's text."""

from __future__ import annotations

import re

from hypothesis import given, settings

from sartor import Change, Diagram, DiagramColumn, DiagramReference, DiagramTable, RelationName
from sartor.drawing.mermaid import write_mermaid
from support.diagrams import HOSTILE, diagrams, shop

NAME = r'"[^"%\r\n\v\b\\]+"'
WORD = r"[A-Za-z_][A-Za-z0-9_\-\[\]()]*"
LINES = [
    rf"    {NAME}(:::\w+)?( {{)?",
    rf'        {WORD} (?!(?:PK|FK|UK|pk|fk|uk)\b){WORD}( (PK|FK|UK)(, (PK|FK|UK))*)?( "[^"]*")?',
    r"    }",
    rf"    {NAME} (\|\||\|o)--(o\||o{{) {NAME} : {NAME}",
    r"    classDef (added|removed|changed) [a-z0-9:,#]+",
]
"""What Mermaid's grammar takes, line by line."""


@given(diagrams())
@settings(max_examples=40, deadline=None)
def test_the_grammar_takes_it(diagram: Diagram) -> None:
    """Whatever names, types and comments are, each line is one that Mermaid's grammar has."""
    head, *lines = write_mermaid(diagram).split("erDiagram\n")
    assert re.fullmatch(r"---\ntitle: \".*\"\n---\n%% .*\n", head)
    for line in lines[0].splitlines() if lines else ():
        assert any(re.fullmatch(form, line) for form in LINES), line
        assert not re.search(r"(?i)direction\s+(TB|BT|RL|LR)|[<>]", line)


def test_names_stay_apart() -> None:
    """A hostile name is written with entities, from which a reader has it as it is."""
    tables = tuple(DiagramTable(name=RelationName("public", name)) for name in HOSTILE)
    text = write_mermaid(Diagram(schema="public", tables=tables))
    names = re.findall(r'^    "(.*)"$', text, re.MULTILINE)
    read = [re.sub(r"#(\d+);", lambda at: chr(int(at[1])), name) for name in names]
    assert [name for name in HOSTILE if name.isprintable()] == [
        name for name in read if name in HOSTILE and name.isprintable()
    ]


def test_cardinalities() -> None:
    """A foreign key that is unique leads to one row at most, one that may be null to none as well."""
    one, other = RelationName("public", "a"), RelationName("audit", "b")
    column = DiagramColumn(name="numbers", type="numeric(12,2)", not_null=True, change=Change.CHANGED, before="text")
    table = DiagramTable(name=one, columns=(column,), change=Change.CHANGED)
    references = tuple(
        DiagramReference(
            name="r", table=other, columns=("a",), to=one, to_columns=("id",), single=single, optional=optional
        )
        for single, optional in ((False, False), (True, True))
    )
    text = write_mermaid(Diagram(schema="public", tables=(table,), references=references))
    assert '    "a" ||--o{ "audit.b" : "a"' in text
    assert '    "a" |o--o| "audit.b" : "a"' in text
    assert '    "a":::changed {' in text
    assert '        numeric(12_2) numbers "numeric(12,2)#59; not null#59; changed from text"' in text


def test_all_tables() -> None:
    """All tables and all foreign keys of a large schema are there."""
    text = write_mermaid(shop())
    assert text.count(" {\n") == len(shop().tables)
    assert text.count("--o{") == len(shop().references)
