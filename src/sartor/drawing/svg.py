"""Writes a diagram as SVG: text stays text, colours follow the reader's light or dark scheme, and nothing in it runs.

Whatever the database's names and comments hold becomes text: escaped for XML, with characters that act spelled out.
"""

from collections.abc import Iterator
from html import escape

from sartor.domain.diagram import MADE_BY, Diagram, DiagramReference
from sartor.domain.drift import Change
from sartor.domain.visible import visible
from sartor.drawing.box import HEAD, MARGIN, ROW, SIGNS, Box, Row, text_width
from sartor.drawing.layout import lay_out
from sartor.drawing.lines import feet, number, path
from sartor.drawing.placement import Layout, Line

EDGE, TOP = 32.0, 96.0
"""The space around the drawing, and above it, where title and legend are, in pixels."""

_KEY = "PK primary key · FK foreign key · U unique · ? may be null"
_KEY_WIDTH = 400.0
_CARDINALITIES = (
    ("one to zero or more", False, False),
    ("zero or one to zero or more", False, True),
    ("one to zero or one", True, False),
)
_LEGEND_WIDTH, _SWATCHES_WIDTH = 1100.0, 300.0

_LIGHT = {
    "page": "#ffffff", "box": "#ffffff", "head": "#e8edf3", "type": "#efe9f7", "ink": "#18222d", "soft": "#556170",
    "rule": "#8a96a3", "line": "#4d5a68", "added": "#d3f0d9", "added-ink": "#17692f", "removed": "#fbdcdc",
    "removed-ink": "#a61b1b", "changed": "#ffe9b8", "changed-ink": "#865100",
}  # fmt: skip
_DARK = {
    "page": "#12171d", "box": "#1a2129", "head": "#2a3540", "type": "#33294a", "ink": "#e6ebf0", "soft": "#a3afbb",
    "rule": "#5f6c79", "line": "#9aa7b4", "added": "#1e4a2b", "added-ink": "#8fe0a5", "removed": "#55242a",
    "removed-ink": "#ffa3a3", "changed": "#4d3a10", "changed-ink": "#f5cf7a",
}  # fmt: skip

_FONTS = """\
text { font: 12px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace;
  white-space: pre }
.title { font: 600 22px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif }
.key text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif }
.name, .pk { font-weight: 700 }
.outside .name { font-weight: 400 }
.view .box, .outside .box { stroke-dasharray: 5 3 }
.line, .foot { stroke-width: 1.3 }
.line { fill: none }
.added .line, .added .foot, .removed .line, .removed .foot, .changed .line, .changed .foot { stroke-width: 2 }
.removed .line { stroke-dasharray: 6 4 }
text.removed { text-decoration: line-through }
.key text { text-decoration: none }
"""
_COLOURS = """\
text { fill: %(ink)s }
.page { fill: %(page)s }
.box { fill: %(box)s; stroke: %(rule)s }
.head { fill: %(head)s }
.type .head { fill: %(type)s }
.soft, .mark, .outside .name { fill: %(soft)s }
.line { stroke: %(line)s }
.foot { stroke: %(line)s; fill: %(page)s }
"""
_CHANGED = """\
.{0} .head, .row.{0} {{ fill: %({0})s }}
.{0} .box, .{0} .line, .{0} .foot {{ stroke: %({0}-ink)s }}
text.{0} {{ fill: %({0}-ink)s }}
"""


def _style() -> str:
    """Returns the style sheet: what is drawn how, in light colours and in dark ones."""
    colours = _COLOURS + "".join(_CHANGED.format(change.value) for change in Change)
    return f"{_FONTS}{colours % _LIGHT}@media (prefers-color-scheme: dark) {{\n{colours % _DARK}}}\n"


