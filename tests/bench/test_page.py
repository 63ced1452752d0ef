"""What a comparison found, as a page and as a picture."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from chart import Bar, draw
from contest import Act, Standing, Times
from page import BEGIN, END, Found, lines, placed

SVG = "{http://www.w3.org/2000/svg}"

STANDING = Standing(
    count=1000,
    results={
        "Sartor": {Act.DEPLOY: Times((2.0, 2.4, 9.0)), Act.AGAIN: Times((0.2,)), Act.ROLLBACK: Times((1.0,))},
        "psql -f": {Act.DEPLOY: Times((2.0,)), Act.ROLLBACK: Times((2.0,))},
        "dbmate": {Act.DEPLOY: Times((3.0,)), Act.AGAIN: Times((0.02,))},
    },
    out={"snail": "over 60 s"},
)
FOUND = Found(
    machine="Here.",
    ours=["Sartor"],
    peers=["dbmate", "snail"],
    versions={"Sartor": "1", "psql -f": "15", "dbmate": "2", "snail": "3"},
    manners={"dbmate": "as it is"},
    absent=["gone"],
    near=[STANDING],
    far=None,
    round_trip=0.02,
)


def test_rows() -> None:
    """A row a tool, the fastest first: median, least, the ratio to psql; who dropped out is last, with the reason."""
    rows = [line for line in lines(FOUND) if line.startswith(("| `", "| **", "| d", "| s"))]
    assert rows[:4] == [
        "| `psql -f` | 15 | 1 | 2.00 (2.00) | 1.00 |  |  | 2.00 (2.00) | 1.00 |",
        "| **Sartor** | 1 | 3 | 2.40 (2.00) | 1.20 | 0.20 (0.20) |  | 1.00 (1.00) | 0.50 |",
        "| dbmate | 2 | 1 | 3.00 (3.00) | 1.50 | 0.02 (0.02) |  |  |  |",
        "| snail | 3 | | over 60 s | | | | | |",
    ]


def test_figures() -> None:
    """The figures are ratios of medians, and the fastest peer is named."""
    page = "\n".join(lines(FOUND))
    assert "| deploy 1,000, Sartor / `psql -f` | **1.20** | <= 1.15 |" in page
    assert "| deploy 1,000, Sartor / the fastest peer, dbmate | **0.80** | < 1 |" in page


def test_losses() -> None:
    """Whoever was faster is named for each act, and who couldn't be had as well."""
    page = "\n".join(lines(FOUND))
    assert "- deploy, 1,000 scripts: `psql -f` (0.83).\n" in page
    assert "- nothing to do, 1,000 scripts: dbmate (0.10).\n" in page
    assert "- rollback, 1,000 scripts: none.\n" in page
    assert "Not to be had where this was measured: gone." in page


def test_distance() -> None:
    """Over the distance Sartor is held to the share of the others' time that it takes."""
    page = "\n".join(lines(replace(FOUND, far=STANDING)))
    assert "where a query takes 20.0 ms there and back" in page
    assert "| deploy 1,000 over the distance, Sartor / dbmate | **0.80** | <= 0.15 |" in page


def test_placed() -> None:
    """Only what stands between the marks is replaced."""
    assert placed(f"a\n{BEGIN}\nold\n{END}\nz\n", "new\n") == f"a\n{BEGIN}\nnew\n{END}\nz\n"
    with pytest.raises(ValueError, match="peers"):
        placed("a\n", "new\n")


def test_bars() -> None:
    """A bar is as long as its number, and a name may have any character."""
    picture = ET.fromstring(draw("a < b", [Bar("x & y", 4.0), Bar("ours", 1.0, "ours")]))  # noqa: S314 - our own
    long, short = (float(bar.attrib["width"]) for bar in picture.iter(f"{SVG}rect"))
    assert long == pytest.approx(4 * short)
    texts = [text.text for text in picture.iter(f"{SVG}text")]
    assert texts == ["a < b", "x & y", "4.00 s", "ours", "1.00 s"]
