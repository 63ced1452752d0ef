"""Diagrams as SVG."""

from __future__ import annotations

import sys
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings

from sartor import Change, Diagram, DiagramColumn, DiagramTable, RelationName, UsageError
from sartor.drawing.box import LONGEST
from sartor.drawing.svg import write_svg
from support.diagrams import HOSTILE, diagrams, shop

SVG = "{http://www.w3.org/2000/svg}"
DRAWN = {"svg", "title", "style", "rect", "text", "path", "g"}
"""The elements that a drawing has: none of them runs, or loads, anything."""


def elements(diagram: Diagram) -> list[ET.Element]:
    """The elements of a diagram's SVG."""
    return list(ET.fromstring(write_svg(diagram)).iter())  # noqa: S314 - as above


@given(diagrams())
@settings(max_examples=40, deadline=None)
def test_nothing_runs(diagram: Diagram) -> None:
    """Whatever names, types and comments are, the SVG is XML of shapes and texts, without links or handlers."""
    for element in elements(diagram):
        assert element.tag.removeprefix(SVG) in DRAWN
        assert {name for name in element.attrib if name.startswith("on") or "href" in name} == set()
        assert (element.text is None) or element.tag.removeprefix(SVG) in {*DRAWN} - {"rect", "path"}
    styles = [element.text or "" for element in elements(diagram) if element.tag == f"{SVG}style"]
    assert len(styles) == 1
    assert not any(word in styles[0] for word in ("url(", "@import", "script"))


def test_hostile_names() -> None:
    """A name is shown as it is; characters that act are spelled out, and no line of the file begins a command."""
    columns = tuple(DiagramColumn(name=name, type="text", comment=name) for name in HOSTILE)
    diagram = Diagram(schema="public", tables=(DiagramTable(name=RelationName("public", "t"), columns=columns),))
    shown = {element.text for element in elements(diagram) if element.tag == f"{SVG}text"}
    assert {"<script>alert(1)</script>", 'a"b', "new\\nline", "\\x01", "\\ufffe", "\\u202egnp"} <= shown
    lines = write_svg(diagram).splitlines()
    assert not [line for line in lines if line.lstrip().startswith("::") or "##[" in line]


def test_marks() -> None:
    """Keys, required columns and changes are said by marks as well as by colours; a long text is in the tooltip."""
    long = "x" * 200
    columns = (
        DiagramColumn(name="id", type="uuid", primary=True, references=True),
        DiagramColumn(name="email", type="text", unique=True, not_null=True, change=Change.ADDED),
        DiagramColumn(name="gone", type="text", change=Change.REMOVED),
        DiagramColumn(name=long, type="text", change=Change.CHANGED, before="integer"),
    )
    table = DiagramTable(name=RelationName("public", "users"), columns=columns, change=Change.CHANGED)
    found = elements(Diagram(schema="public", release="2.0.0", since="1.0.0", tables=(table,)))
    texts = [element.text for element in found if element.tag == f"{SVG}text"]
    assert {"PK FK", "U", "+ email", "\N{MINUS SIGN} gone", "text", "text ?", "~ users", "added", "changed"} <= {*texts}
    assert f"~ {'x' * (LONGEST - 1)}…" in texts
    titles = [element.text or "" for element in found if element.tag == f"{SVG}title"]
    assert f"{long} text\nbefore: integer" in titles
    assert titles[0] == "Schema of release 2.0.0, compared with 1.0.0"


def test_the_same_bytes() -> None:
    """The same schema makes the same bytes, and needs no package's default that another machine might have."""
    assert write_svg(shop()) == write_svg(replace(shop()))


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without graphlay, the error says how to install it, and which formats need none."""
    monkeypatch.setitem(sys.modules, "graphlay", None)
    with pytest.raises(UsageError, match="graphlay") as error:
        write_svg(shop())
    assert "sartor[diagram]" in error.value.hint