def write_svg(diagram: Diagram) -> str:
    """Returns the diagram as an SVG document. Raises UsageError where graphlay isn't installed."""
    drawing = lay_out(diagram)
    legend = _legend(diagram)
    least = max(text_width(diagram.title) * 1.9, _LEGEND_WIDTH + _SWATCHES_WIDTH * bool(diagram.since))
    width, height = round(max(drawing.width, least) + 2 * EDGE), round(drawing.height + TOP + EDGE)
    size = f'width="{width}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {width} {height}" role="img">',
        f"<!-- {MADE_BY} -->",
        f"<title>{text(diagram.title)}</title>",
        f"<style>\n{_style()}</style>",
        f'<rect class="page" {size}/>',
        f'<text class="title" x="{EDGE:g}" y="46">{text(diagram.title)}</text>',
        *legend,
        f'<g transform="translate({EDGE:g} {TOP:g})">',
        *_drawing(drawing, diagram),
        "</g>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def text(value: str) -> str:
    """Returns text as XML has it; characters that XML can't have, or that act, are spelled out."""
    return escape(visible(value).replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff"))


def _legend(diagram: Diagram) -> Iterator[str]:
    yield f'<g class="key" transform="translate({EDGE:g} 72)">'
    yield f'<text class="soft">{text(_KEY)}</text>'
    x = _KEY_WIDTH
    for words, single, optional in _CARDINALITIES:
        line = ((x, -4.0), (x + 64, -4.0))
        yield f'<path class="line" d="{path(line)}"/>'
        yield f'<path class="foot" d="{feet(line, single=single, optional=optional)}"/>'
        yield f'<text class="soft" x="{x + 72:g}">{words}</text>'
        x += 72 + 7.2 * len(words) + 24
    for change in Change if diagram.since else ():
        yield f'<rect class="row {change.value}" x="{x:g}" y="-14" width="18" height="18" rx="3"/>'
        yield f'<text class="{change.value}" x="{x + 5:g}">{SIGNS[change]}</text>'
        yield f'<text class="soft" x="{x + 24:g}">{change.value}</text>'
        x += 100
    yield "</g>"


def _drawing(drawing: Layout, diagram: Diagram) -> Iterator[str]:
    for line in drawing.lines:
        yield from _line(line, diagram)
    for placed in drawing.boxes:
        at = f"{number(placed.x)} {number(placed.y)}"
        yield f'<g class="{_class(placed.box.kind, placed.box.change)}" transform="translate({at})">'
        yield from _box(placed.box)
        yield "</g>"
    if not drawing.boxes:
        yield '<text class="soft" y="12">no tables</text>'


def _line(line: Line, diagram: Diagram) -> Iterator[str]:
    reference = line.reference
    yield f'<g class="{_class("reference", reference.change)}">'
    yield f"<title>{text(reference_label(reference, diagram))}</title>"
    yield f'<path class="line" d="{path(line.points)}"/>'
    yield f'<path class="foot" d="{feet(line.points, single=reference.single, optional=reference.optional)}"/>'
    yield "</g>"


def reference_label(reference: DiagramReference, diagram: Diagram) -> str:
    """Returns a foreign key as one line says it."""
    ends = (
        f"{name.within(diagram.schema)} ({', '.join(columns)})"
        for name, columns in ((reference.table, reference.columns), (reference.to, reference.to_columns))
    )
    action = f", on delete {reference.on_delete}" if reference.on_delete else ""
    return f"{reference.name}: {' references '.join(ends)}{action}"


def _box(box: Box) -> Iterator[str]:
    yield f"<title>{text(box.tooltip)}</title>"
    yield f'<rect class="box" width="{box.width:g}" height="{box.height:g}" rx="4"/>'
    yield f'<path class="head" d="{_head(box)}"/>'
    yield f'<text class="name" x="{MARGIN:g}" y="20">{text(box.title)}</text>'
    if box.detail:
        yield f'<text class="soft" x="{box.width - MARGIN:g}" y="20" text-anchor="end">{text(box.detail)}</text>'
    for at, row in enumerate(box.rows):
        yield from _row(row, box, HEAD + at * ROW + 2)


def _head(box: Box) -> str:
    """Returns the path of a box's head, within its outline: round below too, where there are no rows."""
    wide, high = box.width - 9, min(HEAD, box.height)
    if box.rows:
        return f"M.5 {high:g}V4q0 -3.5 3.5 -3.5h{wide + 1:g}q3.5 0 3.5 3.5V{high:g}z"
    above, below = (
        f"M.5 4q0 -3.5 3.5 -3.5h{wide + 1:g}q3.5 0 3.5 3.5",
        f"q0 3.5 -3.5 3.5h-{wide + 1:g}q-3.5 0 -3.5 -3.5z",
    )
    return f"{above}V{box.height - 4:g}{below}"


def _row(row: Row, box: Box, y: float) -> Iterator[str]:
    change = row.change.value if row.change else ""
    yield f"<g><title>{text(row.tooltip)}</title>"
    if change:
        yield f'<rect class="row {change}" x="1" y="{y:g}" width="{box.width - 2:g}" height="{ROW:g}"/>'
    base = f'y="{y + 14:g}"'
    if row.marks:
        yield f'<text class="mark" x="{MARGIN:g}" {base}>{row.marks}</text>'
    kind = f"{'pk ' if 'PK' in row.marks else ''}{change}".strip()
    names = f' class="{kind}"' if kind else ""
    yield f'<text{names} x="{MARGIN + box.marks:g}" {base}>{text(row.name)}</text>'
    if row.text:
        yield f'<text class="soft" x="{box.width - MARGIN:g}" {base} text-anchor="end">{text(row.text)}</text>'
    yield "</g>"


def _class(kind: str, change: Change | None) -> str:
    return f"{kind} {change.value}" if change else kind
