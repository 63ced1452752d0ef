"""Writes a diagram as DBML (https://dbml.dbdiagram.io/docs), which other tools read.

Names stand in double quotes, texts in single ones, expressions in backquotes. None of them can hold its own quote and
be read by every tool, so that quotes and backslashes in names become marks that look like them.
"""

from collections.abc import Iterable, Iterator

from sartor.domain.diagram import (
    MADE_BY,
    Diagram,
    DiagramColumn,
    DiagramReference,
    DiagramTable,
    DiagramType,
    RelationName,
)
from sartor.domain.drift import Change
from sartor.domain.visible import visible_line

_LOOK_ALIKE = str.maketrans({'"': "\N{RIGHT DOUBLE QUOTATION MARK}", "\\": "\N{SET MINUS}", "`": "\N{PRIME}"})
_COLOURS = {Change.ADDED: "#17692f", Change.REMOVED: "#a61b1b", Change.CHANGED: "#865100"}
_UNKNOWN = "unknown"
"""The type of a column of a table that isn't part of the diagram."""


def write_dbml(diagram: Diagram) -> str:
    """Returns the diagram as DBML."""
    return "\n".join(_lines(diagram)) + "\n"


def _lines(diagram: Diagram) -> Iterator[str]:
    yield from (f"// {MADE_BY}", f"Project {name(diagram.title)} {{", "  database_type: 'PostgreSQL'", "}")
    for each in diagram.types:
        if each.kind == "enum" and each.values:
            yield from ("", *_enum(each, diagram))
    for table in diagram.tables:
        yield from ("", *_table(table, diagram))
    if diagram.references:
        yield ""
    yield from (_reference(reference, diagram) for reference in diagram.references)


def _enum(of: DiagramType, diagram: Diagram) -> Iterator[str]:
    yield f"Enum {_relation(of.name, diagram)} {{"
    for value in of.values:
        yield f"  {name(value)}{' [note: ' + quoted('added') + ']' if value in of.new_values else ''}"
    yield "}"


def _table(table: DiagramTable, diagram: Diagram) -> Iterator[str]:
    colour = f" [headercolor: {_COLOURS[table.change]}]" if table.change else ""
    yield f"Table {_relation(table.name, diagram)}{colour} {{"
    if table.columns:
        yield from (f"  {_column(column)}" for column in table.columns)
    else:
        yield from (f"  {name(column)} {_UNKNOWN}" for column in _needed(table, diagram))
    composite = [key for key in table.keys if len(key.columns) > 1]
    if composite:
        indexes = (f"    ({_names(key.columns)}) [{'pk' if key.primary else 'unique'}]" for key in composite)
        yield from ("", "  indexes {", *indexes, "  }")
    kind = table.kind if table.kind != "table" else ""
    told = (kind, table.detail, table.change.value if table.change else "", table.comment)
    if any(told):
        yield f"  Note: {quoted('; '.join(filter(None, told)))}"
    yield "}"


def _needed(table: DiagramTable, diagram: Diagram) -> tuple[str, ...]:
    """Returns the columns of a table that references name; at least one, as a table without any isn't read."""
    ends = (((r.table, r.columns), (r.to, r.to_columns)) for r in diagram.references)
    found = sorted({column for pair in ends for end, columns in pair if end == table.name for column in columns})
    return tuple(found) or ("-",)


def _column(column: DiagramColumn) -> str:
    told = (column.comment, f"was {column.before}" if column.before else "")
    note = "; ".join(filter(None, (column.change.value if column.change else "", *told)))
    settings = (
        ("pk", column.primary),
        ("unique", column.unique),
        ("not null", column.not_null and not column.primary),
        (f"default: {_expression(column.default or '')}", column.default),
        (f"note: {quoted(note)}", note),
    )
    told_settings = ", ".join(setting for setting, true in settings if true)
    return f"{name(column.name)} {name(column.type)}{f' [{told_settings}]' if told_settings else ''}"


def _reference(reference: DiagramReference, diagram: Diagram) -> str:
    kind = "-" if reference.single else ">"
    ends = (
        f"{_relation(of, diagram)}.{_names(columns) if len(columns) == 1 else f'({_names(columns)})'}"
        for of, columns in ((reference.table, reference.columns), (reference.to, reference.to_columns))
    )
    actions = (("delete", reference.on_delete), ("update", reference.on_update))
    settings = [f"{event}: {action}" for event, action in actions if action]
    if reference.change:
        settings.append(f"color: {_COLOURS[reference.change]}")
    told = f" [{', '.join(settings)}]" if settings else ""
    return f"Ref {name(reference.name)}: {f' {kind} '.join(ends)}{told}"


def _relation(of: RelationName, diagram: Diagram) -> str:
    return name(of.name) if of.schema == diagram.schema else f"{name(of.schema)}.{name(of.name)}"


def _names(columns: Iterable[str]) -> str:
    return ", ".join(name(column) for column in columns)


def name(text: str) -> str:
    """Returns a name in its quotes."""
    return f'"{visible_line(text).translate(_LOOK_ALIKE)}"'


def quoted(text: str) -> str:
    """Returns a text in its quotes."""
    return "'" + visible_line(text).replace("\\", "\\\\").replace("'", "\\'") + "'"


def _expression(text: str) -> str:
    return f"`{visible_line(text).translate(_LOOK_ALIKE)}`"
