"""Writes a diagram as Mermaid's `erDiagram` (https://mermaid.js.org/syntax/entityRelationshipDiagram.html).

A name may be anything in quotes; what its grammar or a reader of HTML would act on is written as Mermaid's entity,
`#60;`. Names and types of attributes can't be quoted: there, other characters become `_`, and a comment has the name.
"""

import json
from collections.abc import Iterable, Iterator

from sartor.domain.diagram import MADE_BY, Diagram, DiagramColumn, DiagramReference, DiagramTable, RelationName
from sartor.domain.drift import Change
from sartor.domain.visible import printable, visible_line

_KEYS = frozenset({"pk", "fk", "uk"})
"""Words that aren't read as the name of an attribute."""
_FILLS = {
    Change.ADDED: "fill:#d3f0d9,stroke:#17692f,color:#18222d",
    Change.REMOVED: "fill:#fbdcdc,stroke:#a61b1b,color:#18222d",
    Change.CHANGED: "fill:#ffe9b8,stroke:#865100,color:#18222d",
}


def write_mermaid(diagram: Diagram) -> str:
    """Returns the diagram as text of Mermaid's."""
    return "\n".join(_lines(diagram)) + "\n"


def _lines(diagram: Diagram) -> Iterator[str]:
    yield from ("---", f"title: {json.dumps(visible_line(diagram.title))}", "---", f"%% {MADE_BY}", "erDiagram")
    for table in diagram.tables:
        yield from _table(table, diagram)
    for reference in diagram.references:
        yield _reference(reference, diagram)
    if any(table.change for table in diagram.tables):
        yield from (f"    classDef {each.value} {_FILLS[each]}" for each in Change)


def _table(table: DiagramTable, diagram: Diagram) -> Iterator[str]:
    head = f"    {_name(table.name, diagram)}{f':::{table.change.value}' if table.change else ''}"
    if table.outside or not table.columns:
        yield head
        return
    yield f"{head} {{"
    yield from (f"        {_attribute(column)}" for column in table.columns)
    yield "    }"


def _attribute(column: DiagramColumn) -> str:
    kind, name = _word(column.type), _word(column.name)
    marks = (("PK", column.primary), ("FK", column.references), ("UK", column.unique))
    keys = ", ".join(mark for mark, true in marks if true)
    told = (
        column.name if name != column.name else "",
        column.type if kind.replace("_", " ") != column.type.replace("_", " ") else "",
        "" if column.primary or not column.not_null else "not null",
        f"{column.change.value}{f' from {column.before}' if column.before else ''}" if column.change else "",
    )
    comment = quoted("; ".join(filter(None, told))) if any(told) else ""
    return " ".join(filter(None, (kind, name, keys, comment)))


def _reference(reference: DiagramReference, diagram: Diagram) -> str:
    one, many = "|o" if reference.optional else "||", "o|" if reference.single else "o{"
    label = ", ".join(reference.columns)
    if reference.change:
        label += f" ({reference.change.value})"
    ends = (_name(reference.to, diagram), _name(reference.table, diagram))
    return f"    {ends[0]} {one}--{many} {ends[1]} : {quoted(label)}"


def _name(name: RelationName, diagram: Diagram) -> str:
    return quoted(name.within(diagram.schema))


def quoted(text: str) -> str:
    """Returns text in quotes that Mermaid reads, and shows, as it is."""
    # A line in which `direction LR` stands anywhere says how the diagram runs.
    blank = " " if "direction" not in text.lower() else ""
    return '"' + "".join(_entity(each, plain=f"{blank}_.,-()") for each in printable(text)) + '"'


def _entity(character: str, *, plain: str) -> str:
    return character if character in plain or character.isalnum() else f"#{ord(character)};"


def _word(text: str) -> str:
    """Returns text as a word that needs no quotes."""
    word = "".join(_letters(text))
    if not (word[:1].isalpha() or word[:1] == "_"):
        word = f"_{word}"
    return f"{word}_" if word.lower() in _KEYS else word


def _letters(text: Iterable[str]) -> Iterator[str]:
    for each in text:
        yield each if each.isascii() and (each.isalnum() or each in "_-[]()") else "_"
