"""The output of `diagram`."""

from sartor.cli.results.objects import VERSION, JsonObject, pick
from sartor.cli.results.run import shown_path
from sartor.cli.results.units import count
from sartor.domain.diagram import Diagram, DiagramTable, DiagramType

_COLUMN = "name type not_null primary unique references default generated comment change before"
_REFERENCE = "name table columns to to_columns single optional on_delete on_update change"


def written_line(diagram: Diagram, file: str, *, changed: bool) -> str:
    size = f"{count(len(diagram.tables), 'table')}, {count(len(diagram.references), 'foreign key')}"
    return f"{'wrote' if changed else 'unchanged:'} {shown_path(file)} ({size})"


def diagram_json(diagram: Diagram, file: str | None) -> JsonObject:
    return {
        "version": VERSION,
        "schema": diagram.schema,
        "release": diagram.release or None,
        "since": diagram.since or None,
        "file": file,
        "tables": [_table(table) for table in diagram.tables],
        "references": [pick(each, _REFERENCE) for each in diagram.references],
        "types": [_type(each) for each in diagram.types],
    }


def _table(table: DiagramTable) -> JsonObject:
    return {
        **pick(table.name, "schema name"),
        **pick(table, "kind detail comment outside change"),
        "columns": [pick(column, _COLUMN) for column in table.columns],
        **pick(table, "keys"),
    }


def _type(of: DiagramType) -> JsonObject:
    return {**pick(of.name, "schema name"), **pick(of, "kind values change"), "new_values": sorted(of.new_values)}
