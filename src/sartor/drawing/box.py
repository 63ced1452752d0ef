"""Measures the boxes of a diagram: the texts of each row and the space that they take, in pixels.

The font is monospaced, so that the width of a text is known without one: a character takes 0.6 em in the common ones,
and an ideograph twice that.
"""

import unicodedata
from dataclasses import dataclass, field
from typing import NamedTuple

from sartor.domain.diagram import Diagram, DiagramColumn, DiagramTable, DiagramType
from sartor.domain.drift import Change
from sartor.domain.visible import visible_line

FONT = 12.0
"""The size of the text, in pixels."""
CHARACTER = 7.3
"""The width of a character, in pixels: 0.6 em, and a little for fonts that are wider."""
ROW, HEAD = 20.0, 30.0
"""The heights of a column's row and of a box's head, in pixels."""
MARGIN, GAP = 10.0, 16.0
"""The space beside the texts of a row, and between them, in pixels."""
LONGEST = 48
"""The most characters of a text; what is longer is shortened, and stands in a tooltip."""


SIGNS = {Change.ADDED: "+", Change.REMOVED: "\N{MINUS SIGN}", Change.CHANGED: "~"}
"""The signs of what came, went and changed."""


class Row(NamedTuple):
    """A row of a box: a name with marks before it and a text behind it."""

    name: str
    text: str = ""
    marks: str = ""
    tooltip: str = ""
    change: Change | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A box with its size, in pixels; `kind` is `table`, `view`, `type` or `outside`."""

    title: str
    kind: str
    detail: str = ""
    tooltip: str = ""
    rows: tuple[Row, ...] = ()
    change: Change | None = None
    least: float = 0.0
    width: float = field(init=False)
    height: float = field(init=False)

    def __post_init__(self) -> None:
        head = text_width(self.title) + (GAP + text_width(self.detail) if self.detail else 0)
        names = max((text_width(row.name) for row in self.rows), default=0.0)
        texts = max((text_width(row.text) for row in self.rows), default=0.0)
        body = self.marks + names + (GAP + texts if texts else 0)
        object.__setattr__(self, "width", float(round(max(head, body, 90.0) + 2 * MARGIN)))
        object.__setattr__(self, "height", max(HEAD + ROW * len(self.rows) + (4.0 if self.rows else 0.0), self.least))

    @property
    def marks(self) -> float:
        """The width of the marks before the names of its rows, in pixels."""
        widest = max((text_width(row.marks) for row in self.rows), default=0.0)
        return widest + 8 if widest else 0.0


def signed(text: str, change: Change | None) -> str:
    """Returns a name with the sign of its change before it: colours don't reach everyone."""
    return text if change is None else f"{SIGNS[change]} {text}"


def text_width(text: str) -> float:
    """Returns how wide a text is, in pixels."""
    return CHARACTER * sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def short(text: str) -> str:
    """Returns a text as a box shows it: on one line, without characters that act, and not too long."""
    shown = visible_line(text)
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"


def table_box(table: DiagramTable, diagram: Diagram, least: float = 0.0) -> Box:
    """Returns the box of a table, `least` pixels high at least."""
    name = table.name.within(diagram.schema)
    title = signed(short(name), table.change)
    if table.outside:
        return Box(
            title=signed(short(name), table.change), kind="outside", tooltip=name, change=table.change, least=least
        )
    kind = table.kind.removesuffix("table").strip()
    told = [name, table.detail, table.comment]
    return Box(
        title=title,
        kind="view" if table.kind.endswith("view") else "table",
        detail=short(", ".join(filter(None, (kind, table.detail)))),
        tooltip="\n".join(filter(None, told)),
        rows=tuple(_row(column, nullable=not table.kind.endswith("view")) for column in table.columns),
        change=table.change,
        least=least,
    )


def _row(column: DiagramColumn, *, nullable: bool) -> Row:
    """Returns the row of a column; of a view's, nobody says that they may be null."""
    optional = nullable and not (column.not_null or column.primary)
    marks = (("PK", column.primary), ("FK", column.references), ("U", column.unique))
    told = [f"{column.name} {column.rule}", column.comment, f"before: {column.before}" if column.before else ""]
    return Row(
        name=signed(short(column.name), column.change),
        text=short(column.type) + (" ?" if optional else ""),
        marks=" ".join([mark for mark, true in marks if true][:2]),
        tooltip="\n".join(filter(None, told)),
        change=column.change,
    )


def type_box(of: DiagramType, diagram: Diagram) -> Box:
    name = of.name.within(diagram.schema)
    changes = ((value, Change.ADDED if value in of.new_values else None) for value in of.values)
    rows = tuple(Row(signed(short(value), change), tooltip=value, change=change) for value, change in changes)
    title = signed(short(name), of.change)
    return Box(title=title, kind="type", detail=of.kind, tooltip=name, rows=rows, change=of.change)
