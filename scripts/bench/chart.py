"""Bars, as SVG that can be read on light and on dark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, NAMES, VALUES = 760, 200, 80
"""Of the picture, and of the columns left and right of the bars."""
LINE, BAR, TOP = 26, 16, 44

STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600 }
.bar { fill: #8c959f }
.ours { fill: #0969da }
.measure { fill: #57606a }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .bar { fill: #7d8590 }
  .ours { fill: #58a6ff }
  .measure { fill: #b1bac4 }
}
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """A name, a number of seconds, and how it is drawn: `bar`, `ours` or `measure`."""

    name: str
    seconds: float
    kind: str = "bar"


def draw(title: str, bars: Sequence[Bar]) -> str:
    """The bars, one below the other, as long as their numbers."""
    height = TOP + LINE * len(bars) + 8
    most = max(bar.seconds for bar in bars)
    lines = "\n".join(line for i, bar in enumerate(bars) for line in _bar(bar, TOP + LINE * i, most))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="{escape(title, {chr(34): "&quot;"})}">\n<style>{STYLE}</style>\n'
        f'<text class="title" x="8" y="24">{escape(title)}</text>\n{lines}\n</svg>\n'
    )


def _bar(bar: Bar, y: int, most: float) -> Iterator[str]:
    length = (WIDTH - NAMES - VALUES) * bar.seconds / most
    text = y + BAR - 4
    yield f'<text x="{NAMES - 10}" y="{text}" text-anchor="end">{escape(bar.name)}</text>'
    yield f'<rect class="{bar.kind}" x="{NAMES}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2"/>'
    yield f'<text x="{NAMES + length + 6:.1f}" y="{text}">{bar.seconds:.2f} s</text>'
